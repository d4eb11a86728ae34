"""Which branches share a sweep: the grouping with the least work, and what it costs, known before anything is run.

Work is counted in token-layers: one token taken through one block. A sweep costs those of its rows, each from the block
where it joins and from the position where the sweep begins, and a fixed amount for every block that it runs at all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float, Int

# Neighbouring positions that are considered for one sweep; more have never paid.
WIDEST = 16


@dataclass(frozen=True, slots=True)
class Place:
    """Where a branch leaves the untouched run: the first block and the first position that it changes."""

    layer: int
    position: int


@dataclass(frozen=True, slots=True)
class Limits:
    """What a sweep may hold, and what it costs to begin one.

    Args:
        tokens: Tokens that go through a block side by side, at most; a sweep of one row is never refused.
        overhead: What running a block costs whatever goes through it, in tokens.
    """

    tokens: int
    overhead: float


@dataclass(frozen=True, slots=True)
class Sweeps:
    """A grouping of branches.

    Args:
        groups: The branches of each sweep, by number.
        token_layers: Of all sweeps, without the fixed amounts.
        blocks: How many blocks are run, over all sweeps.
        most_tokens: That go through a block side by side, in the largest sweep.
    """

    groups: tuple[tuple[int, ...], ...]
    token_layers: int
    blocks: int
    most_tokens: int


def plan_sweeps(places: Sequence[Place], *, length: int, rows: int, layers: int, limits: Limits) -> Sweeps:
    """Groups branches so that the work is least: bands of positions by dynamic programming, cut where they get too big.

    Args:
        places: Where each branch leaves the untouched run.
        length: Of the sequence.
        rows: That each branch takes.
        layers: Of the model.
        limits: Of a sweep.
    """
    if not places:
        return Sweeps((), 0, 0, 0)
    positions = sorted({each.position for each in places})
    by_position = {position: number for number, position in enumerate(positions)}
    counts = np.zeros((len(positions), layers), dtype=int)
    for each in places:
        counts[by_position[each.position], each.layer] += 1
    bands = _bands(counts, [(length - position) * rows for position in positions], limits)
    groups: list[tuple[int, ...]] = []
    work, blocks, most = 0, 0, 0
    for start, stop in bands:
        inside = [n for n, each in enumerate(places) if start <= by_position[each.position] < stop]
        inside.sort(key=lambda number: places[number].layer)
        per_row = (length - positions[start]) * rows
        for group in _cut(inside, max(1, limits.tokens // per_row)):
            layers_of = [places[number].layer for number in group]
            # A cut may have left out the band's first positions.
            row = (length - min(places[number].position for number in group)) * rows
            groups.append(tuple(group))
            work += row * sum(layers - layer for layer in layers_of)
            blocks += layers - layers_of[0]
            most = max(most, row * len(group))
    return Sweeps(tuple(groups), work, blocks, most)


def _cut(numbers: Sequence[int], most: int) -> list[Sequence[int]]:
    """Stretches of at most so many, as even as can be."""
    count = -(-len(numbers) // most)
    edges = [round(len(numbers) * place / count) for place in range(count + 1)]
    return [numbers[start:stop] for start, stop in pairwise(edges)]


def _bands(counts: Int[np.ndarray, "position layer"], tokens: Sequence[int], limits: Limits) -> list[tuple[int, int]]:
    """Half-open ranges of positions that are swept together.

    Args:
        counts: How many branches leave at each position and layer.
        tokens: Of a row that begins at each position.
        limits: Of a sweep.
    """
    number = len(counts)
    best: Float[np.ndarray, " edge"] = np.full(number + 1, np.inf)
    best[number] = 0.0
    end = np.zeros(number, dtype=int)
    for start in range(number - 1, -1, -1):
        band = np.zeros(counts.shape[1], dtype=int)
        for stop in range(start + 1, min(number, start + WIDEST) + 1):
            band += counts[stop - 1]
            cost = _cost(band, tokens[start], limits) + best[stop]
            if cost < best[start]:
                best[start], end[start] = cost, stop
    bands, start = [], 0
    while start < number:
        bands.append((start, int(end[start])))
        start = int(end[start])
    return bands


def _cost(band: Int[np.ndarray, " layer"], tokens: int, limits: Limits) -> float:
    """About what the sweeps of one band cost, in token-layers."""
    left = np.arange(len(band), 0, -1)
    total = int(band.sum())
    sweeps = -(-total // max(1, limits.tokens // tokens))
    # Where each of the sweeps begins: the layers at even shares of the band's branches.
    starts = np.searchsorted(band.cumsum(), np.arange(sweeps) * total / sweeps, side="right")
    return float(tokens * (band * left).sum() + limits.overhead * left[starts].sum())
