"""Blocks that keep nothing for the way back but what enters them, and are run again there (Chen et al. 2016)."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from torch.utils.checkpoint import checkpoint
from transformers.cache_utils import Cache

from mediate.models.float64 import in_float64
from mediate.models.model import Model
from mediate.models.steering import ids_read, reading


@contextmanager
def recomputed_blocks(model: Model) -> Iterator[None]:
    """While open, a pass with gradients keeps of each block what enters it alone.

    The rest is computed again on the way back, with the same numbers: then the hooks of the pass must be there again,
    and attention as it was.
    """
    blocks = list(model.bridge.blocks)
    try:
        for layer, block in enumerate(blocks):
            object.__setattr__(block, "forward", partial(_run, model, block.forward, layer))
        yield
    finally:
        for block in blocks:
            if "forward" in vars(block):
                object.__delattr__(block, "forward")


def _run(model: Model, forward: Any, layer: int, *args: Any, **kwargs: Any) -> Any:
    ids = ids_read(model)
    cache = next((each for each in (*args, *kwargs.values()) if isinstance(each, Cache)), None)
    held = [cache.layers[layer]] if cache is not None else []
    before = [(each.keys, each.values) for each in held]

    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            with reading(model, ids), in_float64(model.plain):  # on the way back, the model's own pass is over
                return forward(*args, **kwargs)
        finally:
            # A second run must find the past that the first one found, and nobody reads the keys that a run adds.
            for each, (keys, values) in zip(held, before, strict=True):
                each.keys, each.values = keys, values

    return checkpoint(run, *args, use_reentrant=False, preserve_rng_state=False, **kwargs)
