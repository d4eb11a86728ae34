"""Which component, in which layer: maps over layers alone, a row a component."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes

from mediate.errors import InputError
from mediate.figures.found import headed
from mediate.figures.heat import draw_heat, heat_key, label_axis
from mediate.figures.over import mean_data, own_scale
from mediate.figures.scale import ColourScale
from mediate.figures.steps import colours_of
from mediate.figures.style import canvas
from mediate.figures.text import label
from mediate.figures.told_apart import cell_intervals, crossed_words
from mediate.results import EffectMap, mean_map
from mediate.results.kind_words import view_words
from mediate.showing import plural

WIDTH = 7.2
DIMS = ("layer",)


def components_size(rows: int) -> tuple[float, float]:
    """Inches that `plot_components` needs for so many rows."""
    return WIDTH, 1.45 + 0.32 * rows


def plot_components(
    maps: Mapping[str, Sequence[EffectMap]],
    *,
    scale: ColourScale | None = None,
    seed: int = 0,
    level: float = 0.95,
    ax: Axes | None = None,
) -> Axes:
    """Mean effect of each component (row) in each layer, in nats; red is towards the right answer.

    A cell that its pointwise interval over groups does not tell from 0 is crossed.

    Args:
        maps: By what to call the row: maps over layers of one kind; all rows of the same items, layers and outcome.
        scale: The colours of maps that stand side by side; by default those of `own_scale`.
        seed: Of the bootstrap behind the crosses.
        level: Coverage of its intervals.
        ax: Where to draw.

    Raises:
        InputError: No maps, maps over other axes, or rows of different items, layers or outcomes.
    """
    items, outcome, layers, values = _rows(maps)
    scale = scale or own_scale(next(iter(maps.values())), values)
    ends = [cell_intervals(row, seed=seed, level=level) for row in maps.values()]
    crossed = np.stack([~((low > 0) | (high < 0)) for low, high in ends])
    bounded = any(np.isfinite(low).any() for low, _ in ends)
    with canvas(ax, components_size(len(maps))) as axes:
        marked = crossed if bounded else None
        draw_heat(axes, values, scale, bar=f"mean effect on\n{label(outcome)} (nats)", crossed=marked)
        label_axis(axes.xaxis, f"layer (n = {plural(items, 'item')})", layers)
        axes.set_yticks(range(len(maps)), [label(name) for name in maps], parse_math=False)
        first = next(iter(maps.values()))[0]
        lines = heat_key(axes, values, scale, colours_of(first), crossed=marked, said=crossed_words(level))
        headed(axes, f"By component and layer, {view_words(first.kind)}", over=lines)
    return axes


def components_data(maps: Mapping[str, Sequence[EffectMap]], *, seed: int = 0, level: float = 0.95) -> pd.DataFrame:
    """What `plot_components` draws: a row a component and layer with `effect`, its interval, and `n` items."""
    _rows(maps)
    frames = [mean_data(row, seed=seed, level=level).assign(component=name) for name, row in maps.items()]
    return pd.concat(frames, ignore_index=True)[["component", *frames[0].columns.drop("component")]]


def _rows(
    maps: Mapping[str, Sequence[EffectMap]],
) -> tuple[int, str, tuple[int, ...], Float[np.ndarray, "row layer"]]:
    """How many items the rows are of, their outcome and layers, and their means."""
    if not maps or not all(maps.values()) or any(each.dims != DIMS for row in maps.values() for each in row):
        raise InputError("components are drawn from maps over layers alone, such as 'state.mlp_out:layer'")
    means = {name: mean_map(row) for name, row in maps.items()}
    first, *others = ((tuple(each.item for each in row), row[0].outcome, means[name][1]) for name, row in maps.items())
    if any(each != first for each in others):
        raise InputError("the components were measured on different items, outcomes or layers; draw those of one run")
    items, outcome, coords = first
    return len(set(items)), outcome, coords["layer"], np.stack([mean for mean, _, _ in means.values()])
