"""A drawing of a phone's width: what is written beside its axes is set in as many lines as that takes."""

import warnings
from collections.abc import Callable
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.text import Text

from mediate.figures.text import in_lines

NARROW = 3.6  # inches: at this width text is as large on a phone as it is beside the figure
MARGIN = 0.97
FIRST = 0.7  # of the figure's width: the longest line before it is known where the axes lie
TALLER, MOST = 0.8, 4  # inches that are added where words leave no room, and how often
LEAST = 8  # characters in a line


def narrowed(figure: Figure, lay_out: Callable[[Figure], object]) -> None:
    """Puts a legend wider than the figure above its axes in one column, and titles and labels that are into lines.

    Args:
        figure: It, of its new size.
        lay_out: Lays it out.
    """
    width = figure.bbox.width
    for axes in figure.axes:
        if (legend := axes.get_legend()) is not None and legend.get_window_extent().width > MARGIN * width:
            _in_one_column(axes, legend)
        for text in _titles(axes):
            text.set_text(text.get_text().replace("\n", " "))  # its lines are of the other width
        # A title wider than the figure would leave the axes no width at all.
        for text in (*_titles(axes), axes.xaxis.label):
            _broken(text, text.get_window_extent().width, FIRST * width)
    _laid_out(figure, lay_out)
    height = figure.bbox.height
    for axes in figure.axes:
        if (legend := axes.get_legend()) is not None and legend.get_window_extent().x1 > width:
            _in_one_column(axes, legend)
        for text in (*_titles(axes), axes.xaxis.label):
            box = text.get_window_extent()
            begun = text.get_horizontalalignment() == "left"
            _broken(text, box.width, MARGIN * width - box.x0 if begun else room(box.x0, box.x1, width))
        _thinned(axes)
        box = axes.yaxis.label.get_window_extent()
        _broken(axes.yaxis.label, box.height, room(box.y0, box.y1, height))
    _laid_out(figure, lay_out)


def _laid_out(figure: Figure, lay_out: Callable[[Figure], object]) -> None:
    """Lays it out, and makes it taller where its words leave its axes no room."""
    for _ in range(MOST):
        with warnings.catch_warnings(record=True) as said:
            warnings.filterwarnings("always", "constrained_layout not applied", UserWarning)
            lay_out(figure)
        if not said:
            return
        figure.set_figheight(figure.get_figheight() + TALLER)


def _titles(axes: Axes) -> list[Text]:
    """What stands over axes at the left, in the middle and at the right."""
    return [each for each in axes.get_children() if isinstance(each, Text) and each not in axes.texts]


def _in_one_column(axes: Axes, legend: Legend) -> None:
    words = [text.get_text() for text in legend.get_texts()]
    handles = [each for each in legend.legend_handles if each is not None]
    title = legend.get_title().get_text() or None
    axes.legend(handles, words, title=title, loc="lower left", bbox_to_anchor=(0, 1), borderaxespad=0.2)


def _thinned(axes: Axes) -> None:
    """Leaves out labels of the horizontal axis, each second or third, where they would run into each other."""
    labels = [each for each in axes.get_xticklabels() if each.get_text()]
    boxes = [each.get_window_extent() for each in labels]
    for every in range(1, len(labels)):
        kept = boxes[::every]
        if all(one.x1 < other.x0 for one, other in pairwise(kept)):
            break
    else:
        every = max(1, len(labels))
    for place, label in enumerate(labels):
        label.set_visible(place % every == 0)


def room(begin: float, end: float, whole: float) -> float:
    """How long what is centred between `begin` and `end` can be without leaving the figure."""
    middle = (begin + end) / 2
    return 2 * MARGIN * min(middle, whole - middle)


def _broken(text: Text, length: float, most: float) -> None:
    if text.get_text() and length > most:
        longest = max(map(len, text.get_text().split("\n")))
        text.set_text(in_lines(text.get_text(), max(LEAST, int(longest * most / length))))
