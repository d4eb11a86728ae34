"""Pairs files: JSON lines and Parquet in, JSON lines out.

A line is `{"id", "group", "base": {"question", "answer", "cot"?, "values"?}, "source": {...}, "meta"?}`. What is of
interest to nobody but the file's maker belongs under `meta`, which is not read.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from mediate.errors import InputError, ItemError
from mediate.files import write_text
from mediate.pairs.pair import Item, Pair

PAIR_KEYS = ("id", "group", "base", "source", "meta")
WORLD_KEYS = ("question", "answer", "cot", "values")
SUFFIXES = (".jsonl", ".json", ".parquet")
MOST_NAME = 500  # characters of an id or a group, which stand in every table
# Legal inside JSON strings, but line ends to many readers; written as escapes.
_LINE_ENDS = {ord(char): f"\\u{ord(char):04x}" for char in "\x85\u2028\u2029"}


@dataclass(frozen=True, slots=True)
class PairFile:
    """What a pairs file holds: its good pairs, and an error for each bad line, both in the file's order."""

    pairs: tuple[Pair, ...]
    errors: tuple[ItemError, ...]


def read_pairs(path: str | Path) -> tuple[Pair, ...]:
    """The pairs of a file of which every line is good.

    Raises:
        ItemError: The first bad line.
        InputError: As `scan_pairs`.
    """
    found = scan_pairs(path)
    if found.errors:
        raise found.errors[0]
    return found.pairs


def scan_pairs(path: str | Path) -> PairFile:
    """Reads a pairs file and collects the errors of its bad lines.

    JSON lines end in a line feed and are strict UTF-8; a byte order mark at the start and blank lines are skipped. A
    Parquet file has either the columns `base` and `source` as structs with the keys of a line, or flat columns such as
    `base_question`. In both, null counts as absent, integers serve as ids, groups and answers, and white space around
    an answer is no part of it. Of two lines with one id, the second is the error, even where the first is bad too.

    Raises:
        InputError: No such file, no file of these kinds, unreadable, or without any line.
    """
    _check_path(path)
    rows = _parquet_rows(path) if Path(path).suffix.lower() == ".parquet" else _json_rows(path)
    pairs: list[Pair] = []
    errors: list[ItemError] = []
    first_place: dict[str, str] = {}
    for place, row in rows:
        if isinstance(row, ItemError):
            errors.append(row)
            continue
        try:
            name = _text(row, "id", "", place, numbers=True)
            _check_new(name, place, first_place)
            pairs.append(_pair(name, row, place))
        except ItemError as error:
            errors.append(error)
    if not pairs and not errors:
        raise InputError(f"{path}: holds no pairs; write one JSON object a line, or one row a pair")
    return PairFile(tuple(pairs), tuple(errors))


def write_pairs(path: str | Path, pairs: Iterable[Pair]) -> None:
    """Writes pairs as JSON lines that `read_pairs` reads back equal, `place` aside.

    The file appears whole or not at all, and takes the place of an older one; missing folders are made.

    Raises:
        InputError: As `pairs_text`.
    """
    write_text(Path(path), pairs_text(path, pairs))


def pairs_text(path: str | Path, pairs: Iterable[Pair]) -> str:
    """What `write_pairs` would write.

    Raises:
        InputError: Another suffix than `.jsonl` or `.json`, no pairs, or a pair that would not read back equal: an id
            that occurs twice or is blank, white space around an answer, text that is not Unicode.
    """
    if Path(path).suffix.lower() not in SUFFIXES[:2]:
        raise InputError(f"{path}: pairs are written as JSON lines; name the file with the suffix .jsonl")
    lines: list[str] = []
    first_place: dict[str, str] = {}
    for number, pair in enumerate(pairs, start=1):
        line, place = _line(pair), f"{path}:{number}"
        _check_new(pair.id, place, first_place)
        row = _parsed(line.encode("utf-8", errors="surrogatepass"), place)
        if _pair(_text(row, "id", "", place, numbers=True), row, "") != replace(pair, place=""):
            reason = "would not read back equal; take the white space off its answers"
            raise ItemError(pair.id, reason, place=place, code="not_writable")
        lines.append(line)
    if not lines:
        raise InputError(f"{path}: no pairs to write; give at least one")
    return "".join(lines)


