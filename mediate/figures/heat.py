"""A heat map of effects: colours that are symmetric about 0, labels that can be read, numbers where there is room."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.image import AxesImage

from mediate.figures.style import INK, signed_cells
from mediate.figures.text import in_lines

MOST_TICKS = 16
# Up to so many cells there is room for their numbers.
MOST_NUMBERS, MOST_ACROSS = 64, 12
# Beyond this part of the deepest colour, ink is hard to read.
STRONG = 0.6


def draw_heat(
    axes: Axes,
    values: Float[np.ndarray, "row column"],
    limit: float,
    *,
    bar: str = "",
    numbers: bool = True,
) -> AxesImage:
    """Draws the cells, with a colour bar where `bar` says what it shows, and few cells with their numbers in them.

    Values beyond `limit` have its colour, and the bar a point at that end.
    """
    image = signed_cells(axes, values, limit)
    axes.spines[:].set_visible(False)
    axes.tick_params(axis="y", length=0)
    if bar:
        low, high = np.nanmin(values, initial=0.0), np.nanmax(values, initial=0.0)
        beyond = low < -limit * 1.0001, high > limit * 1.0001
        ends = {(True, True): "both", (True, False): "min", (False, True): "max"}.get(beyond, "neither")
        drawn = axes.figure.colorbar(image, ax=axes, pad=0.02, extend=ends)
        drawn.outline.set_visible(False)
        drawn.set_label(in_lines(bar), parse_math=False)
    if numbers and values.size <= MOST_NUMBERS and values.shape[1] <= MOST_ACROSS:
        write_numbers(axes, values, limit)
    return image


def write_numbers(axes: Axes, values: Float[np.ndarray, "row column"], limit: float) -> None:
    """The number of each cell that has one; white on strong colours."""
    for row, column in np.argwhere(~np.isnan(values)):
        value = round(float(values[row, column]), 2) + 0.0  # no -0.00
        ink = "white" if abs(value) > STRONG * limit else INK
        axes.text(column, row, signed(value), ha="center", va="center", color=ink, fontsize=7.5)


def signed(value: float, digits: int = 2) -> str:
    """A number with a true minus sign."""
    return f"{round(value, digits) + 0.0:.{digits}f}".replace("-", "−")


def label_axis(axis: Axis, name: str, labels: Sequence[int | str], *, named: int | None = None) -> None:
    """Names along an axis of cells: all, or so many that they can be read, the one at the place `named` among them."""
    places = thinned(len(labels))
    if named is not None and named not in places:
        near = min(range(len(places)), key=lambda place: abs(places[place] - named))
        places[near] = named
    axis.set_ticks(places, [_said(labels[place]) for place in places])
    axis.set_label_text(name)


def _said(label: int | str) -> str:
    return label if isinstance(label, str) else str(label).replace("-", "−")


def thinned(count: int) -> list[int]:
    """At most `MOST_TICKS` evenly spaced places, from the first on."""
    return list(range(0, count, -(-count // MOST_TICKS)))
