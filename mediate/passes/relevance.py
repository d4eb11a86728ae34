"""Rules of relevance propagation (RelP; Rezaei Jafari et al. 2025) as hooks: activations stay, gradients change.

- Norms: their scale is held fixed.
- Attention: the pattern is held fixed.
- Activation functions: f(x) is taken as x times the number f(x) / x.
- Gated MLPs: each factor of the product gets half of what the product passes on.

Linear maps keep their gradients. The values that flow forward are those of the model, to rounding.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from mediate.models.model import Model
from mediate.models.sites import Component, Site, mlp_input_hooks, norm_scale_hooks
from mediate.passes.hooks import Hook


def relevance_rules(model: Model) -> list[Hook]:
    """The rules for every norm, attention pattern and MLP of a model.

    Raises:
        InputError: The model does not offer patterns or neurons.
    """
    names = list(model.bridge.hook_dict)
    hooks: list[Hook] = [(name, _held) for name in norm_scale_hooks(names)]
    for layer in range(model.facts.layers):
        hooks.append((Site(model.need(Component.PATTERN), layer).hook_name, _held))
        seen: dict[str, Tensor] = {}
        inputs = [name for name in mlp_input_hooks(layer) if name in names]
        hooks += [(name, _remembering(name, seen)) for name in inputs]
        hooks.append((Site(model.need(Component.MLP_POST), layer).hook_name, _shared_out(seen)))
    return hooks


def _held(value: Tensor, hook: Any) -> Tensor:
    return value.detach()


def _remembering(name: str, seen: dict[str, Tensor]) -> Callable[[Tensor, Any], Tensor]:
    def remember(value: Tensor, hook: Any) -> Tensor:
        seen[name] = value
        return value

    return remember


def _shared_out(seen: dict[str, Tensor]) -> Callable[[Tensor, Any], Tensor]:
    """Makes the neurons depend on each of their inputs x as x times a number, in equal parts."""

    def share(value: Tensor, hook: Any) -> Tensor:
        inputs = list(seen.values())
        # The activation function may have no such quotient at 0; its slope there is the limit.
        slopes = torch.autograd.grad(value.sum(), inputs, retain_graph=True)
        parts = [
            each * torch.where(each == 0, slope, value / torch.where(each == 0, 1.0, each)).detach()
            for each, slope in zip(inputs, slopes, strict=True)
        ]
        shared = torch.stack(parts).sum(dim=0) / len(parts)
        return shared + (value - shared).detach()

    return share
