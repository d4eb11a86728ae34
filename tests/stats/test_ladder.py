"""Slopes and rank correlations over model sizes, against numpy and scipy; coverage is in whole/test_calibration.py."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from mediate.stats import ladder_mean_slope, ladder_rank_correlation, ladder_slope
from mediate.stats.ladder import rank_correlation
from mediate.stats.studentised import METHOD, contrast_of
from tests.stats.simulated import FLAT, SIZES

RISING = np.array([0.3, 0.35, 0.5, 0.45, 0.7])


def ladder(shares: np.ndarray = RISING, seed: int = 0, groups: int = 15) -> tuple[np.ndarray, np.ndarray, list[str]]:
    top, bottom, names = FLAT.draw(np.random.default_rng(seed), groups, 1.0)
    return top + (shares - 0.5)[:, None] * bottom, bottom, names


def test_the_slope_is_least_squares_of_the_ratios() -> None:
    top, bottom, names = ladder()
    found = ladder_slope(SIZES, top, bottom, names)
    ratios = top.sum(axis=1) / bottom.sum(axis=1)
    assert found.value == pytest.approx(stats.linregress(SIZES, ratios).slope, rel=1e-10)
    assert found.low < found.value < found.high
    assert (found.method, found.n, found.groups) == (METHOD, len(names), 15)
    mean = ladder_mean_slope(SIZES, top, names)
    assert mean.value == pytest.approx(stats.linregress(SIZES, top.mean(axis=1)).slope, rel=1e-10)


def test_what_an_item_does_to_every_model_cancels() -> None:
    rng = np.random.default_rng(0)
    hard, names = rng.normal(0, 50, 40), [f"g{item % 20}" for item in range(40)]
    values = hard + 0.2 * SIZES[:, None] + 0.01 * rng.normal(size=(5, 40))
    found = ladder_mean_slope(SIZES, values, names)
    assert found.high - found.low < 0.02
    assert found.value == pytest.approx(0.2, abs=0.01)


def test_sizes_are_in_steps_of_ten_and_their_zero_is_nothing() -> None:
    top, bottom, names = ladder()
    found, moved = ladder_slope(SIZES, top, bottom, names), ladder_slope(SIZES + 3, top, bottom, names)
    halved = ladder_slope(SIZES * 2, top, bottom, names)
    assert (moved.low, moved.high) == (pytest.approx(found.low), pytest.approx(found.high))
    assert (halved.low, halved.high) == (pytest.approx(found.low / 2), pytest.approx(found.high / 2))
    order = [3, 0, 4, 2, 1]
    assert ladder_slope(SIZES[order], top[order], bottom[order], names).low == pytest.approx(found.low)


@pytest.mark.parametrize("measure", [ladder_slope, ladder_rank_correlation])
@pytest.mark.parametrize(
    ("sizes", "reason"), [([7.0, 8.0], "2 models"), ([], "0 models"), ([8.0, 8.0, 8.0], "all models are of one size")]
)
def test_what_is_no_ladder_is_undefined(measure: object, sizes: list[float], reason: str) -> None:
    assert callable(measure)
    count = len(sizes)
    found = measure(np.array(sizes), np.ones((count, 4)), np.ones((count, 4)), list("aabb"))
    estimate = getattr(found, "estimate", found)
    assert not estimate.defined
    assert reason in estimate.reason
    assert (estimate.n, estimate.groups) == (4, 2)


@pytest.mark.parametrize("measure", [ladder_slope, ladder_rank_correlation])
def test_a_model_without_a_total_effect_leaves_no_slope(measure: object) -> None:
    assert callable(measure)
    top, bottom, names = ladder()
    bottom[2] *= 0.01
    found = measure(SIZES, top, bottom, names, min_mean_denominator=0.1)
    estimate = getattr(found, "estimate", found)
    assert not estimate.defined
    assert "run 2" in estimate.reason
    bottom[2] = np.where(np.arange(len(names)) % 2, 1.0, -0.7)
    found = measure(SIZES, top, bottom, names)
    estimate = getattr(found, "estimate", found)
    assert estimate.defined
    assert math.isnan(estimate.low)
    assert "run 2" in estimate.reason


@pytest.mark.parametrize("shares", [RISING, RISING[[2, 0, 4, 1, 3]], RISING[::-1]])
def test_the_rank_correlation_and_its_exact_p_are_scipys(shares: np.ndarray) -> None:
    top, bottom, names = ladder(shares)
    found = ladder_rank_correlation(SIZES, top, bottom, names)
    ratios = top.sum(axis=1) / bottom.sum(axis=1)
    assert found.estimate.value == pytest.approx(stats.spearmanr(SIZES, ratios).statistic)
    every = [abs(stats.spearmanr(SIZES, order).statistic) for order in itertools.permutations(ratios)]
    assert found.p == pytest.approx(np.mean(np.array(every) >= abs(found.estimate.value) - 1e-9))
    assert found.exact
    assert found.estimate.low <= found.estimate.value <= found.estimate.high


def test_three_models_in_order_are_no_evidence() -> None:
    top, bottom, names = ladder()
    found = ladder_rank_correlation(SIZES[[0, 2, 4]], top[[0, 2, 4]], bottom[[0, 2, 4]], names)
    assert found.estimate.value == pytest.approx(1.0)
    assert found.p == pytest.approx(1 / 3)


def test_many_models_have_drawn_permutations() -> None:
    rng = np.random.default_rng(0)
    values = np.linspace(0, 1, 10)[:, None] + rng.normal(0, 0.8, (10, 1)) + 0.1 * rng.normal(size=(10, 12))
    names = [f"{item}" for item in range(12)]
    sizes = np.linspace(6, 9, 10)
    found = ladder_rank_correlation(sizes, values, np.ones_like(values), names)
    assert not found.exact
    exact = stats.spearmanr(sizes, values.mean(axis=1))
    assert found.estimate.value == pytest.approx(exact.statistic)
    assert found.p == pytest.approx(exact.pvalue, abs=0.02)  # scipy's is the t approximation
    assert found == ladder_rank_correlation(sizes, values, np.ones_like(values), names)


def test_rows_of_ranks_are_correlated_as_scipy_does_with_ties() -> None:
    rng = np.random.default_rng(1)
    rows = rng.integers(0, 4, size=(30, 6)).astype(float)
    rows[0] = 1.0
    sizes = np.array([7.0, 8.0, 8.0, 8.5, 9.0, 9.0])
    found = rank_correlation(sizes, rows)
    assert math.isnan(found[0])
    for row, each in zip(rows[1:], found[1:], strict=True):
        assert each == pytest.approx(stats.spearmanr(sizes, row).statistic)


def test_the_interval_of_ranks_is_of_resampled_groups() -> None:
    top, bottom, names = ladder(groups=6)
    found = ladder_rank_correlation(SIZES, top, bottom, names, level=0.8).estimate
    contrast = contrast_of(np.zeros(5), top, bottom, names)
    rng, drawn = np.random.default_rng(9), []
    for _ in range(4000):
        picked = rng.integers(0, 6, size=6)
        ratios = contrast.top[:, picked].sum(axis=1) / contrast.bottom[:, picked].sum(axis=1)
        drawn.append(stats.spearmanr(SIZES, ratios).statistic)
    for end, quantile in ((found.low, 0.1), (found.high, 0.9)):
        assert np.quantile(drawn, quantile - 0.03) - 1e-9 <= end <= np.quantile(drawn, quantile + 0.03) + 1e-9


def test_equal_ratios_and_one_group_are_said() -> None:
    top, bottom, names = ladder()
    same = ladder_rank_correlation(SIZES, bottom, bottom, names)
    assert same.estimate.reason == "all models have the same ratio"
    assert math.isnan(same.p)
    alone = ladder_rank_correlation(SIZES, top, bottom, ["a"] * len(names))
    assert "one group" in alone.estimate.reason
    assert alone.p <= 1
    assert "one group" in ladder_slope(SIZES, top, bottom, ["a"] * len(names)).reason
