"""Heat maps: few cells have their numbers, the peak's label is among the ticks, what is beyond the scale says so."""

import numpy as np
from matplotlib.figure import Figure

from mediate.figures.heat import MOST_TICKS, draw_heat, label_axis, signed, thinned


def test_few_cells_have_their_numbers_and_many_have_none() -> None:
    axes = Figure().subplots()
    draw_heat(axes, np.array([[1.0, -0.001], [np.nan, -2.0]]), 2.0)
    assert sorted(each.get_text() for each in axes.texts) == ["0.00", "1.00", "−2.00"]
    other = Figure().subplots()
    draw_heat(other, np.ones((9, 9)), 2.0)
    assert not other.texts


def test_what_is_beyond_the_scale_has_a_point_at_its_end() -> None:
    for value, ends in ((1.0, "neither"), (3.0, "max"), (-3.0, "min")):
        axes = Figure().subplots()
        image = draw_heat(axes, np.array([[value, 0.0]]), 2.0, bar="x")
        assert image.colorbar.extend == ends
        assert image.get_clim() == (-2.0, 2.0)


def test_the_label_that_matters_is_among_the_ticks() -> None:
    axes = Figure().subplots()
    label_axis(axes.xaxis, "layer", range(60), named=23)
    assert "23" in [each.get_text() for each in axes.get_xticklabels()]
    assert len(axes.get_xticks()) <= MOST_TICKS
    assert len(thinned(8000)) <= MOST_TICKS


def test_minus_signs_are_true_and_there_is_no_minus_0() -> None:
    assert (signed(-0.001), signed(-1.5), signed(2.345, 1)) == ("0.00", "−1.50", "2.3")
