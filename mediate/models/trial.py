"""Running a model for the first time: whatever it raises is told in one line, with what was tried."""

from collections.abc import Callable
from typing import Any, TypeVar

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mediate.errors import InputError, one_line
from mediate.models.model import Model

Found = TypeVar("Found")


def probe_logits(plain: Any, ids: Int[Tensor, "world pos"], name: str) -> Float[Tensor, "world pos d_vocab"]:
    """A plain transformers model's logits.

    Raises:
        InputError: It does not run, as some do not in some dtypes.
    """
    dtype = str(next(plain.parameters()).dtype).removeprefix("torch.")

    def run() -> Any:
        with torch.no_grad():
            return plain(input_ids=ids, use_cache=False).logits

    logits: Tensor = _tried(run, name, type(plain).__name__, f"transformers cannot run it in {dtype}", "another dtype")
    return logits


def tried_hooked(model: Model, run: Callable[[], Found]) -> Found:
    """The first pass of a hooked model.

    Raises:
        InputError: It does not run, although it did before it was hooked.
    """
    where = "transformer-lens hooks it, and hooked it does not run"
    return _tried(run, model.facts.name, model.facts.architecture, where, "another model")


def _tried(run: Callable[[], Found], name: str, architecture: str, what: str, other: str) -> Found:
    try:
        return run()
    except Exception as error:  # models raise what they like
        reason = one_line(error, 240)
        raise InputError(f"model {name!r} ({architecture}): {what} ({reason}); give {other}") from error
