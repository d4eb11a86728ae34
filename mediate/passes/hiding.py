"""Keys hidden from every query of a pass: what a cell of an item without a twin cannot attend to.

Positions stay, and nothing is turned: the keys are there and get no weight. The mask that transformers takes for
padding, a row of zeros and ones over the keys, says just that, and every architecture lays its own mask of the future
and of windows over it. It does not say where tokens stand; positions are given with every pass.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

import torch
from jaxtyping import Bool
from torch import Tensor

from mediate.errors import InputError, one_line
from mediate.models.model import Model
from mediate.passes.forward import forward
from mediate.passes.interventions import Knockout
from mediate.passes.keyvalues import run_on

_off: "WeakKeyDictionary[Any, float | str]" = WeakKeyDictionary()


def check_hiding(model: Model) -> None:
    """Raises InputError where keys hidden by the mask are not those that a knockout hides; tried once a model.

    Some architectures read more in that mask: BLOOM's biases count its ones, so that what comes after moves up.
    """
    if model.plain not in _off:
        try:
            _off[model.plain] = _difference(model)
        except (InputError, NotImplementedError, RuntimeError) as error:
            _off[model.plain] = one_line(error)
    found = _off[model.plain]
    if isinstance(found, str) or found > 0:
        why = found if isinstance(found, str) else f"its logits are off by {found:.3g}"
        name, kind = model.facts.name, model.facts.architecture
        raise InputError(f"model {name!r} ({kind}): keys cannot be hidden by its mask ({why}); give pairs with twins")


def _difference(model: Model) -> float:
    """How far logits with two keys hidden are from those of a knockout; 0 where that is rounding."""
    ids = model.probe.ids[:1]
    length = int(ids.shape[1])
    mask = torch.zeros(1, length, dtype=torch.bool, device=ids.device)
    mask[:, 2:4] = True
    with hiding(model, mask):
        _, masked = run_on(model, ids, last=length - 4)
    cut = Knockout(tuple(range(4, length)), (2, 3), tuple(range(model.facts.layers)))
    wanted = forward(model, ids, interventions=[[cut]], last=length - 4).logits
    off = float((masked.double() - wanted.double()).abs().max())
    # As the self-check has it, of logits.
    tolerance = model.rounding * max(1.0, float(wanted.abs().max())) * (64 if model.rounding < 1e-5 else 8)
    return 0.0 if off <= tolerance else off


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
