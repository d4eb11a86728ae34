"""Areas over curves of early answering, by hand."""

import numpy as np
import pytest

from mediate.results.areas import area_over, at_shares, normalised_area, unchanged

BY_HAND = [((0, 0, 1), 0.75, 1.0), ((0, 1, 1, 1), 1 / 6, 0.2), ((1, 1, 1), 0.0, 0.0), ((1, 0, 1), 0.5, 2 / 3)]


@pytest.mark.parametrize(("y", "area", "normalised"), BY_HAND)
def test_areas_by_hand(y: tuple[int, ...], area: float, normalised: float) -> None:
    assert area_over(np.array(y, dtype=float)) == pytest.approx(area)
    assert normalised_area(np.array(y, dtype=float)) == pytest.approx(normalised)


def test_the_mean_over_chains_is_weighted_by_how_many_have_so_many_steps() -> None:
    """Two chains of 2 steps and one of 3: `2/3 x 0.75 + 1/3 x 1/6`."""
    chains = [(0, 0, 1), (0, 0, 1), (0, 1, 1, 1)]
    assert np.mean([area_over(np.array(y, dtype=float)) for y in chains]) == pytest.approx(0.5556, abs=5e-5)


def test_a_chain_that_is_needed_to_its_end_is_1_whatever_its_length() -> None:
    for steps in range(2, 9):
        assert normalised_area(np.array([0.0] * steps + [1.0])) == pytest.approx(1)


@pytest.mark.parametrize("steps", [0, 1])
def test_a_chain_of_one_step_has_no_area(steps: int) -> None:
    assert np.isnan(area_over(np.ones(steps + 1)))


def test_the_share_of_places_leaves_out_the_whole_chain() -> None:
    assert unchanged(np.array([0.0, 1.0, 1.0, 1.0])) == pytest.approx(2 / 3)
    assert np.isnan(unchanged(np.ones(1)))


def test_the_mean_curve_has_the_mean_area() -> None:
    shares = np.linspace(0, 1, 61)
    curves = [np.array([0.0, 0, 1]), np.array([0.0, 1, 1, 1]), np.array([1.0, 0, 1, 0, 1, 1])]
    mean = np.mean([at_shares(y, shares) for y in curves], axis=0)
    assert 1 - np.trapezoid(mean, shares) == pytest.approx(np.mean([area_over(y) for y in curves]))
