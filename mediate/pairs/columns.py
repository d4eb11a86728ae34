"""Rows of a kind of their own, read by naming the column of each field."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mediate.errors import InputError
from mediate.pairs.format import Row
from mediate.pairs.schema import Fields
from mediate.pairs.schemas.own_items import KEYS


def renamed(path: str | Path, rows: Sequence[Row], columns: Mapping[str, str], *, others: bool) -> list[Row]:
    """The rows with their columns under the names of fields.

    Args:
        path: The file, for messages.
        rows: Its rows, each with its place.
        columns: The column of each field.
        others: Whether other columns stay; else those alone that have a field's name.

    Raises:
        InputError: No such field, or a column that no row has.
    """
    allowed = [key for key in KEYS if key != "meta"]
    wrong = next((field for field in columns if not others and field not in allowed), None)
    if wrong is not None:
        raise InputError(f"columns: no field {wrong!r}; give a column for some of {', '.join(allowed)}")
    read = [row for _, row in rows if isinstance(row, Mapping)]
    absent = next((each for each in columns.values() if all(column(row, each) is None for row in read)), None)
    if absent is not None and read:
        keys = ", ".join(dict.fromkeys(str(key)[:40] for row in read[:100] for key in row))[:300]
        raise InputError(f"{path}: no column {absent!r} in any row; there are {keys}")

    def put(row: Any) -> Any:
        if not isinstance(row, Mapping):
            return row
        found = {field: column(row, name) for field, name in columns.items()}
        return {key: value for key, value in row.items() if others or key in allowed} | found

    return [(place, put(row)) for place, row in rows]


def column(row: Fields, name: str) -> Any:
    """What stands in a column, also in one inside another, such as `doc.question`."""
    if name in row:
        return row[name]
    found: Any = row
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found
