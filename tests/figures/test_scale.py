"""Colours of maps: in proportion, but where one cell would make all others pale; no deeper than the margin allows."""

import numpy as np
import pytest
from matplotlib.colors import SymLogNorm

from mediate.figures.scale import PEAKED, ColourScale, scale_of


def test_colours_are_in_proportion_where_cells_are_alike() -> None:
    values = np.linspace(-3, 2, 50).reshape(5, 10)
    assert scale_of([values]) == ColourScale(3.0)
    assert scale_of([values], 9.0) == ColourScale(9.0)
    norm = scale_of([values]).norm()
    np.testing.assert_allclose(norm(np.array([-3.0, 0.0, 1.5])), [0, 0.5, 0.75])
    assert not isinstance(norm, SymLogNorm)


def test_one_cell_that_is_far_above_the_others_does_not_hide_them() -> None:
    values = np.full((10, 10), 0.1)
    values[3, 4] = 20.0
    scale = scale_of([values])
    assert (scale.limit, scale.linear) == (20.0, pytest.approx(0.1))
    shown = 2 * scale.norm()(np.array([-20.0, -0.1, 0.0, 0.1, 2.0, 20.0])) - 1
    np.testing.assert_allclose(shown[[0, 1, 2]], -shown[[5, 3, 2]], atol=1e-12)
    assert 0.2 < shown[3] < 0.4  # pale, and there: in proportion it would be a two-hundredth
    assert (np.diff(shown) > 0).all()


def test_what_is_within_the_margin_stays_in_proportion() -> None:
    values = np.full((10, 10), 0.001)
    values[3, 4] = 20.0
    assert scale_of([values], 1.0) == ColourScale(20.0, 1.0)
    assert scale_of([values], 3.0) == ColourScale(20.0)  # the margin is not far below the largest
    edge = np.full((10, 10), 1.0)
    edge[0, 0] = PEAKED
    assert scale_of([edge]) == ColourScale(PEAKED)
    edge[0, 0] = 1.001 * PEAKED
    assert scale_of([edge]) == ColourScale(1.001 * PEAKED, 1.0)


def test_nothing_and_zeros_have_a_scale() -> None:
    assert scale_of([]) == ColourScale(1.0)
    assert scale_of([np.zeros((2, 2)), np.full((1, 1), np.nan)]) == ColourScale(1.0)
    sparse = np.zeros((10, 10))
    sparse[0, 0] = 5.0
    assert scale_of([sparse]).linear == pytest.approx(0.005)


def test_ticks_and_words_are_few_and_say_where_the_colours_bend() -> None:
    assert ColourScale(3.0).ticks() == []
    assert ColourScale(3.0).words() == ""
    assert ColourScale(4.0, 0.05).ticks() == pytest.approx([-4, -0.5, -0.05, 0, 0.05, 0.5, 4])
    assert ColourScale(4.0, 0.05).words("nats") == "log beyond ±0.05 nats"


def test_what_stands_on_a_deep_colour_must_be_white() -> None:
    values = np.array([[0.0, 1.0, -2.0, np.nan]])
    np.testing.assert_array_equal(ColourScale(2.0).strong(values), [[False, False, True, False]])
    np.testing.assert_array_equal(ColourScale(2.0, 0.01).strong(values), [[False, True, True, False]])
