"""Causal attention that holds no more than it needs.

A stretch of queries is taken at a time, so that no array of all heads, queries and keys is ever there; keys and values
are not copied for each query head that shares them, nor for each row that reads the same past; and keys that the causal
mask hides anyhow are not scored.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict, Unpack

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from mediate.models.sites import scores_hook
from mediate.passes.fused import attention_beside_past, own_attention
from mediate.passes.masks import hidden
from mediate.passes.stretches import attended_in_stretches

# Scores that are held at a time, in numbers: what fits into a processor's cache is also the quickest.
SCORES = 2**20
# From so many scores of a call on (some two thousand tokens), torch's fused attention takes them; where rows share a
# past, from so many tokens of it on.
LONG, LONG_PAST = 2**25, 1024


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
class Unseen:
    """Keys that some rows' queries cannot attend to.

    Args:
        rows: Places in the batch.
        keys: What is hidden from each query; of one head where it is the same for all.
        begin: The position of the first query.
    """

    rows: Int[Tensor, " row"]
    keys: Bool[Tensor, "row some_head query_pos all_pos"]
    begin: int


@dataclass(frozen=True, slots=True, eq=False)
class SharedPast:
    """Keys and values of a beginning that every row reads, in every layer, and what some rows find instead.

    Args:
        keys: As attention reads them.
        values: As attention reads them.
        swaps: By layer.
        unseen: By layer, what some rows cannot attend to, in the past and after it.
    """

    keys: Float[Tensor, "layer kv_head pos d_key"]
    values: Float[Tensor, "layer kv_head pos d_value"]
    swaps: Mapping[int, Sequence[Swapped]] = field(default_factory=dict)
    unseen: Mapping[int, Unseen] = field(default_factory=dict)


class Attending(TypedDict, total=False):
    """What attention is told beside its arrays, by transformers and by a sweep.

    Args:
        scaling: Of the scores; one over the square root of the head's width by default.
        dropout: Must be 0.
        softcap: The scores are squeezed between plus and minus this.
        s_aux: Attention sinks, which are refused.
        past: What comes before the keys and values, the same for all rows but for its swaps.
        trimmed: A layer in which only so many last queries are wanted; the others' output is 0.
        first: Which of a pass's queries the first one is, where they are taken a stretch at a time.
    """

    scaling: float | None
    dropout: float
    softcap: float | None
    s_aux: Tensor | None
    past: SharedPast | None
    trimmed: tuple[int | None, int | None]
    first: int


def attend(
    module: Any,
    query: Float[Tensor, "batch head query_pos d_head"],
    key: Float[Tensor, "batch kv_head key_pos d_head"],
    value: Float[Tensor, "batch kv_head key_pos d_value"],
    attention_mask: Float[Tensor, "mask masked_head query_pos all_pos"] | None,
    **told: Unpack[Attending],
) -> tuple[Float[Tensor, "batch query_pos head d_value"], None]:
    """Causal attention in transformers' calling convention; where there are many queries, by a call for each stretch.

    Args:
        module: The attention module that calls.
        query: After rotary embedding.
        key: After rotary embedding; the last `query_pos` of them are the queries' own positions.
        value: As many as keys.
        attention_mask: Added to the scores, the same for all rows; hides the future, and what lies before a window.
        **told: See `Attending`; what is not named there is not heeded.

    Raises:
        NotImplementedError: Attention of another kind.
    """
    if told.get("dropout") or told.get("s_aux") is not None or attention_mask is None:
        raise NotImplementedError("attention with dropout, with sinks or without a mask")
    past, (end, last) = told.get("past"), told.get("trimmed", (None, None))
    batch, heads, length, width = query.shape
    kv_heads, layer, before = key.shape[1], module.layer_idx, 0 if past is None else int(past.keys.shape[2])
    begin = length - min(length, last or length) if layer == end else 0
    query, attention_mask, length = query[:, :, begin:], attention_mask[:, :, begin:], length - begin
    first = told.get("first", 0) + begin
    most = max(1, SCORES // (batch * heads * (before + key.shape[2])))
    if _is_long(query, before + key.shape[2], layer, told):
        if past is not None:
            mask = attention_mask[..., : before + key.shape[2]]
            mask = _of_each_row(mask, past.unseen.get(layer), batch, layer, first)
            every = past.keys[layer], past.values[layer]
            return _after(begin, attention_beside_past(query, (key, value), every, mask, told.get("scaling"))), None
        if length > most:
            return _after(begin, own_attention(query, key, value, attention_mask, told.get("scaling"))), None
    if length > most:
        whole = told | Attending(trimmed=(None, None))

        def one(at: int, arrays: tuple[Tensor, Tensor, Tensor], masked: Tensor) -> Tensor:
            return attend(module, *arrays, masked, **(whole | Attending(first=first + at)))[0]

        found = attended_in_stretches(one, (query, key, value), attention_mask, before, most)
        return _after(begin, found), None
    # One row's mask stands for all where a past is shared, rows having joined that were not there when it was made; but
    # where keys are knocked out each row has its own.
    mask = attention_mask if past is None or len(attention_mask) == batch else attention_mask[:1]
    scale = told.get("scaling")
    here = (query * (width**-0.5 if scale is None else scale)).reshape(batch, kv_heads, -1, width)
    scores = torch.matmul(here, key.transpose(-1, -2))
    if past is not None and before:
        shared = _of_rows(torch.matmul(_together(here), past.keys[layer].transpose(-1, -2)), batch)
        scores = torch.cat([_with_swapped_keys(shared, here, past.swaps.get(layer, ())), scores], dim=-1)
    softcap = told.get("softcap")
    if softcap is not None:
        scores = torch.tanh(scores / softcap) * softcap
    scores, mask = scores.reshape(batch, heads, length, -1), mask[..., : before + key.shape[2]]
    unseen = None if past is None else past.unseen.get(layer)
    scores = scores + mask if unseen is None else _without(scores, mask, unseen, layer, first)
    softmax_dtype = torch.promote_types(torch.float32, query.dtype)  # in half precision as transformers has it
    pattern = torch.softmax(scores, dim=-1, dtype=softmax_dtype).to(query.dtype)
    pattern = pattern.reshape(batch, kv_heads, -1, pattern.shape[-1])
    mixed = torch.matmul(pattern[..., before:], value)
    if past is not None and before:
        seen = pattern[..., :before]
        shared = _of_rows(torch.matmul(_together(seen), past.values[layer]), batch)
        mixed = mixed + _with_swapped_values(shared, seen, past, layer)
    return _after(begin, mixed.reshape(batch, heads, length, -1).transpose(1, 2).contiguous()), None


def _is_long(query: Float[Tensor, "batch head query_pos d_head"], keys: int, layer: int, told: Attending) -> bool:
    """Whether torch's own blocks of queries and keys are to be taken; they know no swapped keys, and no cap."""
    past = told.get("past")
    if told.get("softcap") is not None:
        return False
    if past is not None and (past.keys.shape[2] < LONG_PAST or past.swaps.get(layer)):
        return False
    graph = torch.is_grad_enabled() and query.requires_grad
    return not graph and query.numel() // query.shape[-1] * keys >= LONG


