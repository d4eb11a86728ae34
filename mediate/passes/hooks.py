"""Interventions as hooks of a forward pass; every hook counts its firings."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from mediate.errors import InputError
from mediate.models.model import Model
from mediate.models.sites import Component, Site, attention_ends, scores_hook
from mediate.passes.interventions import Knockout, Patch, Values, check_knockouts, check_patches
from mediate.passes.masks import hidden, mask_hooks

Hook = tuple[str, Callable[[Tensor, Any], Tensor]]


def check_hooks(model: Model, names: Iterable[str]) -> None:
    """Checks that a model has every hook point that is asked for.

    Raises:
        InputError: It lacks one; a hook that is put nowhere would be silent.
    """
    there = model.bridge.hook_dict  # put together anew each time that it is asked for
    missing = next((name for name in names if name not in there), None)
    if missing is not None:
        raise InputError(f"model {model.facts.name!r} has no hook {missing!r} ({model.facts.architecture})")


def patch_hooks(rows: Sequence[Sequence[Patch]], values: Values, fired: Counter[str], begin: int = 0) -> list[Hook]:
    """The hooks that make each row's patches; they count in `fired` under the site's hook name.

    Where the pass begins at a later position than 0, `begin`, the first activation is that position's.

    Raises:
        InputError: No value for a patch.
    """
    by_site: dict[Site, list[tuple[int, Patch]]] = {}
    for row, patches in enumerate(rows):
        for patch in patches:
            if (patch.by, patch.site) not in values:
                raise InputError(f"{patch.site.hook_name}: no {patch.by} values for this site; keep them first")
            by_site.setdefault(patch.site, []).append((row, patch))
    hooks: list[Hook] = []
    for site in sorted(by_site, key=lambda each: (is_late(each), each)):
        fired[site.hook_name] += 0
        hooks += _site_hooks(site, by_site[site], values, fired, begin)
    return hooks


def is_late(site: Site) -> bool:
    """Whether a site is written after the others: `resid_mid` starts from what these may have written."""
    return site.component is Component.RESID_MID


def _site_hooks(
    site: Site, patches: Sequence[tuple[int, Patch]], values: Values, fired: Counter[str], begin: int
) -> list[Hook]:
    """The hooks of one site.

    `resid_mid` needs two: its hook point is only the MLP's input, and writing it would leave the skip path as it was.
    So the residual stream before attention is remembered, and attention's output is set to what leads from there to the
    target.
    """
    before: list[Tensor] = []

    def remember(value: Tensor, hook: Any) -> Tensor:
        before[:] = [value]
        return value

    def write(value: Tensor, hook: Any) -> Tensor:
        fired[site.hook_name] += 1
        now = value + before[0] if before else value
        changed = now.clone()
        for row, patch in patches:
            put_in_place(changed[row], values[patch.by, site], patch, begin)
        if not before:
            return changed
        # Only where something was written: there, pre + (target - pre) may differ from pre + value by rounding.
        return torch.where(changed == now, value, changed - before[0])

    if site.component is not Component.RESID_MID:
        return [(site.hook_name, write)]
    return [
        (Site(Component.RESID_PRE, site.layer).hook_name, remember),
        (Site(Component.ATTN_OUT, site.layer).hook_name, write),
    ]


def check_like(name: str, value: Tensor, replaced: Tensor) -> None:
    """Raises InputError where a value is not of the shape, dtype and device of what it replaces."""
    for what in ("shape", "dtype", "device"):
        found, wanted = getattr(value, what), getattr(replaced, what)
        if found != wanted:
            if what == "shape":
                found, wanted = tuple(found), tuple(wanted)
            raise InputError(f"{name}: the written value has {what} {found}, what it replaces has {wanted}")


def put_in_place(row: Float[Tensor, "..."], value: Float[Tensor, "..."], patch: Patch, begin: int = 0) -> None:
    """Writes one row's patch; both have the site's axes without the batch, and `row` begins at position `begin`."""
    name = patch.site.hook_name
    value = value[:, begin:] if patch.site.component is Component.PATTERN else value[begin:]
    check_like(name, value, row)
    positions = torch.tensor(patch.positions, device=row.device) - begin
    index: tuple[Any, ...]
    if patch.units is None:
        index = (slice(None), positions) if patch.site.component is Component.PATTERN else (positions,)
    else:
        units = torch.tensor(patch.units, device=row.device)
        if patch.site.component is Component.PATTERN:
            index = (units[:, None], positions[None, :])
        else:
            if int(units[-1]) >= row.shape[1]:
                raise InputError(f"{name}: unit {int(units[-1])}; there are 0 to {row.shape[1] - 1}")
            index = (positions[:, None], units[None, :])
    there = value[index]
    if not torch.isfinite(there).all():
        raise InputError(f"{name}: the value to write is NaN or infinite at positions {patch.positions}")
    row[index] = there


def knockout_hooks(
    model: Model, rows: Sequence[Sequence[Knockout]], length: int, fired: Counter[str], begin: int = 0
) -> list[Hook]:
    """The hooks that mask each row's attention; they count in `fired` under the hook point's name."""
    hooks: list[Hook] = []
    for layer in range(model.facts.layers):
        for renormalised in (True, False):
            here = [[cut for cut in row if layer in cut.layers and cut.renormalised is renormalised] for row in rows]
            if not any(here):
                continue
            mask = knockout_mask(here, model.facts.heads, length, begin).to(model.device)
            if renormalised and model.masked:
                fired[attention_ends(layer)[0]] += 0
                hooks += mask_hooks(model, layer, mask, fired, begin)
                continue
            name = scores_hook(layer) if renormalised else Site(Component.PATTERN, layer).hook_name
            fired[name] += 0
            hooks.append((name, _masked(mask, name, fired, begin) if renormalised else _zeroed(mask, name, fired)))
    return hooks


def knockout_mask(
    rows: Sequence[Sequence[Knockout]], heads: int, length: int, begin: int = 0
) -> Bool[Tensor, "batch head query_pos key_pos"]:
    """True where a row's query may not attend to a key, the causal mask aside; queries are those from `begin` on."""
    mask = torch.zeros(len(rows), heads, length - begin, length, dtype=torch.bool)
    for number, row in enumerate(rows):
        for cut in row:
            chosen = torch.tensor(cut.heads if cut.heads is not None else range(heads))
            readers, keys = torch.tensor(cut.readers) - begin, torch.tensor(cut.keys)
            mask[number, chosen[:, None, None], readers[None, :, None], keys[None, None, :]] = True
    return mask


