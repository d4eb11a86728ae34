"""Rows of a file that is one JSON document: an array, or a log that holds its samples in one."""

import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from mediate.errors import InputError, ItemError
from mediate.pairs.format import Row
from mediate.pairs.lines import bytes_of, kind_of, parsed, read_lines


def read_json(path: str | Path) -> Iterator[Row]:
    """The rows of a `.json` file: of its lines, of its array, or of the samples of its log.

    Raises:
        InputError: A file that cannot be read, or a document of something else.
    """
    data = bytes_of(path).strip()
    first, _, more = data.partition(b"\n")
    if data[:1] == b"[" or (data[:1] == b"{" and more and not _is_json(first)):
        return _elements(path, data)
    if data[:1] == b"{" and not more:  # a log on one line, or the only line
        with suppress(ItemError):
            samples = parsed(data, f"{path}:1", constants=True).get("samples")
            if isinstance(samples, list):
                return _numbered(path, "sample", samples)
    return read_lines(path, constants=True)


def _is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except (ValueError, RecursionError):
        return False
    return True


def _elements(path: str | Path, data: bytes) -> Iterator[Row]:
    try:
        document = parsed(data, str(path), constants=True)
    except ItemError as error:
        # Lines of which the first is damaged are no document: each has an error of its own.
        if data[:1] == b"{" and any(map(_is_json, data.split(b"\n", 50)[1:-1])):
            return read_lines(path, constants=True)
        raise InputError(f"{path}: {error.reason}") from error
    if isinstance(document, list):
        return _numbered(path, "row", document)
    if isinstance(document.get("samples"), list):
        return _numbered(path, "sample", document["samples"])
    if isinstance(document.get("eval"), dict):
        raise InputError(f"{path}: a log without samples; write it with its samples (log_samples)")
    return iter([(f"{path}:1", document)])


def _numbered(path: str | Path, what: str, rows: list[Any]) -> Iterator[Row]:
    return ((f"{path}:{what} {number}", row) for number, row in enumerate(rows, start=1))


def object_of(value: object, place: str) -> dict[str, Any]:
    """A value that must be an object, as a whole file or a member of an archive is.

    Raises:
        InputError: It is none.
    """
    if isinstance(value, dict):
        return value
    raise InputError(f"{place}: holds {kind_of(value)}, and an object is needed; write the file again")
