"""Numbers of several models on the same items: what is resampled together, and what orders what."""

import numpy as np
import pytest
from scipy import stats

from mediate.stats import bootstrap_rate
from tools.findings.jointly import halves, means, ratios, spearman, told_apart

GROUPS = tuple(f"g{number // 2}" for number in range(24))


def drawn(seed: int, rows: int = 3) -> np.ndarray:
    return np.random.default_rng(seed).random((rows, len(GROUPS)))


def test_a_rate_has_the_interval_that_rates_have() -> None:
    hits = (drawn(0) < 0.3).astype(float)
    found = means(hits, GROUPS, seed=3)
    for model, values in enumerate(hits):
        assert found.of(model) == bootstrap_rate(values, GROUPS, seed=3)


def test_items_without_a_number_are_left_out_of_their_model_alone() -> None:
    values = drawn(1)
    values[1, 4:] = np.nan
    values[2] = np.nan
    found = means(values, GROUPS)
    assert found.of(0).value == pytest.approx(values[0].mean())
    assert (found.of(1).value, found.of(1).n) == (pytest.approx(values[1, :4].mean()), 4)
    assert not found.of(2).defined


def test_every_model_is_resampled_alike() -> None:
    one = drawn(2, rows=1)
    found = ratios(np.vstack([one, 2 * one]), np.vstack([one + 1, one + 1]), GROUPS)
    assert found.drawn[:, 1] == pytest.approx(2 * found.drawn[:, 0])
    assert found.of(0).low < found.of(0).value < found.of(0).high
    assert ratios(2 * one, one, GROUPS).drawn == pytest.approx(2)


def test_the_order_of_the_models_is_spearmans_and_its_interval_is_of_both_together() -> None:
    one, other = drawn(3, rows=6), drawn(4, rows=6)
    found = means(one, GROUPS).order(means(other, GROUPS))
    assert found.value == pytest.approx(stats.spearmanr(one.mean(axis=1), other.mean(axis=1)).statistic)
    assert (found.n, found.groups) == (6, 12)
    assert found.low < found.value < found.high
    # What both have in common moves both at once, and leaves their order.
    same = means(one, GROUPS).order(means(one + 5, GROUPS))
    assert (same.value, same.low, same.high) == (1, 1, 1)
    assert not means(np.ones_like(one), GROUPS).order(means(other, GROUPS)).defined


def test_ties_share_their_rank() -> None:
    one, other = np.array([[0.0, 0, 1, 2]]), np.array([[3.0, 1, 2, 2]])
    assert spearman(one, other)[0] == pytest.approx(stats.spearmanr(one[0], other[0]).statistic)


def test_halves_of_a_number_without_noise_agree_and_of_noise_do_not() -> None:
    levels = np.arange(6.0)[:, None] * np.ones(len(GROUPS))
    assert halves(levels, np.ones_like(levels)) == pytest.approx(1)
    noise = drawn(5, rows=40)
    assert abs(halves(noise, np.ones_like(noise))) < 0.5


def test_couples_are_counted_and_ties_count_half() -> None:
    low = np.array([True, True, False, False])
    assert told_apart(np.array([0.1, 0.2, 0.3, 0.4]), low) == 1
    assert told_apart(np.array([0.3, 0.4, 0.1, 0.2]), low) == 0
    assert told_apart(np.array([0.1, 0.4, 0.2, 0.1]), low) == pytest.approx((1 + 0.5) / 4)
