"""Gradients of an outcome with respect to activations, from one forward pass and a backward pass for each wanted."""

import warnings
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mediate.errors import InputError
from mediate.models.model import Model
from mediate.models.sites import EMBEDDED, Component, Site
from mediate.passes.hooks import Hook, check_hooks
from mediate.passes.one_pass import Past, one_pass
from mediate.passes.unhooked import leanly

Outcome = Callable[[Float[Tensor, "batch last d_vocab"]], Float[Tensor, ""]]


@dataclass(frozen=True, slots=True)
class Route:
    """The route from the embedding to the outcome, and back, that a gradient is taken along.

    Args:
        entering: What becomes of the residual stream that enters the first block.
        rules: Hooks that leave the activations as they are and change what their gradients are.
    """

    entering: Callable[[Tensor], Tensor] | None = None
    rules: Sequence[Hook] = ()


PLAIN = Route()


def gradients(
    model: Model,
    ids: Int[Tensor, "batch pos"],
    sites: Collection[Site],
    outcome: Outcome,
    *,
    last: int,
    route: Route = PLAIN,
    past: Past = (),
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
        route: What the pass and its gradients are, where they are not the model's own.
        past: Keys and values of a beginning that is not run again, and has no gradient.

    Raises:
        InputError: A hook that never fired, or a site on which the outcome does not depend.
    """
    caught: dict[Site, Tensor] = {}
    hooks = [*route.rules, *(_catching(model, site, caught) for site in sites)]
    y = _graph(model, ids, outcome, last, hooks, route.entering, past)
    return _differentiated(y, caught)


def dropped_gradients(
    model: Model,
    ids: Int[Tensor, "batch pos"],
    sites: Collection[Site],
    outcome: Outcome,
    *,
    last: int,
    past: Past = (),
) -> Iterator[dict[Site, Float[Tensor, "..."]]]:
    """For each layer in turn, `gradients` that do not flow through what that layer adds to the residual stream.

    One forward pass, and a backward pass for each layer.
    """
    dropped, caught = [-1], dict[Site, Tensor]()
    hooks = [_catching(model, site, caught) for site in sites if site.component is not Component.RESID_MID]
    for layer in range(model.facts.layers):
        for component in (Component.ATTN_OUT, Component.MLP_OUT):
            hooks.append((Site(model.need(component), layer).hook_name, partial(_gate, layer, dropped)))
    # After the gate: what is dropped is attention's output, and not what goes around it.
    hooks += [_catching(model, site, caught) for site in sites if site.component is Component.RESID_MID]
    y = _graph(model, ids, outcome, last, hooks, None, past)
    for layer in range(model.facts.layers):
        dropped[0] = layer
        yield _differentiated(y, caught, again=layer + 1 < model.facts.layers)


def _gate(layer: int, dropped: list[int], value: Tensor, hook: Any) -> Tensor:
    gate = value.view_as(value)

    def drop(gradient: Tensor) -> Tensor:
        return torch.zeros_like(gradient) if dropped[0] == layer else gradient

    gate.register_hook(drop)  # type: ignore[no-untyped-call]
    return gate


def _graph(
    model: Model,
    ids: Int[Tensor, "batch pos"],
    outcome: Outcome,
    last: int,
    hooks: Sequence[Hook],
    entering: Callable[[Tensor], Tensor] | None,
    past: Past,
) -> Float[Tensor, ""]:
    """The outcome with its graph, which begins where the residual stream enters the first block."""

    def enter(value: Tensor, hook: Any) -> Tensor:
        value = value.detach() if entering is None else entering(value.detach())
        return value.requires_grad_(True)

    hooks = [(EMBEDDED.hook_name, enter), *hooks]
    names = [name for name, _ in hooks]
    check_hooks(model, names)
    with torch.enable_grad(), warnings.catch_warnings():
        # transformer-lens says that setting a norm's scale costs rounding.
        warnings.filterwarnings("ignore", message="A forward hook edited hook_scale")
        with leanly(model, names):
            return outcome(one_pass(model, ids, hooks=hooks, past=past, last=last))


def _catching(model: Model, site: Site, caught: dict[Site, Tensor]) -> Hook:
    model.need(site.component)
    point = Site(Component.ATTN_OUT, site.layer) if site.component is Component.RESID_MID else site

    def catch(value: Tensor, hook: Any) -> Tensor:
        # Returned, because attention's hooks hand out a view that would otherwise not lie on the outcome's path.
        caught[site] = value
        return value

    return point.hook_name, catch


def _differentiated(
    y: Float[Tensor, ""], caught: Mapping[Site, Tensor], *, again: bool = False
) -> dict[Site, Float[Tensor, "..."]]:
    found = torch.autograd.grad(y, list(caught.values()), allow_unused=True, retain_graph=again)
    for site, gradient in zip(caught, found, strict=True):
        if gradient is None:
            raise InputError(f"{site.hook_name}: the outcome does not depend on what it returns, so it has no gradient")
    return dict(zip(caught, found, strict=True))