def _check_path(path: str | Path) -> None:
    file = Path(path)
    if file.is_dir():
        raise InputError(f"{path}: a directory; name a pairs file ({', '.join(SUFFIXES)})")
    if not file.exists():
        raise InputError(f"{path}: no such file; name a pairs file ({', '.join(SUFFIXES)})")
    if not file.is_file():
        raise InputError(f"{path}: no regular file, but a pipe, socket or device; write the pairs to a file first")
    if file.suffix.lower() not in SUFFIXES:
        raise InputError(f"{path}: not a pairs file by its suffix; use one of {', '.join(SUFFIXES)}")


def _check_new(name: str, place: str, first_place: dict[str, str]) -> None:
    first = first_place.setdefault(name, place)
    if first != place:
        reason = f"the id is already at {first}; give each pair an id of its own"
        raise ItemError(name, reason, place=place, code="duplicate_id")


def _json_rows(path: str | Path) -> Iterator[tuple[str, dict[str, Any] | ItemError]]:
    try:
        data = Path(path).read_bytes().removeprefix(b"\xef\xbb\xbf")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the file and its permissions") from error
    if data[:2] == b"\x1f\x8b":
        raise InputError(f"{path}: packed with gzip; unpack it first")
    if data.lstrip()[:1] == b"[":
        raise InputError(f"{path}: begins with a JSON array; give one JSON object a line; convert with jq -c '.[]'")
    # Bytes are split before decoding: str.splitlines would also split at U+2028 and U+0085 inside strings.
    for number, line in enumerate(data.split(b"\n"), start=1):
        if not line.strip():
            continue
        place = f"{path}:{number}"
        try:
            yield place, _parsed(line, place)
        except ItemError as error:
            yield place, error


def _parsed(line: bytes, place: str) -> dict[str, Any]:
    """One line as an object whose keys occur once and whose texts are all Unicode."""
    bad = partial(ItemError, "", place=place, code="malformed_json")
    try:
        text = line.decode("utf-8")
        row = json.loads(
            text, object_pairs_hook=partial(_unique_keys, place), parse_constant=partial(_no_constant, place)
        )
        json.dumps(row, ensure_ascii=False).encode("utf-8")
    except UnicodeDecodeError as error:
        reason = f"not UTF-8 (byte {error.start + 1} of the line); save the file as UTF-8"
        raise ItemError("", reason, place=place, code="bad_encoding") from error
    except UnicodeEncodeError as error:
        reason = "a text holds half of a surrogate pair (such as \\ud83d alone), which no tokenizer reads; remove it"
        raise ItemError("", reason, place=place, code="bad_encoding") from error
    except RecursionError as error:
        raise bad("nested too deeply; flatten what stands under 'meta'") from error
    except json.JSONDecodeError as error:
        raise bad(f"not JSON ({error.msg}, character {error.pos + 1}); write one JSON object a line") from error
    except ItemError:
        raise
    except ValueError as error:  # an integer with more digits than Python converts
        raise bad(f"a number cannot be read ({str(error).partition(';')[0]}); shorten it") from error
    if not isinstance(row, dict):
        raise bad(f"holds {_kind(row)}; write one JSON object a line")
    return row


def _unique_keys(place: str, items: list[tuple[str, Any]]) -> dict[str, Any]:
    row = dict(items)
    if len(row) < len(items):
        keys = [key for key, _ in items]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ItemError(
            "", f"the key {twice[:80]!r} occurs twice in one object; keep one", place=place, code="duplicate_key"
        )
    return row


def _no_constant(place: str, word: str) -> NoReturn:
    raise ItemError("", f"{word} is not JSON; write a number or null", place=place, code="malformed_json")


