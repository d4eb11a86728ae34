"""Rows of a CSV file, which spreadsheets write: a name a column in the first line, and a row a line after it.

A quote that nobody closes costs its own line: the rows behind it are read, though a reader would take them for the rest
of one text.
"""

import csv
import io
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from mediate.errors import InputError, ItemError
from mediate.pairs.format import Row
from mediate.pairs.lines import bytes_of
from mediate.pairs.parquet import nested
from mediate.showing import plural

_HALF = re.compile("[\ud800-\udfff]")


def read_csv(path: str | Path) -> Iterator[Row]:
    """The rows of a file, each with the line where it begins and its number from 1; None for a cell that is empty.

    The number counts records, as pandas does, and not lines, of which a record with line breaks has several.
    Columns are set off by commas, or by semicolons or tabs where the first line has no comma.

    Raises:
        InputError: A file that cannot be read or is not UTF-8, or a first line that names no columns.
    """
    text = bytes_of(path).decode("utf-8", errors="surrogateescape")
    lines = list(io.StringIO(text, newline=""))
    first = next((number for number, line in enumerate(lines) if line.strip()), None)
    if first is None:
        return
    names, delimiter = _names(path, lines[first])
    for count, (number, cells) in enumerate(_records(lines, first + 1, delimiter, len(names)), start=1):
        place = f"{path}:{number}"
        if isinstance(cells, csv.Error):
            reason = f"not CSV ({cells}); put a text with quotes into quotes, and write each quote in it twice"
            yield place, ItemError("", reason, place=place, code="malformed_csv")
        elif len(cells) != len(names):
            counts = f"{plural(len(cells), 'cell')}, and the first line names {plural(len(names), 'column')}"
            reason = f"holds {counts}; put a text with {delimiter!r} or a line break into quotes"
            yield place, ItemError("", reason, place=place, code="malformed_csv")
        elif any(_undecoded(cell) for cell in cells):
            yield place, ItemError("", "not UTF-8; save the file as UTF-8", place=place, code="bad_encoding")
        else:
            yield (
                f"{place}, row {count}",
                nested({name: cell if cell.strip() else None for name, cell in zip(names, cells, strict=True)}),
            )


def _names(path: str | Path, line: str) -> tuple[list[str], str]:
    """The columns that the first line names, and what sets them off."""
    remedy = "name the columns in the first line, such as question,answer"
    if _undecoded(line):
        raise InputError(f"{path}: not UTF-8; save the file as UTF-8")
    delimiter = next((each for each in ",;\t" if each in line), ",")
    try:
        names = [name.strip() for name in next(csv.reader([line], delimiter=delimiter, strict=True))]
    except csv.Error as error:
        raise InputError(f"{path}:1: not CSV ({error}); {remedy}") from error
    if not names[0] and all(names[1:]):
        index = "write the table with to_csv(..., index=False) where this is pandas's index, or name the column"
        raise InputError(f"{path}:1: the first column has no name; {index}")
    if not all(names):
        raise InputError(f"{path}:1: a column has no name; {remedy}")
    if len(set(names)) < len(names):
        raise InputError(f"{path}:1: two columns have one name; rename one")
    return names, delimiter


def _records(
    lines: Sequence[str], start: int, delimiter: str, columns: int
) -> Iterator[tuple[int, list[str] | csv.Error]]:
    """Each record with the number of its first line; after one that is none, the next line begins anew."""
    begin = start
    while begin < len(lines):
        place, failed = begin, False
        rows = csv.reader((lines[number] for number in range(place, len(lines))), delimiter=delimiter, strict=True)
        while not failed and begin < len(lines):
            cells: list[str] | csv.Error = []
            with _long_cells():
                try:
                    cells = next(rows)
                except csv.Error as error:
                    cells = error
            end = place + rows.line_num
            failed = isinstance(cells, csv.Error) or (end - begin > 1 and len(cells) != columns)
            if cells:  # an empty line is no record
                yield begin + 1, cells
            begin = begin + 1 if failed else end


def _undecoded(text: str) -> bool:
    """Whether a text has bytes that are not UTF-8, which were read as half surrogates."""
    return not text.isascii() and _HALF.search(text) is not None


@contextmanager
def _long_cells() -> Iterator[None]:
    """While open, a cell may be longer than 128 KiB, which a long chain is; the module has one limit for everybody."""
    before = csv.field_size_limit(sys.maxsize)
    try:
        yield
    finally:
        csv.field_size_limit(before)
