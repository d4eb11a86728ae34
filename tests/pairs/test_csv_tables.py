"""Tables as spreadsheets write them: what is read, and that a stray quote costs its own line."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediate.errors import ItemError
from mediate.pairs.csv_tables import read_csv


def rows_of(folder: Path, content: bytes) -> list[tuple[str, Any]]:
    """Each row with its line and number; of a bad one, the code."""
    path = folder / "t.csv"
    path.write_bytes(content)
    return [
        (place.removeprefix(f"{path}:"), row.code if isinstance(row, ItemError) else row)
        for place, row in read_csv(path)
    ]


def test_texts_in_quotes_hold_commas_quotes_and_line_breaks(tmp_path: Path) -> None:
    content = b'a,b\r\n"x, ""y""",1\r\n"one\r\ntwo",2\r\n\r\nz,3'
    assert rows_of(tmp_path, content) == [
        ("2, row 1", {"a": 'x, "y"', "b": "1"}), ("3, row 2", {"a": "one\r\ntwo", "b": "2"}),
        ("6, row 3", {"a": "z", "b": "3"}),
    ]  # fmt: skip


@pytest.mark.parametrize("mark", [",", ";", "\t"])
def test_what_sets_columns_off_is_seen_in_the_first_line(tmp_path: Path, mark: str) -> None:
    assert rows_of(tmp_path, f"\ufeffa{mark}b\nx{mark}\n".encode()) == [("2, row 1", {"a": "x", "b": None})]


BAD = "malformed_csv"


@pytest.mark.parametrize(
    ("content", "wanted"),
    [
        (b'a,b\n"x" y,1\nz,2\n', [("2", BAD), ("3, row 2", {"a": "z", "b": "2"})]),
        (b'a,b\n"x,1\nz,2\n', [("2", BAD), ("3, row 2", {"a": "z", "b": "2"})]),
        (
            b'a,b\n"x,1\nz,2\n"y",3\n',
            [("2", BAD), ("3, row 2", {"a": "z", "b": "2"}), ("4, row 3", {"a": "y", "b": "3"})],
        ),
        (b'a,b\n1,"x\n2,y\n3,z"\n', [("2, row 1", {"a": "1", "b": "x\n2,y\n3,z"})]),
        (b'a,b\nx "y" z,1\n', [("2, row 1", {"a": 'x "y" z', "b": "1"})]),
        (b"a,b\nx,1,2\nz\nw,3\n", [("2", BAD), ("3", BAD), ("4, row 3", {"a": "w", "b": "3"})]),
        (b"a,b\n\xff,1\nz,2\n", [("2", "bad_encoding"), ("3, row 2", {"a": "z", "b": "2"})]),
        (b"a,b\rx,1\rz,2\r", [("2, row 1", {"a": "x", "b": "1"}), ("3, row 2", {"a": "z", "b": "2"})]),
        (b"", []),
        (b"a,b\n", []),
    ],
)
def test_a_bad_line_costs_itself(tmp_path: Path, content: bytes, wanted: list[Any]) -> None:
    assert rows_of(tmp_path, content) == wanted


def test_many_stray_quotes_cost_no_more_than_their_lines(tmp_path: Path) -> None:
    found = rows_of(tmp_path, b"a,b\n" + b'"x,1\nz,2\n' * 5_000)
    assert sum(row == BAD for _, row in found) == 5_000
    assert sum(row == {"a": "z", "b": "2"} for _, row in found) == 5_000


def test_a_cell_may_be_long(tmp_path: Path) -> None:
    ((_, row),) = rows_of(tmp_path, b"a,b\n" + b"x" * 500_000 + b",1\n")
    assert len(row["a"]) == 500_000


CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1, max_size=8)


@given(st.lists(st.tuples(CELL.filter(str.strip), CELL.filter(str.strip)), min_size=1, max_size=4))
@settings(deadline=None, max_examples=50)
def test_what_the_csv_module_writes_is_read(tmp_path_factory: pytest.TempPathFactory, cells: Any) -> None:
    import csv

    path = tmp_path_factory.mktemp("csv") / "t.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("a", "b"), *cells])
    assert [tuple(row.values()) for _, row in read_csv(path)] == cells
