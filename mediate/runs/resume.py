"""Starting a forward pass at a later block; transformer-lens' `start_at_layer` alone computes the earlier ones too."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mediate.models.model import Model


@contextmanager
def skipped_blocks(model: Model, count: int) -> Iterator[None]:
    """Turns the first `count` blocks into the identity while the context is open.

    `object.__setattr__` puts the stand-in on the bridge's own block; a plain assignment would be forwarded to the
    module that it wraps, and could not be undone.
    """
    blocks = [model.bridge.blocks[number] for number in range(count)]

    def identity(hidden: Tensor, *_: Any, **__: Any) -> Tensor:
        return hidden

    try:
        for block in blocks:
            object.__setattr__(block, "forward", identity)
        yield
    finally:
        for block in blocks:
            if "forward" in vars(block):
                object.__delattr__(block, "forward")


def resumed(
    model: Model, residual: Float[Tensor, "batch pos d_model"], ids: Int[Tensor, "batch pos"], layer: int
) -> Float[Tensor, "batch pos d_vocab"]:
    """Logits of the pass that enters block `layer` with the given residual stream.

    Args:
        model: The hooked model.
        residual: `resid_pre` of that layer, at all positions.
        ids: The tokens, for their shape and for families that read them again; positions count from 0.
        layer: The first block that is computed.
    """
    positions = torch.arange(ids.shape[1], device=ids.device).expand(ids.shape)
    with torch.no_grad(), skipped_blocks(model, layer):
        logits: Tensor = model.bridge(
            residual, start_at_layer=layer, return_type="logits", position_ids=positions, use_cache=False
        )
    return logits
