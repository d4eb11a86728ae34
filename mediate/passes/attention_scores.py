"""Attention scores as they would be with other queries or keys, everything else of the run as it is."""

from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mediate.models.model import Model
from mediate.models.sites import Site, scores_hook
from mediate.passes.hooks import Hook, hooks_of
from mediate.passes.interventions import Interventions, Values
from mediate.passes.one_pass import one_pass


def attention_scores(
    model: Model,
    ids: Int[Tensor, "batch pos"],
    stream: Mapping[Site, Float[Tensor, "batch pos d_model"]],
    interventions: Interventions = (),
    values: Values | None = None,
) -> list[Float[Tensor, "batch head query_pos key_pos"]]:
    """Each layer's scores before the softmax, the causal mask included, under interventions that end there.

    Whatever the family does between a query and its score (its own norm, rotary embedding, scale, cap) is done by the
    model: one pass gives all layers, because every layer is entered with the run's own residual stream.

    Args:
        model: The hooked model.
        ids: Token ids.
        stream: The run's own `resid_pre` in every layer.
        interventions: On `q` or `k`, in every row.
        values: What they put in place.

    Raises:
        InputError: The model has layers without attention scores.
    """
    found: dict[int, Tensor] = {}
    hooks: list[Hook] = [(site.hook_name, _entered_with(value)) for site, value in stream.items()]
    hooks += hooks_of(model, [interventions] * len(ids), values or {}, int(ids.shape[1]))
    hooks += [(scores_hook(layer), _kept(layer, found)) for layer in range(model.facts.layers)]
    with torch.no_grad():
        one_pass(model, ids, hooks=hooks, last=1)
    return [found[layer] for layer in range(model.facts.layers)]


def _entered_with(value: Tensor) -> Any:
    return lambda _, hook: value


def _kept(layer: int, found: dict[int, Tensor]) -> Any:
    def keep(value: Tensor, hook: Any) -> Tensor:
        found[layer] = value.clone()
        return value

    return keep
