"""One forward pass of the hooked model: activations kept, activations written.

Rules that hold for every pass: token ids and explicit positions go in, never text; what is kept is a copy; what is
written has the shape, dtype and device of what it replaces; a write or a keep that never fires is an error.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypedDict, Unpack

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mediate.errors import InputError
from mediate.models.model import Model
from mediate.models.sites import Site
from mediate.passes.hooks import check_hooks, hooks_of
from mediate.passes.interventions import Interventions, Values
from mediate.passes.one_pass import Past, one_pass


@dataclass(frozen=True, slots=True, eq=False)
class ForwardPass:
    """A forward pass: its logits and the activations that were kept.

    Args:
        logits: At every position.
        kept: A copy of the activation at each kept site, `batch pos ...`.
    """

    logits: Float[Tensor, "batch pos d_vocab"]
    kept: Mapping[Site, Tensor] = field(default_factory=dict)


class WholeSites(TypedDict, total=False):
    """What a pass does at whole sites, at all positions of all rows.

    Args:
        keep: Sites whose activations are returned, as they are after any write; `attn_out` is then what leads to a
            `resid_mid` that was written in its layer.
        writes: The new activation at a site, `batch pos ...`.
    """

    keep: Collection[Site] | None
    writes: Mapping[Site, Tensor] | None


def forward(
    model: Model,
    ids: Int[Tensor, "batch pos"],
    interventions: Sequence[Interventions] = (),
    values: Values | None = None,
    *,
    past: Past = (),
    last: int | None = None,
    **whole: Unpack[WholeSites],
) -> ForwardPass:
    """Runs the model on whole sequences under interventions, keeping activations at whole sites.

    Args:
        model: The hooked model.
        ids: Token ids without padding, or with padding at the end only; after a past, only what follows it.
        interventions: What is done in each row.
        values: What they put in place, the same for all rows.
        past: Keys and values of each layer, `1 kv_head pos d`, of a beginning that all rows share and that is not run
            again. Interventions go on counting from the sequence's first token, and `values` cover all of it; what is
            kept, written and returned begins after the past.
        last: How many positions, counted from the end, to return logits of; all by default.
        **whole: Sites to `keep`, and `writes`.

    Raises:
        InputError: A site that the model does not offer or lack of a hook there, patches that overlap or leave the
            sequence, a site both written and patched, a knockout that leaves a query no key, a written value of
            another shape, dtype or device, or a hook that never fired.

    Returns:
        The logits, at the last positions or at all of them, and a copy of what was kept by site, `batch pos ...`.

    Example:
        >>> ids, site = md.prepare(model, pairs[0]).ids, md.Site(md.Component.RESID_PRE, 0)
        >>> found = md.forward(model, ids, keep=[site], last=1)
        >>> found.logits.shape[1], found.kept[site].shape[1] == ids.shape[1]
        (1, True)
    """
    writes, kept = whole.get("writes") or {}, dict[Site, Tensor]()
    if interventions and len(interventions) != len(ids):
        raise InputError(f"interventions of {len(interventions)} rows, and there are {len(ids)} sequences")
    check_hooks(model, [site.hook_name for site in writes])
    begin = int(past[0][0].shape[2]) if past else 0
    hooks = hooks_of(model, interventions, values or {}, begin + int(ids.shape[1]), begin=begin, whole=writes)
    hooks += [(site.hook_name, partial(_keep, site, kept)) for site in whole.get("keep") or ()]
    with torch.no_grad():
        logits = one_pass(model, ids, hooks=hooks, past=past, last=last)
    return ForwardPass(logits, kept)


def _keep(site: Site, kept: dict[Site, Tensor], value: Tensor, hook: Any) -> Tensor:
    kept[site] = value.clone()
    return value
