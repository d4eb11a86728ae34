"""Heat maps: few cells have their numbers, the peak's label is among the ticks, what is beyond the scale says so."""

from itertools import pairwise

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure

from mediate.figures.heat import MOST_TICKS, draw_heat, heat_key, label_axis, signed, thinned
from mediate.figures.key import CROSSED
from mediate.figures.scale import ColourScale


def test_few_cells_have_their_numbers_and_many_have_none() -> None:
    axes = Figure().subplots()
    draw_heat(axes, np.array([[1.0, -0.001], [np.nan, -2.0]]), ColourScale(2.0))
    assert sorted(each.get_text() for each in axes.texts) == ["0.00", "1.00", "−2.00"]
    other = Figure().subplots()
    draw_heat(other, np.ones((9, 9)), ColourScale(2.0))
    assert not other.texts


def test_what_is_beyond_the_scale_has_a_point_at_its_end() -> None:
    for value, ends in ((1.0, "neither"), (3.0, "max"), (-3.0, "min")):
        axes = Figure().subplots()
        image = draw_heat(axes, np.array([[value, 0.0]]), ColourScale(2.0), bar="x")
        assert image.colorbar.extend == ends
        assert image.get_clim() == (-2.0, 2.0)


def test_the_label_that_matters_is_among_the_ticks() -> None:
    axes = Figure().subplots()
    label_axis(axes.xaxis, "layer", range(60), named=23)
    assert "23" in [each.get_text() for each in axes.get_xticklabels()]
    assert len(axes.get_xticks()) <= MOST_TICKS
    assert np.diff(axes.get_xticks()).min() >= 4  # every fourth layer is named, and none nearer to another than that
    assert len(thinned(8000)) <= MOST_TICKS


@pytest.mark.parametrize("width", [2.0, 3.0, 5.0, 10.0])
@pytest.mark.parametrize("size", [6, 10, 14])
def test_names_of_columns_do_not_touch_however_narrow_axes_are(width: float, size: int) -> None:
    with matplotlib.rc_context({"xtick.labelsize": size}):
        figure = Figure((width, 3.0), layout="constrained")
        axes = figure.subplots()
        axes.set_xlim(-0.5, 59.5)
        label_axis(axes.xaxis, "layer", range(60))
        figure.draw_without_rendering()
        extents = [each.get_window_extent() for each in axes.get_xticklabels() if each.get_text()]
    assert len(extents) >= 2
    assert all(one.x1 < other.x0 for one, other in pairwise(extents))
    assert len(extents) <= MOST_TICKS


def test_minus_signs_are_true_and_there_is_no_minus_0() -> None:
    assert (signed(-0.001), signed(-1.5), signed(2.345, 1)) == ("0.00", "−1.50", "2.3")


def test_a_bar_has_no_half_that_no_cell_has() -> None:
    for values, ends in (([[1.0, 2.0]], (0, 2)), ([[-1.0, -2.0]], (-2, 0)), ([[1.0, -2.0]], (-2, 2))):
        axes = Figure().subplots()
        image = draw_heat(axes, np.array(values), ColourScale(2.0), bar="x")
        assert image.colorbar.ax.get_ylim() == ends
        assert image.get_clim() == (-2, 2)


def test_a_logarithmic_bar_says_so_and_names_few_numbers() -> None:
    axes = Figure().subplots()
    image = draw_heat(axes, np.array([[40.0, -0.1]]), ColourScale(40.0, 0.1), bar="effect (nats)")
    bar = image.colorbar.ax
    assert bar.get_ylabel() == "effect (nats)\nlog beyond ±0.1"
    assert [text.get_text() for text in bar.get_yticklabels()] == [
        "−40", "−10", "−1", "−0.1", "0", "0.1", "1", "10", "40"
    ]  # fmt: skip
    image = draw_heat(Figure().subplots(), np.array([[0.5, -0.5]]), ColourScale(0.5, 0.01), bar="share", percent=True)
    assert image.colorbar.ax.get_ylabel() == "share\nlog beyond ±1 %"


def test_cells_are_crossed_where_they_have_a_number_and_beside_it() -> None:
    values = np.array([[0.1, 2.0, np.nan]])
    crossed = np.array([[True, True, True]])
    axes = Figure().subplots()
    draw_heat(axes, values, ColourScale(2.0), numbers=False, crossed=crossed)
    marks = {float(line.get_xdata()[0]): line.get_color() for line in axes.lines}
    assert marks == {0.0: CROSSED, 1.0: "white"}
    axes = Figure().subplots()
    draw_heat(axes, values, ColourScale(2.0), crossed=crossed)
    assert not axes.lines
    assert [text.get_text() for text in axes.texts] == ["0.10 ×", "2.00 ×"]


def test_the_key_names_the_colours_and_marks_that_are_there() -> None:
    def said(values: list[float], crossed: list[bool] | None = None) -> list[str]:
        axes = Figure().subplots()
        marked = None if crossed is None else np.array([crossed])
        lines = heat_key(axes, np.array([values]), ColourScale(2.0), ("more", "less"), crossed=marked, said="unsure")
        legend = axes.get_legend()
        assert (lines > 0) == (legend is not None)
        return [] if legend is None else [text.get_text() for text in legend.get_texts()]

    assert said([1.0, 2.0]) == ["more"]
    assert said([-1.0, 0.0]) == ["less"]
    assert said([1.0, -2.0, np.nan], [False, True, False]) == ["more", "less", "no number", "unsure"]
    assert said([1.0, np.nan], [False, True]) == ["more", "no number"]  # what has no number is not crossed
    assert said([0.0, 0.0]) == []
