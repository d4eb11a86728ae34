"""Text from models and data made safe to show: nothing in it stays invisible or acts on its surroundings."""

import re
from functools import cache

from matplotlib import font_manager
from matplotlib.ft2font import FT2Font

from mediate.showing import escape, sign_of
from mediate.showing import visible as visible

ELLIPSIS = "…"
# Characters that stand in a line beside a figure's axis.
LINE_WIDTH = 34
# Of the name of a kind of map: none of the known ones is longer.
MOST_OF_A_KIND = 64


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
    sign = sign_of(char)
    return sign if len(sign) > 1 or _font().get_char_index(ord(sign)) else escape(char)
