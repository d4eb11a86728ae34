"""The bootstrap over groups, against plain Python, against scipy, and by its coverage on simulated data."""

import math
import random
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from mediate.stats import Estimate, bootstrap_mean, bootstrap_ratio
from mediate.stats.bootstrap import METHOD, group_index, group_weights, resampled_sums

DRAWS = 20_000
# The end of a 95 % interval from 4,000 draws is off by 0.04 standard deviations (1 % of the interval's width) in one
# standard error, from 20,000 by half of that; the bounds below are five standard errors of the difference.
PLAIN_BOUND, SCIPY_BOUND = 0.06, 0.035


def clustered(seed: int, groups: int = 25) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Items in groups of one to four, with an effect and a size of each group's own."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 5, size=groups)
    shared = np.repeat(rng.normal(0, 1, groups), sizes)
    numerator = 1 + shared + rng.normal(0, 0.5, sizes.sum())
    denominator = 3 + 0.5 * shared + rng.normal(0, 0.5, sizes.sum())
    return numerator, denominator, [f"g{number}" for number in np.repeat(np.arange(groups), sizes)]


def plain_interval(numerator: np.ndarray, denominator: np.ndarray, groups: list[str]) -> tuple[float, float]:
    """A percentile interval with lists and a loop."""
    members: dict[str, list[int]] = {}
    for item, group in enumerate(groups):
        members.setdefault(group, []).append(item)
    names, rng, ratios = sorted(members), random.Random(7), []
    for _ in range(4000):
        items = [item for name in rng.choices(names, k=len(names)) for item in members[name]]
        ratios.append(sum(numerator[item] for item in items) / sum(denominator[item] for item in items))
    ratios.sort()
    return ratios[100], ratios[3900]


def assert_near(found: Estimate, low: float, high: float, bound: float) -> None:
    assert abs(found.low - low) < bound * (high - low)
    assert abs(found.high - high) < bound * (high - low)


@pytest.mark.parametrize("seed", [0, 1])
def test_intervals_are_those_of_plain_python(seed: int) -> None:
    numerator, denominator, groups = clustered(seed)
    ratio = bootstrap_ratio(numerator, denominator, groups, draws=DRAWS)
    assert ratio.value == pytest.approx(sum(numerator) / sum(denominator), rel=1e-12)
    assert_near(ratio, *plain_interval(numerator, denominator, groups), PLAIN_BOUND)
    mean = bootstrap_mean(numerator, groups, draws=DRAWS)
    assert mean.value == pytest.approx(sum(numerator) / len(numerator), rel=1e-12)
    assert_near(mean, *plain_interval(numerator, np.ones_like(numerator), groups), PLAIN_BOUND)


@pytest.mark.parametrize("level", [0.95, 0.8])
def test_single_items_are_resampled_as_scipy_does(level: float) -> None:
    numerator, denominator, groups = clustered(2, groups=40)
    singles = [f"{number}" for number in range(len(groups))]
    options = {"method": "percentile", "n_resamples": DRAWS, "confidence_level": level, "rng": 3}
    wanted = stats.bootstrap((numerator,), np.mean, **options).confidence_interval
    assert_near(bootstrap_mean(numerator, singles, draws=DRAWS, level=level), *wanted, SCIPY_BOUND)

    def ratio(top: np.ndarray, bottom: np.ndarray, axis: int = -1) -> np.ndarray:
        return top.sum(axis=axis) / bottom.sum(axis=axis)

    wanted = stats.bootstrap((numerator, denominator), ratio, paired=True, **options).confidence_interval
    assert_near(bootstrap_ratio(numerator, denominator, singles, draws=DRAWS, level=level), *wanted, SCIPY_BOUND)


def coverage(interval: Callable[..., Estimate], truth: float, simulations: int, *, own_groups: bool = True) -> float:
    """Share of simulated data sets whose interval holds the truth."""
    hits = []
    for seed in range(simulations):  # a seed for the data and another for the resampling
        numerator, denominator, groups = clustered(seed, groups=80)
        names = groups if own_groups else [f"{number}" for number in range(len(groups))]
        found = interval(numerator, denominator, names, seed=10_000 + seed, draws=500)
        hits.append(found.low <= truth <= found.high)
    return float(np.mean(hits))


def mean_of_first(numerator: np.ndarray, _: np.ndarray, groups: list[str], **options: int) -> Estimate:
    return bootstrap_mean(numerator, groups, **options)


# 80 groups: percentile intervals are too short where groups are few (20 groups: some 91 %).
@pytest.mark.parametrize(("interval", "truth"), [(mean_of_first, 1.0), (bootstrap_ratio, 1 / 3)])
def test_95_percent_intervals_cover_the_truth_in_95_percent(interval: Callable[..., Estimate], truth: float) -> None:
    assert 0.93 <= coverage(interval, truth, 1000) <= 0.97


def test_ignoring_the_groups_covers_too_little() -> None:
    assert coverage(mean_of_first, 1.0, 200, own_groups=False) < 0.85


def test_a_large_group_keeps_its_weight() -> None:
    values, groups = np.array([1.0, 1.0, 1.0, 5.0]), ["a", "a", "a", "b"]
    found = bootstrap_mean(values, groups, draws=DRAWS)
    assert found.value == 2.0
    # The resamples are aa, ab or ba, and bb: 1, 2 and 5 with probabilities 1/4, 1/2 and 1/4.
    assert (found.low, found.high) == (1.0, 5.0)
    assert bootstrap_mean(values, groups, level=0.4, draws=DRAWS).high == 2.0
    assert (found.n, found.groups, found.level, found.method) == (4, 2, 0.95, METHOD)


