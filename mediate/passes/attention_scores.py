"""Attention scores as they would be with other queries or keys, everything else of the run as it is."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mediate.errors import InputError
from mediate.models.model import Model
from mediate.models.sites import Site, scores_hook
from mediate.passes.hooks import Hook, patch_hooks
from mediate.passes.interventions import Patch, Values, check_patches
from mediate.passes.one_pass import one_pass


def attention_scores(
    model: Model,
    ids: Int[Tensor, "batch pos"],
    stream: Mapping[Site, Float[Tensor, "batch pos d_model"]],
    patches: Sequence[Patch] = (),
    values: Values | None = None,
) -> list[Float[Tensor, "batch head query_pos key_pos"]]:
    """Each layer's scores before the softmax, the causal mask included, under patches that go no further than there.

    Whatever the family does between a query and its score (its own norm, rotary embedding, scale, cap) is done by the
    model: one pass gives all layers, because every layer is entered with the run's own residual stream.

    Args:
        model: The hooked model.
        ids: Token ids.
        stream: The run's own `resid_pre` in every layer.
        patches: Of `q` or `k`, made in every row.
        values: What the patches put in place.
    """
    found: dict[int, Tensor] = {}
    fired: Counter[str] = Counter()
    hooks: list[Hook] = [(site.hook_name, _entered_with(value)) for site, value in stream.items()]
    rows = [tuple(patches)] * len(ids)
    check_patches(model, rows, ids.shape[1])
    hooks += patch_hooks(rows, values or {}, fired)
    hooks += [(scores_hook(layer), _kept(layer, found)) for layer in range(model.facts.layers)]
    with torch.no_grad():
        one_pass(model, ids, hooks=hooks, last=1)
    if len(found) < model.facts.layers or not all(fired.values()):
        raise InputError(f"model {model.facts.name!r} ({model.facts.architecture}) has layers without attention scores")
    return [found[layer] for layer in range(model.facts.layers)]


def _entered_with(value: Tensor) -> Any:
    return lambda _, hook: value


def _kept(layer: int, found: dict[int, Tensor]) -> Any:
    def keep(value: Tensor, hook: Any) -> Tensor:
        found[layer] = value.clone()
        return value

    return keep
