"""Causal attention that holds no more than it needs.

A stretch of queries is taken at a time, so that no array of all heads, queries and keys is ever there; keys and values
are not copied for each query head that shares them, nor for each row that reads the same past; and keys that the causal
mask hides anyhow are not scored.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.utils.checkpoint import checkpoint

# Scores that are held at a time, in numbers: what fits into a processor's cache is also the quickest.
SCORES = 2**20


@dataclass(frozen=True, slots=True, eq=False)
class Swapped:
    """Other keys and values that some rows find at some positions of a past that all rows share.

    Args:
        rows: Places in the batch.
        positions: For each of these rows, as many positions.
        heads: KV heads, the same for all rows.
        keys: What is found there.
        values: What is found there.
    """

    rows: Int[Tensor, " row"]
    positions: Int[Tensor, "row pos"]
    heads: Int[Tensor, " kv_head"]
    keys: Float[Tensor, "row kv_head pos d_key"]
    values: Float[Tensor, "row kv_head pos d_value"]


@dataclass(frozen=True, slots=True, eq=False)
class SharedPast:
    """Keys and values of a beginning that every row reads, in every layer, and what some rows find instead.

    Args:
        keys: As attention reads them.
        values: As attention reads them.
        swaps: By layer.
    """

    keys: Float[Tensor, "layer kv_head pos d_key"]
    values: Float[Tensor, "layer kv_head pos d_value"]
    swaps: Mapping[int, Sequence[Swapped]] = field(default_factory=dict)


def attend(
    module: Any,
    query: Float[Tensor, "batch head query_pos d_head"],
    key: Float[Tensor, "batch kv_head key_pos d_head"],
    value: Float[Tensor, "batch kv_head key_pos d_value"],
    attention_mask: Float[Tensor, "mask masked_head query_pos all_pos"] | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    softcap: float | None = None,
    s_aux: Tensor | None = None,
    *,
    past: SharedPast | None = None,
    trimmed: tuple[int | None, int | None] = (None, None),
    **_: Any,
) -> tuple[Float[Tensor, "batch query_pos head d_value"], None]:
    """Causal attention in transformers' calling convention, a stretch of queries at a time.

    Args:
        module: The attention module that calls.
        query: After rotary embedding.
        key: After rotary embedding; the last `query_pos` of them are the queries' own positions.
        value: As many as keys.
        attention_mask: Added to the scores, the same for all rows; hides the future, and what lies before a window.
        scaling: Of the scores; one over the square root of the head's width by default.
        dropout: Must be 0.
        softcap: The scores are squeezed between plus and minus this.
        s_aux: Attention sinks, which are refused.
        past: What comes before `key` and `value`, the same for all rows but for its swaps.
        trimmed: A layer in which only so many last queries are wanted; the others' output is 0.

    Raises:
        NotImplementedError: Attention of another kind.
    """
    if dropout or s_aux is not None or attention_mask is None:
        raise NotImplementedError("attention with dropout, with sinks or without a mask")
    batch, heads, length, width = query.shape
    kv_heads, own = key.shape[1:3]
    layer, before = module.layer_idx, 0 if past is None else int(past.keys.shape[2])
    scaled = query * (width**-0.5 if scaling is None else scaling)
    begin = length - min(length, trimmed[1] or length) if layer == trimmed[0] else 0
    per_stretch = max(1, SCORES // (batch * heads * (before + own)))
    softmax_dtype = torch.promote_types(torch.float32, query.dtype)  # in half precision as transformers has it

    def stretch(queries: Tensor, mask: Tensor, seen: int) -> Tensor:
        here = queries.reshape(batch, kv_heads, -1, width)
        scores = torch.matmul(here, key[:, :, :seen].transpose(-1, -2))
        if past is not None and before:
            scores = torch.cat([_past_scores(past, layer, here), scores], dim=-1)
        if softcap is not None:
            scores = torch.tanh(scores / softcap) * softcap
        scores = scores.reshape(batch, heads, -1, before + seen) + mask
        pattern = torch.softmax(scores, dim=-1, dtype=softmax_dtype).to(query.dtype)
        pattern = pattern.reshape(batch, kv_heads, -1, before + seen)
        mixed = torch.matmul(pattern[..., before:], value[:, :, :seen])
        if past is not None and before:
            mixed = mixed + _past_values(past, layer, pattern[..., :before])
        return mixed.reshape(batch, heads, -1, mixed.shape[-1])

    # One row's mask stands for all where a past is shared, rows having joined that were not there when it was made; but
    # where keys are knocked out each row has its own.
    masks = attention_mask if past is None or len(attention_mask) == batch else attention_mask[:1]
    found = [query.new_zeros(batch, heads, begin, value.shape[-1])] if begin else []
    for start in range(begin, length, per_stretch):
        stop = min(start + per_stretch, length)
        seen = own - length + stop
        part = scaled[:, :, start:stop], masks[:, :, start:stop, : before + seen], seen
        if torch.is_grad_enabled() and query.requires_grad and length > per_stretch:
            # Patterns are computed again on the way back, and not kept.
            found.append(checkpoint(stretch, *part, use_reentrant=False))
        else:
            found.append(stretch(*part))
    return torch.cat(found, dim=2).transpose(1, 2).contiguous(), None


def _past_scores(
    past: SharedPast, layer: int, query: Float[Tensor, "batch kv_head query d_head"]
) -> Float[Tensor, "batch kv_head query pos"]:
    """Scores of the shared keys: one product for all rows, and the swapped keys' in their places."""
    batch, kv_heads, count, width = query.shape
    together = query.transpose(0, 1).reshape(kv_heads, batch * count, width)
    scores = torch.matmul(together, past.keys[layer].transpose(-1, -2))
    scores = scores.reshape(kv_heads, batch, count, -1).transpose(0, 1)
    for swap in past.swaps.get(layer, ()):
        rows, heads = swap.rows[:, None, None], swap.heads[None, :, None]
        found = torch.matmul(query[swap.rows][:, swap.heads], swap.keys.transpose(-1, -2))
        scores[rows, heads, :, swap.positions[:, None, :]] = found.transpose(-1, -2)
    return scores


def _past_values(
    past: SharedPast, layer: int, pattern: Float[Tensor, "batch kv_head query pos"]
) -> Float[Tensor, "batch kv_head query d_value"]:
    """What attention mixes of the shared values, and the difference that the swapped ones make."""
    batch, kv_heads, count, before = pattern.shape
    together = pattern.transpose(0, 1).reshape(kv_heads, batch * count, before)
    mixed = torch.matmul(together, past.values[layer]).reshape(kv_heads, batch, count, -1).transpose(0, 1)
    for swap in past.swaps.get(layer, ()):
        rows, heads = swap.rows[:, None, None], swap.heads[None, :, None]
        weights = pattern[rows, heads, :, swap.positions[:, None, :]].transpose(-1, -2)
        change = swap.values - past.values[layer][heads, swap.positions[:, None, :]]
        mixed[swap.rows[:, None], swap.heads[None]] += torch.matmul(weights, change)
    return mixed
