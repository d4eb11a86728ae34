"""Two steps at a time as a matrix: what one determines of the other, and what both do together."""

from collections.abc import Mapping, Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes

from mediate.errors import InputError
from mediate.figures.style import INK, canvas, signed_cells
from mediate.results import EffectMap, mean_map
from mediate.results.kinds import parse_kind

GRAPH_SIZE = (7.2, 3.2)
MOST_NUMBERS = 8
DIMS = ("step", "result")
TOGETHER = ("step", "later")


def plot_step_graph(maps: Sequence[EffectMap], *, ax: Axes | None = None) -> Axes:
    """Mean effect of each step (row) on what each later step states (column), in nats.

    Red speaks for what the base chain states. Hatched grey is undefined: not a later step, or one that states the same
    in both worlds. Up to eight steps the numbers stand in the cells.

    Raises:
        InputError: No maps, maps that are no step graphs, or none with any entry.
    """
    if not maps or not all(parse_kind(each.kind).of.outcome and each.dims == DIMS for each in maps):
        raise InputError(
            "a step graph is drawn from maps of step_graph.read or step_graph.state; score with one of them"
        )
    mean, coords, _ = mean_map(maps)
    if np.isnan(mean).all():
        raise InputError("no step of these graphs has a later step that states a difference")
    axes = _matrix(maps, mean, coords, "mean effect", ax)
    axes.set_xlabel("step whose result is read")
    axes.set_ylabel("step that is swapped")
    return axes


def plot_interactions(maps: Sequence[EffectMap], *, ax: Axes | None = None) -> Axes:
    """Mean interaction of each step (row) with each later one (column), in nats.

    Red: the answer needs either of the two, and each hides the other's effect. Blue: it needs both. Hatched grey is
    undefined: not a later step. Up to eight steps the numbers stand in the cells.

    Raises:
        InputError: No maps, maps that are no interactions, or none of two steps.
    """
    if not maps or any(each.dims != TOGETHER for each in maps):
        raise InputError("interactions are drawn from maps of two steps; score with 'interaction:step,later'")
    mean, coords, _ = mean_map(maps)
    if np.isnan(mean).all():
        raise InputError("no chain of these maps has two steps")
    axes = _matrix(maps, mean, coords, "mean interaction", ax)
    axes.set_xlabel("later step")
    axes.set_ylabel("step")
    return axes


def _matrix(
    maps: Sequence[EffectMap],
    mean: Float[np.ndarray, "step other"],
    coords: Mapping[str, tuple[int, ...]],
    number: str,
    ax: Axes | None,
) -> Axes:
    """A cell a pair of steps, with its number where there are few; red is positive."""
    down, across = coords
    limit = float(np.nanmax(abs(mean))) or 1.0
    with canvas(ax, GRAPH_SIZE) as axes:
        image = signed_cells(axes, mean, limit)
        bar = axes.figure.colorbar(image, ax=axes, pad=0.03)
        bar.outline.set_visible(False)
        n = len({each.item for each in maps})
        bar.set_label(f"{number} (nats); up to {n} item{'' if n == 1 else 's'} a cell")
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
        for axis, name in ((axes.xaxis, across), (axes.yaxis, down)):
            axis.set_ticks(range(len(coords[name])), [str(label) for label in coords[name]])
        if len(mean) <= MOST_NUMBERS:
            for row, column in np.argwhere(~np.isnan(mean)):
                value = round(float(mean[row, column]), 2) + 0.0  # no -0.00
                ink = "white" if abs(value) > 0.6 * limit else INK
                axes.text(
                    column, row, f"{value:.2f}".replace("-", "−"), ha="center", va="center", color=ink, fontsize=8
                )
    return axes
