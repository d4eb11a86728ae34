"""Two steps at a time as a matrix: what one determines of the other, and what both do together."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes

from mediate.errors import InputError
from mediate.figures.found import headed, peak
from mediate.figures.heat import draw_heat, label_axis, write_numbers
from mediate.figures.over import Align, aligned, mean_data, mean_te
from mediate.figures.style import INK, MARGIN, canvas
from mediate.results import EffectMap, mean_map
from mediate.results.kinds import parse_kind

GRAPH_SIZE = (7.2, 3.2)
MOST_NUMBERS = 8
DIMS = ("step", "result")
TOGETHER = ("step", "later")


def plot_step_graph(maps: Sequence[EffectMap], *, align: Align = "start", ax: Axes | None = None) -> Axes:
    """Mean effect of each step (row) on what each later step states (column), in nats.

    Red speaks for what the base chain states. Hatched grey is undefined: not a later step, or one that states the same
    in both worlds. Up to eight steps the numbers stand in the cells, with how many items they are over where these are
    not all. Steps are counted from the first, 0, or with `align="end"` to the last, -1.

    Raises:
        InputError: No maps, maps that are no step graphs, or none with any entry.
    """
    check_graph(maps)
    axes = _matrix(aligned(maps, align), "mean effect", ax)
    axes.set_xlabel("step whose result is read")
    axes.set_ylabel("step that is swapped")
    return axes


def plot_interactions(maps: Sequence[EffectMap], *, align: Align = "start", ax: Axes | None = None) -> Axes:
    """Mean interaction of each step (row) with each later one (column), in nats.

    Red: the answer needs either of the two, and each hides the other's effect. Blue: it needs both. Hatched grey is
    undefined: not a later step. Up to eight steps the numbers stand in the cells.

    Raises:
        InputError: No maps, maps that are no interactions, or none of two steps.
    """
    if not maps or any(each.dims != TOGETHER for each in maps):
        raise InputError("interactions are drawn from maps of two steps; score with 'interaction:step,later'")
    if all(np.isnan(each.values).all() for each in maps):
        raise InputError("no chain of these maps has two steps")
    axes = _matrix(aligned(maps, align), "mean interaction", ax, least=MARGIN * abs(mean_te(maps)))
    axes.set_xlabel("later step")
    axes.set_ylabel("step")
    return axes


def graph_data(maps: Sequence[EffectMap], *, align: Align = "start") -> pd.DataFrame:
    """What `plot_step_graph` and `plot_interactions` draw: a row two steps with the mean `effect`, and `n`."""
    frame = mean_data(maps, align=align)
    return frame[frame["n"] > 0].reset_index(drop=True)


def check_graph(maps: Sequence[EffectMap]) -> None:
    """Raises InputError unless these are step graphs and one has an entry."""
    if not maps or not all(parse_kind(each.kind).of.outcome and each.dims == DIMS for each in maps):
        raise InputError(
            "a step graph is drawn from maps of step_graph.read or step_graph.state; score with one of them"
        )
    if all(np.isnan(each.values).all() for each in maps):
        raise InputError("no step of these graphs has a later step that states a difference")


def _matrix(maps: Sequence[EffectMap], number: str, ax: Axes | None, *, least: float = 0.0) -> Axes:
    """A cell a pair of steps, with its number where there are few; red is positive, and deepest from `least` on."""
    mean, coords, count = mean_map(maps)
    down, across = coords
    limit = max(float(np.nanmax(abs(mean))), np.nan_to_num(least)) or 1.0
    n = len({each.item for each in maps})
    with canvas(ax, GRAPH_SIZE) as axes:
        draw_heat(
            axes, mean, limit, bar=f"{number} (nats);\nup to {n} item{'' if n == 1 else 's'} a cell", numbers=False
        )
        axes.tick_params(length=0)
        for axis, name in ((axes.xaxis, across), (axes.yaxis, down)):
            label_axis(axis, "", coords[name])
        if len(mean) <= MOST_NUMBERS:
            write_numbers(axes, mean, limit)
            _write_counts(axes, mean, count, coords, n)
        headed(axes, peak(maps))
    return axes


def _write_counts(
    axes: Axes,
    mean: Float[np.ndarray, "step other"],
    count: Float[np.ndarray, "step other"],
    coords: Mapping[str, tuple[int, ...]],
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
                color=INK,
                alpha=0.75,
            )
