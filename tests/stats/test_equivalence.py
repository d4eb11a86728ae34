"""Two one-sided tests, against scipy and statsmodels; their level is in whole/test_calibration.py."""

import math
from dataclasses import replace

import numpy as np
import pytest
import statsmodels.api
from scipy import stats
from statsmodels.stats.weightstats import ttost_paired

from mediate.stats import equivalence
from tests.stats.simulated import differences, named


@pytest.mark.parametrize("shift", [-0.3, 0.0, 0.1, 0.4])
def test_single_items_are_tested_as_scipy_and_statsmodels_do(shift: float) -> None:
    values = np.random.default_rng(0).normal(shift, 1, 80)
    found = equivalence(values, named(np.arange(80)), margin=0.35, draws=0)
    above = stats.ttest_1samp(values, -0.35, alternative="greater")
    below = stats.ttest_1samp(values, 0.35, alternative="less")
    assert (found.p_above, found.p_below) == (pytest.approx(above.pvalue), pytest.approx(below.pvalue))
    p, first, second = ttost_paired(values, np.zeros(80), -0.35, 0.35)
    assert (found.p, found.p_above, found.p_below) == tuple(pytest.approx(each) for each in (p, first[1], second[1]))
    interval = stats.ttest_1samp(values, 0).confidence_interval(0.9)
    assert (found.difference.low, found.difference.high) == (pytest.approx(interval.low), pytest.approx(interval.high))
    assert found.difference.level == pytest.approx(0.9)


@pytest.mark.parametrize("shift", [0.0, 0.5])
def test_groups_of_one_size_are_tested_as_cluster_robust_least_squares_does(shift: float) -> None:
    rng, index = np.random.default_rng(1), np.repeat(np.arange(15), 4)
    values = shift + rng.normal(size=15)[index] + rng.normal(size=60)
    found = equivalence(values, named(index), margin=0.8, draws=0)
    fit = statsmodels.api.OLS(values, np.ones(60)).fit(cov_type="cluster", cov_kwds={"groups": index}, use_t=True)
    assert found.error == pytest.approx(float(fit.bse[0]))
    t = (float(fit.params[0]) - 0.8) / float(fit.bse[0])
    assert found.p_below == pytest.approx(float(stats.t.cdf(t, 14)))
    means = values.reshape(15, 4).mean(axis=1)  # with groups of one size, a t test of the groups' means
    assert found.p_below == pytest.approx(stats.ttest_1samp(means, 0.8, alternative="less").pvalue)


def test_of_unequal_groups_the_error_is_mostly_larger_than_that_of_least_squares() -> None:
    ratios = []
    for seed in range(100):
        values, names = differences(np.random.default_rng(seed), 9, 1.0)
        codes = np.unique(names, return_inverse=True)[1]
        fit = statsmodels.api.OLS(values, np.ones(len(values))).fit(cov_type="cluster", cov_kwds={"groups": codes})
        ratios.append(equivalence(values, names, margin=1.0).error / float(fit.bse[0]))
    assert 1.0 < np.median(ratios) < 1.1


def test_ignoring_the_groups_would_find_too_much() -> None:
    values, names = differences(np.random.default_rng(2), 20, 0.0)
    repeated = np.repeat(values, 5)
    grouped = equivalence(repeated, list(np.repeat(names, 5)), margin=0.5)
    assert equivalence(repeated, named(np.arange(len(repeated))), margin=0.5).p < grouped.p
    assert grouped.p == pytest.approx(equivalence(values, names, margin=0.5).p)


@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.2])
def test_equivalent_is_an_interval_within_the_margin(alpha: float) -> None:
    said = []
    for seed in range(60):
        values, names = differences(np.random.default_rng(seed), 12, 0.0)
        found = equivalence(values, names, margin=0.6, alpha=alpha)
        inside = found.difference.low >= -0.6 and found.difference.high <= 0.6
        assert found.equivalent == inside == (found.p <= alpha)
        said.append(found.equivalent)
    assert 0 < sum(said) < 60


def test_the_short_side_of_skewed_groups_is_not_taken_for_equivalence() -> None:
    """A mean of exponential groups lies below the true one more often than above, and then its error is small too."""
    drawn, names = np.random.default_rng(4).exponential(size=30), named(np.arange(30))
    values = drawn - drawn.mean()
    t, found = (equivalence(values, names, margin=0.45, draws=draws) for draws in (0, 2000))
    assert found.p_below > 1.5 * t.p_below
    assert found.p_above == pytest.approx(t.p_above), "Student's t doubts more on the other side"
    assert found.difference.high > t.difference.high
    assert found.difference.low == pytest.approx(t.difference.low)
    mirrored = equivalence(-values, names, margin=0.45)
    assert (mirrored.p_above, mirrored.p_below) == (found.p_below, found.p_above)
    assert equivalence(values, names, margin=0.45, seed=1).p_below != found.p_below
    assert equivalence(values, names, margin=0.45, seed=0) == equivalence(values, names, margin=0.45)


