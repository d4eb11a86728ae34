"""Blocks at transformers' own speed where nothing hooks them, and attention that holds no more than it needs.

transformer-lens computes attention with the whole `head query key` array, because a hook might want it, and calls every
hook point of every block. Where no hook asks for that, the modules under the hook points do the same sums: those of
transformers, with the attention below, which takes a stretch of queries at a time, copies no key for each query head
or each row that shares it, and does not score keys that the causal mask hides anyhow. Results differ by rounding; the
self-check at load compares them, and a model that fails it is run the long way.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from mediate.models.model import Model
from mediate.models.sites import IN_ATTENTION, Component, Site

NAME = "mediate_lean"
LEAN = "blocks without hook points"
# Scores that are held at a time, in numbers: what fits into a processor's cache is also the quickest.
SCORES = 2**20
# Tokens that an MLP takes at a time: what lies between its two matrices then stays in a processor's cache.
MLP_TOKENS = 1024


@dataclass(frozen=True, slots=True, eq=False)
class Swap:
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
    swaps: Mapping[int, Sequence[Swap]] = field(default_factory=dict)


def leanly(model: Model, hooked: Collection[str] = ()) -> AbstractContextManager[None]:
    """`lean_blocks` where the model's self-check allows it; else nothing changes."""
    allowed = any(check.name == LEAN and check.passed for check in model.checks)
    return lean_blocks(model, hooked) if allowed else nullcontext()


@contextmanager
def lean_blocks(
    model: Model,
    hooked: Collection[str],
    past: SharedPast | None = None,
    last: int | None = None,
    tokens: Int[Tensor, " token"] | None = None,
) -> Iterator[None]:
    """While open, blocks inside which no hook point is named run without any, and attention holds no whole pattern.

    Args:
        model: The hooked model.
        hooked: The names of the hook points that are in use.
        past: What attention reads before its own keys and values, where the cache of the call hands out only these.
        last: How many positions, counted from the end, are wanted of the last block; the others come out wrong there.
        tokens: Whose logits are wanted, in order; all by default.
    """
    from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS, eager_mask
    from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

    end = model.facts.layers - 1 if last is not None else None
    attention = partial(attend, past=past, trimmed=(end, last), rounded=_rounds_softmax(model))
    ALL_ATTENTION_FUNCTIONS.register(NAME, attention)
    ALL_MASK_ATTENTION_FUNCTIONS.register(NAME, eager_mask)
    hooked = in_use(model, hooked)
    inside = _layers_hooked_inside(hooked)
    whole = layers_computed_whole(model, hooked)
    replaced: list[Any] = []

    def replace(module: Any, forward: Any) -> None:
        object.__setattr__(module, "forward", forward)
        replaced.append(module)

    config = model.plain.config.get_text_config()
    before = config._attn_implementation
    try:
        config._attn_implementation = NAME
        for layer, block in enumerate(model.bridge.blocks):
            if layer not in inside:
                for module in block.modules():
                    own = getattr(module, "original_component", None)
                    if module is not block and own is not None:
                        replace(module, own.forward)
                wanted = last if layer == end else None
                if getattr(block, "mlp", None) is not None:
                    replace(block.mlp, partial(_in_stretches, block.mlp.original_component.forward, wanted))
            elif layer not in whole:
                replace(block.attn, partial(_between_hooks, block.attn))
        unembed = model.bridge.unembed
        if any(name.startswith("unembed.") for name in hooked):
            replace(unembed, partial(_chosen, unembed.forward, tokens))
        else:
            replace(unembed, partial(_unembed, unembed.original_component, tokens))
        yield
    finally:
        config._attn_implementation = before
        ALL_ATTENTION_FUNCTIONS.register(NAME, attend)  # lets go of the past
        for module in replaced:
            if "forward" in vars(module):
                object.__delattr__(module, "forward")


def in_use(model: Model, hooked: Collection[str]) -> set[str]:
    """Hook points that a pass will use: those named, and those that someone else has hooks on already."""
    there = (name for name, point in model.bridge.hook_dict.items() if point.fwd_hooks or point.bwd_hooks)
    return {*hooked, *there}


