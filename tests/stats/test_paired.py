"""Paired differences against scipy, statsmodels and plain Python; calibration is in whole/test_calibration.py."""

import math

import numpy as np
import pytest
import statsmodels.api
from jaxtyping import TypeCheckError
from scipy import stats

from mediate.stats import Estimate, bootstrap_ratio, paired_difference, paired_ratio_difference
from mediate.stats.studentised import METHOD, contrast_of, critical_t, jackknife_errors, named_runs, resampled_ratios
from tests.stats.simulated import SAME, differences, named


def runs(seed: int = 0, groups: int = 12) -> tuple[np.ndarray, np.ndarray, list[str]]:
    return SAME.draw(np.random.default_rng(seed), groups, 1.0)


def test_the_difference_is_second_less_first() -> None:
    found = paired_difference(np.array([1.0, 2.0, 3.0]), np.array([1.5, 2.0, 4.0]), ["a", "b", "c"])
    assert found.value == pytest.approx(0.5)
    top, bottom, names = runs()
    share = paired_ratio_difference(top, bottom, names)
    assert share.value == pytest.approx(sum(top[1]) / sum(bottom[1]) - sum(top[0]) / sum(bottom[0]), rel=1e-12)
    assert (share.n, share.groups, share.method) == (top.shape[1], 12, METHOD)


def plain_jackknife(top: np.ndarray, bottom: np.ndarray, names: list[str]) -> float:
    """The standard error by leaving out each group in turn, in a loop."""
    left = []
    for gone in set(names):
        keep = [name != gone for name in names]
        left.append(top[1, keep].sum() / bottom[1, keep].sum() - top[0, keep].sum() / bottom[0, keep].sum())
    count = len(left)
    return math.sqrt((count - 1) / count * sum((each - sum(left) / count) ** 2 for each in left))


def test_errors_are_those_of_leaving_out_groups_in_a_loop() -> None:
    top, bottom, names = runs(1)
    contrast = contrast_of(np.array([-1.0, 1.0]), top, bottom, names)
    (error,) = jackknife_errors(contrast, np.ones((1, 12)))
    assert error == pytest.approx(plain_jackknife(top, bottom, names), rel=1e-10)
    # A resample is a data set in which a group drawn twice is two groups.
    counts = np.random.default_rng(2).multinomial(12, np.full(12, 1 / 12), size=3).astype(float)
    order = {name: place for place, name in enumerate(dict.fromkeys(names))}
    for count, found in zip(counts, jackknife_errors(contrast, counts), strict=True):
        items = [(item, copy) for item, name in enumerate(names) for copy in range(int(count[order[name]]))]
        rows = [item for item, _ in items]
        copies = [f"{names[item]}/{copy}" for item, copy in items]
        assert found == pytest.approx(plain_jackknife(top[:, rows], bottom[:, rows], copies), rel=1e-9)


def test_many_groups_are_taken_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    contrast = contrast_of(np.array([-1.0, 1.0]), *runs(1))
    counts = np.random.default_rng(2).multinomial(12, np.full(12, 1 / 12), size=50).astype(float)
    whole = jackknife_errors(contrast, counts)
    monkeypatch.setattr("mediate.stats.resampling.CHUNK", 84)
    np.testing.assert_allclose(jackknife_errors(contrast, counts), whole, rtol=1e-12)


@pytest.mark.parametrize("seed", [0, 1])
def test_errors_are_those_of_cluster_robust_least_squares(seed: int) -> None:
    values = np.random.default_rng(seed).normal(size=60)
    index = np.repeat(np.arange(12), 5)
    contrast = contrast_of(np.ones(1), values[None], np.ones((1, 60)), named(index))
    (error,) = jackknife_errors(contrast, np.ones((1, 12)))
    fit = statsmodels.api.OLS(values, np.ones(60)).fit(cov_type="cluster", cov_kwds={"groups": index})
    assert error == pytest.approx(float(fit.bse[0]), rel=1e-10)


def test_resampled_differences_spread_as_scipys() -> None:
    values, _ = differences(np.random.default_rng(3), 20, 1.0)
    contrast = contrast_of(np.ones(1), values[None], np.ones((1, len(values))), named(np.arange(len(values))))
    count = len(values)
    weights = np.random.default_rng(0).multinomial(count, np.full(count, 1 / count), size=20_000).astype(float)
    ours = resampled_ratios(contrast, weights)[0][:, 0].std(ddof=1)
    scipys = stats.bootstrap((values,), np.mean, n_resamples=20_000, method="basic", rng=1).standard_error
    assert ours == pytest.approx(float(scipys), rel=0.03)


