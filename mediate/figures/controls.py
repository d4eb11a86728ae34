"""The controls: the effect of each beside the real one that it stands next to."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from mediate.errors import InputError
from mediate.figures.found import headed
from mediate.figures.style import FAINT, INK, canvas
from mediate.results.controls import ControlSummary
from mediate.showing import plural

ROW_HEIGHT, MARGIN = 0.34, 1.15
# Fewer items than this tell nothing of a control that is no exact one.
FEWEST = 2


def controls_size(rows: int) -> tuple[float, float]:
    """Inches that `plot_controls` needs for so many controls."""
    return 7.2, MARGIN + ROW_HEIGHT * rows


def plot_controls(found: Sequence[ControlSummary], *, unit: str = "nats", ax: Axes | None = None) -> Axes:
    """A row a control: its mean size (ink) and that of the real effect beside it (grey), each with its interval.

    What must be exactly 0 says whether it is. A control on one item, which tells nothing, has no dot but the word, and
    so has one that was refused on all.

    Args:
        found: From `mediate.results.controls.summarise`.
        unit: Of the effects.
        ax: Where to draw.

    Raises:
        InputError: No controls were run.
    """
    if not found:
        raise InputError("no controls were run; score with control_pairs=8 or more")
    with canvas(ax, controls_size(len(found))) as axes:
        axes.axvline(0, color=INK, linewidth=0.8, zorder=1)
        for row, each in enumerate(found):
            words = _words(each)
            if not words or each.held is not None:
                for estimate, colour, shift in ((each.beside, FAINT, 0.16), (each.size, INK, -0.1)):
                    _draw(axes, estimate.value, (estimate.low, estimate.high), row + shift, colour)
            axes.annotate(
                words or f"n = {each.n}", (1.02, row), xycoords=("axes fraction", "data"), va="center", fontsize=7.5
            )
        axes.set_yticks(range(len(found)), [each.control.value.replace("_", " ") for each in found])
        axes.set_ylim(len(found) - 0.5, -0.6)
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel(f"mean |effect| ({unit}); dark: of the control; grey: of the real effect beside it")
        axes.grid(axis="x", color="0.92", linewidth=0.6)
        axes.set_axisbelow(True)
        headed(axes, _title(found))
    return axes


def controls_data(found: Sequence[ControlSummary]) -> pd.DataFrame:
    """What `plot_controls` draws: a row a control with its mean size, what stands beside it, intervals and `n`."""
    rows = [
        {
            "control": each.control.value,
            "size": each.size.value,
            "low": each.size.low,
            "high": each.size.high,
            "beside": each.beside.value,
            "beside_low": each.beside.low,
            "beside_high": each.beside.high,
            "n": each.n,
            "held": each.held,
        }
        for each in found
    ]
    return pd.DataFrame(rows)


def _draw(axes: Axes, value: float, ends: tuple[float, float], row: float, colour: str) -> None:
    if np.isnan(value):
        return
    bounded = bool(np.isfinite(ends[0]))
    if bounded:
        axes.hlines(row, *ends, color=colour, linewidth=2.2)
    axes.plot(value, row, "o", color=colour, markersize=5.5, markerfacecolor=colour if bounded else "white")


def _words(each: ControlSummary) -> str:
    """What stands beside the row; empty where the dots say it all."""
    if not each.n:
        return "refused on all"
    if each.held is not None:
        return f"{'exactly 0' if each.held else 'BROKEN: not 0'}, n = {each.n}"
    return "one item tells nothing" if each.n < FEWEST else ""


def _title(found: Sequence[ControlSummary]) -> str:
    exact = [each for each in found if each.held is not None]
    broken = [each for each in exact if not each.held]
    if broken:
        return f"A control that must be 0 is not: {', '.join(each.control.value.replace('_', ' ') for each in broken)}"
    below = [each for each in found if each.held is None and each.n >= FEWEST and np.isfinite(each.size.high)]
    less = [each for each in below if each.size.high < each.beside.low]
    if not below:
        return f"Controls: {len(exact)} that must be exactly 0 are" if exact else "Controls"
    held = f"; {len(exact)} that must be exactly 0 are" if exact else ""
    have = f"{plural(len(below), 'control')} {'has' if len(below) == 1 else 'have'}"
    return f"{len(less)} of {have} clearly less effect than the real intervention{held}"
