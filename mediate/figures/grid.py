"""The mean of maps over any two of their axes as a heat map: heads by layer, positions by layer, heads by step."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from mediate.errors import InputError
from mediate.figures.found import headed, peak
from mediate.figures.heat import draw_heat, heat_key, label_axis
from mediate.figures.over import Means, check_maps, mean_data, means_over, own_scale
from mediate.figures.scale import ColourScale
from mediate.figures.steps import bar_words, colours_of
from mediate.figures.style import canvas
from mediate.figures.told_apart import crossed_of, crossed_words
from mediate.results import EffectMap
from mediate.showing import plural

WIDTH = 7.2
NAMES = {"kv_head": "KV head", "position": "position (CoT token)"}


def grid_axes(dims: Sequence[str]) -> tuple[str, str]:
    """Which two axes of a map are drawn, rows first: layers by heads, if it has both, else its last two.

    Layers are columns, so that a page's figures have depth in one direction, but where heads are.
    """
    heads = next((each for each in ("head", "kv_head") if each in dims), None)
    if "layer" in dims and heads:
        return "layer", heads
    if "layer" in dims:
        return next(each for each in reversed(dims) if each != "layer"), "layer"
    return dims[-2], dims[-1]


def grid_size(maps: Sequence[EffectMap]) -> tuple[float, float]:
    """Inches that `plot_grid` needs for these maps."""
    rows = len({label for each in maps for label in each.coords[grid_axes(each.dims)[0]]})
    return WIDTH, float(np.clip(1.3 + 0.16 * rows, 2.6, 6.2))


def plot_grid(
    maps: Sequence[EffectMap],
    *,
    scale: ColourScale | None = None,
    seed: int = 0,
    level: float = 0.95,
    ax: Axes | None = None,
) -> Axes:
    """Mean effect over two axes of maps that have two or more, in the outcome's unit; red is towards the base answer.

    Of further axes, a cell is the effect that is largest in size along them, and the axis says so. The colours are
    symmetric about 0. A cell that no item has is hatched grey, one that its pointwise interval over groups does not
    tell from 0 is crossed, and few cells have their numbers in them. The title says where the mean is largest, if its
    interval leaves out 0.

    Args:
        maps: Of one kind and over the same axes, an item each.
        scale: The colours of maps that stand side by side; by default those of `own_scale`.
        seed: Of the bootstrap behind crosses and title.
        level: Coverage of its intervals.
        ax: Where to draw; a new figure by default.

    Raises:
        InputError: No maps, maps over one axis, over different ones, or none with a number.
    """
    if any(len(each.dims) < 2 for each in maps):
        raise InputError(f"item {maps[0].item!r}: a map over one axis has no heat map; draw it as a line")
    check_maps(maps, (), "state.z:layer,head")
    down, across = grid_axes(maps[0].dims)
    means = means_over(maps, (down, across))
    scale = scale or own_scale(maps, means.values)
    crossed = None if means.notes else crossed_of(maps, (down, across), seed=seed, level=level)
    with canvas(ax, grid_size(maps)) as axes:
        draw_heat(axes, means.values, scale, bar=bar_words(maps), crossed=crossed)
        row, column = np.unravel_index(int(np.nanargmax(abs(means.values))), means.values.shape)
        label_axis(axes.yaxis, f"{NAMES.get(down, down)} ({_sizes(maps, means)})", means.coords[down], named=int(row))
        label_axis(axes.xaxis, "", means.coords[across], named=int(column))
        axes.set_xlabel("; ".join([NAMES.get(across, across), *means.notes]))
        lines = heat_key(axes, means.values, scale, colours_of(maps[0]), crossed=crossed, said=crossed_words(level))
        headed(axes, peak(maps, seed=seed, level=level), over=lines)
    return axes


def grid_data(maps: Sequence[EffectMap], *, seed: int = 0, level: float = 0.95) -> pd.DataFrame:
    """What `plot_grid` draws, before axes are left out or neighbours taken together: a row a cell, see `mean_data`."""
    check_maps(maps, (), "state.z:layer,head")
    return mean_data(maps, seed=seed, level=level)


def _sizes(maps: Sequence[EffectMap], means: Means) -> str:
    low, high = int(means.count.min()), int(means.count.max())
    n = len({each.item for each in maps})
    if low == high == n:
        return f"n = {plural(n, 'item')}"
    return f"n = {low} to {high} items a cell"
