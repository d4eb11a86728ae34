"""Resamples of groups: how often each is drawn, and what is summed over those that are.

scipy's bootstrap draws items, so the draw of groups is ours; the rest is numpy.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from jaxtyping import Float, Int, Num

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
