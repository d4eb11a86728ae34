"""Maps of several runs side by side, on one scale: each run's own, and under it what it has more than the first."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import PercentFormatter

from mediate.errors import InputError
from mediate.figures.difference import mark_cells
from mediate.figures.found import lines_of
from mediate.figures.heat import draw_heat, label_axis
from mediate.figures.style import MARGIN, panelled
from mediate.figures.text import in_lines, label

PANEL, LEFT, HEIGHT = 2.0, 1.6, 3.6
# Characters of a run's name in a line over its panel.
NAME_WIDTH = 26


@dataclass(frozen=True, slots=True)
class RunMap:
    """One run's map among several.

    Args:
        name: What the run is called.
        values: Its effects as shares of its total effect.
        found: Cells that were found to differ from the first run's; none of the first run.
    """

    name: str
    values: Float[np.ndarray, "step layer"]
    found: Bool[np.ndarray, "step layer"]


def multiples_size(runs: int) -> tuple[float, float]:
    """Inches that `plot_multiples` needs for so many runs."""
    return max(7.2, LEFT + PANEL * runs), HEIGHT


def plot_multiples(
    runs: Sequence[RunMap],
    *,
    quantity: str,
    steps: Sequence[int | str],
    layers: Sequence[int | str],
    margin: float = MARGIN,
    figure: Figure | SubFigure | None = None,
) -> Axes:
    """A panel a run, and under each but the first its difference from the first; all have one scale of colours.

    The colours are symmetric about 0, as deep as the largest cell of all panels, and never deeper than the margin
    allows: what is small beside the total effect is pale everywhere. Dots mark cells that were found to differ.

    Args:
        runs: The first is the one that the others are held against.
        quantity: What the cells are.
        steps: Names of the rows.
        layers: Names of the columns: layers, or as text relative depths.
        margin: The least share of the deepest colours.
        figure: Where to draw, a figure or part of one.

    Returns:
        The axes of the first run's map; its figure has the others.

    Raises:
        InputError: Fewer than two runs, or no cell with a number.
    """
    if len(runs) < 2 or not any(np.isfinite(each.values).any() for each in runs):
        raise InputError("maps of two runs or more with numbers in them can be drawn side by side")
    first = runs[0]
    differences = [each.values - first.values for each in runs[1:]]
    limit = max(
        margin, *(float(np.nanmax(abs(each), initial=0.0)) for each in (*(r.values for r in runs), *differences))
    )
    depth = "relative depth" if any(isinstance(each, str) for each in layers) else "layer"
    with panelled(figure, multiples_size(len(runs))) as drawn:
        grid = drawn.subplots(2, len(runs), sharex=True, sharey=True, squeeze=False)
        for place, each in enumerate(runs):
            axes = grid[0, place]
            image = draw_heat(axes, each.values, limit, numbers=False)
            axes.set_title(in_lines(label(each.name, 2 * NAME_WIDTH), NAME_WIDTH), fontsize=8, parse_math=False)
        for place, (each, values) in enumerate(zip(runs[1:], differences, strict=True), start=1):
            axes = grid[1, place]
            draw_heat(axes, values, limit, numbers=False)
            mark_cells(axes, values, each.found, limit)
            less = "less the first" if len(runs) > 2 else f"less {label(first.name, NAME_WIDTH)}"
            axes.set_title(less, fontsize=8, parse_math=False)
            label_axis(axes.xaxis, depth, layers)
        grid[1, 0].set_axis_off()
        grid[0, 0].tick_params(labelbottom=True)
        label_axis(grid[0, 0].xaxis, depth, layers)
        label_axis(grid[0, 0].yaxis, "step", steps)
        bar = drawn.colorbar(image, ax=grid, pad=0.01, format=PercentFormatter(1.0, symbol=" %", decimals=0))
        bar.outline.set_visible(False)
        bar.set_label(in_lines(quantity), parse_math=False)
        drawn.suptitle(lines_of(_title(runs), 6.6), x=0.01, ha="left", fontsize=9.5, parse_math=False)
    found: Axes = grid[0, 0]
    return found


def multiples_data(runs: Sequence[RunMap], steps: Sequence[int | str], layers: Sequence[int | str]) -> pd.DataFrame:
    """What `plot_multiples` draws: a row a run, step and layer with its `share` and `difference`, and `differs`."""
    rows = [
        (each.name, step, layer, each.values[at], each.values[at] - runs[0].values[at], bool(each.found[at]))
        for each in runs
        for at, (step, layer) in (
            ((row, column), (step, layer)) for row, step in enumerate(steps) for column, layer in enumerate(layers)
        )
    ]
    return pd.DataFrame(rows, columns=["run", "step", "layer", "share", "difference", "differs"])


def _title(runs: Sequence[RunMap]) -> str:
    counts = [int(each.found.sum()) for each in runs[1:]]
    cells = int(np.isfinite(runs[0].values).sum())
    if not any(counts):
        return f"No cell of {cells} is found to differ from {label(runs[0].name, 40)}"
    if len(runs) == 2:
        return f"{counts[0]} of {cells} cells differ from {label(runs[0].name, 40)}"
    most = max(range(len(counts)), key=counts.__getitem__)
    return f"Most cells differ in {label(runs[1 + most].name, 40)}: {counts[most]} of {cells}"