def test_of_many_normal_groups_the_interval_is_students() -> None:
    rng = np.random.default_rng(4)
    values = rng.normal(0.3, 1, 400)
    found = paired_difference(np.zeros(400), values, named(np.arange(400)), draws=20_000)
    wanted = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert found.high - found.low == pytest.approx(wanted.high - wanted.low, rel=0.03)
    assert (found.low + found.high) / 2 == pytest.approx(values.mean())


def test_the_interval_is_never_narrower_than_students() -> None:
    for seed in range(20):
        values, names = differences(np.random.default_rng(seed), 8, 0.0)
        contrast = contrast_of(np.ones(1), values[None], np.ones((1, len(values))), names)
        (error,) = jackknife_errors(contrast, np.ones((1, 8)))
        found = paired_difference(np.zeros(len(values)), values, names, seed=seed)
        assert found.high - found.value >= stats.t.ppf(0.975, 7) * error * (1 - 1e-12)


def test_the_critical_value_is_a_quantile_of_resampled_t() -> None:
    values, names = differences(np.random.default_rng(5), 9, 2.0)
    contrast = contrast_of(np.ones(1), values[None], np.ones((1, len(values))), names)
    error = float(jackknife_errors(contrast, np.ones((1, 9)))[0])
    counts = np.random.default_rng(6).multinomial(9, np.full(9, 1 / 9), size=999).astype(float)
    sizes = []
    for count in counts:
        ratio = (count @ contrast.top[0]) / (count @ contrast.bottom[0])
        (own,) = jackknife_errors(contrast, count[None])
        sizes.append(abs(ratio - values.mean()) / own if own > 1e-12 else math.inf)
    wanted = sorted(sizes)[949]  # the 950th of 999 is the 95 % point
    assert critical_t(contrast, error, counts, 0.95)[0] == pytest.approx(wanted, rel=1e-9)
    assert wanted > stats.t.ppf(0.975, 8)


def test_what_two_runs_share_cancels() -> None:
    top, bottom, names = runs(2, groups=30)
    paired = paired_ratio_difference(top, bottom, names)
    both = [bootstrap_ratio(top[run], bottom[run], names) for run in (0, 1)]
    apart = math.hypot(*(each.high - each.low for each in both))
    shared = np.stack([top[0], top[0] + 0.05 * bottom[0]])
    assert paired.high - paired.low < 1.3 * apart
    close = paired_ratio_difference(shared, bottom[[0, 0]], names)
    assert (close.low, close.high) == (pytest.approx(0.05), pytest.approx(0.05))


def test_a_run_differs_from_itself_by_exactly_nothing() -> None:
    top, bottom, names = runs()
    for found in (
        paired_difference(top[0], top[0], names),
        paired_ratio_difference(top[[0, 0]], bottom[[0, 0]], names),
    ):
        assert (found.value, found.low, found.high, found.reason) == (0.0, 0.0, 0.0, "")


def test_where_all_items_differ_by_the_same_there_is_no_doubt() -> None:
    names = [f"g{number}" for number in np.repeat(np.arange(20), np.arange(20) % 3 + 1)]
    found = paired_difference(np.zeros(len(names)), np.full(len(names), 0.1), names)
    assert found.low == found.value == found.high == pytest.approx(0.1)


@pytest.mark.parametrize("groups", [1, 2, 3])
def test_too_few_groups_have_a_value_and_no_interval(groups: int) -> None:
    found = paired_difference(np.zeros(6), np.arange(6.0) ** 2, [f"{item % groups}" for item in range(6)])
    assert found.value == pytest.approx(55 / 6)
    assert math.isnan(found.low)
    assert "one group" in found.reason if groups == 1 else "all groups are alike" in found.reason


def test_where_hardly_any_group_differs_nothing_is_bounded() -> None:
    values = np.zeros(20)
    values[:2] = 1.0
    found = paired_difference(np.zeros(20), values, named(np.arange(20)))
    assert found.value == pytest.approx(0.1)
    assert math.isnan(found.low)
    said = float(found.reason.split("in ")[1].split("%")[0]) / 100
    assert said == pytest.approx(0.9**20, abs=0.03)  # no group of the two is drawn


