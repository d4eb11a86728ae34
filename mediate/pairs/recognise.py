"""What a file holds, before it is read: how its rows stand in it, and what they say.

The first is told by the file's name, as for pairs. The second is told by the keys of the rows, and where two schemas
fit, by whoever asks.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from mediate.errors import InputError, ItemError
from mediate.pairs import files
from mediate.pairs.columns import renamed
from mediate.pairs.csv_tables import read_csv
from mediate.pairs.documents import read_json
from mediate.pairs.format import Row
from mediate.pairs.inspect_archives import read_archive
from mediate.pairs.item import Item, check_item, check_new
from mediate.pairs.lines import kind_of, read_lines
from mediate.pairs.response import answer_pattern as pattern_of
from mediate.pairs.rows import PAIR_KEYS, number_of
from mediate.pairs.saved_datasets import read_folder
from mediate.pairs.schema import Fields, Schema
from mediate.pairs.schemas import SCHEMAS
from mediate.pairs.schemas.own_items import KEYS, OWN_ITEMS

PAIRS = "pairs"
# How rows stand in a file; files of other endings are read as `mediate.pairs.files.FORMATS` says.
_READERS: Mapping[str, Callable[[str | Path], Iterable[Row]]] = {
    ".jsonl": partial(read_lines, constants=True),
    ".json": read_json,
    ".csv": read_csv,
    ".tsv": read_csv,
    ".eval": read_archive,
}
_TABLES = (".csv", ".tsv", ".parquet")  # whose rows all have the same columns
_PACKED = (".gz", ".zst", ".xz", ".bz2", ".zip", ".tar", ".tgz", ".7z")
_NAMES = ("doc_id", "custom_id", "id", "unique_id")


@dataclass(frozen=True, slots=True)
class GivenRows:
    """The rows of a file, and what they are.

    Args:
        path: The file.
        schema: What its rows say; None for pairs.
        rows: The rows, each with its place.
        pattern: What finds the answer of a response, in place of its forms.
        note: Which rows of a log these are, where they are not all.
    """

    path: str | Path
    schema: Schema | None
    rows: Sequence[Row]
    pattern: re.Pattern[str] | None = None
    note: str = ""

    def found(self) -> Iterator[tuple[Fields | None, Item | ItemError]]:
        """Each item or error, with the row that it is of where that could be read."""
        first_place: dict[str, str] = {}
        for place, row in self.rows:
            if isinstance(row, ItemError):
                yield None, row
            elif not isinstance(row, Mapping):
                reason = f"holds {kind_of(row)}; write one JSON object a line"
                yield None, ItemError("", reason, place=place, code="malformed_json")
            else:
                for each in self._of_row(place, row):
                    yield row, _checked(each, place, first_place)

    def _of_row(self, place: str, row: Fields) -> list[Item | ItemError]:
        """The items of a row, with ids, groups and places."""
        assert self.schema is not None, "pairs are read by another"
        id_of_row = next((str(row[key]) for key in _NAMES if isinstance(row.get(key), str | int)), number_of(place))
        try:
            found = list(self.schema.items(row, self.pattern))
        except ItemError as error:
            found = [error]
        return [_named(each, id_of_row, f"/{count}" * (len(found) > 1), place) for count, each in enumerate(found, 1)]


def read_given(
    path: str | Path,
    *,
    format: str | None = None,
    columns: Mapping[str, str] | None = None,
    answer_pattern: str | None = None,
) -> GivenRows:
    """The rows of a file and what they are; see `scan_items`, which also says what is raised."""
    names = [PAIRS, *(each.name for each in SCHEMAS)]
    if format is not None and format not in names:
        raise InputError(f"format: {format!r} is none; give one of {', '.join(names)}")
    pattern = pattern_of(answer_pattern)
    rows = list(_rows(path))
    if not rows:
        raise InputError(f"{path}: holds no items; write one JSON object a line, or one row an item")
    if columns:
        rows = renamed(path, rows, columns, others=format not in (None, OWN_ITEMS.name))
    read = [row for _, row in rows if isinstance(row, Mapping)]
    if format is None and columns and not any(each.fits(row) for each in SCHEMAS for row in read):
        format = OWN_ITEMS.name  # each row says what it lacks
    chosen = format or _name_of(path, read)
    schema = next((each for each in SCHEMAS if each.name == chosen), None)
    if Path(path).suffix.lower() in _TABLES and chosen in (PAIRS, OWN_ITEMS.name):
        _check_columns(path, read, PAIR_KEYS if schema is None else KEYS)
    if schema is None or schema.variant is None:
        return GivenRows(path, schema, rows, pattern)
    variants = [schema.variant(row) if isinstance(row, Mapping) else None for _, row in rows]
    several = list(dict.fromkeys(each for each in variants if each is not None))
    kept = [row for row, variant in zip(rows, variants, strict=True) if variant in (None, *several[:1])]
    return GivenRows(path, schema, kept, pattern, f"{several[0]} of {len(several)}" if len(several) > 1 else "")


def _named(found: Item | ItemError, id_of_row: str, more: str, place: str) -> Item | ItemError:
    """An item with its id, group and place, and an error with those."""
    if isinstance(found, ItemError):
        name = (found.item or id_of_row) + more
        return ItemError(name, found.reason, place=place, code=found.code, written=found.written)
    name = found.id or id_of_row
    return replace(found, id=name + more, group=found.group or name, place=place)


def _checked(found: Item | ItemError, place: str, first_place: dict[str, str]) -> Item | ItemError:
    """An item that nothing is wrong with, or what is."""
    if isinstance(found, ItemError):
        return found
    try:
        check_item(found)
        check_new(found.id, place, first_place, "item")
    except ItemError as error:
        return error
    return found


def _rows(path: str | Path) -> Iterator[Row]:
    """The rows of a file or folder."""
    file = Path(path)
    kinds = ", ".join(dict.fromkeys([*_READERS, *(each for kind in files.FORMATS for each in kind.endings)]))
    if file.is_dir():
        return read_folder(path)
    if not file.exists():
        raise InputError(f"{path}: no such file; name a file of items ({kinds}), or the folder of a saved data set")
    if not file.is_file():
        raise InputError(f"{path}: no regular file, but a pipe, socket or device; write the items to a file first")
    known = files.format_of(path)
    read = _READERS.get(file.suffix.lower()) or (known.read if known else None)
    if read is None:
        packed = "; unpack it first" if file.suffix.lower() in _PACKED else ""
        raise InputError(f"{path}: not a file of items by its suffix; use one of {kinds}{packed}")
    return iter(read(path))


def _name_of(path: str | Path, rows: Sequence[Fields]) -> str:
    """The name of the schema that the rows have; that of pairs where they have two worlds."""
    if not rows:
        return OWN_ITEMS.name  # each row has an error of its own
    fits = {each.name: {number for number, row in enumerate(rows) if each.fits(row)} for each in SCHEMAS}
    fits[PAIRS] = {number for number, row in enumerate(rows) if {"base", "source"} & set(row)}
    most = max(fits.values(), key=len)
    # A row that is not like the others has an error of its own; of two kinds is a file whose rows can be read as both.
    fitting = [
        name
        for name, found in fits.items()
        if found and (2 * len(found & most) >= len(most) or len(found) == len(most))
    ]
    if len(fitting) > 1:
        which = " or ".join(f"format={name!r} (--format {name})" for name in fitting)
        raise InputError(f"{path}: can be read as {' and as '.join(fitting)}; say which: {which}")
    if fitting:
        return fitting[0]
    if any("question" in row for row in rows):
        return OWN_ITEMS.name  # each row says which of its keys is unknown
    keys = ", ".join(dict.fromkeys(str(key)[:40] for row in rows[:100] for key in row))[:300]
    remedy = "name the columns that count, such as columns={'question': ..., 'answer': ...} (--columns question=...)"
    raise InputError(f"{path}: of no kind that is known, by its keys ({keys}); {remedy}")


def _check_columns(path: str | Path, rows: Sequence[Fields], allowed: Sequence[str]) -> None:
    """Refuses a table with a column that is no field: for all rows at once, whether or not a cell of it is empty."""
    unknown = [key for key in (rows[0] if rows else ()) if key not in allowed]
    if not unknown:
        return
    what = f"column {unknown[0][:80]!r} is" if len(unknown) == 1 else f"columns {str(unknown)[1:-1][:300]} are"
    remedy = "take what is of no interest out of the table"
    if allowed is KEYS:
        remedy = "name the columns that count, and others are not read: "
        remedy += "columns={'question': 'question'} (--columns question=question)"
    raise InputError(f"{path}: {what} no field; fields are {', '.join(allowed)}; {remedy}")
