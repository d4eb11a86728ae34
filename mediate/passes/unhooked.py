"""Blocks at transformers' own speed where nothing hooks them, and attention that holds no more than it needs.

transformer-lens computes attention with the whole `head query key` array, because a hook might want it, and calls every
hook point of every block. Where no hook asks for that, the modules under the hook points do the same sums: those of
transformers, with attention as in `mediate.passes.attention`. Results differ by rounding; the self-check at load
compares them, and a model that fails it is run the long way.
"""

from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mediate.models.model import Model
from mediate.models.sites import IN_ATTENTION, Component, Site, attention_ends
from mediate.passes.attention import SharedPast, attend

NAME = "mediate_lean"
LEAN = "blocks without hook points"
# Tokens that an MLP takes at a time: what lies between its two matrices then stays in a processor's cache.
MLP_TOKENS = 1024


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
    attention = partial(attend, past=past, trimmed=(end, last))
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
                for module in _wrapped(block):
                    replace(module, module.original_component.forward)
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


_WRAPPED: WeakKeyDictionary[Any, list[Any]] = WeakKeyDictionary()


def _wrapped(block: Any) -> list[Any]:
    """The modules inside a block that transformer-lens wraps; looked up once, for there are many."""
    if block not in _WRAPPED:
        inside = (module for module in block.modules() if module is not block)
        _WRAPPED[block] = [module for module in inside if getattr(module, "original_component", None) is not None]
    return _WRAPPED[block]


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
            if name in attention_ends(layer):
                continue
            if name not in apart or not projects_apart(model, layer):
                whole.add(layer)
    return whole


def projects_apart(model: Model, layer: int) -> bool:
    """Whether transformers' own attention module calls the hooked projections to queries, keys, values and back."""
    attention = model.bridge.blocks[layer].attn
    own = set(attention.original_component.modules())
    return all(getattr(attention, name, None) in own for name in ("q", "k", "v", "o"))


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
