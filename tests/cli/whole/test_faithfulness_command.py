"""`mediate faithfulness`: a run directory with both sides and its page; what is wrong is one line."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

import mediate as md
from mediate.cli import app

pytestmark = pytest.mark.usefixtures("undrawn")


@pytest.fixture
def pairs(tmp_path: Path) -> Path:
    md.write_pairs(tmp_path / "pairs.jsonl", md.modular_pairs(4, seed=0, steps=2))
    return tmp_path / "pairs.jsonl"


def test_a_run_with_both_sides(pairs: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    arguments = [
        "faithfulness",
        str(pairs),
        "--model",
        "reference-0.1m",
        "--out",
        str(out),
        "--quiet",
        "--maps",
        "none",
    ]
    ran = CliRunner().invoke(app, [*arguments, "--readings", "at_once", "--edits", "truncated,filled,another"])
    assert ran.exit_code == 0, ran.output
    assert "behaviour: Answers that stay with the whole chain replaced" in ran.output
    assert (out / "results" / "behaviour.parquet").exists()
    assert "Behaviour: the chain edited" in (out / "report.html").read_text("utf-8")
    assert isinstance(md.open(out), md.Faithfulness)


def test_a_wrong_choice_costs_no_model(pairs: Path, tmp_path: Path) -> None:
    arguments = ["faithfulness", str(pairs), "--model", "reference-0.1m", "--out", str(tmp_path / "run")]
    ran = CliRunner().invoke(app, [*arguments, "--edits", "cut"])
    assert isinstance(ran.exception, md.InputError) or "no edit 'cut'" in ran.output
    assert not (tmp_path / "run").exists()


def test_a_wrong_rewriter_costs_no_model(pairs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mediate.api.load", lambda *_, **__: pytest.fail("a model was loaded"))
    arguments = ["faithfulness", str(pairs), "--model", "reference-0.1m", "--out", str(tmp_path / "run")]
    ran = CliRunner().invoke(app, [*arguments, "--edits", "reworded", "--rewriter", str(tmp_path / "nothing.gguf")])
    assert isinstance(ran.exception, md.InputError)
    assert "nothing.gguf" in str(ran.exception)
