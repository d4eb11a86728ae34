"""The graft curve: what is lost of the outcome as more and more of the chain is the source's."""

from collections.abc import Sequence

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from mediate.errors import InputError
from mediate.figures.found import headed
from mediate.figures.style import INK, SEQUENTIAL, canvas, effect_label
from mediate.figures.text import label
from mediate.results import EffectMap
from mediate.results.kinds import parse_kind
from mediate.showing import plural
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
    found = grafts_data(maps, seed=seed, level=level)
    sizes = found.drop_duplicates("steps").sort_values(["n", "steps"], ascending=[False, True])
    lengths = sorted(sizes["steps"].head(MOST_LINES))
    colours = matplotlib.colormaps[SEQUENTIAL](np.linspace(0, 0.88, len(lengths)))
    with canvas(ax, GRAFTS_SIZE) as axes:
        axes.axhline(0, color=INK, linewidth=0.8, zorder=1)
        for steps, colour in zip(lengths, colours, strict=True):
            own = found[found["steps"] == steps]
            name = f"{steps} (n = {own['n'].iloc[0]})"
            axes.plot(own["grafted"], own["effect"], color=colour, marker="o", label=name)
            if np.isfinite(own["low"]).any():
                axes.fill_between(own["grafted"], own["low"], own["high"], color=colour, alpha=0.16, linewidth=0)
        axes.legend(title="steps", loc="upper left", bbox_to_anchor=(1.01, 1), borderaxespad=0, alignment="left")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        banded = np.isfinite(found["low"]).any()
        bands = f"bands: pointwise {level * 100:g} % intervals over groups" if banded else "no interval"
        axes.set_xlabel(f"steps of the source's chain that stand first; {bands}")
        number, bracket, unit = f"mean {effect_label(label(maps[0].outcome))}".partition("(")
        axes.set_ylabel(f"{number}\n{bracket}{unit}", parse_math=False)
        axes.grid(axis="y", color="0.9", linewidth=0.6)
        axes.set_axisbelow(True)
        headed(axes, _title(maps))
    return axes


def grafts_data(maps: Sequence[EffectMap], *, seed: int = 0, level: float = 0.95) -> pd.DataFrame:
    """What `plot_grafts` draws: a row a length of chains (`steps`) and number of `grafted` steps, from 0 on."""
    if not maps or not all(parse_kind(each.kind).of.cumulative for each in maps):
        raise InputError("a curve is drawn from maps of grafts; score with 'graft:step'")
    by_length: dict[int, list[EffectMap]] = {}
    for each in maps:
        by_length.setdefault(len(each.values), []).append(each)
    frames = []
    for steps, alike in sorted(by_length.items()):
        values = np.stack([np.concatenate([[0.0], each.values]) for each in alike])
        low, high = interval_of_means(values, [each.group for each in alike], seed=seed, level=level)
        means = {"grafted": range(steps + 1), "effect": values.mean(axis=0), "low": low, "high": high}
        frames.append(pd.DataFrame(means).assign(steps=steps, n=len(alike)))
    return pd.concat(frames, ignore_index=True)


def _title(maps: Sequence[EffectMap]) -> str:
    """In how many chains the last step alone takes most of what all do."""
    long = [each for each in maps if len(each.values) > 1 and each.values[-1]]
    last = sum((each.values[-1] - each.values[-2]) / each.values[-1] > 0.5 for each in long)
    n = f"n = {plural(len(maps), 'item')}"
    if len(long) < 2:
        return f"Grafting the source's steps, {n}"
    return f"In {last} of {len(long)} chains more than half is lost with the last step"
