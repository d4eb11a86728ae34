"""Text from models and data made safe to show: nothing in it stays invisible or acts on its surroundings."""

import unicodedata
from functools import cache

from matplotlib import font_manager
from matplotlib.ft2font import FT2Font

ELLIPSIS = "…"
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


@cache
def _font() -> FT2Font:
    return FT2Font(font_manager.findfont("DejaVu Sans"))


def _drawable(char: str) -> str:
    sign = _sign(char)
    return sign if len(sign) > 1 or _font().get_char_index(ord(sign)) else escape(char)
