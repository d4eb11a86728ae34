"""Weights and logits that are numbers; what is not is refused by name."""

from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from mediate.errors import InputError


def check_weights(plain: Any, name: str) -> None:
    """Raises InputError where some weight of a transformers model is NaN."""
    for key, weight in plain.named_parameters():
        # NaN stays NaN in a sum, which takes no memory; so does infinity less infinity, which is looked at closer.
        if weight.is_floating_point() and weight.sum(dtype=torch.float64).isnan():
            count = int(weight.isnan().sum())
            if count:
                raise InputError(
                    f"model {name!r}: its weights hold NaN ({key}, {count:,} of {weight.numel():,} numbers); give "
                    "weights from before its training broke, or save the model again"
                )


def check_logits(plain: Any, logits: Float[Tensor, "world pos d_vocab"], name: str) -> None:
    """Raises InputError where a transformers model's logits on a few tokens are not numbers."""
    if logits.amax(dim=-1).isfinite().all():
        return
    infinite = next((key for key, weight in plain.named_parameters() if weight.isinf().any()), None)
    why = f"; its weights hold infinity, as in {infinite}" if infinite is not None else ""
    raise InputError(not_numbers(name, str(next(plain.parameters()).dtype), why))


def not_numbers(name: str, dtype: str, why: str = "") -> str:
    """One line on a model whose logits are NaN or infinite."""
    dtype = dtype.removeprefix("torch.")
    remedy = "load it in float32 (--dtype float32)" if dtype in ("float16", "bfloat16") else "save it again"
    return f"model {name!r}: in {dtype} its logits are not numbers{why}; {remedy}, or give another model"
