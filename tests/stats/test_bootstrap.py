"""The bootstrap over groups, against plain Python, against scipy, and by its coverage on simulated data."""

import math
from collections import OrderedDict
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from mediate.stats import Estimate, bootstrap_mean, bootstrap_rate, bootstrap_ratio
from mediate.stats.bootstrap import PERCENTILES
from mediate.stats.resampling import MANY, group_index, group_weights, resampled_sums, resamples
from mediate.stats.studentised import METHOD

DRAWS = 20_000
# Each critical value of |t| is a quantile of 20,000 draws, off by 0.7 to 1 % in one standard error; the bound below is
# five standard errors of the difference of two.
SCIPY_BOUND = 0.06


def clustered(seed: int, groups: int = 25) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Items in groups of one to four, with an effect and a size of each group's own."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(1, 5, size=groups)
    shared = np.repeat(rng.normal(0, 1, groups), sizes)
    numerator = 1 + shared + rng.normal(0, 0.5, sizes.sum())
    denominator = 3 + 0.5 * shared + rng.normal(0, 0.5, sizes.sum())
    return numerator, denominator, [f"g{number}" for number in np.repeat(np.arange(groups), sizes)]


def plain_error(tops: list[float], bottoms: list[float]) -> float:
    """Standard error of a ratio of sums by leaving out each group in turn, in a loop."""
    count, left = len(tops), []
    for gone in range(count):
        left.append((sum(tops) - tops[gone]) / (sum(bottoms) - bottoms[gone]))
    middle = sum(left) / count
    return math.sqrt((count - 1) / count * sum((each - middle) ** 2 for each in left))


def plain_interval(
    numerator: np.ndarray, denominator: np.ndarray, groups: list[str], *, draws: int, seed: int, level: float
) -> tuple[float, float]:
    """A symmetric bootstrap-t interval with lists and loops, of the same draws of groups."""
    names = list(dict.fromkeys(groups))
    tops, bottoms = (
        [sum(float(value) for value, group in zip(values, groups, strict=True) if group == name) for name in names]
        for values in (numerator, denominator)
    )
    value, error = sum(tops) / sum(bottoms), plain_error(tops, bottoms)
    sizes = []
    for counts in resamples(len(names), draws, seed):
        drawn = [place for place, times in enumerate(counts) for _ in range(int(times))]
        top, bottom = [tops[place] for place in drawn], [bottoms[place] for place in drawn]
        sizes.append(abs(sum(top) / sum(bottom) - value) / plain_error(top, bottom))
    critical = max(sorted(sizes)[math.ceil(level * draws) - 1], stats.t.ppf((1 + level) / 2, len(names) - 1))
    return value - critical * error, value + critical * error


@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("level", [0.95, 0.8])
def test_intervals_are_those_of_plain_python(seed: int, level: float) -> None:
    numerator, denominator, groups = clustered(seed, groups=12)
    options = {"draws": 300, "seed": seed, "level": level}
    ratio = bootstrap_ratio(numerator, denominator, groups, **options)
    assert ratio.value == pytest.approx(sum(numerator) / sum(denominator), rel=1e-12)
    assert (ratio.low, ratio.high) == pytest.approx(plain_interval(numerator, denominator, groups, **options))
    mean = bootstrap_mean(numerator, groups, **options)
    assert mean.value == pytest.approx(sum(numerator) / len(numerator), rel=1e-12)
    assert (mean.low, mean.high) == pytest.approx(plain_interval(numerator, np.ones_like(numerator), groups, **options))


