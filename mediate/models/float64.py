"""Float64 that is float64 throughout.

transformers and transformer-lens compute norms, rotary angles and attention's softmax in float32 whatever the dtype:
bfloat16 needs it, and float64 loses half its digits there, by an amount that differs between processors. So a model
whose weights are in float64 is run with each request for float32 met by float64. Models of other dtypes are left alone.

What a model holds in float32, such as its rotary frequencies, are numbers of its own and stay what they are.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode


class _Float64(TorchFunctionMode):
    """While entered, in this thread, what asks for float32 gets float64."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if func is Tensor.float:
            func = Tensor.double
        if kwargs:
            kwargs = {name: torch.float64 if each is torch.float32 else each for name, each in kwargs.items()}
        return func(*(torch.float64 if each is torch.float32 else each for each in args), **(kwargs or {}))


@dataclass(frozen=True, slots=True)
class _InFloat64:
    """A forward pass, run in float64; a record, so that a copied model has a copy that is bound to itself."""

    __wrapped__: Callable[..., Any]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        with _Float64():
            return self.__wrapped__(*args, **kwargs)


def keep_float64(plain: Any) -> None:
    """Makes every forward pass of a model with float64 weights one in float64, however it is called."""
    if next(plain.parameters()).dtype is torch.float64 and not keeps_float64(plain):
        plain.forward = _InFloat64(plain.forward)
        if hasattr(plain, "set_experts_implementation"):
            plain.set_experts_implementation("eager")  # the grouped product of experts has no float64


def keeps_float64(plain: Any) -> bool:
    """Whether a model is run in float64 throughout."""
    return isinstance(vars(plain).get("forward"), _InFloat64)


def in_float64(plain: Any) -> AbstractContextManager[Any]:
    """For what a model's parts do outside of its forward pass: float64 where the model is kept in it."""
    return _Float64() if keeps_float64(plain) else nullcontext()
