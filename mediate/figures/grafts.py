"""The graft curve: what is lost of the outcome as more and more of the chain is the source's."""

from collections.abc import Sequence

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from mediate.errors import InputError
from mediate.figures.style import INK, SEQUENTIAL, canvas, effect_label
from mediate.figures.text import label
from mediate.results import EffectMap
from mediate.results.kinds import parse_kind
from mediate.stats.columnwise import interval_of_means

GRAFTS_SIZE = (7.2, 3.2)
# Chains of so many lengths have a line each.
MOST_LINES = 8


def plot_grafts(maps: Sequence[EffectMap], *, seed: int = 0, level: float = 0.95, ax: Axes | None = None) -> Axes:
    """Mean effect of grafting 0 to n steps of the source's chain, a line for the chains of each number n of steps.

    Each line begins at 0, where nothing is grafted, and ends at the mean TIE of its chains. Bands are pointwise
    intervals over groups. Of more than eight lengths, the eight that most items have are drawn.

    Raises:
        InputError: No maps, or maps that are no grafts.
    """
    if not maps or not all(parse_kind(each.kind).of.cumulative for each in maps):
        raise InputError("a curve is drawn from maps of grafts; score with 'graft:step'")
    by_length: dict[int, list[EffectMap]] = {}
    for each in maps:
        by_length.setdefault(len(each.values), []).append(each)
    most = sorted(by_length, key=lambda steps: (-len(by_length[steps]), steps))[:MOST_LINES]
    colours = matplotlib.colormaps[SEQUENTIAL](np.linspace(0, 0.88, len(most)))
    banded = False
    with canvas(ax, GRAFTS_SIZE) as axes:
        axes.axhline(0, color=INK, linewidth=0.8, zorder=1)
        for steps, colour in zip(sorted(most), colours, strict=True):
            alike = by_length[steps]
            values = np.stack([np.concatenate([[0.0], each.values]) for each in alike])
            low, high = interval_of_means(values, [each.group for each in alike], seed=seed, level=level)
            axes.plot(
                range(steps + 1), values.mean(axis=0), color=colour, marker="o", label=f"{steps} (n = {len(alike)})"
            )
            if np.isfinite(low).any():
                banded = True
                axes.fill_between(range(steps + 1), low, high, color=colour, alpha=0.16, linewidth=0)
        axes.legend(title="steps", loc="upper left", bbox_to_anchor=(1.01, 1), borderaxespad=0, alignment="left")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        bands = f"bands: pointwise {level * 100:g} % intervals over groups" if banded else "no interval"
        axes.set_xlabel(f"steps of the source's chain that stand first; {bands}")
        number, bracket, unit = f"mean {effect_label(label(maps[0].outcome))}".partition("(")
        axes.set_ylabel(f"{number}\n{bracket}{unit}", parse_math=False)
        axes.grid(axis="y", color="0.9", linewidth=0.6)
        axes.set_axisbelow(True)
    return axes
