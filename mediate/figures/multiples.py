"""Maps of several runs side by side, on one scale: each run's own, and under it what it has more than the first."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float
from matplotlib.axes import Axes

from mediate.errors import InputError
from mediate.figures.difference import NOT_FOUND, depth_name, step_name
from mediate.figures.found import lines_of
from mediate.figures.heat import draw_heat, label_axis, show_scale
from mediate.figures.key import colour_keys
from mediate.figures.narrow import NARROW
from mediate.figures.scale import ColourScale, scale_of
from mediate.figures.style import MARGIN, Place, panelled
from mediate.figures.text import in_lines, label
from mediate.showing import plural

PANEL, LEFT, HEIGHT = 2.0, 1.6, 3.6
# Characters of a run's name in a line over its panel.
NAME_WIDTH, IN_ROW = 26, 10
EDGES = 0.3  # inches beside the title
# What red and what blue says in both rows.
SAID = ("above 0, or more", "below 0, or less")


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
    scale: ColourScale | None = None,
    down: bool = False,
    figure: Place | None = None,
) -> Axes:
    """A panel a run, and under each but the first its difference from the first; all have one scale of colours.

    The colours are symmetric about 0, as deep as the largest cell of all panels, and never deeper than the margin
    allows: what is small beside the total effect is pale everywhere. Of a difference, cells that were not found to
    differ are crossed.

    Args:
        runs: The first is the one that the others are held against.
        quantity: What the cells are.
        steps: Names of the rows.
        layers: Names of the columns: layers, or as text relative depths.
        scale: The colours of several such figures; by default those of this one, never deeper than the margin allows.
        down: Whether runs stand below each other, each with its difference beside it, as on a phone.
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
    scale = scale or scale_of([*(each.values for each in runs), *differences], MARGIN)
    size = narrow_size(len(runs)) if down else multiples_size(len(runs))
    with panelled(figure, size) as drawn:
        shape = (len(runs), 2) if down else (2, len(runs))
        grid = drawn.subplots(*shape, sharex=True, sharey=True, squeeze=False)
        own, less = (grid[:, 0], grid[:, 1]) if down else (grid[0], grid[1])
        for axes, each in zip(own, runs, strict=True):
            image = draw_heat(axes, each.values, scale, numbers=False)
            axes.set_title(_over(each.name, down=down), loc="left" if down else None, fontsize=8, parse_math=False)
        for axes, each, values in zip(less[1:], runs[1:], differences, strict=True):
            draw_heat(axes, values, scale, numbers=False, crossed=~each.found)
            if not down:
                axes.set_title(_less(runs), fontsize=8, parse_math=False)
        _draw_key(less[0], all(bool(each.found.all()) for each in runs[1:]), _less(runs) if down else "")
        for axes in (*((own[-1], less[-1]) if down else (own[0], *less[1:])),):
            axes.tick_params(labelbottom=True)
            label_axis(axes.xaxis, depth_name(layers), layers)
        for axes in own if down else own[:1]:
            label_axis(axes.yaxis, step_name(steps), steps)
        bar = drawn.colorbar(image, ax=grid, pad=0.01)
        show_scale(bar, scale, percent=True)
        words = scale.words(percent=True)
        bar.set_label(in_lines("\n".join(filter(None, (quantity, words)))), parse_math=False)
        inches = drawn.bbox.width / drawn.dpi - EDGES
        drawn.suptitle(lines_of(_title(runs), inches), x=0.01, ha="left", fontsize=9.5, parse_math=False)
    found: Axes = own[0]
    return found


def narrow_size(runs: int) -> tuple[float, float]:
    """Inches that `plot_multiples` needs for so many runs below each other."""
    return NARROW, 1.0 + 1.25 * runs


def _over(name: str, *, down: bool) -> str:
    """A run's name over its panel: in a line that both panels of a row hold, or in lines as wide as one."""
    return label(name, 2 * NAME_WIDTH) if down else in_lines(label(name, 2 * NAME_WIDTH), NAME_WIDTH)


def _less(runs: Sequence[RunMap]) -> str:
    return "less the first" if len(runs) > 2 else f"less {label(runs[0].name, NAME_WIDTH)}"


def _draw_key(axes: Axes, all_differ: bool, said: str) -> None:
    """The panel of the first run's difference, of which there is none, says what colours and crosses mean."""
    axes.set_axis_off()
    width = IN_ROW if said else NAME_WIDTH
    more, less, crossed = (in_lines(each, width) for each in (*SAID, NOT_FOUND))
    keys = colour_keys((more, less), below=True, above=True, gaps=False, crossed="" if all_differ else crossed)
    title = in_lines(f"right: {said}", width + 4) if said else None
    place = {"loc": "center left", "bbox_to_anchor": (0, 0.5), "borderaxespad": 0}
    legend = axes.legend(handles=keys, title=title, fontsize=7.5, handlelength=1.0, alignment="left", **place)
    legend.get_title().set(fontsize=7.5, parse_math=False)
    legend.set_in_layout(False)


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
        return f"{counts[0]} of {plural(cells, 'cell')} differ from {label(runs[0].name, 40)}"
    most = max(range(len(counts)), key=counts.__getitem__)
    return f"Most cells differ in {label(runs[1 + most].name, 40)}: {counts[most]} of {cells}"