def test_groups_that_are_alike_but_for_rounding_are_alike() -> None:
    sizes = np.arange(20) % 3 + 1
    values = np.repeat(np.append([0.7, 0.9], np.full(18, 0.1)), sizes)
    names = [f"g{number}" for number in np.repeat(np.arange(20), sizes)]
    assert math.isnan(paired_difference(np.zeros(len(values)), values, names).low)


def test_groups_that_are_alike_and_right_are_no_evidence_against() -> None:
    values = np.zeros(20)
    values[:2] = -1.0, 1.0
    found = paired_difference(np.zeros(20), values, named(np.arange(20)))
    assert found.low < found.value == 0 < found.high


def test_a_small_or_changing_denominator_is_said() -> None:
    top, bottom, names = runs(3)
    small = bottom.copy()
    small[1] *= 0.01
    found = paired_ratio_difference(top, small, names, min_mean_denominator=0.1)
    assert not found.defined
    assert "run 1" in found.reason
    assert "within 0.1 of 0" in found.reason
    changing = bottom.copy()
    changing[0] = np.where(np.arange(len(names)) % 2, 1.0, -0.8)
    found = paired_ratio_difference(top, changing, names)
    assert found.defined
    assert math.isnan(found.low)
    assert "run 0 vanishes or changes sign" in found.reason


def test_reasons_name_runs_by_what_their_denominators_are_called() -> None:
    def named_reason(reason: str) -> str:
        return named_runs(
            Estimate(1.0, 0.5, 1.5, 0.95, 3, 2, "method", 0, reason), ("TE of a", "TE of b"), "nats"
        ).reason

    assert named_reason("the mean denominator of run 1, -0.00276, is within 0.1 of 0") == (
        "the mean TE of b is -0.00276 nats, within 0.1 of 0"
    )
    assert named_reason("the denominator of run 0 vanishes in 3.0%") == "the TE of a vanishes in 3.0%"
    assert named_reason("one group: nothing to resample") == "one group: nothing to resample"


def test_resamples_within_the_threshold_leave_no_interval() -> None:
    bottom = np.tile([1.0, 0.02], (2, 6))
    top = bottom * np.linspace(0.5, 1, 12)
    names = named(np.arange(12))
    assert math.isnan(paired_ratio_difference(top, bottom, names, min_mean_denominator=0.3).low)


def test_no_items_have_no_difference() -> None:
    nothing = np.zeros(0)
    for found in (
        paired_difference(nothing, nothing, []),
        paired_ratio_difference(np.zeros((2, 0)), np.zeros((2, 0)), []),
    ):
        assert not found.defined
        assert (found.n, found.groups, found.reason) == (0, 0, "no items")


def test_what_is_no_pair_is_refused() -> None:
    with pytest.raises((ValueError, TypeCheckError), match=r"3 and 2 items|item=3"):
        paired_difference(np.zeros(3), np.zeros(2), ["a", "b", "c"])
    with pytest.raises(ValueError, match="2 items and 3 groups"):
        paired_difference(np.zeros(2), np.zeros(2), ["a", "b", "c"])
    for bad in (np.nan, np.inf):
        with pytest.raises(ValueError, match="NaN or infinite"):
            paired_difference(np.zeros(2), np.array([1.0, bad]), ["a", "b"])
        with pytest.raises(ValueError, match="NaN or infinite"):
            paired_ratio_difference(np.ones((2, 2)), np.array([[1.0, bad], [1.0, 1.0]]), ["a", "b"])


def test_a_seed_fixes_the_interval_and_the_unit_scales_it() -> None:
    top, bottom, names = runs(4)
    first, again, other = (paired_ratio_difference(top, bottom, names, seed=seed) for seed in (5, 5, 6))
    assert first == again
    assert first.low != other.low
    state = np.random.get_state()[1].copy()
    plain = paired_difference(top[0], top[1], names)
    large = paired_difference(1000 * top[0], 1000 * top[1], names)
    assert np.array_equal(state, np.random.get_state()[1])
    assert (large.low, large.high) == (pytest.approx(1000 * plain.low), pytest.approx(1000 * plain.high))


def test_a_level_is_a_level() -> None:
    top, bottom, names = runs(5)
    widths = []
    for level in (0.5, 0.8, 0.95, 0.99):
        found = paired_ratio_difference(top, bottom, names, level=level)
        widths.append(found.high - found.low)
    assert widths == sorted(widths)
    assert found.level == 0.99
