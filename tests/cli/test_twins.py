"""`mediate pairs from`: its options, what it says, and that `mediate pairs` is what it was."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from mediate.cli import app
from mediate.cli.options import columns_of
from mediate.errors import InputError
from mediate.pairs import read_pairs

PENS = {
    "question": "Tom has 5 boxes of 8 pens. He gives 6 away. How many does he keep?",
    "answer": "He has 5*8=<<5*8=40>>40 pens.\nHe keeps 40-6=<<40-6=34>>34.\n#### 34",
}


def mediate(*words: object) -> Result:
    return CliRunner().invoke(app, [str(word) for word in words])


def put(folder: Path, *rows: dict[str, object]) -> Path:
    path = folder / "gsm8k.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def test_twins_by_numbers_are_written_and_the_rest_is_told(tmp_path: Path) -> None:
    path = put(tmp_path, PENS, {"question": "Tom?", "answer": "5.\n#### 5"})
    done = mediate("pairs", "from", path, "--out", tmp_path / "pairs.jsonl", "--seed", 1)
    assert done.exit_code == 0, done.output
    assert "gsm8k.jsonl: 1 of 2 items has a twin by numbers; of 1 without: no step is annotated (1)" in done.stderr
    assert f"next: mediate score {tmp_path / 'pairs.jsonl'} --model M" in done.stderr
    (pair,) = read_pairs(tmp_path / "pairs.jsonl")
    assert pair.base.question == PENS["question"]
    again = mediate("pairs", "from", path, "--out", tmp_path / "pairs.jsonl", "--seed", 1)
    assert again.exit_code == 0
    other = mediate("pairs", "from", path, "--out", tmp_path / "pairs.jsonl", "--seed", 2)
    assert isinstance(other.exception, InputError)
    assert "is there already, with other content" in str(other.exception)


def test_twins_by_other_items_take_columns(tmp_path: Path) -> None:
    rows = [{"problem": "Which?", "final": 3, "level": 1}, {"problem": "What?", "final": 4, "level": 2}]
    words = ["--out", tmp_path / "pairs.jsonl", "--by", "other", "--columns", "question=problem, answer=final"]
    done = mediate("pairs", "from", put(tmp_path, *rows), *words)
    assert done.exit_code == 0, done.output
    assert [pair.source.answer for pair in read_pairs(tmp_path / "pairs.jsonl")] == ["4", "3"]


def test_no_twin_at_all_is_an_error_that_says_why(tmp_path: Path) -> None:
    done = mediate(
        "pairs", "from", put(tmp_path, {"question": "Tom?", "answer": "5.\n#### 5"}), "--out", tmp_path / "p.jsonl"
    )
    assert isinstance(done.exception, InputError)
    assert str(done.exception).endswith(
        "gsm8k.jsonl: no item has a twin by numbers; of 1 without: no step is annotated (1)"
    )
    assert not (tmp_path / "p.jsonl").exists()


def test_pairs_of_a_task_are_made_as_before(tmp_path: Path) -> None:
    done = mediate("pairs", "--out", tmp_path / "pairs.jsonl", "-n", 2, "--task", "modular")
    assert done.exit_code == 0, done.output
    assert len(read_pairs(tmp_path / "pairs.jsonl")) == 2
    assert "pairs from" in mediate("--help").output


@pytest.mark.parametrize("text", ["question", "question=", "=a", "question=a,question=b", ""])
def test_columns_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(InputError, match=r"is not FIELD=COLUMN,\.\.\.; write question=problem,answer=final"):
        columns_of(text)
