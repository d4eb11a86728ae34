"""mediation.kinds.swapping: pasts gathered from runs side by side are those that are written cell by cell."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from mediate.mediation.cells import Cell
from mediate.mediation.kinds import swapping
from mediate.mediation.kinds.swapping import differing, swapped_past, swapped_pasts
from mediate.passes.keyvalues import prefill
from tests import tiny

QUESTION, CHAIN = 5, 6
CELLS = (
    None,
    Cell((0, 1, 2), (0,)),
    Cell((1, 4), (0, 1)),
    Cell((1, 4), (0, 2), (1,)),
    Cell((0, 2, 5), (0, 2), (0,)),
    Cell(tuple(range(CHAIN)), tuple(range(tiny.LAYERS))),
)


def stretches(rows: int = 4):
    """A question, a chain and another row's chain, of each row but the last; all were run side by side."""
    model = tiny.model("llama")
    drawn = torch.Generator().manual_seed(3)
    ids = torch.randint(0, model.facts.d_vocab, (rows, QUESTION + CHAIN), generator=drawn)
    ids[1:, QUESTION : QUESTION + 2] = ids[:1, QUESTION : QUESTION + 2]
    runs = prefill(model, ids)
    ends = QUESTION + CHAIN
    return [
        (own.part(0, QUESTION), own.part(QUESTION, ends), other.part(QUESTION, ends)) for own, other in pairwise(runs)
    ]


def cells_here() -> list[Cell | None]:
    layers = tiny.LAYERS
    return [cell if cell is None or cell.layers[-1] < layers else replace(cell, layers=(0,)) for cell in CELLS]


@pytest.mark.parametrize("by_head", [True, False])
def test_gathered_pasts_are_those_that_are_written(by_head: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    cells = [each for each in cells_here() if by_head or each is None or each.units is None]
    pairs = stretches()
    swaps = [cells, cells[:3], cells[1:]]
    expected = [swapped_past(*own, rows) for own, rows in zip(pairs, swaps, strict=True)]
    monkeypatch.setattr(swapping, "swapped_past", lambda *_: pytest.fail("they were run side by side"))
    for layer, (keys, values) in enumerate(swapped_pasts(pairs, swaps)):
        assert torch.equal(keys, torch.cat([each[layer][0] for each in expected]))
        assert torch.equal(values, torch.cat([each[layer][1] for each in expected]))


def test_what_was_not_run_side_by_side_is_written() -> None:
    pairs = stretches()
    apart = [tuple(replace(each, among=None) for each in own) for own in pairs[:1]]
    swaps = [cells_here()] * 3
    for one, other in zip(swapped_pasts(pairs, swaps), swapped_pasts([*apart, *pairs[1:]], swaps), strict=True):
        assert torch.equal(one[0], other[0])
        assert torch.equal(one[1], other[1])


def test_cells_differ_where_any_key_or_value_does() -> None:
    _, base, source = stretches()[0]
    same = replace(source, keys=source.keys.clone(), values=source.values.clone(), among=None)
    same.keys[:], same.values[:] = base.keys, base.values
    same.keys[0, 1, 4] += 1
    same.values[1, 0, 2, 0] += 1
    cells = [
        Cell((0, 1), (0, 1)),
        Cell((3, 4), (0,), (0,)),
        Cell((3, 4), (0,), (1,)),
        Cell((0, 2), (1,)),
        Cell((2,), (0,)),
    ]
    assert differing(base, same, cells) == [2, 3]
    assert not np.any(differing(base, base, cells))
