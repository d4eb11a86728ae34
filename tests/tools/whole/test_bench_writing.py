"""Benchmarks write their tables into a page: on made-up records, without measuring anything."""

import json
from pathlib import Path

import pytest

import tools.bench.__main__ as command
from mediate.errors import InputError
from tools.bench.bench import Bench, Setting
from tools.bench.rows import Conditions, Row, number, table
from tools.bench.timing import Record

UNDER = Conditions("a model", "float32", 2, (0.5, 1.25), "2026-11-22", ("torch 2.13.0",))


def row(what: str, on: str, value: float, unit: str = "", under: Conditions = UNDER) -> Row:
    return Row(what, on, value, unit, 3, value / 2, 2 * value, under)


def test_what_is_a_line_and_on_a_column() -> None:
    made = table([row("fast", "short", 2.0, "times"), row("fast", "long", 40.0, "times"), row("memory", "long", 1.0)])
    assert made.splitlines()[:4] == [
        "| what | short | long | n |",
        "| --- | --- | --- | --- |",
        "| fast (times) | 2.00 [1.00, 4.00] | 40.0 [20.0, 80.0] | 3 |",
        "| memory |  | 1.00 [0.500, 2.00] | 3 |",
    ]


def test_the_conditions_stand_beneath_each_with_all_its_values() -> None:
    later = Conditions("a model", "float64", 2, (2.0, 3.0), "2026-11-29", ("torch 2.13.0",))
    beneath = table([row("fast", "short", 2.0), row("slow", "short", 2.0, under=later)]).split("\n\n")[1]
    assert " ".join(beneath.split()) == (
        "a model; float32, float64; threads: 2; load: 0.5 to 3.0; 2026-11-22, 2026-11-29; torch 2.13.0. Medians, with "
        "the range of n rounds."
    )
    unknown = Conditions("a model", "float32", 1, None, "2026-11-22", ())
    beneath = table([row("fast", "short", 2.0, under=unknown)]).split("\n\n")[1]
    assert "load: not recorded" in beneath
    assert "versions not recorded" in " ".join(beneath.split())


def test_lines_of_several_units_have_them_in_their_cells() -> None:
    made = table([Row("8 layers", "cube", 2.5, "s", 1, None, None, UNDER), row("8 layers", "memory", 1.0, "GiB")])
    assert "| 8 layers | 2.50 s | 1.00 GiB [0.500, 2.00] | 1 to 3 |" in made


def test_one_number_on_one_thing_stands_once() -> None:
    with pytest.raises(ValueError, match="2 rows, 1 of them"):
        table([row("fast", "short", 2.0), row("fast", "short", 3.0)])
    with pytest.raises(ValueError, match="0 rows"):
        table([])


@pytest.mark.parametrize(
    ("value", "shown"), [(3, "3"), (12345, "12,345"), (1234.5, "1,234"), (99.44, "99.4"), (0.0123, "0.0123"),
                         (2.5e-5, "2.5e-05"), (0.0, "0"), (-1.5, "-1.50")]
)  # fmt: skip
def test_numbers_have_three_digits(value: float, shown: str) -> None:
    assert number(value) == shown


def test_a_record_says_under_what_a_number_was_measured(capsys: pytest.CaptureFixture[str]) -> None:
    record = Record(rounds=2, bench="b", model="m", dtype="float64")
    assert record.value("taken", [3.0, 1.0, 2.0], "s", on="x") == 2.0
    record.compare("slow / fast", lambda: None, lambda: None, note="y")
    first, second = record.rows
    assert (first.value, first.low, first.high, first.n, first.unit, first.on) == (2.0, 1.0, 3.0, 3, "s", "x")
    assert (second.unit, second.n, second.on, second.value) == ("times", 2, "y", record.ratios[0].ratio)
    assert (first.under.model, first.under.dtype) == ("m", "float64")
    assert first.under.threads > 0
    assert any(each.startswith("torch ") for each in first.under.versions)
    assert record.values == {"b: x: taken": 2.0}
    assert "b: x: taken" in capsys.readouterr().out


def made_up(name: str, *, skips: bool = False) -> Bench:
    def measure(record: Record, setting: Setting) -> None:
        record.value("taken", 2.0 if setting.short else 1.0, "s", on="x")
        if skips:
            record.skip("another", "not installed")

    return Bench(name, measure, minutes=0)


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    benches = (made_up("one"), made_up("two"), made_up("three", skips=True))
    monkeypatch.setattr(command, "BENCHES", benches)
    monkeypatch.setattr(command, "PAGE", tmp_path / "speed.md")
    text = "".join(f"before {each.name}\n{each.part.start}\n\nold\n\n{each.part.end}\n" for each in benches)
    (tmp_path / "speed.md").write_text(text)
    return tmp_path / "speed.md"


def run(page: Path, *arguments: str) -> None:
    command.main([*arguments, "--page", str(page), "--out", str(page.parent / "out")])


def test_one_is_written_and_the_others_are_left(page: Path) -> None:
    run(page, "two", "--write")
    one, two, three = page.read_text().split("before ")[1:]
    assert "old" in one
    assert "| taken (s) | 1.00 | 1 |" in two
    assert "load: " in two
    assert "old" not in two
    assert "old" in three
    found = json.loads((page.parent / "out" / "bench.json").read_text())
    assert [each["bench"] for each in found["rows"]] == ["two"]
    assert found["rows"][0]["under"]["date"]


def test_the_order_of_the_page_is_kept_whatever_is_asked_for(page: Path) -> None:
    run(page, "two", "one", "--write")
    written = page.read_text()
    assert written.index("before one") < written.index("before two") < written.index("before three")
    assert written.count("old") == 1


def test_nothing_is_written_unasked(page: Path) -> None:
    before = page.read_text()
    run(page, "one")
    assert page.read_text() == before


def test_what_was_not_measured_whole_is_left(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = page.read_text()
    run(page, "three", "--write")
    assert page.read_text() == before
    assert "three left as it was (another: not installed)" in capsys.readouterr().out


def test_a_short_form_is_written_into_copies_alone(page: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="--short measures nothing"):
        run(page, "one", "--short", "--write")
    copy = tmp_path / "copy.md"
    copy.write_text(page.read_text())
    run(copy, "one", "--short", "--write")
    assert "| taken (s) | 2.00 | 1 |" in copy.read_text()


def test_a_wrong_name_or_page_is_told_before_anything_is_measured(page: Path) -> None:
    with pytest.raises(InputError, match="no benchmark 'four'; there is one, two, three"):
        run(page, "four")
    with pytest.raises(InputError, match="--beside is of demo"):
        run(page, "one", "--beside", "main")
    page.write_text("nothing")
    with pytest.raises(InputError, match="one: written by"):
        run(page, "--write")
    assert not (page.parent / "out").exists()
