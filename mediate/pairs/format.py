"""The record of a file format: how pairs stand in a file, row by row."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Where a row stands, its number last, such as `pairs.jsonl:12`, and what stands there, or the ItemError of one that
# cannot be read.
Row = tuple[str, Any]


@dataclass(frozen=True, slots=True)
class Format:
    """A kind of file that holds pairs; `mediate.pairs.files.FORMATS` lists them.

    A row is what a line of a pairs file is, as a dict: `id`, `group`, `base`, `source`. What it must hold is checked
    by the one who reads pairs, the same for every format.

    Args:
        name: What a message calls it, such as `JSON lines`.
        endings: The suffixes of its files, in lower case and with their point; the first is the usual one.
        read: The rows of a file, in its order. Raises InputError where the file as a whole cannot be read.
        write: The content of a file with these rows; None for a format that is only read.
    """

    name: str
    endings: tuple[str, ...]
    read: Callable[[str | Path], Iterable[Row]]
    write: Callable[[Sequence[Mapping[str, Any]]], bytes] | None = None
