"""Plans of sweeps: every branch once, the least work among all groupings, and what they say of themselves."""

from itertools import pairwise, product
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediate.passes.sweeps.pace import known_pace, pace
from mediate.passes.sweeps.planning import SweepWork, group_branches, work_of
from tests import tiny

LAYERS = 4


class Place(NamedTuple):
    """Where a branch leaves the untouched run."""

    layer: int
    position: int


PLACE = st.builds(Place, st.integers(0, LAYERS - 1), st.integers(3, 14))
PLACES = st.lists(PLACE, max_size=25)


def planned(places: list[Place], rows: int, most: int, overhead: float) -> tuple[list[list[int]], SweepWork]:
    """The groups of some branches in a sequence of 16 tokens, and what is said of them."""
    blocks = np.array([LAYERS - each.layer for each in places], dtype=int)
    tokens = np.array([(16 - each.position) * rows for each in places], dtype=int)
    groups = group_branches(blocks, tokens, most=most, overhead=overhead)
    return groups, work_of(groups, blocks, tokens)


def work(places: list[Place], groups, length: int, rows: int) -> tuple[int, int, int]:
    """Token-layers, blocks and the most tokens, counted block by block."""
    tokens, blocks, most = 0, 0, 0
    for group in groups:
        at = [places[number] for number in group]
        row = (length - min(each.position for each in at)) * rows
        for layer in range(min(each.layer for each in at), LAYERS):
            blocks += 1
            there = row * sum(each.layer <= layer for each in at)
            tokens += there
            most = max(most, there)
    return tokens, blocks, most


@given(places=PLACES, rows=st.integers(1, 2), tokens=st.integers(1, 200), overhead=st.floats(0, 100))
def test_every_branch_is_swept_once_and_counted(places: list[Place], rows: int, tokens: int, overhead: float) -> None:
    groups, told = planned(places, rows, tokens, overhead)
    assert sorted(number for group in groups for number in group) == list(range(len(places)))
    assert (told.token_layers, told.blocks, told.most_tokens) == work(places, groups, 16, rows)
    assert told.sweeps == len(groups)
    assert all(len(group) == 1 or work(places, [group], 16, rows)[2] <= tokens for group in groups)


@given(places=st.lists(PLACE, min_size=1, max_size=12), overhead=st.floats(0, 60))
def test_no_other_bands_are_less_work(places: list[Place], overhead: float) -> None:
    """With room for all of a band, against every way to cut the positions into bands."""
    _, told = planned(places, 1, 10**6, overhead)
    positions = sorted({each.position for each in places})
    best = float("inf")
    for cuts in product([False, True], repeat=len(positions) - 1):
        edges = [0, *(place + 1 for place, cut in enumerate(cuts) if cut), len(positions)]
        groups = [
            [number for number, each in enumerate(places) if each.position in positions[start:stop]]
            for start, stop in pairwise(edges)
        ]
        tokens, blocks, _ = work(places, groups, 16, 1)
        best = min(best, tokens + overhead * blocks)
    assert told.token_layers + overhead * told.blocks == pytest.approx(best)


def test_the_pace_is_measured_once() -> None:
    model = tiny.model("gpt2")
    first = pace(model)
    assert first.token_layer > 0
    assert first.block >= 0
    assert first.tokens >= 1
    assert pace(model) is first is known_pace(model)
