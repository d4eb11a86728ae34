"""What a reader would complain about, read off a drawn figure."""

from itertools import combinations

from matplotlib.axes import Axes
from matplotlib.axis import Axis, Tick
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox


def faults(figure: Figure) -> list[str]:
    """Texts that leave the figure, tick labels of one axis that overlap, and legends over the data."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw(renderer)
    found = []
    for axes in figure.axes:
        found += [f"cut: {text.get_text()!r}" for text in _texts(axes) if not _inside(text, figure, renderer)]
        for axis in (axes.xaxis, axes.yaxis):
            labels = [tick.label1 for tick in axis.get_major_ticks() if _in_view(tick, axis)]
            labels += [tick.label2 for tick in axis.get_major_ticks() if _in_view(tick, axis)]
            shown = [each for each in labels if each.get_text() and each.get_visible()]
            boxes = [(each.get_text(), each.get_window_extent(renderer)) for each in shown]
            found += [f"overlap: {one!r}, {two!r}" for (one, a), (two, b) in combinations(boxes, 2) if _overlap(a, b)]
        legend = axes.get_legend()
        if (
            legend is not None
            and axes.axison
            and _overlap(legend.get_window_extent(renderer), axes.patch.get_window_extent(renderer))
        ):
            found.append("the legend covers data")
    return found


def _texts(axes: Axes) -> list[Text]:
    beyond = [tick for axis in (axes.xaxis, axes.yaxis) for tick in axis.get_major_ticks() if not _in_view(tick, axis)]
    hidden = [label for tick in beyond for label in (tick.label1, tick.label2)]
    every = [each for each in axes.findobj(Text) if each not in hidden]
    return [each for each in every if each.get_text().strip() and each.get_visible()]


def _in_view(tick: Tick, axis: Axis) -> bool:
    low, high = sorted(axis.get_view_interval())
    return bool(low <= tick.get_loc() <= high)


def _inside(text: Text, figure: Figure, renderer: object) -> bool:
    box, whole = text.get_window_extent(renderer), figure.bbox
    slack = 1.0  # a pixel
    return (
        box.x0 >= whole.x0 - slack
        and box.y0 >= whole.y0 - slack
        and box.x1 <= whole.x1 + slack
        and box.y1 <= whole.y1 + slack
    )


def _overlap(a: Bbox, b: Bbox) -> bool:
    slack = 0.5
    return min(a.x1, b.x1) - max(a.x0, b.x0) > slack and min(a.y1, b.y1) - max(a.y0, b.y0) > slack
