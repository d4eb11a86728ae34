"""One forward pass of the hooked model: activations kept, activations written.

Rules that hold for every pass: token ids and explicit positions go in, never text; what is kept is a copy; what is
written has the shape, dtype and device of what it replaces; a write or a keep that never fires is an error.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mediate.errors import InputError
from mediate.models.model import Model
from mediate.models.sites import Component, Site
from mediate.passes.hooks import Hook, check_hooks, check_like, is_late, knockout_hooks, patch_hooks
from mediate.passes.interventions import Knockout, Patch, Values, check_knockouts, check_patches
from mediate.passes.one_pass import Past, one_pass


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """A forward pass: its logits and the activations that were kept.

    Args:
        logits: At every position.
        kept: A copy of the activation at each kept site, `batch pos ...`.
    """

    logits: Float[Tensor, "batch pos d_vocab"]
    kept: Mapping[Site, Tensor] = field(default_factory=dict)


def forward(
    model: Model,
    ids: Int[Tensor, "batch pos"],
    *,
    keep: Collection[Site] = (),
    writes: Mapping[Site, Tensor] | None = None,
    patches: Sequence[Sequence[Patch]] = (),
    values: Values | None = None,
    knockouts: Sequence[Sequence[Knockout]] = (),
    past: Past = (),
    last: int | None = None,
) -> Run:
    """Runs the model on whole sequences under interventions, keeping activations at whole sites.

    Args:
        model: The hooked model.
        ids: Token ids without padding, or with padding at the end only; after a past, only what follows it.
        keep: Sites whose activations are returned, as they are after any write; `attn_out` is then what leads to a
            `resid_mid` that was written in its layer.
        writes: The new activation at a site, at all positions of all rows.
        patches: For each row, the patches that are made in it.
        values: What the patches put in place, the same for all rows.
        knockouts: For each row, the attention that is masked in it.
        past: Keys and values of each layer, `1 kv_head pos d`, of a beginning that all rows share and that is not run
            again. Patches and knockouts go on counting from the sequence's first token, and `values` cover all of it;
            what is kept, written and returned begins after the past.
        last: How many positions, counted from the end, to return logits of; all by default.

    Raises:
        InputError: A site that the model does not offer or lack of a hook there, patches that overlap or leave the
            sequence, a site both written and patched, a knockout that leaves a query no key, or a written value of
            another shape, dtype or device.
    """
    kept: dict[Site, Tensor] = {}
    fired: Counter[str] = Counter({site.hook_name: 0 for site in writes or {}})
    seen: Counter[str] = Counter({site.hook_name: 0 for site in keep})
    hooks: list[Hook] = []
    for what, rows in (("patches", patches), ("knockouts", knockouts)):
        if rows and len(rows) != len(ids):
            raise InputError(f"{what} of {len(rows)} rows, and there are {len(ids)} sequences")
    begin = int(past[0][0].shape[2]) if past else 0
    length = begin + int(ids.shape[1])
    check_patches(model, patches, length, begin)
    check_knockouts(model, knockouts, length, begin)
    twice = next((each.site for row in patches for each in row if each.site in (writes or {})), None)
    if twice is not None:
        raise InputError(f"{twice.hook_name}: both written and patched; put the patch into what is written")
    # `resid_mid` after all else: it starts from the stream and attention's output as these were written.
    for late in (False, True):
        for site in sorted(each for each in writes or {} if is_late(each) is late):
            hooks += _write_hooks(site, (writes or {})[site], fired)
        now = [[each for each in row if is_late(each.site) is late] for row in patches]
        hooks += patch_hooks(now, values or {}, fired, begin)
    hooks += knockout_hooks(model, knockouts, length, fired, begin)
    hooks += [(site.hook_name, partial(_keep, site, kept, seen)) for site in keep]
    check_hooks(model, (*fired, *seen))
    with torch.no_grad():
        logits = one_pass(model, ids, hooks=hooks, past=past, last=last)
    silent = [name for name, count in (*fired.items(), *seen.items()) if not count]
    if silent:
        raise InputError(
            f"hook {silent[0]!r} of model {model.facts.name!r} never fired: what was asked of it did not happen"
        )
    return Run(logits, kept)


def _keep(site: Site, kept: dict[Site, Tensor], seen: Counter[str], value: Tensor, hook: Any) -> Tensor:
    kept[site] = value.clone()
    seen[site.hook_name] += 1
    return value


def _write_hooks(site: Site, target: Tensor, fired: Counter[str]) -> list[Hook]:
    """The hooks that put `target` at a site.

    `resid_mid` needs two: its hook point is only the MLP's input, and writing it would leave the skip path as it was.
    So the residual stream before attention is remembered, and attention's output is set to what leads from there to
    the target.
    """

    def write(value: Tensor, hook: Any) -> Tensor:
        check_like(site.hook_name, target, value)
        fired[site.hook_name] += 1
        return target

    if site.component is not Component.RESID_MID:
        return [(site.hook_name, write)]
    before: list[Tensor] = []

    def remember(value: Tensor, hook: Any) -> Tensor:
        before[:] = [value.clone()]
        return value

    def lead(value: Tensor, hook: Any) -> Tensor:
        return write(value, hook) - before[0]

    return [
        (Site(Component.RESID_PRE, site.layer).hook_name, remember),
        (Site(Component.ATTN_OUT, site.layer).hook_name, lead),
    ]
