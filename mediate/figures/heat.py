"""A heat map of effects: colours that are symmetric about 0, labels that can be read, numbers where there is room."""

from collections.abc import Sequence

import matplotlib
import numpy as np
from jaxtyping import Bool, Float
from matplotlib.axes import Axes
from matplotlib.axis import Axis, XAxis
from matplotlib.colorbar import Colorbar
from matplotlib.font_manager import FontProperties
from matplotlib.image import AxesImage
from matplotlib.ticker import PercentFormatter

from mediate.figures.key import CROSS, CROSSED, TIMES, colour_keys, key_over
from mediate.figures.scale import ColourScale, short
from mediate.figures.style import INK, signed_cells
from mediate.figures.text import in_lines

MOST_TICKS, FEWEST_TICKS = 16, 2
# How wide a digit is, as a part of the letters' size; and what of axes is left to them once they are laid out.
LETTER, LAID_OUT = 0.64, 0.8
# Up to so many cells there is room for their numbers.
MOST_NUMBERS, MOST_ACROSS = 64, 12
# A colour that differs by less than this part of the deepest from none cannot be seen.
SEEN = 0.02


def draw_heat(
    axes: Axes,
    values: Float[np.ndarray, "row column"],
    scale: ColourScale,
    *,
    bar: str = "",
    numbers: bool = True,
    crossed: Bool[np.ndarray, "row column"] | None = None,
    percent: bool = False,
) -> AxesImage:
    """Draws the cells, with a colour bar where `bar` says what it shows, and few cells with their numbers in them.

    Values beyond the scale's limit have its colour, and the bar a point at that end; of a half of the colours that no
    cell has, the bar has none. A cell that is crossed is one that was not told from 0, or from its like.
    """
    image = signed_cells(axes, values, scale)
    axes.spines[:].set_visible(False)
    axes.tick_params(axis="y", length=0)
    if bar:
        _draw_bar(axes, image, values, scale, bar, percent)
    if numbers and values.size <= MOST_NUMBERS and values.shape[1] <= MOST_ACROSS:
        write_numbers(axes, values, scale, crossed)
    elif crossed is not None:
        cross_cells(axes, values, crossed, scale)
    return image


def _draw_bar(
    axes: Axes, image: AxesImage, values: Float[np.ndarray, "row column"], scale: ColourScale, said: str, percent: bool
) -> None:
    low, high = np.nanmin(values, initial=0.0), np.nanmax(values, initial=0.0)
    beyond = low < -scale.limit * 1.0001, high > scale.limit * 1.0001
    ends = {(True, True): "both", (True, False): "min", (False, True): "max"}.get(beyond, "neither")
    bar = axes.figure.colorbar(image, ax=axes, pad=0.02, extend=ends)
    show_scale(bar, scale, percent=percent)
    below, above = _seen(values, scale)
    if above and not below:
        bar.ax.set_ylim(0, scale.limit)
    elif below and not above:
        bar.ax.set_ylim(-scale.limit, 0)
    words = scale.words(percent=percent)
    bar.set_label(in_lines("\n".join(filter(None, (said, words)))), parse_math=False)


def show_scale(bar: Colorbar, scale: ColourScale, *, percent: bool = False) -> None:
    """A bar's ticks: those of its scale, where colours are not in proportion."""
    bar.outline.set_visible(False)
    if percent:
        bar.formatter = PercentFormatter(1.0, symbol=" %", decimals=None)
    ticks = scale.ticks()
    if ticks:
        bar.set_ticks(ticks, labels=[short(each, percent=percent) for each in ticks])
        bar.minorticks_off()


def _seen(values: Float[np.ndarray, "row column"], scale: ColourScale) -> tuple[bool, bool]:
    """Whether any cell is so far below 0, or above, that its colour can be seen."""
    depth = 2 * np.ma.filled(scale.norm()(np.nan_to_num(values)), 0.5) - 1
    return bool((depth < -SEEN).any()), bool((depth > SEEN).any())


