"""Resamples of groups: how often each is drawn, and what is summed over those that are.

scipy's bootstrap draws items, so the draw of groups is ours; the rest is numpy.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from jaxtyping import Float, Int, Num

RESAMPLES = 2000
# So many resamples are drawn at once.
AT_ONCE = 100


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
    rng, counts = np.random.default_rng(seed), np.empty((draws, groups))
    for start in range(0, draws, AT_ONCE):  # the same draws as all at once, whose whole numbers would be held beside
        rows = counts[start : start + AT_ONCE]
        rows[:] = group_weights(groups, len(rows), rng)
    counts.setflags(write=False)
    return counts


def group_sums(
    values: Float[np.ndarray, "item column"], index: Int[np.ndarray, " item"], groups: int
) -> Float[np.ndarray, "group column"]:
    """Sum of each column over the items of each group."""
    sums = np.zeros((groups, values.shape[1]))
    np.add.at(sums, index, values)
    return sums


def resampled_sums(
    values: Float[np.ndarray, "item column"], index: Int[np.ndarray, " item"], weights: Num[np.ndarray, "draw group"]
) -> Float[np.ndarray, "draw column"]:
    """Sum of each column over the items of the drawn groups, for every resample."""
    sums: Float[np.ndarray, "draw column"] = weights @ group_sums(values, index, weights.shape[1])
    return sums
