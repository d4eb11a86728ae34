"""One value axis for the lines and bars of a page that show effects on one outcome: what looks as large is as large."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from statistics import median_low

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from mediate.figures.figure import Figure
from mediate.figures.scale import PEAKED

# Beyond the largest value, this part of the whole range.
PAD = 0.05
SHARED = " The value axis is that of all lines and bars here that show effects on this outcome."
APART = " The value axis is its own: these effects are more than ten times as {how} as those of others."


def extent_of(found: pd.DataFrame, value: str = "effect") -> tuple[float, float]:
    """The least and the largest of a table's values, and of the ends of their intervals, `low` and `high`."""
    values = found[[value, "low", "high"]].to_numpy(dtype=float)
    values = values[np.isfinite(values)]
    return (float(values.min()), float(values.max())) if len(values) else (0.0, 0.0)


def on_one_axis(figures: Sequence[Figure], least: float) -> list[Figure]:
    """The figures; two or more that have an extent are drawn on one vertical axis, and say so.

    One whose effects are more than ten times as small or as large as those of others has its own axis and says that: it
    would be a flat line, or make flat lines of all others.

    Args:
        figures: Of one outcome.
        least: The size, in the outcome's unit, of effects that are next to nothing: the axis reaches as far.
    """
    extents = {each.name: each.extent for each in figures if each.extent is not None}
    sizes = {name: max(least, *map(abs, extent)) for name, extent in extents.items()}
    usual = median_low(sizes.values()) if sizes else 0.0
    alike = [name for name, size in sizes.items() if size <= PEAKED * usual and usual <= PEAKED * size]
    if len(alike) < 2:
        return list(figures)
    low = min(-least, *(extents[name][0] for name in alike))
    high = max(least, *(extents[name][1] for name in alike))
    pad = PAD * (high - low) or 1.0
    held = []
    for each in figures:
        if each.name in alike:
            draw = _held(each.draw, (low - pad, high + pad))
            each = replace(each, draw=draw, caption=each.caption + SHARED)
        elif each.name in sizes:
            how = "small" if sizes[each.name] < usual else "large"
            each = replace(each, caption=each.caption + APART.format(how=how))
        held.append(each)
    return held


def _held(draw: Callable[..., object], limits: tuple[float, float]) -> Callable[..., None]:
    def drawn(*, ax: Axes) -> None:
        draw(ax=ax)
        ax.set_ylim(*limits)

    return drawn
