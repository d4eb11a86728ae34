"""Activations at CoT positions, by component, computed once and then read from the store."""

from collections.abc import Collection, Sequence
from functools import partial

import torch
from jaxtyping import Float
from torch import Tensor

from mediate.errors import InputError
from mediate.models.model import Model
from mediate.models.sites import Component, Site
from mediate.passes.forward import forward
from mediate.passes.store import Store, model_spec
from mediate.passes.unhooked import leanly

KIND = "acts"


def cot_activations(
    model: Model,
    ids: Sequence[int],
    span: tuple[int, int],
    components: Collection[Component],
    store: Store | None = None,
) -> dict[Component, Float[Tensor, "layer pos ..."]]:
    """The activations of some components in every layer at the positions of a span.

    Args:
        model: The hooked model.
        ids: The whole context's token ids.
        span: The half-open range of positions to keep, such as the chain of thought's.
        components: What to keep; shapes are in `Component`, with `layer` for `batch`; of a pattern, the queries in the
            span.
        store: Where results are looked up first and kept; None computes without one.

    Returns:
        By component its activations, `layer position ...` and then the component's own axes.

    Raises:
        InputError: An empty span or one outside the context, or a component that the model does not offer.

    Example:
        >>> found = md.cot_activations(model, [5, 6, 7, 8], (1, 3), [md.Component.RESID_POST])
        >>> [tuple(each.shape) for each in found.values()]
        [(2, 2, 64)]
    """
    start, stop = span
    if not 0 <= start < stop <= len(ids):
        raise InputError(f"positions {start} to {stop} of a context of {len(ids)} tokens; give a span inside it")
    wanted = sorted({model.need(component) for component in components})
    spec = model_spec(model) | {"ids": list(ids), "span": [start, stop], "components": [str(each) for each in wanted]}
    kept = store.read(KIND, spec, partial(_stored, model, span, len(ids), wanted)) if store is not None else None
    if kept is None:
        kept = _compute(model, ids, span, wanted)
        if store is not None:
            store.put(KIND, spec, kept)
    return {component: kept[str(component)] for component in wanted}


def _stored(
    model: Model, span: tuple[int, int], length: int, components: Sequence[Component], kept: dict[str, Tensor]
) -> dict[str, Tensor]:
    """The activations of an entry; a ValueError where they are not those of these layers and positions."""
    positions = span[1] - span[0]
    for component in components:
        pattern = component is Component.PATTERN
        shape = (model.facts.layers, *((model.facts.heads, positions, length) if pattern else (positions,)))
        tensor = kept.get(str(component))
        if tensor is None or tuple(tensor.shape[: len(shape)]) != shape or tensor.dtype != model.dtype:
            raise ValueError(f"{component!s} is missing, or not of {shape}")
    return kept


def _compute(
    model: Model, ids: Sequence[int], span: tuple[int, int], components: Sequence[Component]
) -> dict[str, Float[Tensor, "layer pos ..."]]:
    layers = range(model.facts.layers)
    sites = [Site(component, layer) for component in components for layer in layers]
    with leanly(model, [site.hook_name for site in sites]):
        run = forward(model, torch.tensor([list(ids)], device=model.device), keep=sites, last=1)
    return {
        str(component): torch.stack(
            [part_of(run.kept[Site(component, layer)], component, *span).cpu() for layer in layers]
        )
        for component in components
    }


def part_of(
    value: Float[Tensor, "batch ..."], component: Component, start: int, stop: int | None = None
) -> Float[Tensor, "..."]:
    """The first row's activation at some positions; of a pattern, at these queries."""
    return value[0, :, start:stop] if component is Component.PATTERN else value[0, start:stop]
