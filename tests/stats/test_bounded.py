"""Intervals of means that have bounds: by the formula, near the bounds, and how often they hold the truth."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from mediate.stats import bootstrap_mean, bounded_difference, bounded_mean
from mediate.stats.bounded import METHOD, bounded
from mediate.stats.studentised import contrast_of


def own(count: int) -> list[str]:
    return [f"{item}" for item in range(count)]


def test_all_right_is_bounded_as_clopper_and_pearson_bound_it() -> None:
    """Scipy's exact interval of as many hits as there are groups."""
    found = bounded_mean(np.ones(40), own(40))
    wanted = stats.binomtest(40, 40).proportion_ci(0.95, method="exact")
    assert (found.low, found.high) == (pytest.approx(wanted.low), 1.0)
    none = bounded_mean(np.zeros(40), own(40))
    assert (none.low, none.high) == (0.0, pytest.approx(1 - wanted.low))
    assert (found.n, found.groups, found.method) == (40, 40, METHOD)


@pytest.mark.parametrize("steps", range(2, 21))
def test_what_is_at_a_bound_but_for_rounding_is_at_it(steps: int) -> None:
    """An area of a chain that is not needed is 0 less what a trapezoid rounds."""
    from mediate.results.areas import area_over

    found = bounded_mean(np.array([area_over(np.ones(each + 1)) for each in (4, steps) * 5]), own(10))
    assert found.high == pytest.approx(1 - 0.025 ** (1 / 10))


def test_items_of_one_group_count_once_where_all_are_right() -> None:
    alike = bounded_mean(np.ones(40), [f"{item // 4}" for item in range(40)])
    assert alike.low == pytest.approx(stats.binomtest(10, 10).proportion_ci(0.95, method="exact").low)


def test_a_rate_of_groups_of_one_item_is_of_all_but_one_of_them() -> None:
    """The jackknife's variance is p (1 - p) / (n - 1)."""
    hits = np.repeat([1.0, 0.0], [30, 10])
    found = bounded_mean(hits, own(40))
    ends = stats.beta.ppf([0.025, 0.975], [0.75 * 39, 0.75 * 39 + 1], [0.25 * 39 + 1, 0.25 * 39])
    assert (found.low, found.high) == (pytest.approx(ends[0]), pytest.approx(ends[1]))


def test_groups_that_say_the_same_are_worth_one_item_each() -> None:
    hits = np.repeat([1.0, 0.0], [30, 10])
    doubled = bounded_mean(np.tile(hits, 2), own(40) * 2)
    single = bounded_mean(hits, own(40))
    assert (doubled.low, doubled.high) == (pytest.approx(single.low), pytest.approx(single.high))


def test_what_is_far_from_its_bounds_has_the_interval_of_a_mean() -> None:
    values = 0.5 + 0.05 * np.random.default_rng(0).normal(size=60)
    found, mean = bounded_mean(values, own(60)), bootstrap_mean(values, own(60))
    assert found.value == pytest.approx(mean.value)
    assert (found.low, found.high) == (pytest.approx(mean.low, abs=2e-3), pytest.approx(mean.high, abs=2e-3))


def test_a_range_moves_and_scales_the_interval() -> None:
    values = np.random.default_rng(1).random(20)
    found, moved = bounded_mean(values, own(20)), bounded_mean(2 * values - 1, own(20), bounds=(-1.0, 1.0))
    assert (moved.low, moved.high) == (pytest.approx(2 * found.low - 1), pytest.approx(2 * found.high - 1))


@given(st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), min_size=2, max_size=30), st.integers(1, 4))
def test_an_interval_holds_its_value_and_stays_within_the_bounds(values: list[float], size: int) -> None:
    found = bounded_mean(np.array(values), [f"{item // size}" for item in range(len(values))])
    if len(values) > size:
        assert 0 <= found.low <= found.value <= found.high <= 1
    else:
        assert "one group" in found.reason


def test_a_difference_of_rates_stays_within_a_hundred_points() -> None:
    """All right under the first condition, one in twenty under the second, of the same problems."""
    there = np.array([[1.0] * 20 + [0.0] * 20, [0.0] * 20 + [1.0] * 20])
    hits = there * np.array([1.0] * 20 + [0.0] * 19 + [1.0])
    found = bounded_difference(hits, there, own(20) * 2)
    assert found.value == pytest.approx(-0.95)
    assert -1 < found.low < -0.99
    assert -0.8 < found.high < -0.4
    nothing = bounded_difference(hits, there, ["first"] * 20 + ["second"] * 20)
    assert "in one group" in nothing.reason


def test_what_has_no_interval_says_why() -> None:
    assert bounded_mean(np.zeros(0), []).reason == "no items"
    one = bounded_mean(np.ones(1), ["a"])
    assert (one.value, one.n, one.groups) == (1.0, 1, 1)
    assert math.isnan(one.low)
    assert "one group" in one.reason
    for bad in (1.2, -0.1, np.nan):
        with pytest.raises(ValueError, match="not between 0 and 1"):
            bounded_mean(np.array([1.0, bad]), ["a", "b"])
    with pytest.raises(ValueError, match="2 items and 1 groups"):
        bounded_mean(np.ones(2), ["a"])


def test_groups_that_say_the_same_between_the_bounds_have_that_value() -> None:
    found = bounded_mean(np.full(6, 0.5), own(6))
    assert (found.low, found.value, found.high) == (0.5, 0.5, 0.5)


@pytest.mark.parametrize(("rate", "groups"), [(0.5, 10), (0.9, 5), (0.9, 20), (0.98, 10), (0.98, 40)])
def test_it_holds_the_truth_as_often_as_it_says(rate: float, groups: int) -> None:
    """By the binomial distribution itself, of groups of one item: no simulation."""
    held = 0.0
    for hits in range(groups + 1):
        values = np.repeat([1.0, 0.0], [hits, groups - hits])
        found = bounded_mean(values, own(groups))
        held += float(stats.binom.pmf(hits, groups, rate)) * (found.low <= rate <= found.high)
    assert held >= 0.95


def test_what_cannot_pass_a_number_of_items_is_wider() -> None:
    contrast = contrast_of(np.ones(1), np.array([[0.5, 0.5, 0.5, 0.6]]), np.ones((1, 4)), own(4))
    free, held = bounded(contrast, (0.0, 1.0)), bounded(contrast, (0.0, 1.0), most=4.0)
    assert held.low < free.low
    assert held.high > free.high
