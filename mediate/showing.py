"""Text of any origin made safe to show, a count with its noun, and a record as a small table in a notebook's cell."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import fields
from html import escape as quoted
from typing import Any

from mediate.errors import shortened

SIGNS = {"\n": "↵", "\t": "⇥"}
# Control, format (with the bidirectional overrides), surrogate, private, unassigned, line and paragraph separators.
UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
MOST_TEXT = 600  # characters of a cell
NAME = "text-align: left; vertical-align: top"
VALUE = f"{NAME}; white-space: pre-wrap; max-width: 40em"


def plural(count: int, noun: str, many: str = "") -> str:
    """`1 item`, `12 items`; `many` where that is not the noun with an s."""
    return f"{count} {noun if count == 1 else many or f'{noun}s'}"


def visible(text: str, keep: str = "") -> str:
    """The text with every invisible or acting character shown by a sign for it.

    A line feed becomes `↵` and a tab `⇥`; other controls, bidirectional marks, zero-width and other format characters,
    separators of lines and lone surrogates become escapes such as `\\x1b` and `\\u202e`.

    Args:
        text: Text of any origin.
        keep: Characters to leave as they are, such as a line break where the text is set in lines.
    """
    if text.isprintable():
        return text
    return "".join(char if char in keep else sign_of(char) for char in text)


def sign_of(char: str) -> str:
    """What stands for a character: itself, where it is seen and does nothing."""
    if char in SIGNS:
        return SIGNS[char]
    return escape(char) if unicodedata.category(char) in UNSEEN else char


def escape(char: str) -> str:
    """A character's Python escape: `\\x1b`, `\\u202e`, `\\U0001f600`."""
    code = ord(char)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def record_cell(title: str, rows: Iterable[Sequence[object]], heads: Sequence[str] = ()) -> str:
    """HTML of a record for a notebook's cell: a title over a small table, with all text escaped and made visible.

    Args:
        title: What it is.
        rows: A name and values, a row each; what is None or empty is left out where it is the only value.
        heads: What stands over the columns; nothing by default.
    """
    parts = [f"<p><strong>{_html(title)}</strong></p>", "<table>"]
    if heads:
        above = "".join(f'<th scope="col" style="{NAME}">{_html(each)}</th>' for each in heads)
        parts.append(f"<tr>{above}</tr>")
    for name, *values in rows:
        if [each for each in values if not (each is None or each == "" or each == ())]:
            cells = "".join(f'<td dir="auto" style="{VALUE}">{_html(each)}</td>' for each in values)
            parts.append(f'<tr><th scope="row" style="{NAME}">{_html(name)}</th>{cells}</tr>')
    return f"<div>{''.join(parts)}</table></div>"


def fields_cell(record: Any) -> str:
    """The same of a plain record: its class, and a row a field; as a method of a class, `_repr_html_ = fields_cell`."""
    return record_cell(type(record).__name__, [(each.name, getattr(record, each.name)) for each in fields(record)])


def _html(value: object) -> str:
    if isinstance(value, tuple | list):
        value = ", ".join(map(str, value))
    return quoted(visible(shortened("" if value is None else str(value), MOST_TEXT), keep="\n"))
