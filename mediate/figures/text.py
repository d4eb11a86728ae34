"""Text from models and data made safe to show: nothing in it stays invisible or acts on its surroundings."""

import re
import unicodedata
from functools import cache

from matplotlib import font_manager
from matplotlib.ft2font import FT2Font

ELLIPSIS = "…"
# Characters that stand in a line beside a figure's axis.
LINE_WIDTH = 34
# Of the name of a kind of map: none of the known ones is longer.
MOST_OF_A_KIND = 64
SIGNS = {"\n": "↵", "\t": "⇥"}
# Control, format (with the bidirectional overrides), surrogate, private, unassigned, line and paragraph separators.
UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


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
    return "".join(char if char in keep else _sign(char) for char in text)


def _sign(char: str) -> str:
    if char in SIGNS:
        return SIGNS[char]
    return escape(char) if unicodedata.category(char) in UNSEEN else char


def escape(char: str) -> str:
    """A character's Python escape: `\\x1b`, `\\u202e`, `\\U0001f600`."""
    code = ord(char)
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def label(text: str, width: int = 24) -> str:
    """A tick label: visible, of glyphs that matplotlib's own font has, and shortened in the middle to `width`.

    Draw it with `parse_math=False`: a dollar sign in an id is no formula.
    """
    shown = "".join(_drawable(char) for char in text)
    if len(shown) <= width:
        return shown
    head = (width - 1) // 2 + (width - 1) % 2
    return shown[:head] + ELLIPSIS + shown[len(shown) - (width - 1 - head) :]


def in_lines(text: str, width: int = LINE_WIDTH) -> str:
    """A label in lines of at most `width` characters; a name that is longer is broken after a dot or underscore.

    Its own line breaks stay.
    """
    return "\n".join(_wrapped(line, width) for line in text.split("\n"))


def _wrapped(text: str, width: int) -> str:
    lines = [""]
    for word in re.findall(r"\S+\s*", text):
        for piece in re.findall(rf".{{1,{width}}}(?:(?<=[._])|\s|\Z)|.{{1,{width}}}", word):
            if len((lines[-1] + piece).rstrip()) > width:
                lines.append("")
            lines[-1] += piece
    return "\n".join([*(line.rstrip() for line in lines[:-1]), lines[-1]])


@cache
def _font() -> FT2Font:
    return FT2Font(font_manager.findfont("DejaVu Sans"))


def _drawable(char: str) -> str:
    sign = _sign(char)
    return sign if len(sign) > 1 or _font().get_char_index(ord(sign)) else escape(char)