@pytest.mark.parametrize("level", [0.95, 0.8])
def test_single_items_are_resampled_as_scipy_does(level: float) -> None:
    numerator, denominator, groups = clustered(2, groups=40)
    singles = [f"{number}" for number in range(len(groups))]
    ones, value = np.ones_like(numerator), float(sum(numerator) / sum(denominator))

    def ratio(top: np.ndarray, bottom: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Along the last axis, with the error of leaving out one item at a time."""
        whole_top, whole_bottom = (each.sum(axis=-1, keepdims=True) for each in (top, bottom))
        left = (whole_top - top) / (whole_bottom - bottom)
        return (whole_top / whole_bottom)[..., 0], left.std(axis=-1) * math.sqrt(top.shape[-1] - 1)

    def size_of_t(top: np.ndarray, bottom: np.ndarray, axis: int = -1, *, truth: float) -> np.ndarray:
        found, error = ratio(np.moveaxis(top, axis, -1), np.moveaxis(bottom, axis, -1))
        return abs(found - truth) / error

    def critical(bottom: np.ndarray, truth: float) -> float:
        options = {"method": "percentile", "alternative": "less", "n_resamples": DRAWS, "confidence_level": level}
        statistic = partial(size_of_t, truth=truth)
        found = stats.bootstrap((numerator, bottom), statistic, paired=True, rng=3, **options)
        return float(found.confidence_interval.high)

    of_mean = bootstrap_mean(numerator, singles, draws=DRAWS, level=level)
    reach = critical(ones, numerator.mean()) * stats.sem(numerator)
    assert (of_mean.high - of_mean.low) / 2 == pytest.approx(reach, rel=SCIPY_BOUND)
    of_ratio = bootstrap_ratio(numerator, denominator, singles, draws=DRAWS, level=level)
    reach = critical(denominator, value) * float(ratio(numerator, denominator)[1])
    assert (of_ratio.high - of_ratio.low) / 2 == pytest.approx(reach, rel=SCIPY_BOUND)
    assert (of_ratio.low + of_ratio.high) / 2 == pytest.approx(value)


def coverage(interval: Callable[..., Estimate], truth: float, simulations: int, *, own_groups: bool = True) -> float:
    """Share of simulated data sets whose interval holds the truth."""
    hits = []
    for seed in range(simulations):  # a seed for the data and another for the resampling
        numerator, denominator, groups = clustered(seed, groups=10)
        names = groups if own_groups else [f"{number}" for number in range(len(groups))]
        found = interval(numerator, denominator, names, seed=10_000 + seed, draws=500)
        hits.append(found.low <= truth <= found.high)
    return float(np.mean(hits))


def mean_of_first(numerator: np.ndarray, _: np.ndarray, groups: list[str], **options: int) -> Estimate:
    return bootstrap_mean(numerator, groups, **options)


@pytest.mark.parametrize(("interval", "truth"), [(mean_of_first, 1.0), (bootstrap_ratio, 1 / 3)])
def test_95_percent_intervals_cover_the_truth_in_95_percent(interval: Callable[..., Estimate], truth: float) -> None:
    assert 0.93 <= coverage(interval, truth, 1000) <= 0.97


def test_ignoring_the_groups_covers_too_little() -> None:
    assert coverage(mean_of_first, 1.0, 200, own_groups=False) < 0.85


def test_a_large_group_keeps_its_weight() -> None:
    values, groups = np.array([1.0, 1.0, 1.0, 5.0]), ["a", "a", "a", "b"]
    found = bootstrap_mean(values, groups, draws=DRAWS)
    assert found.value == 2.0
    assert (found.n, found.groups, found.level, found.method) == (4, 2, 0.95, METHOD)


@pytest.mark.parametrize(("groups", "alike"), [(2, 1 / 2), (3, 1 / 9)])
def test_two_or_three_groups_bound_nothing(groups: int, alike: float) -> None:
    found = bootstrap_mean(np.arange(6.0) ** 2, [f"{item % groups}" for item in range(6)], draws=DRAWS)
    assert found.value == pytest.approx(55 / 6)
    assert math.isnan(found.low)
    said = float(found.reason.split("in ")[1].split("%")[0]) / 100
    assert said == pytest.approx(alike, abs=0.02)
    assert "all groups are alike" in found.reason
    assert math.isfinite(bootstrap_mean(np.arange(6.0) ** 2, list("aabbcd")).low)


@pytest.mark.parametrize("value", [0.0, 0.1, -7.25])
def test_groups_that_all_say_the_same_leave_no_doubt(value: float) -> None:
    groups = list("aaabbcddde")
    found = bootstrap_mean(np.full(10, value), groups)
    assert found.value == pytest.approx(value)
    assert (found.low, found.high, found.reason) == (found.value, found.value, "")
    sizes = np.arange(1.0, 11.0)
    found = bootstrap_ratio(value * sizes, sizes, groups)
    assert found.value == pytest.approx(value)
    assert (found.low, found.high, found.reason) == (found.value, found.value, "")


def test_one_group_that_differs_bounds_nothing() -> None:
    values = np.zeros(20)
    values[3] = 1.0
    found = bootstrap_mean(values, [f"{item}" for item in range(20)], draws=DRAWS)
    assert math.isnan(found.low)
    said = float(found.reason.split("in ")[1].split("%")[0]) / 100
    assert said == pytest.approx(0.95**20, abs=0.02)  # it is not drawn


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
    denominator = np.tile([1.0, 0.02], 4)
    found = bootstrap_ratio(np.ones(8), denominator, list("abcdefgh"), min_mean_denominator=0.1)
    assert found.defined
    assert math.isnan(found.low)
    assert "vanishes" in found.reason
    assert math.isfinite(bootstrap_ratio(np.ones(8), denominator, list("abcdefgh")).low)


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
    assert math.isfinite(found.low) == (not found.reason)
    if not found.reason:
        assert found.low <= found.value <= found.high
        # To the rounding of its ends: of groups that are nearly alike it is a thousand million times as wide.
        assert (found.low + found.high) / 2 == pytest.approx(found.value, abs=1e-9 + 1e-15 * (found.high - found.low))
        ends = found.low * scale, found.high * scale
        assert (scaled.low, scaled.high) == pytest.approx(ends, rel=1e-6, abs=1e-9)
    # Within a group, order cannot matter: only the group's sum and size are used.
    within = np.lexsort((array, group_index(groups)))
    assert bootstrap_mean(array[within], groups, draws=200).value == pytest.approx(found.value, abs=1e-9)


def test_a_rate_has_the_percentiles_of_its_resamples() -> None:
    hits, groups = np.array([1.0, 1.0, 1.0, 0.0]), ["a", "a", "a", "b"]
    found = bootstrap_rate(hits, groups, draws=DRAWS)
    assert found.value == 0.75
    # The resamples are aa, ab or ba, and bb: 1, 3/4 and 0 with probabilities 1/4, 1/2 and 1/4.
    assert (found.low, found.high) == (0.0, 1.0)
    assert bootstrap_rate(hits, groups, level=0.4, draws=DRAWS).low == 0.75
    assert (found.n, found.groups, found.level, found.method) == (4, 2, 0.95, PERCENTILES)


def test_a_rate_near_one_has_an_interval_where_a_mean_has_none() -> None:
    hits, groups = np.append(np.ones(39), 0.0), [f"{item}" for item in range(40)]
    assert math.isnan(bootstrap_mean(hits, groups).low)
    found = bootstrap_rate(hits, groups)
    wanted = stats.binom.ppf(0.025, 40, 39 / 40) / 40
    assert (found.low, found.high) == (pytest.approx(wanted), 1.0)


def test_what_is_no_rate_is_refused() -> None:
    for bad in (0.5, np.nan):
        with pytest.raises(ValueError, match="0 or 1"):
            bootstrap_rate(np.array([1.0, bad]), ["a", "b"])
    with pytest.raises(ValueError, match="2 items and 1 groups"):
        bootstrap_rate(np.ones(2), ["a"])
    assert bootstrap_rate(np.zeros(0), []).reason == "no items"
    assert "one group" in bootstrap_rate(np.ones(2), ["a", "a"]).reason


def test_kernels_count_every_draw() -> None:
    weights = group_weights(5, 300, np.random.default_rng(0))
    assert weights.shape == (300, 5)
    assert (weights.sum(axis=1) == 5).all()
    index = group_index(["b", "a", "b"])
    assert index.tolist() == [0, 1, 0]
    sums = resampled_sums(np.array([[1.0], [10.0], [100.0]]), index, np.array([[2, 0], [1, 1], [0, 2]]))
    assert sums.tolist() == [[202.0], [111.0], [20.0]]


@pytest.mark.parametrize("groups", [MANY - 1, MANY])
def test_draws_have_one_law_however_many_groups_there_are(groups: int) -> None:
    counts = group_weights(groups, 400, np.random.default_rng(1))
    assert counts.shape == (400, groups)
    assert (counts.sum(axis=1) == groups).all()
    total, times = counts.size, np.arange(5)
    found = np.array([(counts == each).sum() for each in times])
    # A group's count is binomial; counts of one draw hang together a little, which makes these sums less wide.
    expected = total * stats.binom.pmf(times, groups, 1 / groups)
    assert (abs(found - expected) < 5 * np.sqrt(expected)).all()
    # Of two groups of one draw, and of one group in two draws.
    assert abs(np.corrcoef(counts[:, 0], counts[:, 1])[0, 1]) < 0.2
    assert not np.array_equal(counts[0], counts[1])
    # The mean of values over the draw spreads as their standard error.
    values = np.arange(groups, dtype=float)
    means = counts @ values / groups
    assert means.mean() == pytest.approx(values.mean(), abs=4 * values.std() / np.sqrt(400 * groups))
    assert means.std() == pytest.approx(values.std() / np.sqrt(groups), rel=0.15)


def test_resamples_are_the_same_in_parts_and_in_a_byte(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = group_weights(30, 50, np.random.default_rng(3))
    monkeypatch.setattr("mediate.stats.resampling._kept", OrderedDict())
    monkeypatch.setattr("mediate.stats.resampling.CHUNK", 210)
    found = resamples(30, 50, 3)
    assert found.dtype == np.uint8
    assert not found.flags.writeable
    np.testing.assert_array_equal(found, whole)


def test_resamples_are_kept_up_to_a_size(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: OrderedDict[tuple[int, int, int], np.ndarray] = OrderedDict()
    monkeypatch.setattr("mediate.stats.resampling._kept", kept)
    monkeypatch.setattr("mediate.stats.resampling.KEPT", 2 * 50 * 30)
    first = resamples(30, 50, 0)
    assert resamples(29, 50, 0) is not first
    assert resamples(30, 50, 0) is first
    resamples(30, 50, 1)
    assert list(kept) == [(30, 50, 0), (30, 50, 1)]
    resamples(300, 50, 0)  # by itself more than is kept
    assert list(kept) == [(300, 50, 0)]
