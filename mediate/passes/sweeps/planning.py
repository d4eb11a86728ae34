"""Which branches share a sweep: the grouping with the least work, and what it costs, known before anything is run.

A branch leaves the untouched run at the first block and the first position that it changes: it takes so many blocks,
and so many tokens, from there to the end of all its rows. Work is counted in token-layers: one token taken through one
block. A sweep costs the blocks of each of its branches, times the tokens of the one that begins first, and an overhead
for every block that it runs at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float, Int

# Neighbouring positions that are considered for one sweep; more have never paid.
WIDEST = 16


@dataclass(frozen=True, slots=True)
class SweepWork:
    """What some sweeps take.

    Args:
        sweeps: How many there are.
        token_layers: Of all of them, without their overhead.
        blocks: How many blocks are run, over all sweeps.
        most_tokens: That go through a block side by side, in the largest sweep.
    """

    sweeps: int
    token_layers: int
    blocks: int
    most_tokens: int


def group_branches(
    blocks: Int[np.ndarray, " branch"], tokens: Int[np.ndarray, " branch"], *, most: int, overhead: float
) -> list[list[int]]:
    """Groups branches so that the work is least: bands of positions by dynamic programming, cut where they get too big.

    Args:
        blocks: That each branch takes.
        tokens: That each branch takes.
        most: Tokens that go through a block side by side, at most; a sweep of one branch is never refused.
        overhead: What running a block costs whatever goes through it, in tokens.

    Returns:
        The branches of each sweep, by number, in the order in which they join.
    """
    depth = int(blocks.max(initial=0))
    widths, position = np.unique(-tokens, return_inverse=True)
    by_position = (-widths).tolist()
    counts = np.zeros((len(by_position), depth), dtype=int)
    np.add.at(counts, (position, depth - blocks), 1)
    groups: list[list[int]] = []
    for start, stop in _bands(counts, by_position, most, overhead):
        inside = np.flatnonzero((start <= position) & (position < stop))
        inside = inside[np.argsort(-blocks[inside], kind="stable")]
        groups += _cut(inside.tolist(), max(1, most // by_position[start]))
    return groups


def work_of(
    groups: Sequence[Sequence[int]], blocks: Int[np.ndarray, " branch"], tokens: Int[np.ndarray, " branch"]
) -> SweepWork:
    """What the sweeps of some groups take, of branches that take so many blocks and tokens each."""
    token_layers, run, most_tokens = 0, 0, 0
    for group in map(list, groups):
        # A cut may have left out the positions at which its band begins.
        width = int(tokens[group].max())
        token_layers += width * int(blocks[group].sum())
        run += int(blocks[group].max())
        most_tokens = max(most_tokens, width * len(group))
    return SweepWork(len(groups), token_layers, run, most_tokens)


def _cut(numbers: list[int], most: int) -> list[list[int]]:
    """Stretches of at most so many, as even as can be."""
    count = -(-len(numbers) // most)
    edges = [round(len(numbers) * place / count) for place in range(count + 1)]
    return [numbers[start:stop] for start, stop in pairwise(edges)]


def _bands(
    counts: Int[np.ndarray, "position layer"], tokens: Sequence[int], most: int, overhead: float
) -> list[tuple[int, int]]:
    """Half-open ranges of positions that are swept together.

    Args:
        counts: How many branches leave at each position and layer.
        tokens: Of a branch that leaves at each position.
        most: Tokens side by side, at most.
        overhead: Of running a block, in tokens.
    """
    number = len(counts)
    best: Float[np.ndarray, " edge"] = np.full(number + 1, np.inf)
    best[number] = 0.0
    end = np.zeros(number, dtype=int)
    for start in range(number - 1, -1, -1):
        band = np.zeros(counts.shape[1], dtype=int)
        for stop in range(start + 1, min(number, start + WIDEST) + 1):
            band += counts[stop - 1]
            cost = _cost(band, tokens[start], most, overhead) + best[stop]
            if cost < best[start]:
                best[start], end[start] = cost, stop
    bands, start = [], 0
    while start < number:
        bands.append((start, int(end[start])))
        start = int(end[start])
    return bands


def _cost(band: Int[np.ndarray, " layer"], tokens: int, most: int, overhead: float) -> float:
    """About what the sweeps of one band cost, in token-layers."""
    left = np.arange(len(band), 0, -1)
    total = int(band.sum())
    sweeps = -(-total // max(1, most // tokens))
    # Where each of the sweeps begins: the layers at even shares of the band's branches.
    starts = np.searchsorted(band.cumsum(), np.arange(sweeps) * total / sweeps, side="right")
    return float(tokens * (band * left).sum() + overhead * left[starts].sum())