def colours_said(values: Float[np.ndarray, "row column"], scale: ColourScale, words: tuple[str, str]) -> str:
    """What the colours of a map say, those that it has, in a line."""
    below, above = _seen(values, scale)
    said = [
        f"{name}: {word}" for name, word, there in zip(("red", "blue"), words, (above, below), strict=True) if there
    ]
    return "; ".join(said)


def heat_key(
    axes: Axes,
    values: Float[np.ndarray, "row column"],
    scale: ColourScale,
    words: tuple[str, str],
    *,
    crossed: Bool[np.ndarray, "row column"] | None = None,
    said: str = "",
) -> int:
    """The key over a heat map: what its colours say, those that it has, and what a cross says, where a cell has one.

    Args:
        axes: Of the map.
        values: Its cells.
        scale: Their colours.
        words: What red and what blue says.
        crossed: Cells that are crossed.
        said: What a cross says.

    Returns:
        The lines that it takes.
    """
    below, above = _seen(values, scale)
    marked = said if crossed is not None and bool((crossed & np.isfinite(values)).any()) else ""
    gaps = bool(np.isnan(values).any())
    return key_over(axes, colour_keys(words, below=below, above=above, gaps=gaps, crossed=marked))


def cross_cells(
    axes: Axes,
    values: Float[np.ndarray, "row column"],
    crossed: Bool[np.ndarray, "row column"],
    scale: ColourScale,
) -> None:
    """A cross in each of these cells that has a number: white on strong colours, grey on pale ones."""
    strong = scale.strong(values)
    size = float(np.clip(90 / max(values.shape), 2, 4.5))
    chosen = crossed & np.isfinite(values)
    for here, colour in ((chosen & strong, "white"), (chosen & ~strong, CROSSED)):
        row, column = np.nonzero(here)
        if len(row):
            (drawn,) = axes.plot(column, row, CROSS, linestyle="none", color=colour)
            drawn.set(markersize=size, markeredgewidth=0.7)


def write_numbers(
    axes: Axes,
    values: Float[np.ndarray, "row column"],
    scale: ColourScale,
    crossed: Bool[np.ndarray, "row column"] | None = None,
) -> None:
    """The number of each cell that has one, white on strong colours; of one that is crossed, with a cross after it."""
    strong = scale.strong(values)
    for row, column in np.argwhere(~np.isnan(values)):
        marked = crossed is not None and bool(crossed[row, column])
        ink = "white" if strong[row, column] else CROSSED if marked else INK
        said = signed(float(values[row, column])) + (f" {TIMES}" if marked else "")
        axes.text(column, row, said, ha="center", va="center", color=ink, fontsize=7.5)


def signed(value: float, digits: int = 2) -> str:
    """A number with a true minus sign."""
    return f"{round(value, digits) + 0.0:.{digits}f}".replace("-", "−")


def label_axis(axis: Axis, name: str, labels: Sequence[int | str], *, named: int | None = None) -> None:
    """Names along an axis of cells: all, or so many that they can be read, the one at the place `named` among them."""
    places = thinned(len(labels), _room(axis, max((len(str(each)) for each in labels), default=1)))
    if named is not None and named not in places:  # in the place of its neighbours
        apart = places[1] - places[0]
        places = sorted([*(place for place in places if abs(place - named) >= apart), named])
    axis.set_ticks(places, [_said(labels[place]) for place in places])
    axis.set_label_text(name)


def _said(label: int | str) -> str:
    return label if isinstance(label, str) else str(label).replace("-", "−")


def _room(axis: Axis, length: int) -> int:
    """How many names of so many characters stand along an axis as wide as it is now, and of its letters."""
    if not isinstance(axis, XAxis):
        return MOST_TICKS
    points = 72 * axis.axes.get_window_extent().width / axis.axes.figure.dpi
    letter = LETTER * FontProperties(size=matplotlib.rcParams["xtick.labelsize"]).get_size_in_points()
    return max(FEWEST_TICKS, min(MOST_TICKS, int(LAID_OUT * points / (letter * (length + 1)))))


def thinned(count: int, most: int = MOST_TICKS) -> list[int]:
    """At most so many evenly spaced places, from the first on."""
    return list(range(0, count, -(-count // most)))
