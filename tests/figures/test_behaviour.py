"""Curves of answers that stay, and both sides of each item: what is drawn, and what there is nothing to draw of."""

import pandas as pd
import pytest

from mediate.errors import InputError
from mediate.figures.behaviour import plot_agreement, plot_curves
from mediate.results.edit_tests import Curve, curve
from mediate.results.joined import joined_table
from tests.results.test_edit_tests import rows_of
from tests.results.test_joined import cube_of

FOUND = [*rows_of("a", (0, 0)), *rows_of("b", (0, 1)), *rows_of("c", (1, 1))]


def drawn() -> Curve:
    found = curve(FOUND, "truncated", "at_once")
    assert found is not None
    return found


def test_a_line_an_edit_with_its_name_and_items() -> None:
    axes = plot_curves([drawn()])
    (line,) = axes.lines
    assert list(line.get_xdata()) == pytest.approx(drawn().shares)
    assert list(line.get_ydata()) == pytest.approx([each.value for each in drawn().same])
    assert line.get_label() == "truncated, at once, n = 3"
    assert line.get_linestyle() == "-"


def test_what_was_continued_is_dashed_in_the_colour_of_its_edit() -> None:
    from dataclasses import replace

    at_once, continued = plot_curves([drawn(), replace(drawn(), reading="continued")]).lines
    assert at_once.get_color() == continued.get_color()
    assert continued.get_linestyle() != "-"


def test_a_point_an_item_that_has_both_sides() -> None:
    joined = joined_table(cube_of({"a": 1.0, "b": 0.1, "c": 0.5}), FOUND)
    points = plot_agreement(joined).lines[-1]
    assert list(points.get_xdata()) == pytest.approx(joined["normalised"].tolist())
    assert list(points.get_ydata()) == pytest.approx([1, 0.1, 0.5])


def test_nothing_to_draw_is_said() -> None:
    with pytest.raises(InputError, match="no curve to draw"):
        plot_curves([])
    with pytest.raises(InputError, match="nothing to draw"):
        plot_agreement(pd.DataFrame({"normalised": [float("nan")], "mediated": [1.0]}))
