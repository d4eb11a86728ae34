"""From the source run to the base run: what each channel adds on the way."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from mediate.errors import InputError
from mediate.figures.found import clear, headed
from mediate.figures.heat import signed
from mediate.figures.style import CHANNEL_COLOURS, FAINT, INK, canvas
from mediate.figures.text import label
from mediate.results import CHANNELS, Cube, set_effects
from mediate.results.contrasts import TWIN
from mediate.results.outcomes import unit_of
from mediate.showing import plural

WATERFALL_SIZE = (7.2, 2.5)


def plot_waterfall(cube: Cube, *, seed: int = 0, level: float = 0.95, ax: Axes | None = None) -> Axes:
    """The mean outcome from Y000 to Y111: direct, text and latent, each by its Shapley value, with its interval.

    A bar ends where the next one begins, and the three sum to the total effect. A channel's value is its mean over the
    orders in which they can be switched, so that no bar depends on where it stands.

    Args:
        cube: The items.
        seed: Of the bootstrap.
        level: Coverage of the intervals.
        ax: Where to draw.

    Raises:
        InputError: The cube has no items.
    """
    found = waterfall_data(cube, seed=seed, level=level)
    unit = unit_of(cube.outcome)
    with canvas(ax, WATERFALL_SIZE) as axes:
        for row, (name, start, effect, low, high) in enumerate(found.itertuples(index=False, name=None)):
            whole = name in ("Y000", "Y111")
            colour = FAINT if whole else CHANNEL_COLOURS[name]
            axes.barh(row, effect, 0.62, left=start, color=colour)
            end = start + effect
            if np.isfinite(low):
                axes.hlines(row, start + low, start + high, color=INK, linewidth=1.2)
            said = signed(effect) if whole else f"{'+' if effect >= 0 else ''}{signed(effect)}"
            bounds = f" [{signed(low)}, {signed(high)}]" if np.isfinite(low) else ""
            axes.annotate(said + bounds, (1.02, row), xycoords=("axes fraction", "data"), va="center", fontsize=8)
            if row < len(found) - 1:
                axes.vlines(end, row, row + 1, color=INK, linewidth=0.6, linestyle=(0, (2, 2)))
        axes.axvline(0, color=INK, linewidth=0.8, zorder=1)
        first, last = ("source run, Y000", "base run, Y111") if cube.contrast is TWIN else ("Y000", "whole, Y111")
        axes.set_yticks(range(len(found)), [first, *CHANNELS, last])
        axes.set_ylim(len(found) - 0.5, -0.5)
        axes.tick_params(axis="y", length=0)
        n, groups = len(cube.items), len(set(cube.groups))
        bars = f", {level * 100:g} % intervals" if np.isfinite(found["low"]).any() else ", no interval"
        axes.set_xlabel(f"mean {label(cube.outcome)} ({unit}); n = {n} in {plural(groups, 'group')}{bars}")
        headed(axes, _title(cube, seed, level))
    return axes


def waterfall_data(cube: Cube, *, seed: int = 0, level: float = 0.95) -> pd.DataFrame:
    """What `plot_waterfall` draws: a row a bar with `name`, `start`, `effect`, `low` and `high`, from Y000 to Y111."""
    if not cube.items:
        raise InputError("no item was measured, so there is no way from Y000 to Y111 to draw")
    effects = set_effects(cube, seed=seed, level=level)
    start = float(cube.y[:, 0, 0, 0].mean())
    rows: list[tuple[str, float, float, float, float]] = [("Y000", 0.0, start, np.nan, np.nan)]
    for name in CHANNELS:
        each = effects[name]
        rows.append((name, start, each.value, each.low, each.high))
        start += each.value
    rows.append(("Y111", 0.0, float(cube.y[:, 1, 1, 1].mean()), np.nan, np.nan))
    return pd.DataFrame(rows, columns=["name", "start", "effect", "low", "high"])


def _title(cube: Cube, seed: int, level: float) -> str:
    effects = set_effects(cube, seed=seed, level=level)
    te = effects["te"]
    most = max(CHANNELS, key=lambda name: abs(effects[name].value))
    if not (clear(te) and clear(effects[most])):
        return "From the source run to the base run" if cube.contrast is TWIN else "From what is hidden to the whole"
    value = f"{signed(effects[most].value)} of {signed(te.value)} {unit_of(cube.outcome)}"
    return f"{most.capitalize()} adds most: {value}"
