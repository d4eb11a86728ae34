"""Reading given keys and values: a short pass of the readers, all of them alike or some apart."""

from collections.abc import Sequence
from itertools import groupby

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mediate.models.model import Model
from mediate.passes.one_pass import Past, one_pass
from mediate.passes.unhooked import leanly


def read(model: Model, ids: Int[Tensor, "row pos"], past: Past, *, last: int) -> Float[Tensor, "row last d_vocab"]:
    """Logits at the last positions of a few tokens that read given keys and values.

    Args:
        model: The hooked model.
        ids: The readers' tokens, of one length.
        past: Keys and values of each layer, from position 0; they are not changed.
        last: How many positions, counted from the end, to return.
    """
    with torch.no_grad(), leanly(model):
        return one_pass(model, ids, past=past, last=last)


def read_in_turns(
    model: Model,
    ids: Int[Tensor, "row pos"],
    pasts: tuple[Past, Past],
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
        with torch.no_grad(), leanly(model):
            found.append(one_pass(model, ids[:, start:stop], past=cache))
        own = [(layer.keys[:, :, before:], layer.values[:, :, before:]) for layer in cache.layers]
        start = stop
    return torch.cat(found, dim=1)[:, -last:]
