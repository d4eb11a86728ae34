"""Which figure draws maps of a kind over their axes: one table, for pages and for a map by itself."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import pandas as pd
from matplotlib.axes import Axes

from mediate.figures.along import plot_along
from mediate.figures.by_step import plot_by_step
from mediate.figures.grafts import plot_grafts
from mediate.figures.graph import plot_interactions, plot_step_graph
from mediate.figures.grid import plot_grid
from mediate.figures.positions import POSITION, plot_positions
from mediate.figures.steps import plot_step_layer
from mediate.results import EffectMap
from mediate.results.kinds import parse_kind


@dataclass(frozen=True, slots=True)
class MapSort:
    """A sort of maps that one figure draws.

    Args:
        name: What it is called.
        fits: Whether maps of this kind and over these axes are of it.
        plot: Draws the mean of such maps, of one kind and outcome; `ax` in, `ax` out.
    """

    name: str
    fits: Callable[[str, tuple[str, ...]], bool]
    plot: Callable[[Sequence[EffectMap], Axes | None], Axes]


def _over(*dims: str) -> Callable[[str, tuple[str, ...]], bool]:
    return lambda kind, having: having == dims


# In the order of a page; a map is of the first that fits it.
SORTS = (
    MapSort("step by layer", _over("step", "layer"), lambda maps, ax: plot_step_layer(maps, ax=ax)),
    MapSort(
        "graft",
        lambda kind, dims: parse_kind(kind).of.cumulative and dims == ("step",),
        lambda maps, ax: plot_grafts(maps, ax=ax),
    ),
    MapSort("by step", _over("step"), lambda maps, ax: plot_by_step([maps], ax=ax)),
    MapSort("position", lambda kind, dims: POSITION in dims, lambda maps, ax: plot_positions(maps, {}, ax=ax)),
    MapSort("along", lambda kind, dims: len(dims) == 1, lambda maps, ax: plot_along([maps], ax=ax)),
    MapSort("interaction", _over("step", "later"), lambda maps, ax: plot_interactions(maps, ax=ax)),
    MapSort(
        "graph",
        lambda kind, dims: bool(parse_kind(kind).of.outcome) and dims == ("step", "result"),
        lambda maps, ax: plot_step_graph(maps, ax=ax),
    ),
    MapSort("grid", lambda kind, dims: len(dims) > 1, lambda maps, ax: plot_grid(maps, ax=ax)),
)


def map_data(effects: EffectMap) -> pd.DataFrame:
    """What `plot_map` draws: a row a cell, as `EffectMap.to_frame` has it."""
    return effects.to_frame()


def plot_map(effects: EffectMap, *, ax: Axes | None = None) -> Axes:
    """One map in the figure of its sort; of tokens, counted to the chain's last one.

    Raises:
        InputError: No cell of it has a number.
    """
    return next(each for each in SORTS if each.fits(effects.kind, effects.dims)).plot([effects], ax)
