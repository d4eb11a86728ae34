"""`mediate pairs check`: what a file holds, with each bad row and its place; no model is loaded."""

import json
from pathlib import Path

import pytest

from mediate.cli.check_pairs import MOST
from tests.test_cli import mediate


def world(question: str, answer: str, **more: str) -> dict[str, str]:
    return {"question": question, "answer": answer} | more


def row(name: str, *, answer: str = "3", **more: str) -> str:
    return json.dumps({"id": name, "base": world("1 + 1?", "2", **more), "source": world("1 + 2?", answer, **more)})


def written(folder: Path, *rows: str) -> Path:
    path = folder / "p.jsonl"
    path.write_text("".join(f"{each}\n" for each in rows))
    return path


def test_a_good_file_is_counted(tmp_path: Path) -> None:
    written(tmp_path, row("a", cot="1 and so on."), row("b"))
    done = mediate("pairs", "check", "p.jsonl", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "p.jsonl: 2 pairs\n2 good, 2 groups, 1 with chains, 0 bad\n" + (
        "1 pair without a chain in both worlds: the model writes what is missing\n"
    )


def test_what_a_run_makes_up_for_is_counted(tmp_path: Path) -> None:
    rows = ["question,answer,cot", "1 + 1?,2,It is 2.", "1 + 2?,,It is 3.", "1 + 3?,,", "1 + 4?,5.0,"]
    (tmp_path / "own.csv").write_text("\n".join(rows))
    done = mediate("pairs", "check", "own.csv", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "2 items without an answer: the model's own is measured there" in done.stderr.splitlines()
    assert "2 items without a chain: the model writes it" in done.stderr.splitlines()
    counts = json.loads(done.stdout)["counts"]
    assert (counts["good"], counts["with_chains"], counts["without_answer"]) == (4, 2, 2)


def test_every_bad_row_is_told_with_its_place_and_the_exit_code_says_so(tmp_path: Path) -> None:
    written(tmp_path, row("a"), row("b", answer="2"), "{", row("a"))
    done = mediate("pairs", "check", "p.jsonl", "--json", cwd=tmp_path)
    assert done.returncode == 1
    found = json.loads(done.stdout)
    assert (found["file"], found["holds"]) == ("p.jsonl", "pairs")
    assert found["counts"]["bad"] == len(found["errors"]) == 3
    assert {each["code"] for each in found["errors"]} >= {"equal_answers", "duplicate_id"}
    assert found["errors"][0]["place"] == "p.jsonl:2"
    assert "p.jsonl:2: item 'b': both answers are '2'" in done.stderr


def test_many_bad_rows_are_told_in_part(tmp_path: Path) -> None:
    written(tmp_path, *(row(str(place), answer="2") for place in range(MOST + 5)))
    done = mediate("pairs", "check", "p.jsonl", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stdout.count("both answers are") == MOST
    assert done.stdout.endswith("  and 5 more\n")


def test_a_data_set_is_told_for_what_it_is_taken(tmp_path: Path) -> None:
    (tmp_path / "gsm.jsonl").write_text(json.dumps(world("1 + 1?", "1 and 1 is 2.\n#### 2")) + "\n")
    done = mediate("pairs", "check", "gsm.jsonl", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("gsm.jsonl: 1 ")
    assert "1 good, 1 group, 1 with chains, 0 bad" in done.stdout


@pytest.mark.parametrize("name", ["missing.jsonl", "."])
def test_no_such_file_is_one_line(tmp_path: Path, name: str) -> None:
    done = mediate("pairs", "check", name, cwd=tmp_path)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize(
    ("row", "told"),
    [
        (row("a", cot="It is."), "1 pair"),
        (json.dumps(world("1 + 1?", "2")), "1 item"),
        (json.dumps(world("1 + 1?", "It is 2.\n#### 2")), "1 GSM8K problem"),
        (
            json.dumps({"doc_id": 0, "doc": {}, "arguments": [["1 + 1?"]], "resps": [["2"]], "target": "2"}),
            "1 sample of",
        ),
    ],
)
def test_one_is_told_as_one(tmp_path: Path, row: str, told: str) -> None:
    written(tmp_path, row)
    done = mediate("pairs", "check", "p.jsonl", cwd=tmp_path)
    assert done.stdout.startswith(f"p.jsonl: {told}")
    assert f": {told}s" not in done.stdout
