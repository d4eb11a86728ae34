"""Attention of many queries, a stretch of them at a time: no more than one stretch's patterns is ever there.

On the way back each stretch is computed again, as recomputed blocks are. What comes out, and every gradient, is put
into one array that is there from the start. A list of outputs, each between the patterns of two stretches, would leave
gaps in the heap that the next and longer pattern does not fit into; and a slice's own gradient would be an array of all
keys for each stretch.
"""

from collections.abc import Callable, Iterator
from typing import Any, cast

import torch
from jaxtyping import Float
from torch import Tensor
from torch.autograd.function import once_differentiable

Arrays = tuple[Tensor, Tensor, Tensor]
"""Queries, keys and values, `batch head pos d`; the last keys are at the queries' own positions."""
Attended = Callable[[int, Arrays, Tensor], Float[Tensor, "batch some_pos head d_value"]]
"""Attention of one stretch: the number of its first query, its arrays, and its mask."""


def attended_in_stretches(
    attended: Attended,
    arrays: Arrays,
    mask: Float[Tensor, "mask masked_head query_pos all_pos"],
    before: int,
    most: int,
) -> Float[Tensor, "batch pos head d_value"]:
    """What all queries mix, at most so many at a time, of the keys that the future does not hide from them.

    Args:
        attended: Attention of one stretch.
        arrays: Of all queries.
        mask: Of all queries; takes no gradient.
        before: How many keys that are not among these come before them.
        most: Queries of a stretch.
    """
    found: Tensor = cast(Any, _InStretches).apply(attended, (before, most), mask, *arrays)
    return found


def _stretches(arrays: Arrays, mask: Tensor, before: int, most: int) -> Iterator[tuple[int, Arrays, Tensor]]:
    """Each stretch: its first query, and its parts, which are views."""
    query, key, value = arrays
    length, own = query.shape[2], key.shape[2]
    for start in range(0, length, most):
        stop = min(start + most, length)
        seen = own - length + stop
        parts = query[:, :, start:stop], key[:, :, :seen], value[:, :, :seen]
        yield start, parts, mask[:, :, start:stop, : before + seen]


class _InStretches(torch.autograd.Function):
    """All stretches as one step of the graph, which keeps what goes in alone."""

    @staticmethod
    def forward(
        ctx: Any, attended: Attended, sizes: tuple[int, int], mask: Tensor, query: Tensor, key: Tensor, value: Tensor
    ) -> Tensor:
        ctx.attended, ctx.sizes = attended, sizes
        ctx.save_for_backward(query, key, value, mask)
        batch, heads, length, _ = query.shape
        found = query.new_empty(batch, length, heads, value.shape[-1])
        for start, parts, masked in _stretches((query, key, value), mask, *sizes):
            found[:, start : start + sizes[1]] = attended(start, parts, masked)
        return found

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        *arrays, mask = ctx.saved_tensors
        found = [torch.zeros_like(each) for each in arrays]
        # From the last: the first ones have the fewest keys, and fit where longer ones were.
        for start, parts, masked in reversed([*_stretches((*arrays,), mask, *ctx.sizes)]):
            with torch.enable_grad():
                own = tuple(each.detach().requires_grad_() for each in parts)
                out = ctx.attended(start, own, masked)
            slopes = torch.autograd.grad(out, own, gradient[:, start : start + ctx.sizes[1]])
            for whole, part, first in zip(found, slopes, (start, 0, 0), strict=True):
                whole[:, :, first : first + part.shape[2]] += part
        return None, None, None, *found
