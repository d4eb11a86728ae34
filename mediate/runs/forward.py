"""One forward pass of the hooked model: activations kept, activations written.

Rules that hold for every pass: token ids and explicit positions go in, never text; what is kept is a copy; what is
written has the shape, dtype and device of what it replaces; a write or a keep that never fires is an error.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mediate.errors import InputError
from mediate.models.model import Model
from mediate.models.sites import Component, Site

Hook = tuple[str, Callable[[Tensor, Any], Tensor]]


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
) -> Run:
    """Runs the model on whole sequences, keeping and replacing activations at whole sites.

    Args:
        model: The hooked model.
        ids: Token ids without padding.
        keep: Sites whose activations are returned, as they are after any write.
        writes: The new activation at a site, at all positions.

    Raises:
        InputError: A site that the model does not offer or lack of a hook there, or a written value of another shape or
            dtype.
    """
    kept: dict[Site, Tensor] = {}
    fired: dict[Site, int] = dict.fromkeys((*(writes or {}), *keep), 0)
    hooks: list[Hook] = []
    for site in sorted(writes or {}):
        hooks += _write_hooks(site, (writes or {})[site], fired)
    hooks += [(site.hook_name, partial(_keep, site, kept, fired)) for site in keep]
    missing = [site.hook_name for site in fired if site.hook_name not in model.bridge.hook_dict]
    if missing:
        raise InputError(f"model {model.facts.name!r} has no hook {missing[0]!r} ({model.facts.architecture})")
    positions = torch.arange(ids.shape[1], device=ids.device).expand(ids.shape)
    with torch.no_grad():
        logits = model.bridge.run_with_hooks(
            ids, fwd_hooks=hooks, return_type="logits", position_ids=positions, use_cache=False
        )
    silent = [site.hook_name for site, count in fired.items() if not count]
    if silent:
        raise InputError(
            f"hook {silent[0]!r} of model {model.facts.name!r} never fired: what was asked of it did not happen"
        )
    return Run(logits, kept)


def _keep(site: Site, kept: dict[Site, Tensor], fired: dict[Site, int], value: Tensor, hook: Any) -> Tensor:
    kept[site] = value.clone()
    fired[site] += 1
    return value


def _write_hooks(site: Site, target: Tensor, fired: dict[Site, int]) -> list[Hook]:
    """The hooks that put `target` at a site.

    `resid_mid` needs two: its hook point is only the MLP's input, and writing it would leave the skip path as it was.
    So the residual stream before attention is remembered, and attention's output is set to what leads from there to
    the target.
    """

    def write(value: Tensor, hook: Any) -> Tensor:
        _check_like(site, target, value)
        fired[site] += 1
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


def _check_like(site: Site, target: Tensor, value: Tensor) -> None:
    for what in ("shape", "dtype", "device"):
        wanted, found = getattr(value, what), getattr(target, what)
        if wanted != found:
            raise InputError(f"{site.hook_name}: the written value has {what} {found}, what it replaces has {wanted}")
