"""Bootstrap intervals that resample groups, for means and for ratios of sums.

scipy's bootstrap has no clusters, so the draw of groups is ours; the rest is numpy.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from jaxtyping import Float, Int, Num

from mediate.stats.estimate import Estimate

METHOD = "percentile bootstrap over groups"
RESAMPLES = 2000


def group_index(groups: Sequence[str]) -> Int[np.ndarray, " item"]:
    """Numbers the groups in order of first appearance."""
    order = {name: number for number, name in enumerate(dict.fromkeys(groups))}
    return np.array([order[name] for name in groups], dtype=np.int64)


def group_weights(groups: int, draws: int, rng: np.random.Generator) -> Int[np.ndarray, "draw group"]:
    """How often each group occurs in each bootstrap resample (`groups` draws with replacement)."""
    return rng.multinomial(groups, np.full(groups, 1 / groups), size=draws)


@lru_cache(maxsize=1)
def resamples(groups: int, draws: int, seed: int) -> Float[np.ndarray, "draw group"]:
    """How often each group occurs in each resample; the last are kept, as a comparison has many quantities of a set."""
    counts = group_weights(groups, draws, np.random.default_rng(seed)).astype(float)
    counts.setflags(write=False)
    return counts


def resampled_sums(
    values: Float[np.ndarray, "item column"], index: Int[np.ndarray, " item"], weights: Num[np.ndarray, "draw group"]
) -> Float[np.ndarray, "draw column"]:
    """Sum of each column over the items of the drawn groups, for every resample."""
    sums = np.zeros((weights.shape[1], values.shape[1]))
    np.add.at(sums, index, values)
    return weights @ sums


def bootstrap_mean(
    values: Float[np.ndarray, " item"],
    groups: Sequence[str],
    *,
    seed: int = 0,
    level: float = 0.95,
    draws: int = RESAMPLES,
) -> Estimate:
    """Mean over items with a percentile interval over resampled groups.

    Groups of different sizes keep their weight: each resample's mean is its sum over its number of items. NaN items are
    refused: leave them out and count them first.
    """
    return bootstrap_ratio(values, np.ones_like(values), groups, seed=seed, level=level, draws=draws)


def bootstrap_ratio(
    numerator: Float[np.ndarray, " item"],
    denominator: Float[np.ndarray, " item"],
    groups: Sequence[str],
    *,
    min_mean_denominator: float = 0.0,
    seed: int = 0,
    level: float = 0.95,
    draws: int = RESAMPLES,
) -> Estimate:
    """Ratio of sums, sum(numerator) / sum(denominator), with a percentile interval over resampled groups.

    Args:
        numerator: One value an item.
        denominator: One value an item, in the same unit.
        groups: The group of each item.
        min_mean_denominator: Below this absolute mean denominator the ratio is undefined.
        seed: Seed of the resampling.
        level: Coverage of the interval.
        draws: Number of resamples.

    Returns:
        The estimate. Its value is NaN where the mean denominator is not above `min_mean_denominator` in size. Its
        interval is NaN with fewer than two groups, and where the denominator's sign or definedness differs between
        resamples: the set of ratios that the data allow is then unbounded (Fieller), and a percentile interval would
        hide that.

    Raises:
        ValueError: A value is NaN or infinite, or there is not one group an item.
    """
    values = np.stack([numerator, denominator], axis=1)
    if not np.isfinite(values).all():
        raise ValueError("bootstrap: an item is NaN or infinite; leave such items out, and count them")
    index = group_index(groups)
    if len(index) != len(values):
        raise ValueError(f"bootstrap: {len(values)} items and {len(index)} groups; name the group of each item")
    count = int(index.max()) + 1 if len(index) else 0

    def estimate(value: float, low: float, high: float, reason: str = "") -> Estimate:
        return Estimate(value, low, high, level, len(index), count, METHOD, seed, reason)

    if not len(index):
        return estimate(np.nan, np.nan, np.nan, "no items")
    total, mean_size = values.sum(axis=0), abs(values[:, 1].mean())
    if mean_size <= min_mean_denominator:
        why = f"the mean total effect, {values[:, 1].mean():.3g}, is within {min_mean_denominator:g} of 0"
        return estimate(np.nan, np.nan, np.nan, why)
    value = float(total[0] / total[1])
    if count < 2:
        return estimate(value, np.nan, np.nan, "one group: nothing to resample")
    weights = resamples(count, draws, seed)
    with_sizes = np.concatenate([values, np.ones((len(index), 1))], axis=1)
    top, bottom, sizes = resampled_sums(with_sizes, index, weights).T
    stable = (np.sign(bottom) == np.sign(total[1])) & (abs(bottom / sizes) > min_mean_denominator)
    if not stable.all():
        share = 1 - stable.mean()
        return estimate(value, np.nan, np.nan, f"the total effect vanishes or changes sign in {share:.1%} of resamples")
    low, high = np.quantile(top / bottom, [(1 - level) / 2, (1 + level) / 2])
    return estimate(value, float(low), float(high))