def _fitting(name: str, value: Tensor, mask: Tensor) -> Tensor:
    """The mask of the rows that are there; the others join in later layers."""
    mask = mask[: len(value)]
    if value.shape != mask.shape:
        raise InputError(f"{name}: holds {tuple(value.shape)}, and the knockout is {tuple(mask.shape)}")
    return mask


def _masked(mask: Bool[Tensor, "batch head query_pos key_pos"], name: str, fired: Counter[str], begin: int) -> Any:
    def hide(scores: Tensor, hook: Any) -> Tensor:
        fired[name] += 1
        return hidden(scores, _fitting(name, scores, mask), begin, name)

    return hide


def _zeroed(mask: Bool[Tensor, "batch head query_pos key_pos"], name: str, fired: Counter[str]) -> Any:
    def zero(pattern: Tensor, hook: Any) -> Tensor:
        fired[name] += 1
        return pattern.masked_fill(_fitting(name, pattern, mask), 0.0)

    return zero


def bridge_hooks(
    model: Model,
    rows: Sequence[Sequence[Patch]],
    values: Values,
    knockouts: Sequence[Sequence[Knockout]] = (),
    *,
    length: int = 0,
) -> list[Hook]:
    """The same interventions for transformer-lens' own calls: `with model.bridge.hooks(fwd_hooks=...)`.

    A row is one sequence of the batch, and `length` its number of tokens; it need not be given where there are patches,
    or where a knockout's readers end the sequence. Give explicit positions with the call, and check that something
    changed: there, nobody counts whether the hooks fired.

    Raises:
        InputError: An intervention that the model does not allow.
    """
    shapes = {site: value.shape for (_, site), value in values.items()}
    length = length or max((shape[site.component is Component.PATTERN] for site, shape in shapes.items()), default=0)
    check_patches(model, rows, length)
    fired: Counter[str] = Counter()
    hooks = patch_hooks(rows, values, fired)
    if any(knockouts):
        length = length or 1 + max(max(*cut.readers, *cut.keys) for row in knockouts for cut in row)
        check_knockouts(model, knockouts, length)
        hooks += knockout_hooks(model, knockouts, length, fired)
    return hooks