def _of_each_row(
    mask: Float[Tensor, "mask masked_head query_pos all_pos"],
    unseen: Unseen | None,
    batch: int,
    layer: int,
    first: int,
) -> Float[Tensor, "row some_head query_pos all_pos"]:
    """The mask that each row's queries are given, with keys hidden; of one row where it is the same for all."""
    if len(mask) != batch:
        mask = mask[:1]
    if unseen is None:
        return mask
    cut = unseen.keys[:, :, first : first + mask.shape[2], : mask.shape[3]]
    here = mask if len(mask) == 1 else mask[unseen.rows]
    every = mask.expand(batch, cut.shape[1], -1, -1)
    return every.index_copy(0, unseen.rows, hidden(here, cut, unseen.begin + first, scores_hook(layer)))


def _without(
    scores: Float[Tensor, "batch head query_pos key_pos"],
    mask: Float[Tensor, "mask masked_head query_pos key_pos"],
    unseen: Unseen,
    layer: int,
    first: int,
) -> Float[Tensor, "batch head query_pos key_pos"]:
    """Scores with the mask added, and in some rows with keys hidden."""
    queries, keys = scores.shape[2:]
    cut = unseen.keys[:, :, first : first + queries, :keys]
    here = mask if len(mask) == 1 else mask[unseen.rows]
    changed = scores[unseen.rows] + hidden(here, cut, unseen.begin + first, scores_hook(layer))
    return (scores + mask).index_copy(0, unseen.rows, changed)


def _after(begin: int, found: Float[Tensor, "batch some_pos head d_value"]) -> Float[Tensor, "batch pos head d_value"]:
    """With zeros for the queries that are not wanted."""
    return torch.nn.functional.pad(found, (0, 0, 0, 0, begin, 0)) if begin else found


def _together(each: Float[Tensor, "batch kv_head query d"]) -> Float[Tensor, "kv_head batch_query d"]:
    """The queries of all rows side by side, for one product with what the rows share."""
    batch, kv_heads, count, width = each.shape
    return each.transpose(0, 1).reshape(kv_heads, batch * count, width)


def _of_rows(product: Float[Tensor, "kv_head batch_query d"], batch: int) -> Float[Tensor, "batch kv_head query d"]:
    """The product of `_together`, by row again."""
    return product.reshape(len(product), batch, -1, product.shape[-1]).transpose(0, 1)


def _with_swapped_keys(
    scores: Float[Tensor, "batch kv_head query pos"],
    query: Float[Tensor, "batch kv_head query d_head"],
    swaps: Sequence[Swapped],
) -> Float[Tensor, "batch kv_head query pos"]:
    """Scores of the shared keys, written over with the swapped keys' in their places."""
    for swap in swaps:
        rows, heads = swap.rows[:, None, None], swap.heads[None, :, None]
        found = torch.matmul(query[swap.rows][:, swap.heads], swap.keys.transpose(-1, -2))
        scores[rows, heads, :, swap.positions[:, None, :]] = found.transpose(-1, -2)
    return scores


def _with_swapped_values(
    mixed: Float[Tensor, "batch kv_head query d_value"],
    pattern: Float[Tensor, "batch kv_head query pos"],
    past: SharedPast,
    layer: int,
) -> Float[Tensor, "batch kv_head query d_value"]:
    """What attention mixes of the shared values, and the difference that the swapped ones make."""
    for swap in past.swaps.get(layer, ()):
        rows, heads = swap.rows[:, None, None], swap.heads[None, :, None]
        weights = pattern[rows, heads, :, swap.positions[:, None, :]].transpose(-1, -2)
        change = swap.values - past.values[layer][heads, swap.positions[:, None, :]]
        mixed[swap.rows[:, None], swap.heads[None]] += torch.matmul(weights, change)
    return mixed
