"""Interventions: frozen values that say what is replaced where by what, and their translation into hooks.

They hold no tensors. What a `Patch` puts in place comes from `Values`, so that one intervention means the same on every
item, and can be compared, printed and stored. Positions are absolute: counted from the first token of the sequence.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from mediate.errors import InputError
from mediate.models.model import Model
from mediate.models.sites import BY_HEAD, BY_KV_HEAD, Component, Site, attention_ends, scores_hook
from mediate.passes.masks import hidden, mask_hooks

Hook = tuple[str, Callable[[Tensor, Any], Tensor]]


class Reference(StrEnum):
    """What a patch puts in place of an activation.

    `source` is the other world's run. The others are reference values that carry no world: zeros, the mean over
    reference chains, another item's chain, the chain with its tokens replaced by filler or with its steps shuffled, and
    a random direction of the same norm at each position.
    """

    SOURCE = "source"
    ZERO = "zero"
    MEAN = "mean"
    RESAMPLE = "resample"
    FILLER = "filler"
    SHUFFLED = "shuffled"
    NOISE = "noise"


@dataclass(frozen=True, slots=True, order=True)
class Patch:
    """Replace an activation at some positions of one site.

    Args:
        site: Component and layer.
        positions: Absolute positions; of a pattern, the queries' positions. Ascending, each once.
        units: Heads of `q`, `z` and `pattern`, KV heads of `k` and `v`, channels (neurons) of the others; None for all.
        by: What is put in place.
    """

    site: Site
    positions: tuple[int, ...]
    units: tuple[int, ...] | None = None
    by: Reference = Reference.SOURCE

    def __post_init__(self) -> None:
        _check_places(self.site.hook_name, "positions", self.positions)
        if self.units is not None:
            _check_places(self.site.hook_name, "units", self.units)


@dataclass(frozen=True, slots=True, order=True)
class Knockout:
    """Mask attention before the softmax, so that the rest of each row is renormalised.

    Args:
        readers: Absolute positions of the queries. Ascending, each once.
        keys: Absolute positions that these may not attend to; those that the causal mask hides are hidden anyhow.
        layers: The layers.
        heads: Query heads; None for all.
        renormalised: Off, the pattern is zeroed after the softmax and its rows no longer sum to 1: another
            intervention, which the field calls zeroing the pattern.
    """

    readers: tuple[int, ...]
    keys: tuple[int, ...]
    layers: tuple[int, ...]
    heads: tuple[int, ...] | None = None
    renormalised: bool = True

    def __post_init__(self) -> None:
        for what in ("readers", "keys", "layers"):
            _check_places("knockout", what, getattr(self, what))
        if self.heads is not None:
            _check_places("knockout", "heads", self.heads)


Values = Mapping[tuple[Reference, Site], Float[Tensor, "..."]]
"""By what and where: the activation to put in place, in the coordinates of the sequence that is patched."""


def _check_places(name: str, what: str, places: tuple[int, ...]) -> None:
    if not places:
        raise InputError(f"{name}: no {what}; name at least one")
    if list(places) != sorted(set(places)) or places[0] < 0:
        raise InputError(f"{name}: {what} {places}; give each once, ascending, counted from 0")


def check_patches(model: Model, rows: Sequence[Sequence[Patch]], length: int, begin: int = 0) -> None:
    """Raises InputError where a row's patches leave the model or the sequence, or overlap one another.

    Positions before `begin` are a past that is not run.
    """
    sizes = {**dict.fromkeys(BY_HEAD, model.facts.heads), **dict.fromkeys(BY_KV_HEAD, model.facts.kv_heads)}
    for row in rows:
        taken: Counter[tuple[Site, int, int | None]] = Counter()
        for patch in row:
            name = patch.site.hook_name
            model.need(patch.site.component)
            if patch.site.layer >= model.facts.layers:
                raise InputError(f"{name}: model {model.facts.name!r} has layers 0 to {model.facts.layers - 1}")
            if patch.positions[-1] >= length:
                raise InputError(f"{name}: position {patch.positions[-1]} of a sequence of {length} tokens")
            if patch.positions[0] < begin:
                raise InputError(f"{name}: position {patch.positions[0]} lies in the {begin} tokens that are not run")
            size = sizes.get(patch.site.component)
            if patch.units and size is not None and patch.units[-1] >= size:
                raise InputError(f"{name}: head {patch.units[-1]}; there are 0 to {size - 1}")
            for position in patch.positions:
                taken.update((patch.site, position, unit) for unit in patch.units or (None,))
        if not taken:
            continue
        whole = {(site, position) for site, position, unit in taken if unit is None}
        for (site, position, unit), count in taken.items():
            if count > 1 or (unit is not None and (site, position) in whole):
                raise InputError(f"{site.hook_name}: two patches of one row write position {position}; name it once")


def check_knockouts(model: Model, rows: Sequence[Sequence[Knockout]], length: int, begin: int = 0) -> None:
    """Raises InputError where a knockout leaves the model or the sequence, or has readers before `begin`.

    Also where a pattern is to be zeroed on a model whose patterns cannot be written.
    """
    for row in rows:
        for cut in row:
            for what, most in (("readers", length), ("keys", length), ("layers", model.facts.layers)):
                if getattr(cut, what)[-1] >= most:
                    raise InputError(f"knockout: {what} {getattr(cut, what)[-1]}; there are 0 to {most - 1}")
            if cut.readers[0] < begin:
                raise InputError(f"knockout: reader {cut.readers[0]} lies in the {begin} tokens that are not run")
            if not cut.renormalised:
                model.need(Component.PATTERN)
            if cut.heads and cut.heads[-1] >= model.facts.heads:
                raise InputError(f"knockout: heads {cut.heads[-1]}; there are 0 to {model.facts.heads - 1}")


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
    model: Model, rows: Sequence[Sequence[Patch]], values: Values, knockouts: Sequence[Sequence[Knockout]] = ()
) -> list[Hook]:
    """The same interventions for transformer-lens' own calls: `with model.bridge.hooks(fwd_hooks=...)`.

    A row is one sequence of the batch. Give explicit positions with the call, and check that something changed: there,
    nobody counts whether the hooks fired.

    Raises:
        InputError: An intervention that the model does not allow.
    """
    length = max((value.shape[site.component is Component.PATTERN] for (_, site), value in values.items()), default=0)
    check_patches(model, rows, length)
    fired: Counter[str] = Counter()
    hooks = patch_hooks(rows, values, fired)
    if any(knockouts):
        length = length or 1 + max(max(*cut.readers, *cut.keys) for row in knockouts for cut in row)
        check_knockouts(model, knockouts, length)
        hooks += knockout_hooks(model, knockouts, length, fired)
    return hooks
