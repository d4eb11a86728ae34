"""Knockouts by the mask that attention is given, for families whose attention is transformers' own inside the bridge.

There transformer-lens shows scores and pattern when the output has been computed, and writing them changes nothing. So
the mask that goes into the attention of a layer is changed instead, which is added to its scores.
"""

import inspect
from typing import Any

import torch
from jaxtyping import Bool
from torch import Tensor

from mediate.errors import InputError
from mediate.models.model import Model
from mediate.models.sites import attention_ends


def mask_hooks(
    model: Model, layer: int, mask: Bool[Tensor, "batch head query_pos key_pos"], begin: int
) -> list[tuple[str, Any]]:
    """The hooks that hide from each row's queries what `mask` says.

    Where the layer's attention begins, its mask's next use is prepared; where it ends, it must have been used.
    """
    entry, end = attention_ends(layer)
    attention = model.bridge.blocks[layer].attn.original_component
    prepared: list[Any] = []

    def prepare(value: Tensor, hook: Any) -> Tensor:
        here = mask[: len(value)]  # the other rows join in later layers

        def put(module: Any, args: Any, kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
            undo()
            return (), _masked(module, args, kwargs, here, begin, entry)

        prepared.append(attention.register_forward_pre_hook(put, with_kwargs=True))
        return value

    def undo() -> None:
        while prepared:
            prepared.pop().remove()

    def heard(value: Tensor, hook: Any) -> Tensor:
        if prepared:
            undo()
            raise InputError(f"{entry}: attention was computed without its mask; no knockout happened")
        return value

    return [(entry, prepare), (end, heard)]


def _masked(module: Any, args: Any, kwargs: dict[str, Any], mask: Tensor, begin: int, name: str) -> dict[str, Any]:
    """The arguments of attention, by name, with the mask changed."""
    given = dict(zip(inspect.signature(module.forward).parameters, args, strict=False)) | kwargs
    held = given.get("attention_mask")
    if not isinstance(held, Tensor) or held.ndim != 4 or not held.is_floating_point():
        raise InputError(f"{name}: attention is given no mask that is added to its scores")
    if held.shape[2:] != mask.shape[2:]:
        raise InputError(f"{name}: the mask is of {tuple(held.shape)}, and the knockout is {tuple(mask.shape)}")
    return given | {"attention_mask": hidden(held, mask, begin, name, _local(module, mask))}


def _local(module: Any, mask: Tensor) -> Tensor | bool:
    """What attention hides by itself, beside the mask that it is given, as GPT-Neo's window does."""
    for inside in module.modules():
        seen = getattr(inside, "bias", None)
        if isinstance(seen, Tensor) and seen.ndim == 4 and seen.dtype is torch.bool:
            queries, keys = mask.shape[2:]
            return seen[:, :, keys - queries : keys, :keys]
    return True


def hidden(
    scores: Tensor,
    cut: Bool[Tensor, "batch head query_pos key_pos"],
    begin: int,
    name: str,
    seen: Tensor | bool = True,
) -> Tensor:
    """Scores, or what is added to them, with keys hidden.

    Args:
        scores: The causal mask included; one row where it is the same for all.
        cut: What is hidden.
        begin: The position of the first query.
        name: Of the hook point.
        seen: What attention lets be seen besides.

    Raises:
        InputError: A query is left without a key.
    """
    # transformers and transformer-lens hide the future with the dtype's lowest number, added or filled in, and CodeGen
    # divides it afterwards; float16 has no room for that.
    lowest = torch.finfo(scores.dtype).min / (2 if scores.dtype is torch.float16 else 1e6)
    visible = (scores > lowest) & seen
    emptied = (visible & ~cut).any(dim=-1).logical_not() & cut.any(dim=-1)
    if emptied.any():
        row, head, query = emptied.nonzero()[0].tolist()
        raise InputError(
            f"{name}: the knockout leaves the query at position {begin + query} (row {row}, head {head}) no key, "
            "and the softmax would turn to the future; leave it at least its own position"
        )
    return scores.masked_fill(cut, float("-inf"))
