"""`mediate traces`: scored by one command, selected by another, and wrong input is one line."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mediate.cli import app
from mediate.distill import rsd_run
from mediate.pairs.files import write_pairs
from mediate.pairs.reading import read_items
from mediate.results.speculative import read_speculative
from mediate.results.token_join import read_joined
from mediate.results.trace_folder import read_trace_results
from mediate.tasks.modular import modular_pairs

pytestmark = pytest.mark.usefixtures("undrawn")

RUN = CliRunner()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("traces")
    write_pairs(folder / "p.jsonl", modular_pairs(6))
    arguments = ["traces", "score", str(folder / "p.jsonl"), "--model", "reference-0.1m-decorative", "-q"]
    result = RUN.invoke(app, [*arguments, "--teacher", "reference-0.1m", "--out", str(folder / "run")])
    assert result.exit_code == 0, result.output
    assert "6 traces of" in result.output
    assert "reference-0.1m-decorative, teacher reference-0.1m" in result.output
    return folder / "run"


def test_a_run_holds_tokens_and_traces(run: Path) -> None:
    found = read_trace_results(run)
    assert len(found.traces) == 6
    assert found.teacher == "reference-0.1m"
    assert {"teacher_surprisal", "divergence"} <= set(found.table())


def test_a_run_without_a_page_says_so(run: Path) -> None:
    result = RUN.invoke(app, ["report", str(run)])
    assert result.exit_code != 0
    assert "a run of scored traces has no page" in str(result.exception)
    assert not (run / "report.html").exists()


def test_a_selection_needs_no_model(run: Path, tmp_path: Path) -> None:
    out = tmp_path / "kept.jsonl"
    result = RUN.invoke(app, ["traces", "select", str(run), "--by", "surprisal", "--keep", "0.5", "--out", str(out)])
    assert result.exit_code == 0
    assert "3 of 6 traces" in result.output
    kept = {json.loads(line)["id"] for line in out.read_text("utf-8").splitlines()}
    assert kept == set(read_trace_results(run).table().sort_values("surprisal")["item"].head(3))
    again = RUN.invoke(app, ["traces", "select", str(run), "--by", "surprisal", "--keep", "1", "--out", str(out)])
    assert again.exit_code != 0
    assert "--force" in str(again.exception)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--by", "drop"], "how many are kept"),
        (["--keep", "2"], "above 0 and up to 1"),
    ],
)
def test_wrong_selections_are_one_line(run: Path, tmp_path: Path, arguments: list[str], message: str) -> None:
    result = RUN.invoke(app, ["traces", "select", str(run), *arguments, "--out", str(tmp_path / "x.jsonl")])
    assert result.exit_code != 0
    assert message in str(result.exception)


def test_traces_are_written_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_pairs(tmp_path / "p.jsonl", modular_pairs(3))
    out, run = tmp_path / "kept.jsonl", tmp_path / "run"
    models = ["--teacher", "reference-0.3m", "--student", "reference-0.1m"]
    asked = ["traces", "rsd", *models, "--questions", str(tmp_path / "p.jsonl"), "--traces", "2", "-q"]
    result = RUN.invoke(app, [*asked, "--out", str(out), "--run", str(run)])
    assert result.exit_code == 0, result.output
    assert f"3 traces: {out}" in result.output
    assert len(read_items(out)) == 3
    assert len(read_speculative(run).traces) == 6
    result = RUN.invoke(app, [*asked, "--out", str(run)])
    assert "is a folder" in str(result.exception)
    # That a file is there is noticed before anything is written for it; what was written before may be asked for again.
    content = out.read_bytes()
    monkeypatch.setattr(rsd_run, "write_together", None)
    assert RUN.invoke(app, [*asked, "--out", str(out)]).exit_code == 0
    for more in (["--seed", "1"], ["--seed", "1", "--run", str(tmp_path / "other")], ["--no-cache"]):
        result = RUN.invoke(app, [*asked, *more, "--out", str(out)])
        assert "is there already, and what is asked for was not written before" in str(result.exception)
        assert not (tmp_path / "other").exists()
    assert out.read_bytes() == content
    assert isinstance(RUN.invoke(app, [*asked, "--seed", "1", "--force", "--out", str(out)]).exception, TypeError)


def test_tokens_are_joined_and_the_page_is_written(tmp_path: Path) -> None:
    write_pairs(tmp_path / "p.jsonl", modular_pairs(3))
    asked = ["traces", "join", str(tmp_path / "p.jsonl"), "--model", "reference-0.1m", "--states", "1", "-q"]
    result = RUN.invoke(app, [*asked, "--out", str(tmp_path / "run")])
    assert result.exit_code == 0, result.output
    assert "rejects no token" in result.output
    assert (tmp_path / "run" / "report.html").is_file()
    assert len(read_joined(tmp_path / "run").traces) == 3
    result = RUN.invoke(app, [*asked, "--likely", "2", "--out", str(tmp_path / "other")])
    assert result.exit_code != 0
    assert not (tmp_path / "other").exists()