def _parquet_rows(path: str | Path) -> Iterator[tuple[str, dict[str, Any] | ItemError]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            table = file.read()
    except (OSError, pa.ArrowException) as error:
        first_line = str(error).partition("\n")[0]
        raise InputError(f"{path}: not readable as Parquet ({first_line}); write the file again") from error
    # pandas writes the index of a filtered frame as a column of this name.
    names = [name for name in table.column_names if not name.startswith("__index_level_")]
    if len(set(names)) < len(names):
        raise InputError(f"{path}: two columns have one name; rename one")
    columns = {name: table.column(name) for name in names}
    for row in range(table.num_rows):
        place = f"{path}:row {row + 1}"
        try:
            yield place, _nested({name: column[row].as_py() for name, column in columns.items()})
        except UnicodeDecodeError:
            reason = "a text is not UTF-8; write the file again from decoded text"
            yield place, ItemError("", reason, place=place, code="bad_encoding")


def _nested(row: dict[str, Any]) -> dict[str, Any]:
    """A Parquet row in the shape of a JSON line: flat columns gathered by world."""
    for world in ("base", "source"):
        if world not in row:
            flat = {key: row.pop(f"{world}_{key}") for key in WORLD_KEYS if f"{world}_{key}" in row}
            if flat:
                row[world] = flat
    return row


def _pair(name: str, row: Mapping[str, Any], place: str) -> Pair:
    _check_keys(row, PAIR_KEYS, "", name, place)
    group = _text(row, "group", name, place, numbers=True)
    base, source = (_item(row, world, name, place) for world in ("base", "source"))
    return Pair(id=name, group=group, base=base, source=source, place=place)


def _item(row: Mapping[str, Any], world: str, name: str, place: str) -> Item:
    fields = row.get(world)
    if fields is None:
        raise ItemError(name, f"{world!r} is missing; give it as an object", place=place, code="missing_field")
    if not isinstance(fields, dict):
        reason = f"{world!r} is {_kind(fields)}; give it as an object with {', '.join(WORLD_KEYS)}"
        raise ItemError(name, reason, place=place, code="wrong_type")
    _check_keys(fields, WORLD_KEYS, f"{world}.", name, place)
    values = fields.get("values")
    if values is not None and not (isinstance(values, list) and all(type(value) is int for value in values)):
        reason = f"'{world}.values' is not a list of integers; give the result of each step, or leave it out"
        raise ItemError(name, reason, place=place, code="wrong_type")
    return Item(
        question=_text(fields, "question", name, place, world=f"{world}."),
        answer=_text(fields, "answer", name, place, world=f"{world}.", numbers=True).strip(),
        cot=None if fields.get("cot") is None else _text(fields, "cot", name, place, world=f"{world}."),
        values=tuple(values or ()),
    )


def _check_keys(fields: Mapping[str, Any], allowed: Sequence[str], prefix: str, name: str, place: str) -> None:
    for key in fields:
        if key not in allowed:
            rest = "put anything else under 'meta'" + (" of the pair" if prefix else "")
            reason = f"unknown key {(prefix + key)[:80]!r}; allowed are {', '.join(allowed)}; {rest}"
            raise ItemError(name, reason, place=place, code="unknown_field")


def _text(fields: Mapping[str, Any], key: str, name: str, place: str, *, world: str = "", numbers: bool = False) -> str:
    """A text field; with `numbers`, an integer serves as well. Ids and groups must not be blank."""
    value, wanted = fields.get(key), "a string or an integer" if numbers else "a string"
    if value is None:
        raise ItemError(name, f"{world + key!r} is missing; give {wanted}", place=place, code="missing_field")
    if numbers and type(value) is int:
        return str(value)
    if not isinstance(value, str):
        reason = f"{world + key!r} is {_kind(value)}; give {wanted}"
        raise ItemError(name, reason, place=place, code="wrong_type")
    if not world and not value.strip():
        raise ItemError(name, f"{key!r} is blank; give {wanted}", place=place, code=f"empty_{key}")
    if not world and len(value) > MOST_NAME:
        long = f"{key!r} has {len(value)} characters; give one of at most {MOST_NAME}"
        raise ItemError(name, long, place=place, code=f"long_{key}")
    return value


def _kind(value: object) -> str:
    kinds = {
        bool: "true or false", int: "an integer", float: "a decimal number", str: "text",
        list: "an array", dict: "an object",
    }  # fmt: skip
    return "null" if value is None else kinds.get(type(value), f"a value of type {type(value).__name__}")


def _line(pair: Pair) -> str:
    worlds = {}
    for world, item in (("base", pair.base), ("source", pair.source)):
        fields: dict[str, Any] = {"question": item.question, "answer": item.answer}
        if item.cot is not None:
            fields["cot"] = item.cot
        if item.values:
            fields["values"] = item.values
        worlds[world] = fields
    text = json.dumps({"id": pair.id, "group": pair.group, **worlds}, ensure_ascii=False)
    return text.translate(_LINE_ENDS) + "\n"
