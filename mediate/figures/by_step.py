"""Effects of steps by themselves: one mean a step, a line a kind of map."""

from collections.abc import Sequence
from itertools import cycle

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from mediate.errors import InputError
from mediate.figures.paired import run_colours
from mediate.figures.style import INK, canvas, effect_label
from mediate.figures.text import label
from mediate.results import EffectMap
from mediate.stats.columnwise import interval_of_means

BY_STEP_SIZE = (7.2, 3.2)
DIMS = ("step",)


def plot_by_step(
    kinds: Sequence[Sequence[EffectMap]], *, seed: int = 0, level: float = 0.95, ax: Axes | None = None
) -> Axes:
    """The mean effect of each step, with its pointwise interval over groups, a line for the maps of each kind.

    Chains differ in length: a step's mean is over the items that have it.

    Raises:
        InputError: No maps, or maps that are not over steps alone.
    """
    if not kinds or any(each.dims != DIMS for maps in kinds for each in maps):
        raise InputError("effects by step are drawn from maps over steps alone; score with 'read:step' or its like")
    with canvas(ax, BY_STEP_SIZE) as axes:
        axes.axhline(0, color=INK, linewidth=0.8, zorder=1)
        banded = False
        # Lines that lie on each other are told apart by how they are broken.
        for maps, colour, line in zip(kinds, run_colours(len(kinds)), cycle(("-", "--", ":", "-."))):
            steps = sorted({step for each in maps for step in each.coords["step"]})
            means, lows, highs = [], [], []
            for step in steps:
                having = [each for each in maps if step in each.coords["step"]]
                values = np.array([[each.values[each.coords["step"].index(step)]] for each in having])
                low, high = interval_of_means(values, [each.group for each in having], seed=seed, level=level)
                means.append(float(values.mean()))
                lows.append(float(low[0]))
                highs.append(float(high[0]))
            axes.plot(
                steps, means, color=colour, linestyle=line, marker="o", label=f"{label(maps[0].kind)} (n = {len(maps)})"
            )
            if np.isfinite(lows).any():
                banded = True
                axes.fill_between(steps, lows, highs, color=colour, alpha=0.16, linewidth=0)
        axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), borderaxespad=0)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        bands = f"bands: pointwise {level * 100:g} % intervals over groups" if banded else "no interval"
        axes.set_xlabel(f"step; {bands}")
        number, bracket, unit = f"mean {effect_label(label(kinds[0][0].outcome))}".partition("(")
        axes.set_ylabel(f"{number}\n{bracket}{unit}", parse_math=False)
        axes.grid(axis="y", color="0.9", linewidth=0.6)
        axes.set_axisbelow(True)
    return axes
