"""Spearman's rank correlation over items: scipy's, and when it is undefined."""

import numpy as np
import pytest
from scipy import stats

from mediate.stats.rank import rank_correlation_of, spearman, spearman_of_each


def test_it_is_scipys_with_ties() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 5, 40).astype(float), rng.normal(size=40)
    found = rank_correlation_of(x, y, [str(each) for each in range(40)])
    assert found.value == pytest.approx(stats.spearmanr(x, y).statistic)
    assert found.low < found.value < found.high
    assert found.n == found.groups == 40


def test_the_interval_resamples_groups() -> None:
    x = np.arange(12.0)
    y = np.array([0, 2, 1, 4, 3, 5, 7, 6, 9, 8, 11, 10.0])
    fine = rank_correlation_of(x, y, [str(each) for each in range(12)])
    coarse = rank_correlation_of(x, y, [str(each // 4) for each in range(12)])
    assert coarse.groups == 3
    assert fine.value == coarse.value
    assert (fine.low, fine.high) != (coarse.low, coarse.high)


@pytest.mark.parametrize(
    ("x", "y", "told"),
    [([0.0, 1.0], [0.0, 1.0], "2 items"), ([1.0, 1.0, 1.0], [0.0, 1.0, 2.0], "the same for all"), ([], [], "0 items")],
)
def test_it_is_undefined_with_few_items_or_one_value(x: list[float], y: list[float], told: str) -> None:
    found = rank_correlation_of(np.array(x), np.array(y), [str(each) for each in range(len(x))])
    assert not found.defined
    assert told in found.reason


def test_nan_is_refused() -> None:
    with pytest.raises(ValueError, match="leave out what is NaN"):
        rank_correlation_of(np.array([0.0, np.nan, 1]), np.arange(3.0), ["a", "b", "c"])


def test_rows_are_ranked_together_as_each_by_itself() -> None:
    rng = np.random.default_rng(3)
    rows, y = rng.integers(0, 5, size=(6, 20)).astype(float), rng.normal(size=20)
    rows[2] = 7.0
    found = spearman_of_each(rows, y)
    assert np.isnan(found[2])
    assert np.isnan(spearman_of_each(rows, np.ones(20))).all()
    for row, value in zip(np.delete(rows, 2, axis=0), np.delete(found, 2), strict=True):
        assert value == pytest.approx(spearman(row, y), abs=1e-15)
        assert value == pytest.approx(stats.spearmanr(row, y).statistic)
