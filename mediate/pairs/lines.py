"""JSON lines, of pairs and of whatever else: a value a line, in strict UTF-8, with every key once."""

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from mediate.errors import InputError, ItemError
from mediate.pairs.format import Format, Row

# Legal inside JSON strings, but line ends to many readers; written as escapes.
_LINE_ENDS = {ord(char): f"\\u{ord(char):04x}" for char in "\x85\u2028\u2029"}
_KINDS = {
    bool: "true or false", int: "an integer", float: "a decimal number", str: "text", list: "an array",
    dict: "an object", type(None): "null",
}  # fmt: skip


def read_lines(path: str | Path, *, constants: bool = False) -> Iterator[Row]:
    """What the lines of a file hold, each with its place; an ItemError for a line that cannot be read.

    Lines end in a line feed; a byte order mark at the start and blank lines are skipped. With `constants`, the NaN and
    Infinity that Python's own logs have are read.

    Raises:
        InputError: A file that cannot be read, that is packed, or that is one JSON array.
    """
    data = bytes_of(path)
    if data.lstrip()[:1] == b"[":
        raise InputError(f"{path}: begins with a JSON array; give one JSON object a line; convert with jq -c '.[]'")
    # Bytes are split before decoding: str.splitlines would also split at U+2028 and U+0085 inside strings.
    for number, line in enumerate(data.split(b"\n"), start=1):
        if not line.strip():
            continue
        place = f"{path}:{number}"
        try:
            yield place, parsed(line, place, constants=constants)
        except ItemError as error:
            yield place, error


def bytes_of(path: str | Path) -> bytes:
    """What a text file holds, without a byte order mark.

    Raises:
        InputError: It cannot be read, or is packed.
    """
    try:
        data = Path(path).read_bytes().removeprefix(b"\xef\xbb\xbf")
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check the file and its permissions") from error
    if data[:2] == b"\x1f\x8b":
        raise InputError(f"{path}: packed with gzip; unpack it first")
    return data


def parsed(line: bytes, place: str, *, constants: bool = False) -> Any:
    """What a line holds.

    Raises:
        ItemError: It is not JSON in UTF-8, a key occurs twice in an object, or a text is not Unicode.
    """
    bad = partial(ItemError, "", place=place, code="malformed_json")
    try:
        text = line.decode("utf-8")
        constant = None if constants else partial(_no_constant, place)
        value = json.loads(text, object_pairs_hook=partial(_unique_keys, place), parse_constant=constant)
        json.dumps(value, ensure_ascii=False).encode("utf-8")
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
    return value


def json_line(row: Mapping[str, Any]) -> str:
    """A row as a line, with its line feed, that every reader takes for one line."""
    return json.dumps(row, ensure_ascii=False).translate(_LINE_ENDS) + "\n"


def kind_of(value: object) -> str:
    """What a value is, in a message's words."""
    return _KINDS.get(type(value), f"a value of type {type(value).__name__}")


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


def _written(rows: Sequence[Mapping[str, Any]]) -> bytes:
    return "".join(map(json_line, rows)).encode("utf-8")


JSON_LINES = Format("JSON lines", (".jsonl", ".json"), read_lines, _written)
