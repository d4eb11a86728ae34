"""Plain transformers as an oracle: in float64 throughout, and its past under the name that the model has for it.

Shares no code with mediate, which meets the same requests of torch in another way.
"""

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import Tensor


@contextmanager
def kept(plain: Any) -> Iterator[None]:
    """While open, where a model's weights are in float64, torch's ways of rounding to float32 do not round.

    transformers computes norms, rotary angles and softmax in float32 in every dtype.
    """
    if next(plain.parameters()).dtype is not torch.float64:
        yield
        return
    to, cast, softmax = Tensor.to, Tensor.type, torch.nn.functional.softmax
    softened = Tensor.softmax

    def moved(value: Tensor, *args: Any, **options: Any) -> Tensor:
        args = tuple(torch.float64 if each is torch.float32 else each for each in args)
        wide = {"dtype": torch.float64} if options.get("dtype") is torch.float32 else {}
        return to(value, *args, **options | wide)

    def typed(value: Tensor, *args: Any) -> Any:  # of routers
        return cast(value, *(torch.float64 if each is torch.float32 else each for each in args))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Tensor, "type", typed)
        patch.setattr(Tensor, "softmax", lambda scores, dim=None, dtype=None: softened(scores, dim))
        patch.setattr(Tensor, "float", Tensor.double)
        patch.setattr(Tensor, "to", moved)
        # torch.nn.Softmax, of CodeGen before transformers 5.23, says how far up a warning is to point.
        patch.setattr(torch.nn.functional, "softmax", lambda scores, dim=None, dtype=None, **_: softmax(scores, dim))
        yield


def with_past(plain: Any, cache: Any) -> dict[str, Any]:
    """The arguments that give a model its past: transformers 5.24 renamed `past_key_values` to `cache`."""
    newest = "cache" in inspect.signature(type(plain).forward).parameters
    return {"cache" if newest else "past_key_values": cache, "use_cache": True}