def _layers_hooked_inside(hooked: Collection[str]) -> set[int]:
    """The layers with hooks elsewhere than where the residual stream enters and leaves the block."""
    found = set()
    for name in hooked:
        if name.startswith("blocks."):
            layer = int(name.split(".")[1])
            ends = {Site(each, layer).hook_name for each in (Component.RESID_PRE, Component.RESID_POST)}
            if name not in ends:
                found.add(layer)
    return found


def layers_computed_whole(model: Model, hooked: Collection[str]) -> set[int]:
    """The layers in which a hook wants attention as transformer-lens computes it."""
    whole = set()
    for name in hooked:
        if name.startswith("blocks.") and ".attn." in name:
            layer = int(name.split(".")[1])
            apart = {Site(each, layer).hook_name for each in IN_ATTENTION - {Component.PATTERN}}
            if name not in apart or not projects_apart(model, layer):
                whole.add(layer)
    return whole


def projects_apart(model: Model, layer: int) -> bool:
    """Whether transformers' own attention module calls the hooked projections to queries, keys, values and back."""
    attention = model.bridge.blocks[layer].attn
    own = set(attention.original_component.modules())
    return all(getattr(attention, name, None) in own for name in ("q", "k", "v", "o"))


def _rounds_softmax(model: Model) -> bool:
    """Whether attention's softmax is in float32 even where the weights are in float64."""
    from transformer_lens.model_bridge.generalized_components.position_embeddings_attention import (
        PositionEmbeddingsAttentionBridge,
    )

    return isinstance(model.bridge.blocks[0].attn, PositionEmbeddingsAttentionBridge)


def _between_hooks(attention: Any, hidden_states: Tensor, *args: Any, **kwargs: Any) -> Any:
    """transformers' attention between the bridge's first and last hook point."""
    output = attention.original_component(attention.hook_in(hidden_states), *args, **kwargs)
    return (attention.hook_out(output[0]), *output[1:])


def _in_stretches(forward: Any, last: int | None, hidden: Float[Tensor, "batch pos d_model"]) -> Any:
    """What an MLP says, some tokens at a time; where only the last positions are wanted, zeros elsewhere."""
    count = hidden.shape[1] if last is None else min(last, hidden.shape[1])
    tokens = hidden[:, -count:].reshape(-1, hidden.shape[-1])
    output = torch.cat([forward(some[None])[0] for some in torch.split(tokens, MLP_TOKENS)])
    return torch.nn.functional.pad(output.reshape(len(hidden), count, -1), (0, 0, hidden.shape[1] - count, 0))


def _unembed(linear: Any, tokens: Tensor | None, hidden: Float[Tensor, "batch pos d_model"]) -> Tensor:
    """The unembedding as one matrix product, where a slice of positions would make one for each row."""
    flat = hidden.reshape(-1, hidden.shape[-1])
    if tokens is None:
        logits: Tensor = linear(flat)
    else:
        bias = linear.bias[tokens] if linear.bias is not None else None
        logits = torch.nn.functional.linear(flat, linear.weight[tokens], bias)
    return logits.reshape(*hidden.shape[:-1], -1)


def _chosen(forward: Any, tokens: Tensor | None, hidden: Float[Tensor, "batch pos d_model"]) -> Tensor:
    """The unembedding through its hook points, and of that the tokens that are wanted."""
    logits: Tensor = forward(hidden)
    return logits if tokens is None else logits[..., tokens]


def attend(
    module: Any,
    query: Float[Tensor, "batch head query_pos d_head"],
    key: Float[Tensor, "batch kv_head key_pos d_head"],
    value: Float[Tensor, "batch kv_head key_pos d_value"],
    attention_mask: Float[Tensor, "mask 1 query_pos all_pos"] | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    softcap: float | None = None,
    s_aux: Tensor | None = None,
    *,
    past: SharedPast | None = None,
    trimmed: tuple[int | None, int | None] = (None, None),
    rounded: bool = True,
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
        rounded: Whether the softmax is in float32 where all else is in float64; never in less than float32.

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
    softmax_dtype = torch.float32 if rounded else torch.promote_types(torch.float32, query.dtype)

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

    # One row's mask stands for all where a past is shared: rows have joined that were not there when it was made.
    masks = attention_mask if past is None else attention_mask[:1]
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
