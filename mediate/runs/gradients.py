"""Gradients of an outcome with respect to activations, from one forward and one backward pass."""

from collections import Counter
from collections.abc import Callable, Collection
from functools import partial
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mediate.errors import InputError
from mediate.models.model import Model
from mediate.models.sites import EMBEDDED, Component, Site
from mediate.runs.forward import hooked_logits


def gradients(
    model: Model,
    ids: Int[Tensor, "batch pos"],
    sites: Collection[Site],
    outcome: Callable[[Float[Tensor, "batch last d_vocab"]], Float[Tensor, ""]],
    *,
    last: int,
    entering: Callable[[Tensor], Tensor] | None = None,
) -> dict[Site, Float[Tensor, "..."]]:
    """By site, an outcome's gradient at all rows and positions; shapes are in `Component`. Weights take none.

    The gradient at `resid_mid` is the one at attention's output: the hook point itself is only the MLP's input, and
    misses what goes around it.

    Args:
        model: The hooked model.
        ids: Token ids.
        sites: Where gradients are wanted.
        outcome: From the logits at the last positions to one number.
        last: How many positions `outcome` wants.
        entering: What becomes of the residual stream that enters the first block.

    Raises:
        InputError: A hook that never fired, or a site on which the outcome does not depend.
    """
    points = {site: _point(model, site) for site in sites}
    caught: dict[str, Tensor] = {}
    fired: Counter[str] = Counter(dict.fromkeys((EMBEDDED.hook_name, *points.values()), 0))

    def enter(value: Tensor, hook: Any) -> Tensor:
        fired[EMBEDDED.hook_name] += 1
        value = value.detach() if entering is None else entering(value.detach())
        return value.requires_grad_(True)

    hooks = [(EMBEDDED.hook_name, enter)]
    hooks += [(name, partial(_catch, name, caught, fired)) for name in dict.fromkeys(points.values())]
    with torch.enable_grad():
        y = outcome(hooked_logits(model, ids, hooks, last))
        silent = [name for name, count in fired.items() if not count]
        if silent:
            raise InputError(f"hook {silent[0]!r} of model {model.facts.name!r} never fired; it has no gradient")
        names = list(caught)
        found = dict(
            zip(names, torch.autograd.grad(y, [caught[name] for name in names], allow_unused=True), strict=True)
        )
    lacking = next((name for name, gradient in found.items() if gradient is None), None)
    if lacking is not None:
        raise InputError(f"hook {lacking!r}: the outcome does not depend on what it returns, so there is no gradient")
    return {site: found[name] for site, name in points.items()}


def _point(model: Model, site: Site) -> str:
    model.need(site.component)
    return Site(Component.ATTN_OUT, site.layer).hook_name if site.component is Component.RESID_MID else site.hook_name


def _catch(name: str, caught: dict[str, Tensor], fired: Counter[str], value: Tensor, hook: Any) -> Tensor:
    # Returned, because attention's hooks hand out a view that would otherwise not lie on the outcome's path.
    fired[name] += 1
    caught[name] = value
    return value
