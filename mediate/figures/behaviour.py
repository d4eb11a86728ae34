"""Answers under edits of the chain: how many stay, by how much of it is left; and both sides of each item."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from mediate.errors import InputError
from mediate.figures.found import headed
from mediate.figures.shares import percent_words
from mediate.figures.style import FAINT, INK, canvas, run_colours
from mediate.figures.text import label
from mediate.results.behaviour import ReadAs
from mediate.results.edit_tests import Curve
from mediate.results.joined import AREA, SHARE

CURVES_SIZE, AGREEMENT_SIZE = (7.2, 3.4), (7.2, 3.4)


def plot_curves(curves: Sequence[Curve], *, ax: Axes | None = None) -> Axes:
    """A line an edit and reading, with its pointwise band: answers that stay, by how much of the chain stands before.

    A colour is an edit; where edited chains were continued, its line is dashed.

    Raises:
        InputError: No edit has a curve.
    """
    if not curves:
        raise InputError("no edit was made at every step of a chain of two or more, so there is no curve to draw")
    with canvas(ax, CURVES_SIZE) as axes:
        edits = list(dict.fromkeys(each.edit for each in curves))
        colours = dict(zip(edits, run_colours(len(edits)), strict=True))
        for each in curves:
            colour, dashed = colours[each.edit], "-" if each.reading == ReadAs.AT_ONCE else (0, (4, 2))
            name = f"{label(each.edit)}, {each.reading.replace('_', ' ')}, n = {each.same[0].n}"
            axes.plot(each.shares, [point.value for point in each.same], color=colour, linestyle=dashed, label=name)
            low, high = ([getattr(point, end) for point in each.same] for end in ("low", "high"))
            if np.isfinite(low).any():
                axes.fill_between(each.shares, low, high, color=colour, alpha=0.14, linewidth=0)
        axes.set(xlabel="steps before the edit, of all", ylabel="answers that stay", xlim=(0, 1), ylim=(-0.03, 1.03))
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(PercentFormatter(1, decimals=0))
        axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), borderaxespad=0)
        axes.grid(axis="y", color="0.9", linewidth=0.6)
        first = curves[0]
        headed(axes, f"With {first.edit} from the first step on, {percent_words(first.same[0])} of answers stay")
    return axes


def curves_data(curves: Sequence[Curve]) -> pd.DataFrame:
    """What `plot_curves` draws: a row an edit, reading and `part` of the chain before it, with answers that `stay`."""
    rows = [
        (each.edit, str(each.reading), part, point.value, point.low, point.high, point.n)
        for each in curves
        for part, point in zip(each.shares, each.same, strict=True)
    ]
    return pd.DataFrame(rows, columns=["edit", "reading", "part", "stay", "low", "high", "n"])


def plot_agreement(joined: pd.DataFrame, *, ax: Axes | None = None) -> Axes:
    """A point an item: its normalised area of early answering, and its mediated share; on the line both say the same.

    Raises:
        InputError: No item has both.
    """
    there = joined.dropna(subset=[AREA, SHARE])
    if there.empty:
        raise InputError("no item has both an area and a mediated share, so there is nothing to draw")
    with canvas(ax, AGREEMENT_SIZE) as axes:
        axes.plot([0, 1], [0, 1], color=FAINT, linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
        axes.plot(there[AREA], there[SHARE], "o", color=INK, markersize=4, alpha=0.5, markeredgewidth=0)
        axes.set(xlabel="normalised area of early answering", ylabel="mediated share")
        axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
        headed(axes, f"Behaviour against effects, an item a point, n = {len(there)}")
    return axes


def both_sides_data(joined: pd.DataFrame) -> pd.DataFrame:
    """What `plot_agreement` draws: a row an item that has both, with its `item`, area and mediated share."""
    return joined.dropna(subset=[AREA, SHARE])[["item", AREA, SHARE]].reset_index(drop=True)
