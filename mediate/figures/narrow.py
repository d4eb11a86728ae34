"""A drawing of a phone's width: words in as many lines as that takes, keys above the axes, and axes as high as before.

What words take is measured before anything is laid out, so that one layout does: the figure grows by it.
"""

import math
import warnings
from collections.abc import Callable, Iterator
from itertools import pairwise

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.legend import Legend
from matplotlib.text import Text

from mediate.figures.key import PAD
from mediate.figures.text import in_lines

NARROW = 3.6  # inches: at this width text is as large on a phone as it is beside the figure
MARGIN = 0.965  # of the figure's width, what its words may take
TALLER, MOST = 0.8, 3  # inches that are added where words leave no room all the same, and how often
LEAST = 8  # characters in a line
LOWEST = 1.2  # inches that a label beside the axes has, whatever their height
# Of a key, in parts of its text's height: a handle with its gaps, and a line.
HANDLE, LINE = 3.6, 1.55
NEAR = 3  # pixels


def narrowed(figure: Figure, lay_out: Callable[[Figure], object]) -> None:
    """Sets titles, labels and keys in the lines that a new width takes, makes room for them, and lays the figure out.

    Keys that stand outside their axes, beside or above them, stand above them, in as many columns as there is room for.
    Words of panels side by side are left as they are: their figure has a drawing of its own for a phone.

    Args:
        figure: It, of its new size; it becomes as much higher as its words take.
        lay_out: Lays it out.
    """
    # Words remember what drew them last; a file of lines has other pixels.
    renderer = FigureCanvasAgg(figure).get_renderer()
    for text in figure.findobj(Text):
        text.get_window_extent(renderer)
    width = MARGIN * figure.bbox.width
    every = list(_axes_of(figure))
    alone = len([each for each in every if _titled(each)]) <= 1
    grown, pads = [0.0], []
    heights = [each.get_window_extent().height for each in every]
    for each in every:
        more = _fitted(each.xaxis.label, width)
        if alone:
            more += sum(_fitted(text, width, afresh=True) for text in _titles(each))
            legend = each.get_legend()
            if legend is not None and _outside(each, legend):
                height = _key_above(each, legend, width)
                pads.append((each, height))
                more += height
        grown.append(more)
    whole = sum(_fitted(text, width) for text in figure.texts)
    figure.set_figheight(figure.get_figheight() + (max(grown) + whole) / figure.dpi)
    for each, height in pads:
        _raised(each, PAD + 72 * height / figure.dpi)
    for each, height in zip(every, heights, strict=True):
        most, label = max(height, LOWEST * figure.dpi), each.yaxis.label
        # Lines that are too long are set anew: each of them in two would leave single words.
        _fitted(label, most, afresh=bool(_sizes(label, upright=True)[0] > most), upright=True)
    _laid_out(figure, lay_out)
    for each in every:
        _moved_in(each, figure.bbox.width, alone=alone)
        _thinned(each)


def _laid_out(figure: Figure, lay_out: Callable[[Figure], object]) -> None:
    """Lays it out, and makes it taller where its words leave its axes no room all the same."""
    for _ in range(MOST):
        with warnings.catch_warnings(record=True) as said:
            warnings.filterwarnings("always", "constrained_layout not applied", UserWarning)
            lay_out(figure)
        if not said:
            return
        figure.set_figheight(figure.get_figheight() + TALLER)


def _axes_of(figure: Figure) -> Iterator[Axes]:
    for each in figure.axes:
        yield each
        yield from (child for child in each.child_axes if isinstance(child, Axes))


def _titles(axes: Axes) -> list[Text]:
    """What stands over axes at the left, in the middle and at the right."""
    every = [each for each in axes.get_children() if isinstance(each, Text) and each not in axes.texts]
    return [each for each in every if each.get_text()]


def _titled(axes: Axes) -> bool:
    return bool(_titles(axes))


def _outside(axes: Axes, legend: Legend) -> bool:
    """Whether a key stands above its axes, or right of them."""
    box, inner = legend.get_window_extent(), axes.get_window_extent()
    return bool(box.y0 >= inner.y1 - NEAR or box.x0 >= inner.x1 - NEAR)


def _key_above(axes: Axes, legend: Legend, width: float) -> float:
    """Sets a key above its axes in as many columns as there is room for, and returns the pixels that it takes."""
    texts = [each.get_text() for each in legend.get_texts()]
    handles = zip(legend.legend_handles, texts, strict=True)
    pairs = [(handle, text) for handle, text in handles if handle is not None and text.strip()]
    size = float(legend.get_texts()[0].get_fontsize())
    em = size * axes.figure.dpi / 72
    longest = max(text.get_window_extent().width for text in legend.get_texts()) + HANDLE * em
    columns = max(1, min(len(pairs), int(width / longest)))
    title = legend.get_title().get_text() or None
    new = axes.legend(
        [handle for handle, _ in pairs],
        [text for _, text in pairs],
        title=title,
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=columns,
        borderaxespad=0.2,
        handlelength=1.4,
        columnspacing=1.0,
        fontsize=size,
        alignment="left",
    )
    new.set_in_layout(False)  # the title above it makes its room
    for text in new.get_texts():
        text.set_parse_math(False)
    lines = sum(text.count("\n") for _, text in pairs) + math.ceil(len(pairs) / columns) + (title is not None)
    return LINE * em * lines


def _raised(axes: Axes, pad: float) -> None:
    """Lifts titles over a key; where there is none, an empty line keeps its room."""
    for place in ("left", "center", "right"):
        text = axes.get_title(loc=place)
        if text or (place == "left" and not _titled(axes)):
            axes.set_title(text or " ", loc=place, pad=pad)


def _fitted(text: Text, most: float, *, afresh: bool = False, upright: bool = False) -> float:
    """Sets words in lines of at most so many pixels, and returns how much more they take across.

    Args:
        text: The words.
        most: The longest line.
        afresh: Whether lines that it has are of another width, and go.
        upright: Whether it is written from bottom to top.
    """
    own = text.get_text()
    if not own:
        return 0.0
    before = _sizes(text, upright=upright)[1]
    if afresh:
        own = own.replace("\n", " ")
        text.set_text(own)
    length, across = _sizes(text, upright=upright)
    chars = max(map(len, own.split("\n")))
    while length > most and chars > LEAST:
        chars = max(LEAST, min(chars - 1, int(chars * most / length)))
        text.set_text(in_lines(own, chars))
        length, across = _sizes(text, upright=upright)
        chars = min(chars, max(map(len, text.get_text().split("\n"))))
    return across - before


def _sizes(text: Text, *, upright: bool) -> tuple[float, float]:
    box = text.get_window_extent()
    return (box.height, box.width) if upright else (box.width, box.height)


def _moved_in(axes: Axes, width: float, *, alone: bool) -> None:
    """Begins title and key at the figure's edge, and moves a label that would leave the figure back into it."""
    inner, edge = axes.get_window_extent(), (1 - MARGIN) / 2 * width
    if not inner.width:
        return
    begin = (edge - inner.x0) / inner.width
    if alone:
        for text in _titles(axes):
            if text.get_horizontalalignment() == "left":
                text.set_x(begin)
        legend = axes.get_legend()
        if legend is not None and not legend.get_in_layout():
            legend.set_bbox_to_anchor((begin, 1), transform=axes.transAxes)
    label = axes.xaxis.label
    half = label.get_window_extent().width / 2
    middle = inner.x0 + label.get_position()[0] * inner.width
    label.set_x((min(max(middle, edge + half), width - edge - half) - inner.x0) / inner.width)


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
