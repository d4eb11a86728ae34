"""Starting a forward pass at a later block; transformer-lens' `start_at_layer` alone computes the earlier ones too."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

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
