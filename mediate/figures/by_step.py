"""Effects of steps by themselves: one mean a step, a line a kind of map."""

from collections.abc import Sequence
from itertools import cycle

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from mediate.errors import InputError
from mediate.figures.found import headed, peak
from mediate.figures.over import Align, aligned, along_data, mean_te
from mediate.figures.style import INK, canvas, effect_label, hold_margin, run_colours
from mediate.figures.text import MOST_OF_A_KIND, in_lines, label
from mediate.results import EffectMap

BY_STEP_SIZE = (7.2, 3.2)
DIMS = ("step",)


def plot_by_step(
    kinds: Sequence[Sequence[EffectMap]],
    *,
    seed: int = 0,
    level: float = 0.95,
    align: Align = "start",
    ax: Axes | None = None,
) -> Axes:
    """The mean effect of each step, with its pointwise interval over groups, a line for the maps of each kind.

    Chains differ in length: a step's mean is over the items that have it. Steps are counted from the first, 0, or with
    `align="end"` to the last, -1.

    Raises:
        InputError: No maps, or maps that are not over steps alone.
    """
    found = by_step_data(kinds, seed=seed, level=level, align=align)
    with canvas(ax, BY_STEP_SIZE) as axes:
        axes.axhline(0, color=INK, linewidth=0.8, zorder=1)
        # Lines that lie on each other are told apart by how they are broken.
        for maps, colour, line in zip(kinds, run_colours(len(kinds)), cycle(("-", "--", ":", "-."))):
            own = found[found["kind"] == maps[0].kind]
            name = f"{label(maps[0].kind, MOST_OF_A_KIND)} (n = {len({each.item for each in maps})})"
            axes.plot(own["step"], own["effect"], color=colour, linestyle=line, marker="o", label=name)
            if np.isfinite(own["low"]).any():
                axes.fill_between(own["step"], own["low"], own["high"], color=colour, alpha=0.16, linewidth=0)
        axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), borderaxespad=0)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.xaxis.set_major_formatter(lambda step, _: f"{step:.0f}".replace("-", "−"))
        banded = np.isfinite(found["low"]).any()
        bands = f"bands: pointwise {level * 100:g} % intervals over groups" if banded else "no interval"
        axes.set_xlabel(f"{'step' if align == 'start' else 'step, −1 the last'}; {bands}")
        number, bracket, unit = f"mean {effect_label(label(kinds[0][0].outcome))}".partition("(")
        axes.set_ylabel(f"{number}\n{in_lines(bracket + unit)}", parse_math=False)
        axes.grid(axis="y", color="0.9", linewidth=0.6)
        axes.set_axisbelow(True)
        hold_margin(axes, mean_te(kinds[0]))
        headed(axes, peak(aligned(kinds[0], align), seed=seed, level=level))
    return axes


def by_step_data(
    kinds: Sequence[Sequence[EffectMap]], *, seed: int = 0, level: float = 0.95, align: Align = "start"
) -> pd.DataFrame:
    """What `plot_by_step` draws: a row a kind and step with `effect`, `low`, `high`, `n` and `groups`."""
    if not kinds or any(each.dims != DIMS for maps in kinds for each in maps):
        raise InputError("effects by step are drawn from maps over steps alone; score with 'read:step' or its like")
    return pd.concat([along_data(maps, seed=seed, level=level, align=align) for maps in kinds], ignore_index=True)
