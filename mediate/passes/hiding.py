"""Keys hidden from every query of a pass: what a cell of an item without a twin cannot attend to.

Positions stay, and nothing is turned: the keys are there and get no weight. The mask that transformers takes for
padding, a row of zeros and ones over the keys, says just that, and every architecture lays its own mask of the future
and of windows over it. It does not say where tokens stand; positions are given with every pass.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from jaxtyping import Bool
from torch import Tensor

from mediate.errors import InputError
from mediate.models.model import Model


@contextmanager
def hiding(model: Model, hidden: Bool[Tensor, "row key_pos"]) -> Iterator[None]:
    """While open, no query of a pass attends to the keys that are hidden in its row.

    Args:
        model: The hooked model.
        hidden: True at the keys that are hidden, past and own; the first one of a row never is, so that no query is
            left without a key and the attention sink stays.

    Raises:
        InputError: A row hides its first key, or no pass was run with it.
    """
    if hidden[:, 0].any():
        raise InputError("the first token of a sequence is hidden; it is the attention sink, leave it visible")
    visible, heard = (~hidden).long(), []

    def hide(module: Any, args: Any, kwargs: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        heard.append(True)
        return args, kwargs | {"attention_mask": visible}

    handle = model.plain.register_forward_pre_hook(hide, with_kwargs=True)
    try:
        yield
    finally:
        handle.remove()
    if not heard:
        raise InputError(f"model {model.facts.name!r}: no pass was run with keys hidden")
