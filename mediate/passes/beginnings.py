"""Rows that go on from different places of one sequence, side by side: each reads a beginning of it and no more.

The sequence is run once. Each row takes the keys and values of its own beginning, with padding in front of them, and
its tokens stand at their own positions, so that every row is as it would be alone. What is told from a mask is not
heeded by every architecture: where `mediate.models.side_by_side.can_pad` says no, only rows of one length stand side by
side. A plain pass over each row's whole sequence is the slow twin.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mediate.models.model import Model
from mediate.models.past import arguments_of, with_past
from mediate.models.roomy import SPARE, roomy_cache
from mediate.passes.keyvalues import KeyValues
from mediate.passes.one_pass import Past, only_last
from mediate.passes.unhooked import leanly

# Keys and values that rows side by side may hold, in bytes.
ROWS_BYTES = 2**28
# By how much the new tokens of rows side by side may differ in number: a part of the fewest, and so many besides.
UNLIKE, BESIDES = 0.5, 8


@dataclass(frozen=True, slots=True)
class GoingOn:
    """A row: so many tokens of the sequence that is gone on from, and then others.

    Args:
        kept: How many of its first tokens the row begins with.
        ids: What follows them; at least one token.
    """

    kept: int
    ids: tuple[int, ...]

    @property
    def length(self) -> int:
        """Tokens of the whole row."""
        return self.kept + len(self.ids)


@dataclass(frozen=True, slots=True, eq=False)
class SideBySide:
    """Rows that were run side by side.

    Args:
        past: Their keys and values, with padding in front; more columns are there than are filled.
        filled: How many columns of these are.
        pads: How much padding each row has.
        logits: At the last positions.
    """

    past: Past
    filled: int
    pads: Int[Tensor, " row"]
    logits: Float[Tensor, "row last d_vocab"]


def run_beside(model: Model, ids: Sequence[int], own: KeyValues, rows: Sequence[GoingOn], *, last: int) -> SideBySide:
    """Runs rows side by side; the new tokens of each end at the same column.

    A row with fewer new tokens than another runs as many of its beginning again in their stead, so that no padding
    stands among what is run.

    Args:
        model: The hooked model.
        ids: The sequence that is gone on from.
        own: Its keys and values, from position 0.
        rows: From `grouped_rows`, one group.
        last: How many positions, counted from the end, to return logits of.
    """
    new, width = max(len(row.ids) for row in rows), max(row.length for row in rows)
    tokens = torch.tensor([(*ids[: row.kept], *row.ids)[row.length - new :] for row in rows], device=model.device)
    pads = [width - row.length for row in rows]
    layers = zip(own.keys, own.values, strict=True)
    past = [(_padded(keys, pads, width, new), _padded(values, pads, width, new)) for keys, values in layers]
    return _run(model, tokens, past, width - new, torch.tensor(pads, device=model.device), last)


def run_on_beside(
    model: Model, rows: SideBySide, chosen: Sequence[int], ids: Sequence[int], *, drop: int | Sequence[int] = 0
) -> SideBySide:
    """Some of the rows with one more token each; where all go on, they do so in place, and not from here again.

    Args:
        model: The hooked model.
        rows: What was run of all of them.
        chosen: The rows, by number.
        ids: The token of each.
        drop: How many of their last tokens are taken back first; of each row another number only where rows of unequal
            length may stand side by side.
    """
    past, pads = rows.past, rows.pads
    drops = [drop] * len(chosen) if isinstance(drop, int) else list(drop)
    if list(chosen) != list(range(len(pads))):
        where = torch.tensor(chosen, device=model.device)
        past, pads = [(keys[where], values[where]) for keys, values in past], pads[where]
    least = min(drops)
    filled, further = rows.filled - least, [each - least for each in drops]
    if any(further):
        past = [(_moved(keys, further, filled), _moved(values, further, filled)) for keys, values in past]
        pads = pads + torch.tensor(further, device=model.device)
    ids_of = torch.tensor(ids, device=model.device)[:, None]
    return _run(model, ids_of, past, filled, pads, 1)


def _moved(
    columns: Float[Tensor, "row kv_head column d"], by: Sequence[int], filled: int
) -> Float[Tensor, "row kv_head column d"]:
    """Each row moved to later columns, so that what is taken back of it falls off the filled ones."""
    moved = torch.zeros_like(columns)
    for row, steps in enumerate(by):
        moved[row, :, steps:filled] = columns[row, :, : filled - steps]
    return moved


def grouped_rows(model: Model, own: KeyValues, rows: Sequence[GoingOn], *, padded: bool) -> Iterator[list[int]]:
    """The rows of each group that are run side by side, by number: of like length, and no more than memory holds.

    Args:
        model: The hooked model.
        own: Keys and values of the sequence that is gone on from.
        rows: All rows.
        padded: Whether rows of unequal length may stand side by side.
    """
    row_bytes = own.nbytes // max(1, len(own))
    group: list[int] = []
    for number in sorted(range(len(rows)), key=lambda each: (len(rows[each].ids), rows[each].length)):
        together = [rows[each] for each in [*group, number]]
        most, least = len(rows[number].ids), len(together[0].ids)
        alike = padded or len({row.length for row in together}) == 1
        alike = alike and most <= (1 + UNLIKE) * least + BESIDES and all(row.length >= most for row in together)
        if group and not (alike and len(together) * max(row.length for row in together) * row_bytes <= ROWS_BYTES):
            yield group
            group = []
        group.append(number)
    if group:
        yield group


def _padded(
    own: Float[Tensor, "kv_head pos d"], pads: Sequence[int], width: int, new: int
) -> Float[Tensor, "row kv_head column d"]:
    """Each row's beginning, moved so that all end at one column, with room for what is run and some more."""
    rows = own.new_zeros(len(pads), own.shape[0], width + SPARE, own.shape[2])
    for row, pad in enumerate(pads):
        rows[row, :, pad : width - new] = own[:, : width - new - pad]
    return rows


def _run(
    model: Model, ids: Int[Tensor, "row new"], past: Past, filled: int, pads: Int[Tensor, " row"], last: int
) -> SideBySide:
    """Rows of which so many columns are filled, with new tokens behind these."""
    columns = torch.arange(filled + ids.shape[1], device=model.device)
    cache = roomy_cache(past, filled)
    options: dict[str, Any] = with_past(model.plain, cache) | only_last(model, last)
    if "position_ids" in arguments_of(type(model.plain).forward):
        options["position_ids"] = (columns[filled:] - pads[:, None]).contiguous()
    mask = (columns >= pads[:, None]).long()
    with torch.no_grad(), leanly(model):
        logits: Tensor = model.plain(input_ids=ids, attention_mask=mask, **options).logits
    room = [(layer.room[0], layer.room[1]) for layer in cache.layers]
    return SideBySide(room, len(columns), pads, logits[:, -last:])