def test_one_group_has_a_value_and_no_interval() -> None:
    found = bootstrap_mean(np.array([1.0, 2.0]), ["a", "a"])
    assert found.value == 1.5
    assert math.isnan(found.low)
    assert math.isnan(found.high)
    assert "one group" in found.reason


def test_no_items_have_no_mean() -> None:
    for found in (bootstrap_mean(np.array([]), []), bootstrap_ratio(np.array([]), np.array([]), [])):
        assert not found.defined
        assert (found.n, found.groups, found.reason) == (0, 0, "no items")


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_undefined_items_are_refused(bad: float) -> None:
    values, groups = np.array([1.0, bad]), ["a", "b"]
    for call in (
        bootstrap_mean,
        partial(bootstrap_ratio, np.ones(2)),
        partial(bootstrap_ratio, denominator=np.ones(2)),
    ):
        with pytest.raises(ValueError, match="NaN or infinite"):
            call(values, groups=groups)


@pytest.mark.parametrize("groups", [["a"], ["a", "b", "c"]])
def test_each_item_has_a_group(groups: list[str]) -> None:
    with pytest.raises(ValueError, match="2 items and"):
        bootstrap_mean(np.array([1.0, 2.0]), groups)


def test_a_denominator_that_changes_sign_has_no_interval() -> None:
    rng = np.random.default_rng(0)
    denominator = rng.normal(0.2, 1, 30)
    found = bootstrap_ratio(np.ones(30), denominator, [f"{number}" for number in range(30)])
    assert found.value == pytest.approx(30 / denominator.sum())
    assert math.isnan(found.low)
    said = float(found.reason.split(" in ")[1].split("%")[0])
    # The sum of 30 draws with replacement is nearly normal.
    wanted = stats.norm.cdf(0, abs(denominator.sum()), denominator.std() * math.sqrt(30))
    assert said / 100 == pytest.approx(wanted, abs=0.03)
    assert said > 0


@pytest.mark.parametrize(
    ("mean", "threshold", "defined", "interval"),
    [(0.2, 0.1, True, True), (-0.2, 0.1, True, True), (0.1, 0.1, False, False), (-0.05, 0.1, False, False)],
)
def test_the_threshold_is_on_the_mean_denominator(mean: float, threshold: float, defined: bool, interval: bool) -> None:
    denominator = np.full(8, mean)
    found = bootstrap_ratio(np.ones(8), denominator, list("aabbccdd"), min_mean_denominator=threshold)
    assert found.defined == defined
    assert math.isfinite(found.low) == interval
    if not defined:
        assert f"{mean:.3g}" in found.reason
        assert f"{threshold:g}" in found.reason


def test_resamples_within_the_threshold_leave_no_interval() -> None:
    denominator = np.array([1.0, 0.02, 1.0, 0.02])
    found = bootstrap_ratio(np.ones(4), denominator, list("abcd"), min_mean_denominator=0.1)
    assert found.defined
    assert math.isnan(found.low)
    assert "vanishes" in found.reason
    assert math.isfinite(bootstrap_ratio(np.ones(4), denominator, list("abcd")).low)


def test_a_seed_fixes_the_interval_and_another_moves_it() -> None:
    numerator, denominator, groups = clustered(4)
    first, again, other = (bootstrap_ratio(numerator, denominator, groups, seed=seed) for seed in (5, 5, 6))
    assert first == again
    assert (first.low, first.high) != (other.low, other.high)
    assert (first.seed, other.seed) == (5, 6)


def test_global_generators_stay_where_they_are() -> None:
    states = np.random.get_state()[1].copy(), torch.random.get_rng_state()
    numerator, denominator, groups = clustered(4)
    bootstrap_ratio(numerator, denominator, groups)
    assert np.array_equal(states[0], np.random.get_state()[1])
    assert torch.equal(states[1], torch.random.get_rng_state())


@given(
    values=st.lists(st.floats(-50, 50), min_size=1, max_size=12),
    scale=st.floats(0.5, 4),
    numbers=st.lists(st.integers(0, 4), min_size=12, max_size=12),
)
@settings(deadline=None, max_examples=60)
def test_the_order_of_items_is_nothing_and_a_unit_scales(values: list[float], scale: float, numbers: list[int]) -> None:
    array = np.array(values)
    groups = [f"g{number}" for number in sorted(numbers[: len(values)])]
    found = bootstrap_mean(array, groups, draws=200)
    scaled = bootstrap_mean(array * scale, groups, draws=200)
    assert scaled.value == pytest.approx(found.value * scale, abs=1e-9)
    if found.groups > 1:
        assert found.low - 1e-9 <= found.high
        assert array.min() - 1e-9 <= found.low
        assert found.high <= array.max() + 1e-9
        assert (scaled.low, scaled.high) == pytest.approx((found.low * scale, found.high * scale), abs=1e-9)
    # Within a group, order cannot matter: only the group's sum and size are used.
    within = np.lexsort((array, group_index(groups)))
    assert bootstrap_mean(array[within], groups, draws=200).value == pytest.approx(found.value, abs=1e-9)


def test_kernels_count_every_draw() -> None:
    weights = group_weights(5, 300, np.random.default_rng(0))
    assert weights.shape == (300, 5)
    assert (weights.sum(axis=1) == 5).all()
    index = group_index(["b", "a", "b"])
    assert index.tolist() == [0, 1, 0]
    sums = resampled_sums(np.array([[1.0], [10.0], [100.0]]), index, np.array([[2, 0], [1, 1], [0, 2]]))
    assert sums.tolist() == [[202.0], [111.0], [20.0]]