def test_resampled_p_values_are_shares_of_resamples() -> None:
    values, names = differences(np.random.default_rng(0), 8, 2.0)
    for draws in (39, 99):
        found = equivalence(values, names, margin=0.7, alpha=0.1, draws=draws)
        t = equivalence(values, names, margin=0.7, alpha=0.1, draws=0)
        for ours, student in ((found.p_above, t.p_above), (found.p_below, t.p_below)):
            assert ours >= student
            assert ours == student or ours * (draws + 1) == pytest.approx(round(ours * (draws + 1)))
            assert ours >= 1 / (draws + 1)


def test_too_few_resamples_bound_nothing() -> None:
    values, names = differences(np.random.default_rng(1), 12, 0.0)
    found = equivalence(values, names, margin=1000.0, draws=9)
    assert not found.equivalent
    assert math.isnan(found.difference.low)
    assert "9 resamples are too few for a level of 0.05" in found.difference.reason


@pytest.mark.parametrize("size", [1e-7, 0.3])
@pytest.mark.parametrize(("groups", "odd"), [(6, 1), (10, 1), (40, 1), (40, 2)])
def test_a_few_groups_that_differ_among_many_that_do_not_leave_little_doubt(groups: int, odd: int, size: float) -> None:
    """Resamples that miss them have no error of their own."""
    values = np.zeros(groups)
    values[:odd] = size
    found = equivalence(values, named(np.arange(groups)), margin=1.0)
    assert found.equivalent
    assert found.difference.low >= -1.0
    assert found.difference.high < 1.0
    assert not equivalence(values, named(np.arange(groups)), margin=size / groups / 2).equivalent


@pytest.mark.parametrize("alpha", [0.05, 0.29, 0.46])
@pytest.mark.parametrize("draws", [99, 499])
def test_interval_and_p_value_agree_on_every_number_of_resamples(draws: int, alpha: float) -> None:
    values, names = differences(np.random.default_rng(3), 9, 2.0)
    wide = equivalence(values, names, margin=100.0, alpha=alpha, draws=draws).difference
    edge = max(-wide.low, wide.high)
    for margin, inside in ((edge * (1 + 1e-9), True), (edge * (1 - 1e-9), False)):
        assert equivalence(values, names, margin=margin, alpha=alpha, draws=draws).equivalent == inside


@pytest.mark.parametrize(("value", "equivalent"), [(0.0, True), (0.09, True), (-0.5, False), (0.5, False)])
def test_differences_that_are_all_the_same_leave_no_doubt(value: float, equivalent: bool) -> None:
    found = equivalence(np.full(6, value), list("aabbcc"), margin=0.1)
    assert found.equivalent == equivalent
    assert found.difference.low == pytest.approx(value)


def test_one_group_shows_nothing() -> None:
    found = equivalence(np.array([0.1, 0.2]), ["a", "a"], margin=1.0)
    assert not found.equivalent
    assert found.difference.value == pytest.approx(0.15)
    assert math.isnan(found.p)
    assert "one group" in found.difference.reason
    nothing = equivalence(np.zeros(0), [], margin=1.0)
    assert (nothing.equivalent, nothing.difference.reason) == (False, "no items")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"margin": 0.0}, "margin is 0.0"),
        ({"margin": -1.0}, "margin is -1.0"),
        ({"margin": math.inf}, "margin is inf"),
        ({"margin": math.nan}, "margin is nan"),
        ({"margin": 1.0, "alpha": 0.0}, "alpha is 0.0"),
        ({"margin": 1.0, "alpha": 0.5}, "alpha is 0.5"),
    ],
)
def test_what_is_refused(options: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        equivalence(np.zeros(3), ["a", "b", "c"], **options)


def test_undefined_items_and_records_that_contradict_themselves_are_refused() -> None:
    with pytest.raises(ValueError, match="NaN or infinite"):
        equivalence(np.array([0.0, np.nan]), ["a", "b"], margin=1.0)
    found = equivalence(np.array([0.1, 0.2, 0.1]), ["a", "b", "c"], margin=1.0, draws=0)
    with pytest.raises(ValueError, match="equivalent is False"):
        replace(found, equivalent=False)
