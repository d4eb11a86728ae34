"""Figures of a phone's width: what is written stays within them, and axes keep their room."""

import warnings

import matplotlib
import pytest
from matplotlib.axes import Axes

from mediate.figures import plot_step_layer
from mediate.figures.narrow import NARROW, narrowed
from mediate.figures.style import detached
from tests.figures.records import fake_results

LONG = "What was found is told in a title that is as long as the figure is wide, and longer than a phone's"


def _drawn(ax: Axes) -> None:
    ax.plot([0, 1], [0, 1], label="a line")
    ax.set_title(LONG, loc="left")
    ax.set_xlabel(f"{LONG} (nats)")
    ax.set_ylabel(f"{LONG} (nats)")


@pytest.mark.parametrize("draw", [_drawn, lambda ax: plot_step_layer(fake_results(6, layers=3).maps[:1], ax=ax)])
def test_a_figure_keeps_its_axes_and_its_words(draw: object) -> None:
    with detached((7.2, 3.0)) as (canvas, ax), warnings.catch_warnings():
        warnings.simplefilter("error")
        draw(ax=ax)
        layout = canvas.get_layout_engine()
        canvas.set_layout_engine("none")
        canvas.set_size_inches(NARROW, 3.0)
        narrowed(canvas, layout.execute)
        edges = canvas.bbox
        assert ax.get_window_extent().width > 0.3 * edges.width
        for text in (ax.xaxis.label, *(each for each in ax.get_children() if isinstance(each, matplotlib.text.Text))):
            box = text.get_window_extent()
            if text.get_text():
                assert edges.x0 - 1 <= box.x0 < box.x1 <= edges.x1 + 1, text.get_text()
