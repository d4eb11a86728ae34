"""Intervals of many means at once, against the same one by one."""

import math

import numpy as np
import pytest

from mediate.stats import bootstrap_mean
from mediate.stats.columnwise import interval_of_means, ratio_errors, ratios_of
from mediate.stats.resampling import group_sums, resamples
from mediate.stats.studentised import contrast_of, jackknife_errors, studentised
from tests.stats.simulated import members, named


def test_intervals_of_columns_are_those_of_the_bootstrap_one_by_one() -> None:
    rng = np.random.default_rng(0)
    values, groups = rng.normal(size=(9, 3)), list("aabbbccdd")
    low, high = interval_of_means(values, groups, seed=4, level=0.9)
    for column in range(3):
        one = bootstrap_mean(values[:, column], groups, seed=4, level=0.9)
        assert (low[column], high[column]) == (pytest.approx(one.low), pytest.approx(one.high))
    assert np.isnan(interval_of_means(values, ["a"] * 9, seed=0, level=0.9)).all()


def test_errors_are_those_of_leaving_out_groups_one_by_one() -> None:
    rng = np.random.default_rng(1)
    index = members(rng, 7)
    # The fourth column is of groups that are alike but for one, whose terms cancel in many resamples.
    values = np.column_stack([rng.normal(size=len(index)), rng.exponential(size=len(index)), index, index == 2.0])
    values -= values.mean(axis=0)
    counts = rng.multinomial(7, np.full(7, 1 / 7), size=400).astype(float)
    found = ratio_errors(group_sums(values, index, 7), np.bincount(index), counts)
    for column, row in enumerate(values.T):
        contrast = contrast_of(np.ones(1), row[None], np.ones((1, len(row))), named(index))
        np.testing.assert_allclose(found[:, column], jackknife_errors(contrast, counts), rtol=1e-7, atol=1e-12)
    assert (counts[:, 2] == 0).any()


def test_ratios_of_one_denominator_are_those_of_each_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(5)
    index = members(rng, 40)
    te = 30 + rng.normal(size=len(index))
    # Of the third all groups say the same, and of the fourth all but one, so that most terms cancel.
    rows = np.stack(
        [rng.normal(size=len(index)), te * 0.998 + rng.normal(0, 1e-3, len(index)), 2 * te, (index == 3.0) + te]
    )
    how = {"min_mean_denominator": 0.1, "seed": 1, "level": 0.9, "draws": 700}
    contrasts = [contrast_of(np.ones(1), row[None], te[None], named(index)) for row in rows]
    monkeypatch.setattr("mediate.stats.resampling.CHUNK", 1000)
    together = ratios_of(rows, te, named(index), **how)
    for found, contrast in zip(together, contrasts, strict=True):
        wanted = studentised(contrast, **how)
        ends = (found.value, found.low, found.high)
        assert ends == pytest.approx((wanted.value, wanted.low, wanted.high), rel=1e-9, nan_ok=True)
        assert (found.n, found.groups, found.method, found.reason) == (
            wanted.n, wanted.groups, wanted.method, wanted.reason
        )  # fmt: skip
    assert together[2].low == together[2].high
    assert "alike" in together[3].reason


def test_ratios_of_an_undefined_denominator_have_its_reason() -> None:
    rng = np.random.default_rng(6)
    rows, names = rng.normal(size=(2, 30)), named(np.arange(30))
    how = {"min_mean_denominator": 0.1, "seed": 0, "level": 0.95}
    assert [each.defined for each in ratios_of(rows, np.full(30, 0.05), names, **how)] == [False, False]
    for each in ratios_of(rows, np.where(np.arange(30) < 16, 3.0, -3.0), names, **how):
        assert each.defined
        assert math.isnan(each.low)
        assert "changes sign" in each.reason


def test_columns_without_doubt_or_without_bounds_are_as_one_by_one() -> None:
    rng = np.random.default_rng(2)
    index = np.repeat(np.arange(20), np.arange(20) % 3 + 1)
    wide = 1e6 + rng.normal(size=len(index))
    same, zero, rare = np.full(len(index), 0.1), np.zeros(len(index)), (index == 4) * 7.0
    values = np.column_stack([same, zero, rare, wide])
    low, high = interval_of_means(values, named(index), seed=3, level=0.95)
    for column, row in enumerate(values.T):
        one = bootstrap_mean(row, named(index), seed=3)
        assert (low[column], high[column]) == pytest.approx((one.low, one.high), rel=1e-12, nan_ok=True)
    assert (low[:2] == high[:2]).all()
    assert [math.isnan(each) for each in low] == [False, False, True, False]


@pytest.mark.parametrize("groups", [2, 3])
def test_two_or_three_groups_have_no_bounds(groups: int) -> None:
    index = np.arange(12) % groups
    values = np.random.default_rng(4).normal(size=(12, 5))
    assert np.isnan(interval_of_means(values, named(index), seed=0, level=0.95)).all()


def test_each_item_has_a_group() -> None:
    with pytest.raises(ValueError, match="2 items and 3 groups"):
        interval_of_means(np.zeros((2, 1)), ["a", "b", "c"], seed=0, level=0.95)


def test_what_was_asked_for_before_is_not_worked_out_again(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(6)
    rows, te, groups = rng.normal(size=(2, 30)), 30 + rng.normal(size=30), [str(each // 2) for each in range(30)]
    how = {"min_mean_denominator": 0.1, "seed": 1, "level": 0.9, "draws": 300}
    found = ratios_of(rows, te, groups, **how)
    asked = []
    monkeypatch.setattr("mediate.stats.columnwise.resamples", lambda *args: asked.append(args) or resamples(*args))
    assert ratios_of(rows.copy(), te.copy(), list(groups), **how) == found
    assert asked == []
    others = [
        ratios_of(rows + 1, te, groups, **how),
        ratios_of(rows, te + 1, groups, **how),
        ratios_of(rows, te, groups[1:] + groups[:1], **how),
        *(ratios_of(rows, te, groups, **(how | each)) for each in ({"seed": 2}, {"level": 0.8}, {"draws": 299})),
    ]
    assert len(asked) == len(others)
    assert all(other != found for other in others)
