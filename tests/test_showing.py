"""Text made safe to show, and records as small tables."""

from dataclasses import dataclass

import pytest

from mediate.showing import MOST_TEXT, fields_cell, record_cell, visible
from tests.report.parse import parse
from tests.report.payloads import PAYLOADS


@dataclass(frozen=True)
class Record:
    name: str
    layers: tuple[int, ...]
    nothing: None = None


def test_a_record_is_a_title_and_a_row_a_field_that_has_a_value() -> None:
    found = parse(fields_cell(Record("a & b", (1, 2))))
    assert found.tables == [[["name", "a & b"], ["layers", "1, 2"]]]
    assert found.text.startswith("Record")


def test_values_side_by_side_stand_under_their_headings() -> None:
    found = parse(
        record_cell("Pair", [("question", "x", "y"), ("cot", None, None), ("answer", None, "z")], ("", "a", "b"))
    )
    assert found.tables == [[["", "a", "b"], ["question", "x", "y"], ["answer", "", "z"]]]


@pytest.mark.parametrize("payload", [*PAYLOADS, "\ud800"], ids=ascii)
def test_text_of_any_origin_stays_text(payload: str) -> None:
    found, plain = (parse(record_cell(each, [(each, each)], (each, each))) for each in (payload, "harmless"))
    assert found.shape() == plain.shape()
    record_cell(payload, [(payload, payload)]).encode("utf-8")
    assert all(char.isprintable() or char == "\n" for char in found.text)


def test_a_long_text_is_cut_and_says_so() -> None:
    ((row,),) = parse(record_cell("x", [("text", "a" * 5000)])).tables
    assert len(row[1]) == MOST_TEXT
    assert row[1].endswith("...")


def test_what_is_seen_and_does_nothing_stays() -> None:
    assert visible("né 🙂 שלום") == "né 🙂 שלום"
    assert visible("a\u202eb\n\t", keep="\n") == "a\\u202eb\n⇥"
