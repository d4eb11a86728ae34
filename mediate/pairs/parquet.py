"""Pairs in Parquet: columns as the keys of a line are, or flat ones such as `base_question`."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mediate.errors import InputError, ItemError
from mediate.pairs.format import Format, Row
from mediate.pairs.rows import WORLD_KEYS

if TYPE_CHECKING:
    import pyarrow as pa


def _rows(path: str | Path) -> Iterator[Row]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            table = file.read()
    except (OSError, pa.ArrowException) as error:
        first_line = str(error).partition("\n")[0]
        raise InputError(f"{path}: not readable as Parquet ({first_line}); write the file again") from error
    return table_rows(table, path)


def table_rows(table: "pa.Table", path: str | Path) -> Iterator[Row]:
    """The rows of a table, each with its place; an ItemError for one whose text is no text.

    Raises:
        InputError: Two columns have one name.
    """
    # pandas writes the index of a filtered frame as a column of this name.
    names = [name for name in table.column_names if not name.startswith("__index_level_")]
    if len(set(names)) < len(names):
        raise InputError(f"{path}: two columns have one name; rename one")
    columns = {name: table.column(name) for name in names}
    for row in range(table.num_rows):
        place = f"{path}:row {row + 1}"
        try:
            yield place, nested({name: column[row].as_py() for name, column in columns.items()})
        except UnicodeDecodeError:
            reason = "a text is not UTF-8; write the file again from decoded text"
            yield place, ItemError("", reason, place=place, code="bad_encoding")


def nested(row: dict[str, Any]) -> dict[str, Any]:
    """A row in the shape of a JSON line: flat columns gathered by world."""
    for world in ("base", "source"):
        if world not in row:
            flat = {key: row.pop(f"{world}_{key}") for key in WORLD_KEYS if f"{world}_{key}" in row}
            if flat:
                row[world] = flat
    return row


PARQUET = Format("Parquet", (".parquet",), _rows)
