"""The key of a figure, in a line between its axes and its title: what colours and marks in it say."""

import math
from collections.abc import Sequence

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from mediate.figures.style import BLUE, HATCH, RED

# Points between axes and title: without a key, and what each line of a key takes.
PAD, LINE = 7, 13
# Inches left of a key, and that an entry and each of its characters take.
BESIDE, ENTRY, CHARACTER = 0.7, 0.32, 0.056
# A mark, the same as a letter, and their colour on pale cells.
CROSS, TIMES, CROSSED = "x", "×", "0.35"


def colour_keys(words: tuple[str, str], *, below: bool, above: bool, gaps: bool, crossed: str = "") -> list[Artist]:
    """The keys of a heat map: of the colours that it has, of cells that no item has, and of those that are crossed.

    Args:
        words: What red and what blue says.
        below: Whether a cell is blue.
        above: Whether one is red.
        gaps: Whether one has no number.
        crossed: What a cross says; empty where no cell could be crossed.
    """
    keys: list[Artist] = []
    for colour, said, there in ((RED, words[0], above), (BLUE, words[1], below)):
        if there:
            keys.append(Patch(facecolor=colour, label=said))
    if gaps:
        keys.append(Patch(label="no number", **HATCH))
    if crossed:
        keys.append(Line2D([], [], linestyle="none", marker=CROSS, markersize=4, color=CROSSED, label=crossed))
    return keys


def key_over(axes: Axes, keys: Sequence[Artist]) -> int:
    """Puts a key over axes, and returns how many lines it takes; the title above it makes room for them (`headed`)."""
    if not keys:
        return 0
    room = axes.figure.bbox.width / axes.figure.dpi - BESIDE
    taken = sum(ENTRY + CHARACTER * len(str(each.get_label())) for each in keys)
    lines = min(len(keys), math.ceil(taken / max(room, 1.0)))
    legend = axes.legend(
        handles=list(keys),
        loc="lower left",
        bbox_to_anchor=(-0.01, 1),
        ncols=math.ceil(len(keys) / lines),
        borderaxespad=0.2,
        columnspacing=1.3,
        handlelength=1.0,
        handletextpad=0.5,
        fontsize=7.5,
        labelcolor="0.25",
    )
    legend.set_in_layout(False)  # else the axes would be as narrow as makes room for it beside them
    for text in legend.get_texts():
        text.set_parse_math(False)
    return lines
