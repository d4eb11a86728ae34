"""Reading given keys and values: a short pass of the readers, from a later block on, or some readers apart."""

from collections.abc import Sequence
from functools import partial
from itertools import groupby
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mediate.models.model import Model
from mediate.models.sites import Component, Site
from mediate.runs.forward import only_last
from mediate.runs.resume import skipped_blocks

Past = Sequence[tuple[Tensor, Tensor]]


def read(model: Model, ids: Int[Tensor, "row pos"], past: Past, *, last: int) -> Float[Tensor, "row last d_vocab"]:
    """Logits at the last positions of a few tokens that read given keys and values.

    Args:
        model: The hooked model.
        ids: The readers' tokens, of one length.
        past: Keys and values of each layer, `row kv_head pos d`, from position 0; they are not changed.
        last: How many positions, counted from the end, to return.
    """
    return _pass(model, ids, past, last=last)


def entering(model: Model, ids: Int[Tensor, "row pos"], past: Past) -> list[Float[Tensor, "row pos d_model"]]:
    """The readers' residual stream as it enters each block, when they read a past."""
    found: dict[int, Tensor] = {}

    def keep(value: Tensor, hook: Any, layer: int) -> Tensor:
        found[layer] = value.clone()
        return value

    layers = range(model.facts.layers)
    hooks = [(Site(Component.RESID_PRE, layer).hook_name, partial(keep, layer=layer)) for layer in layers]
    with model.bridge.hooks(fwd_hooks=hooks):
        _pass(model, ids, past, last=1)
    return [found[layer] for layer in layers]


def read_from(
    model: Model, layer: int, residual: Float[Tensor, "row pos d_model"], past: Past, *, last: int
) -> Float[Tensor, "row last d_vocab"]:
    """As `read`, from block `layer` on: what the blocks before it do is given, and they are not run.

    Args:
        model: The hooked model.
        layer: The first block that is run.
        residual: The readers' residual stream as it enters that block.
        past: Keys and values of each layer; of the blocks before, only their length counts.
        last: How many positions, counted from the end, to return.
    """
    with skipped_blocks(model, layer):
        return _pass(model, residual, past, last=last, start_at_layer=layer)


def _pass(model: Model, given: Tensor, past: Past, *, last: int, **options: Any) -> Float[Tensor, "row last d_vocab"]:
    from transformers import DynamicCache

    length = int(past[0][0].shape[2])
    positions = torch.arange(length, length + given.shape[1], device=given.device).expand(given.shape[:2])
    with torch.no_grad():
        logits: Tensor = model.bridge(
            given,
            past_key_values=DynamicCache(list(past)),
            use_cache=True,
            position_ids=positions,
            return_type="logits",
            **only_last(model, last),
            **options,
        )
    return logits[:, -last:]


def read_in_turns(
    model: Model,
    ids: Int[Tensor, "row pos"],
    pasts: tuple[Sequence[tuple[Tensor, Tensor]], Sequence[tuple[Tensor, Tensor]]],
    chosen: Sequence[bool],
    *,
    last: int,
) -> Float[Tensor, "row last d_vocab"]:
    """As `read`, where some readers find one past and the rest another; all of them find the readers before them.

    A pass for each run of neighbouring readers that find the same.

    Args:
        model: The hooked model.
        ids: The readers' tokens.
        pasts: What readers find that are not chosen, and what those that are chosen find.
        chosen: Whether each reader is.
        last: How many positions, counted from the end, to return logits of.
    """
    from transformers import DynamicCache

    before = int(pasts[0][0][0].shape[2])
    own: list[tuple[Tensor, Tensor]] = []
    found: list[Tensor] = []
    start = 0
    for which, run in groupby(chosen):
        stop = start + len(list(run))
        past = pasts[which]
        if own:
            past = [
                (torch.cat([keys, mine[0]], dim=2), torch.cat([values, mine[1]], dim=2))
                for (keys, values), mine in zip(past, own, strict=True)
            ]
        cache = DynamicCache(list(past))
        positions = torch.arange(before + start, before + stop, device=ids.device).expand(len(ids), -1)
        with torch.no_grad():
            logits: Tensor = model.bridge(
                ids[:, start:stop],
                past_key_values=cache,
                use_cache=True,
                position_ids=positions,
                return_type="logits",
            )
        own = [(layer.keys[:, :, before:], layer.values[:, :, before:]) for layer in cache.layers]
        found.append(logits)
        start = stop
    return torch.cat(found, dim=1)[:, -last:]
