"""The record of a schema: what the rows of a data set or a log say, whatever the file they come in."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mediate.errors import ItemError
from mediate.pairs.item import Item

Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Schema:
    """What a row says; `mediate.pairs.schemas.SCHEMAS` lists them. How rows stand in a file is a `Format`.

    Args:
        name: What `format` and `--format` call it, such as `gsm8k`.
        says: What a file of it is said to hold, after a number, such as `GSM8K problems`.
        fits: Whether a row is one of these, by its keys and what kind of value they have.
        items: The items of a row, of which a log may have several: each an item, or the ItemError that it is instead.
            Raises ItemError where none can be read. An item without an id or a group is given them, and its place.
        detail: What else is said of good rows, in brackets; empty for nothing.
        variant: Where a log has every response several times, which time a row is; the first row's alone are read.
    """

    name: str
    says: str
    fits: Callable[[Fields], bool]
    items: Callable[[Fields, re.Pattern[str] | None], Iterable[Item | ItemError]]
    detail: Callable[[Sequence[Fields]], str] | None = None
    variant: Callable[[Fields], str] | None = None
