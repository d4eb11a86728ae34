"""The QK fix (Kramár et al. 2024): what a query or key does to the pattern is computed, and only the rest is linear.

Attribution patching linearises the softmax, and misses queries and keys whose attention is saturated. Here the pattern
under the replaced query or key is worked out, and its change is weighted with the outcome's gradient at the pattern.
"""

from collections.abc import Mapping

import numpy as np
import torch
from einops import rearrange, reduce
from jaxtyping import Float
from torch import Tensor

from mediate.errors import InputError
from mediate.mediation.kinds.state import placed
from mediate.mediation.sequences import Sequences
from mediate.models.model import Model
from mediate.models.sites import Component, Site
from mediate.passes.attention_scores import attention_scores
from mediate.passes.forward import forward
from mediate.passes.interventions import Patch, Reference

# Scores that a mask has hidden are this or less.
HIDDEN = -1e30


def query_change(
    scores: Float[Tensor, "*batch query_pos key_pos"],
    changed: Float[Tensor, "*batch query_pos key_pos"],
    gradient: Float[Tensor, "*batch query_pos key_pos"],
) -> Float[Tensor, "*batch query_pos"]:
    """Change of the outcome, to first order in the pattern, when a query alone is replaced; one for each query.

    Args:
        scores: Before the softmax, in the run as it is.
        changed: The same with every query replaced: rows do not depend on one another's query.
        gradient: Of the outcome, at the pattern.
    """
    pattern = [each.double().softmax(dim=-1) for each in (changed, scores)]
    return ((pattern[0] - pattern[1]) * gradient.double()).sum(dim=-1)


def key_change(
    scores: Float[Tensor, "*batch query_pos key_pos"],
    changed: Float[Tensor, "*batch query_pos key_pos"],
    gradient: Float[Tensor, "*batch query_pos key_pos"],
) -> Float[Tensor, "*batch key_pos"]:
    """As `query_change`, when a key alone is replaced; one for each key, over all queries that see it.

    With p the key's weight among the others' fixed scores s, new weight p' = sigmoid(s'_key - logsumexp of the others),
    and what the others had is shared out among them as before. So no softmax is computed anew for each key, but for
    the largest of each row, whose others would be lost to rounding.
    """
    old, new = (each.double().clamp_min(HIDDEN) for each in (scores, changed))
    gradient = gradient.double()
    pattern = old.softmax(dim=-1)
    value = (pattern * gradient).sum(dim=-1, keepdim=True)
    top = old.argmax(dim=-1, keepdim=True)
    is_top = torch.zeros_like(old, dtype=torch.bool).scatter_(-1, top, True)
    weight = pattern.masked_fill(is_top, 0.0)
    others = torch.logsumexp(old, dim=-1, keepdim=True) + torch.log1p(-weight)
    mean = (value - weight * gradient) / (1 - weight)
    without_top = old.masked_fill(is_top, HIDDEN)
    others = torch.where(is_top, torch.logsumexp(without_top, dim=-1, keepdim=True), others)
    mean = torch.where(is_top, (without_top.softmax(dim=-1) * gradient).sum(dim=-1, keepdim=True), mean)
    after = torch.sigmoid(new - others)
    visible = old > HIDDEN / 2
    return ((after * gradient + (1 - after) * mean - value) * visible).sum(dim=-2)


def query_scores(
    model: Model, run: Sequences, other: Mapping[Site, Tensor], gradient: Mapping[Site, Tensor]
) -> Float[np.ndarray, "layer pos head"]:
    """The change of the outcome for each query of the chain, by layer and head.

    Args:
        model: The hooked model.
        run: The sequence whose queries are replaced.
        other: What replaces them, at the chain's positions, by site.
        gradient: Of the outcome, at each layer's pattern.
    """
    changes = [
        reduce(query_change(old, new, slope)[..., run.start : run.stop], "row head pos -> pos head", "sum")
        for old, new, slope in _before_and_after(model, run, other, gradient)
    ]
    return torch.stack(changes).cpu().numpy()


def key_scores(
    model: Model, run: Sequences, other: Mapping[Site, Tensor], gradient: Mapping[Site, Tensor]
) -> Float[np.ndarray, "layer pos kv_head"]:
    """As `query_scores` for keys, by KV head: summed over the query heads that share it."""
    changes = []
    for old, new, slope in _before_and_after(model, run, other, gradient):
        each = key_change(old, new, slope)[..., run.start : run.stop]
        grouped = rearrange(each, "row (kv_head share) pos -> row kv_head share pos", kv_head=model.facts.kv_heads)
        changes.append(reduce(grouped, "row kv_head share pos -> pos kv_head", "sum"))
    return torch.stack(changes).cpu().numpy()


def _before_and_after(
    model: Model, run: Sequences, other: Mapping[Site, Tensor], gradient: Mapping[Site, Tensor]
) -> list[tuple[Tensor, Tensor, Tensor]]:
    """For each layer, the scores as they are and with every query or key of the chain replaced, and the gradient.

    Raises:
        InputError: The model's patterns are not the softmax of its scores.
    """
    layers = range(model.facts.layers)
    stream = [Site(model.need(Component.RESID_PRE), layer) for layer in layers]
    patterns = [Site(model.need(Component.PATTERN), layer) for layer in layers]
    kept = forward(model, run.ids, keep=[*stream, *patterns], last=1).kept
    own = {site: kept[site] for site in stream}
    positions = tuple(range(run.start, run.stop))
    patches = [Patch(site, positions) for site in other]
    old = attention_scores(model, run.ids, own)
    new = attention_scores(model, run.ids, own, patches, placed(other, run, Reference.SOURCE))
    for site, scores in zip(patterns, old, strict=True):
        error = float((scores.softmax(dim=-1) - kept[site]).abs().max())
        if error > 1e-3:
            raise InputError(
                f"{site.hook_name}: the pattern is not the softmax of the scores (off by {error:.3g}), so there is no "
                "QK fix; take atp"
            )
    return list(zip(old, new, (gradient[site] for site in patterns), strict=True))
