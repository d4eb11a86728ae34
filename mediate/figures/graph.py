"""Two steps at a time as a matrix: what one determines of the other, and what both do together."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float
from matplotlib.axes import Axes

from mediate.errors import InputError
from mediate.figures.found import headed, peak
from mediate.figures.heat import draw_heat, heat_key, label_axis
from mediate.figures.over import Align, aligned, mean_data, own_scale
from mediate.figures.style import INK, canvas
from mediate.figures.told_apart import crossed_of, crossed_words
from mediate.results import EffectMap, mean_map
from mediate.results.kinds import parse_kind

GRAPH_SIZE = (7.2, 3.2)
MOST_NUMBERS = 8
DIMS = ("step", "result")
TOGETHER = ("step", "later")
# What red and what blue says.
STATES = ("towards what the base chain states", "away from it")
EITHER = ("either of the two will do", "both are needed")


def plot_step_graph(
    maps: Sequence[EffectMap],
    *,
    align: Align = "start",
    seed: int = 0,
    level: float = 0.95,
    ax: Axes | None = None,
) -> Axes:
    """Mean effect of each step (row) on what each later step states (column), in nats.

    Red speaks for what the base chain states. Hatched grey is undefined: not a later step, or one that states the same
    in both worlds. A cell that its pointwise interval over groups does not tell from 0 is crossed. Up to eight steps
    the numbers stand in the cells, with how many items they are over where these are not all. Steps are counted from
    the first, 0, or with `align="end"` to the last, -1.

    Raises:
        InputError: No maps, maps that are no step graphs, or none with any entry.
    """
    check_graph(maps)
    axes = _matrix(aligned(maps, align), "mean effect", STATES, ax, resampled=(seed, level))
    axes.set_xlabel("step whose result is read")
    axes.set_ylabel("step that is swapped")
    return axes


def plot_interactions(
    maps: Sequence[EffectMap],
    *,
    align: Align = "start",
    seed: int = 0,
    level: float = 0.95,
    ax: Axes | None = None,
) -> Axes:
    """Mean interaction of each step (row) with each later one (column), in nats.

    Red: the answer needs either of the two, and each hides the other's effect. Blue: it needs both. Hatched grey is
    undefined: not a later step. Crosses and numbers are as in `plot_step_graph`.

    Raises:
        InputError: No maps, maps that are no interactions, or none of two steps.
    """
    if not maps or any(each.dims != TOGETHER for each in maps):
        raise InputError("interactions are drawn from maps of two steps; score with 'interaction:step,later'")
    if all(np.isnan(each.values).all() for each in maps):
        raise InputError("no chain of these maps has two steps")
    axes = _matrix(aligned(maps, align), "mean interaction", EITHER, ax, resampled=(seed, level))
    axes.set_xlabel("later step")
    axes.set_ylabel("step")
    return axes


def graph_data(
    maps: Sequence[EffectMap], *, align: Align = "start", seed: int = 0, level: float = 0.95
) -> pd.DataFrame:
    """What `plot_step_graph` and `plot_interactions` draw: a row two steps with `effect`, its interval, and `n`."""
    frame = mean_data(maps, align=align, seed=seed, level=level)
    return frame[frame["n"] > 0].reset_index(drop=True)


def check_graph(maps: Sequence[EffectMap]) -> None:
    """Raises InputError unless these are step graphs and one has an entry."""
    if not maps or not all(parse_kind(each.kind).of.outcome and each.dims == DIMS for each in maps):
        raise InputError(
            "a step graph is drawn from maps of step_graph.read or step_graph.state; score with one of them"
        )
    if all(np.isnan(each.values).all() for each in maps):
        raise InputError("no step of these graphs has a later step that states a difference")


def _matrix(
    maps: Sequence[EffectMap],
    number: str,
    words: tuple[str, str],
    ax: Axes | None,
    *,
    resampled: tuple[int, float],
) -> Axes:
    """A cell a pair of steps, with its number where there are few; red is positive."""
    (seed, level), (mean, coords, count) = resampled, mean_map(maps)
    down, across = coords
    scale = own_scale(maps, mean)
    crossed = crossed_of(maps, maps[0].dims, seed=seed, level=level)
    n = len({each.item for each in maps})
    few = len(mean) <= MOST_NUMBERS
    with canvas(ax, GRAPH_SIZE) as axes:
        bar = f"{number} (nats);\nup to {n} item{'' if n == 1 else 's'} a cell"
        draw_heat(axes, mean, scale, bar=bar, numbers=few, crossed=crossed)
        axes.tick_params(length=0)
        for axis, name in ((axes.xaxis, across), (axes.yaxis, down)):
            label_axis(axis, "", coords[name])
        if few:
            _write_counts(axes, mean, count, scale.strong(mean), n)
        lines = heat_key(axes, mean, scale, words, crossed=crossed, said=crossed_words(level))
        headed(axes, peak(maps, seed=seed, level=level), over=lines)
    return axes


def _write_counts(
    axes: Axes,
    mean: Float[np.ndarray, "step other"],
    count: Float[np.ndarray, "step other"],
    strong: Bool[np.ndarray, "step other"],
    n: int,
) -> None:
    """Under a number, over how many items it is, where these are not all of them."""
    for row, column in np.argwhere(~np.isnan(mean)):
        if count[row, column] < n:
            axes.annotate(
                f"n = {int(count[row, column])}",
                (column, row),
                xytext=(0, -8),
                textcoords="offset points",
                ha="center",
                va="center",
                fontsize=5.5,
                color="white" if strong[row, column] else INK,
                alpha=0.75,
            )
