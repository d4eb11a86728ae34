"""`mediate init`: an example that a run can be made of at once, and that nothing of yours is lost to."""

from pathlib import Path

import pytest

from mediate.pairs.files import read_pairs
from tests.test_cli import mediate


def test_what_it_writes_is_measured_by_the_command_that_it_names(tmp_path: Path) -> None:
    done = mediate("init", "first", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["first/pairs.jsonl", "first/run.yaml"]
    assert done.stderr.splitlines()[-1] == "next: mediate score first/run.yaml"
    assert len(read_pairs(tmp_path / "first" / "pairs.jsonl")) == 8
    run = mediate("score", "first/run.yaml", "--limit", 2, "--control-pairs", 0, "--no-report", cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    assert (tmp_path / "first" / "run" / "results" / "cube.parquet").is_file()


@pytest.mark.parametrize(
    ("model", "fits"),
    [("org/model", False), ("reference-0.3m", True), ("reference-worded-0.8m", True)],
    ids=["any", "modular", "worded"],
)
def test_pairs_are_such_as_the_model_reads(tmp_path: Path, model: str, fits: bool) -> None:
    assert mediate("init", "x", "--model", model, cwd=tmp_path).returncode == 0
    questions = [each.base.question for each in read_pairs(tmp_path / "x" / "pairs.jsonl")]
    assert f"model: {model} " in (tmp_path / "x" / "run.yaml").read_text()
    assert {each.startswith("Start ") for each in questions} == {fits}


def test_what_was_changed_is_not_written_over(tmp_path: Path) -> None:
    assert mediate("init", "x", cwd=tmp_path).returncode == 0
    assert mediate("init", "x", cwd=tmp_path).returncode == 0  # the same again
    mine = tmp_path / "x" / "run.yaml"
    mine.write_text("model: mine\n")
    done = mediate("init", "x", cwd=tmp_path)
    assert done.returncode == 2
    assert "x/run.yaml: is there already, with other content" in done.stderr
    assert mine.read_text() == "model: mine\n"
    assert mediate("init", "x", "--force", cwd=tmp_path).returncode == 0
    assert "reference-0.1m" in mine.read_text()
