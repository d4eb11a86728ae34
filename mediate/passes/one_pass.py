"""Where every pass of the hooked model begins: explicit positions, a past, a later block, few logits.

Token ids or a residual stream go in, never text; positions count on from the past's end.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor
from transformers import DynamicCache
from transformers.cache_utils import Cache

from mediate.errors import InputError
from mediate.models.model import Model
from mediate.models.past import arguments_of, with_past
from mediate.passes.hooks import Hook, check_hooks

Past = Sequence[tuple[Tensor, Tensor]]
"""Keys and values of each layer, `row kv_head pos d`, from position 0; of one row where all share it."""


def one_pass(
    model: Model,
    given: Tensor,
    *,
    hooks: Sequence[Hook] = (),
    past: Past | Cache = (),
    first: int = 0,
    last: int | None = None,
    start: int | None = None,
) -> Float[Tensor, "batch last d_vocab"]:
    """Logits at the last positions, or at all. Gradients are the caller's business.

    A hook that is put nowhere, or never fires, would be silent: what was asked of it has not happened.

    Args:
        model: The hooked model.
        given: Token ids `batch pos`, or the residual stream that enters block `first`, `batch pos d_model`.
        hooks: By hook point.
        past: What comes before, which is not run again and not changed; or a transformers cache that holds it and takes
            up the new keys and values.
        first: The first block that is run.
        last: How many positions, counted from the end, to return logits of.
        start: The position of the first given token; where the past ends by default.

    Raises:
        InputError: The model lacks a hook point, or a hook never fired.
    """
    if isinstance(past, Cache):
        cache: Cache | None = past
    else:
        rows = [tuple(each.expand(len(given), -1, -1, -1) for each in layer) for layer in past]
        cache = DynamicCache(rows) if rows else None
    begin = start if start is not None else int(cache.get_seq_length()) if cache is not None else 0
    options: dict[str, Any] = {"use_cache": False} if cache is None else with_past(model.plain, cache)
    if given.is_floating_point():
        options["start_at_layer"] = first
    fired: Counter[str] = Counter({name: 0 for name, _ in hooks})
    if hooks:
        check_hooks(model, fired)
    with skipped_blocks(model, first) if first else nullcontext():
        logits: Tensor = model.bridge.run_with_hooks(
            given,
            fwd_hooks=[(name, partial(_counted, fired, name, act)) for name, act in hooks],
            return_type="logits",
            position_ids=torch.arange(begin, begin + given.shape[1], device=given.device).expand(given.shape[:2]),
            **options,
            **(only_last(model, last) if last is not None else {}),
        )
    silent = next((name for name, count in fired.items() if not count), None)
    if silent is not None:
        raise InputError(
            f"hook {silent!r} of model {model.facts.name!r} never fired: what was asked of it did not happen"
        )
    return logits if last is None else logits[:, -last:]


def _counted(fired: Counter[str], name: str, act: Callable[[Tensor, Any], Tensor], value: Tensor, hook: Any) -> Tensor:
    fired[name] += 1
    return act(value, hook)


def only_last(model: Model, count: int) -> dict[str, int]:
    """Keeps the unembedding to the positions that are wanted, where the model's forward pass can."""
    return {"logits_to_keep": count} if "logits_to_keep" in arguments_of(type(model.plain).forward) else {}


@contextmanager
def skipped_blocks(model: Model, count: int) -> Iterator[None]:
    """Turns the first `count` blocks into the identity while the context is open.

    transformer-lens' `start_at_layer` alone computes the earlier ones too.

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
