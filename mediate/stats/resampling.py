"""Resamples of groups: how often each is drawn, and what is summed over those that are.

scipy's bootstrap draws items, so the draw of groups is ours; the rest is numpy.
"""

from collections import OrderedDict
from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Float, Int, Num, UInt

RESAMPLES = 2000
MANY = 1000  # groups from which on draws are counted
CHUNK = 50_000  # numbers at once: 400 kB an array, which a core's cache holds
# Bytes of resamples that are kept: a page asks in turn for those of all items, of the cut ones, of those with a step.
KEPT = 64 * 2**20


def group_index(groups: Sequence[str]) -> Int[np.ndarray, " item"]:
    """Numbers the groups in order of first appearance."""
    order = {name: number for number, name in enumerate(dict.fromkeys(groups))}
    return np.array([order[name] for name in groups], dtype=np.int64)


def group_weights(groups: int, draws: int, rng: np.random.Generator) -> Int[np.ndarray, "draw group"]:
    """How often each group occurs in each bootstrap resample (`groups` draws with replacement).

    The law is one for any number of groups. From `MANY` on the draws are made and counted, which is five times as fast
    as numpy's multinomial; below, an interval that was published once is drawn again as it was.
    """
    if groups < MANY:
        return rng.multinomial(groups, np.full(groups, 1 / groups), size=draws)
    drawn = rng.integers(groups, size=(draws, groups)) + groups * np.arange(draws)[:, None]
    return np.bincount(drawn.ravel(), minlength=draws * groups).reshape(draws, groups)


_kept: OrderedDict[tuple[int, int, int], UInt[np.ndarray, "draw group"]] = OrderedDict()


def resamples(groups: int, draws: int, seed: int) -> UInt[np.ndarray, "draw group"]:
    """How often each group occurs in each resample, in a byte each; those that were asked for last are kept.

    Of many groups this is the largest array of a page, so that it is drawn and read (`stretches`) a part at a time.
    """
    key = groups, draws, seed
    if key not in _kept:
        rng, rows = np.random.default_rng(seed), max(1, CHUNK // groups)
        drawn = (group_weights(groups, min(rows, draws - start), rng) for start in range(0, draws, rows))
        _kept[key] = np.concatenate([each.astype(np.min_scalar_type(int(each.max()))) for each in drawn])
        _kept[key].setflags(write=False)
    _kept.move_to_end(key)
    while len(_kept) > 1 and sum(each.nbytes for each in _kept.values()) > KEPT:
        _kept.popitem(last=False)
    return _kept[key]


def stretches(
    counts: Num[np.ndarray, "draw group"],
) -> Iterator[tuple[slice, Float[np.ndarray, "some group"]]]:
    """Some resamples after others, as many as a core's cache holds, with which ones they are."""
    rows = max(1, CHUNK // counts.shape[1])
    for start in range(0, len(counts), rows):
        these = slice(start, start + rows)
        yield these, counts[these].astype(float)


def drawn_sums(
    counts: Num[np.ndarray, "draw group"], sums: Float[np.ndarray, "group column"]
) -> Float[np.ndarray, "draw column"]:
    """What each column's sums over the groups come to in each resample."""
    found = np.empty((len(counts), sums.shape[1]))
    for these, drawn in stretches(counts):
        found[these] = drawn @ sums
    return found


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
    return drawn_sums(weights, group_sums(values, index, weights.shape[1]))
