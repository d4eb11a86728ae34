"""Pasts in which the keys and values of some cells are another chain's, and whether that changes any of them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mediate.mediation.cells import Cell
from mediate.passes.keyvalues import KeyValues
from mediate.passes.one_pass import Past
from mediate.passes.rows_together import RowsTogether

Stretches = tuple[KeyValues, KeyValues, KeyValues]
"""The question's keys and values, the chain's own, and those that take their place in a cell."""


def differs(base: KeyValues, source: KeyValues, cell: Cell) -> bool:
    """Whether a swap of a cell would change any key or value."""
    return bool(differing(base, source, [cell]))


def differing(base: KeyValues, source: KeyValues, cells: Sequence[Cell]) -> list[int]:
    """The numbers of the cells whose swap would change any key or value."""
    apart = ((base.keys != source.keys).any(dim=3) | (base.values != source.values).any(dim=3)).cpu().numpy()
    heads = apart.shape[1]
    return [number for number, cell in enumerate(cells) if apart[_within(cell, heads)].any()]


def _within(cell: Cell, heads: int, begin: int = 0) -> tuple[Any, ...]:
    """A cell as an index of an array of layers, so many KV heads, and positions, the chain's from `begin` on."""
    units = range(heads) if cell.units is None else cell.units
    parts = cell.layers, units, [begin + position for position in cell.positions]
    places = tuple(_places(each) for each in parts)
    return places if sum(isinstance(each, list) for each in places) < 2 else np.ix_(*parts)


def _places(places: Sequence[int], begin: int = 0) -> slice | list[int]:
    """Places as an index, from `begin` on: a range, such as a step's positions, as a slice, which copies nothing."""
    if places and tuple(places) == tuple(range(places[0], places[-1] + 1)):
        return slice(begin + places[0], begin + places[-1] + 1)
    return [begin + place for place in places]


def swapped_pasts(stretches: Sequence[Stretches], swaps: Sequence[Sequence[Cell | None]]) -> Past:
    """`swapped_past` of several pairs, whose stretches are equally long, one after another.

    Where all of them were run side by side, and none was moved, they are gathered from there.

    Args:
        stretches: Of each pair.
        swaps: The cell of each of its rows.
    """
    beside = _beside(stretches)
    if beside is None:
        pasts = [swapped_past(*own, rows) for own, rows in zip(stretches, swaps, strict=True)]
        return [
            (torch.cat([keys for keys, _ in layer]), torch.cat([values for _, values in layer]))
            for layer in zip(*pasts, strict=True)
        ]
    layers, _, heads = beside.keys.shape[:3]
    if all(cell is None or cell.units is None for rows in swaps for cell in rows):
        heads = 1  # one stands for all
    width = sum(map(len, stretches[0][:2]))
    which = np.empty((sum(map(len, swaps)), layers, heads, width), dtype=np.int64)
    taken = iter(which)
    for (question, base, source), rows in zip(stretches, swaps, strict=True):
        numbers = [each.among[1] for each in (question, base, source) if each.among is not None]
        for cell in rows:
            own = next(taken)
            own[..., : len(question)], own[..., len(question) :] = numbers[:2]
            if cell is not None:
                own[_within(cell, heads, len(question))] = numbers[2]
    return beside.gathered(which.swapaxes(0, 1))


def _beside(stretches: Sequence[Stretches]) -> RowsTogether | None:
    """What all stretches were run among, each standing where it is read; None where there is no such thing."""
    first = stretches[0][0].among
    for question, *chains in stretches:
        starts = zip((question, *chains), (0, len(question), len(question)), strict=True)
        if first is None or any(
            each.among is None or each.among[0] is not first[0] or each.start != start for each, start in starts
        ):
            return None
    return None if first is None else first[0]


def swapped_past(
    question: KeyValues, base: KeyValues, source: KeyValues, rows: Sequence[Cell | None]
) -> list[tuple[Tensor, Tensor]]:
    """The base run's keys and values with each row's swap made; a layer that no row touches is shared, not copied."""
    past: list[tuple[Tensor, Tensor]] = []
    begin = len(question)
    for layer in range(len(base.keys)):
        touched = [(row, cell) for row, cell in enumerate(rows) if cell is not None and layer in cell.layers]
        pair: list[Tensor] = []
        for ours, chain, other in (
            (question.keys, base.keys, source.keys),
            (question.values, base.values, source.values),
        ):
            whole = torch.cat([ours[layer], chain[layer]], dim=1).expand(len(rows), -1, -1, -1)
            if touched:
                whole = whole.clone()
                for row, cell in touched:
                    here, there = _places(cell.positions, begin), _places(cell.positions)
                    for heads in [slice(None)] if not cell.units else cell.units:
                        whole[row, heads, here] = other[layer][heads, there]
            pair.append(whole)
        past.append((pair[0], pair[1]))
    return past
