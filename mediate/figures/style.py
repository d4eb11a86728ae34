"""Colours and canvases: the one place that says what a channel looks like and where a figure is drawn."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import matplotlib
import matplotlib.style
import numpy as np
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.image import AxesImage

from mediate.errors import InputError
from mediate.figures.scale import ColourScale
from mediate.results.outcomes import outcome_facts

# Okabe and Ito's palette, which readers with any colour vision can tell apart; the three also differ in lightness.
CHANNEL_COLOURS = {"direct": "#E69F00", "text": "#0072B2", "latent": "#009E73"}
INK = "#222222"
FAINT = "#999999"
# What is no channel: ink, and vermillion, sky blue and reddish purple, which stand for none in the same palette.
RISING, FALLING = "#D55E00", "#56B4E9"
OTHER_COLOURS = (INK, RISING, FALLING, "#CC79A7")
DIVERGING = "RdBu_r"
# Of the diverging map, a colour that stands for either half in a key; and what undefined cells look like.
RED, BLUE = "#D6604D", "#4393C3"
HATCH: Mapping[str, Any] = {"facecolor": "0.93", "hatch": "////", "edgecolor": FAINT}
SEQUENTIAL = "viridis"
# Maps of effects that are small beside the total effect must not look like those of large ones: the colours are
# fullest at this share of it at least, which is also the margin of comparisons.
MARGIN = 0.05

STYLE = {
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "axes.titlepad": 7,
    "axes.labelsize": 9,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "lines.linewidth": 1.4,
    "hatch.linewidth": 0.6,
    "figure.constrained_layout.w_pad": 0.1,
    "figure.constrained_layout.h_pad": 0.07,
}

# Where several panels are drawn: a figure, a part of one, or axes whose place they take.
Place = Figure | SubFigure | Axes


@contextmanager
def canvas(ax: Axes | None, size: tuple[float, float]) -> Iterator[Axes]:
    """The caller's axes, or new ones of `size` inches in the style of this room.

    New axes belong to a pyplot figure, as in other plotting libraries: a notebook shows it at the end of the cell and
    closes it, and `pyplot.show()` shows it in a script. Pass `ax` to draw anywhere else.
    """
    if ax is not None:
        yield ax
        return
    from matplotlib import pyplot  # choosing a backend is not this room's business until a figure is asked for

    with matplotlib.rc_context(STYLE):
        figure, new = pyplot.subplots(figsize=size, layout="constrained")
        try:
            yield new
        except BaseException:
            pyplot.close(figure)
            raise


@contextmanager
def panelled(figure: Place | None, size: tuple[float, float]) -> Iterator[Figure | SubFigure]:
    """The caller's figure or part of one, or a new one of `size` inches, for what is drawn in several panels.

    Of axes, such as those of `pyplot.subplots`, the panels take the place, and the axes are gone.

    Raises:
        InputError: These axes have no place in a grid, as those of `add_axes`.
    """
    if isinstance(figure, Axes):
        spec = figure.get_subplotspec()
        if spec is None:
            raise InputError("panels take the place of axes in a grid, and these are in none; give figure= instead")
        whole = figure.figure
        if isinstance(whole, Figure) and whole.get_layout_engine() is None:
            whole.set_layout_engine("constrained")  # or words beside the panels are cut off
        figure.remove()
        figure = whole.add_subfigure(spec)
    if figure is not None:
        yield figure
        return
    from matplotlib import pyplot

    with matplotlib.rc_context(STYLE):
        new = pyplot.figure(figsize=size, layout="constrained")
        try:
            yield new
        except BaseException:
            pyplot.close(new)
            raise


def in_panels(plot: Callable[..., object]) -> Callable[..., None]:
    """What draws panels into `figure=`, as a figure of a page draws: the axes that it is given make room for them."""

    def draw(*, ax: Axes) -> None:
        figure = ax.figure
        ax.remove()
        plot(figure=figure)

    return draw


def signed_by(source: str, draw: Callable[..., object]) -> Callable[..., None]:
    """What draws a figure of a page, and then writes small below it where it comes from: it may leave the page."""

    def drawn(*, ax: Axes) -> None:
        figure = ax.figure
        draw(ax=ax)
        figure.supxlabel(source, x=0.995, ha="right", fontsize=6, color="0.45", parse_math=False)

    return drawn


def run_colours(count: int) -> list[str | tuple[float, ...]]:
    """A colour a run or a kind: ink and three that stand for no channel, or steps of the sequential map for more."""
    if count <= len(OTHER_COLOURS):
        return list(OTHER_COLOURS[:count])
    return [tuple(each) for each in matplotlib.colormaps[SEQUENTIAL](np.linspace(0, 0.92, count))]


def signed_cells(axes: Axes, values: Float[np.ndarray, "row column"], scale: ColourScale) -> AxesImage:
    """A cell a value in the colours of a scale, red above 0 and blue below; hatched grey is undefined.

    The sides of a cell are as long as they come: of equal sides, a matrix would leave half of a figure empty.
    """
    axes.patch.set(**HATCH)
    shown = np.ma.masked_invalid(values)
    return axes.imshow(shown, cmap=DIVERGING, norm=scale.norm(), aspect="auto", interpolation="nearest")


@contextmanager
def detached(size: tuple[float, float]) -> Iterator[tuple[Figure, Axes]]:
    """A figure with axes that pyplot does not know, in matplotlib's default style and this room's: for files.

    What is drawn does not depend on the user's own settings, and nothing stays open.
    """
    with matplotlib.style.context(["default", STYLE]):
        figure = Figure(figsize=size, layout="constrained")
        yield figure, figure.subplots()


def hold_margin(axes: Axes, effects: float) -> None:
    """Widens the vertical axis to the margin of an effect of this size on either side of 0: less is next to nothing."""
    low, high = axes.get_ylim()
    least = MARGIN * abs(effects)
    if np.isfinite(least):
        axes.set_ylim(min(low, -least), max(high, least))


def effect_label(outcome: str) -> str:
    """The axis label of an effect; `outcome` must have been through `label`."""
    facts = outcome_facts(outcome)
    return f"effect on {outcome} ({facts.unit}; positive: {facts.positive})"
