"""Gradients of an outcome with respect to activations, from one forward pass and a backward pass for each wanted.

Of a long sequence, blocks are run again on the way back, so that no more than one of them is held at a time.
"""

import warnings
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, nullcontext
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
from mediate.passes.recomputing import recomputed_blocks
from mediate.passes.unhooked import leanly

# From so many tokens of a pass on, its blocks are run again on the way back: a forward pass more, for their memory.
LONG = 1024

Outcome = Callable[[Float[Tensor, "batch last d_vocab"]], Float[Tensor, ""]]
Keep = Callable[[Site, Tensor], Tensor]
"""What is kept of the gradient at a site, as soon as it is found."""


def all_of_it(site: Site, gradient: Tensor) -> Tensor:
    """The gradient as it is."""
    return gradient


@dataclass(frozen=True, slots=True)
class Route:
    """The route from the embedding to the outcome, and back, that a gradient is taken along.

    Args:
        entering: What becomes of the residual stream that enters the first block.
        rules: Hooks that leave the activations as they are and change what their gradients are.
        keep: What is kept of each gradient on the way back; of a long sequence, all gradients at once are much.
    """

    entering: Callable[[Tensor], Tensor] | None = None
    rules: Sequence[Hook] = ()
    keep: Keep = all_of_it


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

    Where the route keeps less of a gradient, that stands in its place.

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
        InputError: A hook that never fired, or a site on which the outcome does not depend; or it depends on none.
    """
    found: dict[Site, Tensor] = {}
    hooks = [*route.rules, *(_catching(model, site, found, route.keep) for site in sites)]
    # Rules take gradients of their own inside a block, for which a block that keeps nothing would run without end.
    again = not route.rules and ids.numel() >= LONG
    graph = _graph(model, ids, outcome, last, Route(route.entering, hooks), past, again)
    return _differentiated(model, graph, sites, found)


def dropped_gradients(
    model: Model,
    ids: Int[Tensor, "batch pos"],
    sites: Collection[Site],
    outcome: Outcome,
    *,
    last: int,
    past: Past = (),
    keep: Keep = all_of_it,
) -> Iterator[dict[Site, Float[Tensor, "..."]]]:
    """For each layer in turn, `gradients` that do not flow through what that layer adds to the residual stream.

    One forward pass, and a backward pass for each layer.
    """
    dropped, found = [-1], dict[Site, Tensor]()
    hooks = [_catching(model, site, found, keep) for site in sites if site.component is not Component.RESID_MID]
    for layer in range(model.facts.layers):
        for component in (Component.ATTN_OUT, Component.MLP_OUT):
            hooks.append((Site(model.need(component), layer).hook_name, partial(_gate, layer, dropped)))
    # After the gate: what is dropped is attention's output, and not what goes around it.
    hooks += [_catching(model, site, found, keep) for site in sites if site.component is Component.RESID_MID]
    graph = _graph(model, ids, outcome, last, Route(rules=hooks), past, ids.numel() >= LONG)
    for layer in range(model.facts.layers):
        dropped[0] = layer
        yield _differentiated(model, graph, sites, found, retain=layer + 1 < model.facts.layers)


def _gate(layer: int, dropped: list[int], value: Tensor, hook: Any) -> Tensor:
    gate = value.view_as(value)

    def drop(gradient: Tensor) -> Tensor:
        return torch.zeros_like(gradient) if dropped[0] == layer else gradient

    gate.register_hook(drop)  # type: ignore[no-untyped-call]
    return gate


@dataclass(frozen=True, slots=True, eq=False)
class _Graph:
    """An outcome and its graph.

    Args:
        y: The outcome.
        entering: The residual stream that enters the first block, where the graph begins.
        hooks: Of the pass.
        again: Whether blocks are run again on the way back.
    """

    y: Float[Tensor, ""]
    entering: Float[Tensor, "batch pos d_model"]
    hooks: Sequence[Hook]
    again: bool


def _graph(
    model: Model,
    ids: Int[Tensor, "batch pos"],
    outcome: Outcome,
    last: int,
    route: Route,
    past: Past,
    again: bool,
) -> _Graph:
    """Runs the pass, whose graph begins where the residual stream enters the first block."""
    entered: list[Tensor] = []

    def enter(value: Tensor, hook: Any) -> Tensor:
        value = value.detach() if route.entering is None else route.entering(value.detach())
        entered.append(value.requires_grad_(True))
        return value

    hooks = [(EMBEDDED.hook_name, enter), *route.rules]
    names = [name for name, _ in hooks]
    check_hooks(model, names)
    with torch.enable_grad(), warnings.catch_warnings():
        # transformer-lens says that setting a norm's scale costs rounding.
        warnings.filterwarnings("ignore", message="A forward hook edited hook_scale")
        with leanly(model, names), recomputed_blocks(model) if again else nullcontext():
            y = outcome(one_pass(model, ids, hooks=hooks, past=past, last=last))
    if not y.requires_grad:  # such as a margin that has no rival
        raise InputError("the outcome depends on no activation here, so it has no gradient; name another outcome first")
    return _Graph(y, entered[0], hooks, again)


def _catching(model: Model, site: Site, found: dict[Site, Tensor], keep: Keep) -> Hook:
    """A hook that has what is kept of the gradient put among those found; the activation itself is not held for it."""
    model.need(site.component)
    point = Site(Component.ATTN_OUT, site.layer) if site.component is Component.RESID_MID else site

    def catch_gradient(gradient: Tensor) -> None:
        if site not in found:  # a block that is run again puts a second hook on what enters it, for the same gradient
            found[site] = keep(site, gradient)

    def catch(value: Tensor, hook: Any) -> Tensor:
        if site.component is Component.RESID_MID:
            value = value.view_as(value)  # of its own, so that no gate at attention's output comes before
        if value.requires_grad:
            value.register_hook(catch_gradient)  # type: ignore[no-untyped-call]
        # Returned, because attention's hooks hand out a view that would otherwise not lie on the outcome's path.
        return value

    return point.hook_name, catch


def _differentiated(
    model: Model, graph: _Graph, sites: Collection[Site], found: dict[Site, Tensor], *, retain: bool = False
) -> dict[Site, Float[Tensor, "..."]]:
    """The gradients of one way back, which its hooks find."""
    found.clear()
    with ExitStack() as there:
        if graph.again:
            there.enter_context(leanly(model, [name for name, _ in graph.hooks]))
            there.enter_context(model.bridge.hooks(fwd_hooks=list(graph.hooks)))
        torch.autograd.grad(graph.y, [graph.entering], retain_graph=retain)
    missing = next((site for site in sites if site not in found), None)
    if missing is not None:
        raise InputError(f"{missing.hook_name}: the outcome does not depend on what it returns, so it has no gradient")
    return {site: found[site] for site in sites}
