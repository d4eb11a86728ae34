"""Interventions as hooks of a forward pass."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from mediate.errors import InputError
from mediate.models.model import Model
from mediate.models.sites import Component, Site, scores_hook
from mediate.passes.interventions import Interventions, Knockout, Swap, Values, Write, actions_of, check_rows
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


def hooks_of(
    model: Model,
    rows: Sequence[Interventions],
    values: Values,
    length: int,
    *,
    begin: int = 0,
    whole: Mapping[Site, Tensor] | None = None,
    shared: Collection[int] | None = None,
) -> list[Hook]:
    """The hooks that make each row's interventions, once these are checked.

    Args:
        model: The hooked model.
        rows: What is done in each row.
        values: What is put in place.
        length: Of the whole sequence.
        begin: The position at which the pass begins, and with it every activation.
        whole: The new activation at a site, at all positions of all rows.
        shared: Where all rows read one past, in which the caller makes the swaps: the layers in which it hides the keys
            that are knocked out, too.

    Raises:
        InputError: As `check_rows`; or no value for what is put in place, or a site both in `whole` and written in a
            row, or a swap where no past is shared.
    """
    if shared is None and any(isinstance(action, Swap) for row in rows for action in actions_of(row)):
        raise InputError("swap: this pass shares no past; sweep it, or give each row keys and values of its own")
    check_rows(model, rows, length, begin)
    by_site: dict[Site, list[tuple[int, Write]]] = {}
    cuts: list[list[Knockout]] = [[] for _ in rows]
    for row, interventions in enumerate(rows):
        for action in actions_of(interventions):
            if isinstance(action, Write):
                if action.by is not None and (action.by, action.site) not in values:
                    raise InputError(f"{action.site.hook_name}: no {action.by} values for this site; keep them first")
                by_site.setdefault(action.site, []).append((row, action))
            elif isinstance(action, Knockout):
                cuts[row].append(action)
    whole = whole or {}
    twice = next((site for site in by_site if site in whole), None)
    if twice is not None:
        raise InputError(f"{twice.hook_name}: both written and patched; put the patch into what is written")
    changes = {site: partial(_target, site, value) for site, value in whole.items()}
    changes |= {site: partial(_written, values, begin, here) for site, here in by_site.items()}
    return [*site_hooks(changes), *_knockout_hooks(model, cuts, length, begin, shared or ())]


def site_hooks(changes: Mapping[Site, Callable[[Tensor], Tensor]]) -> list[Hook]:
    """The hooks that change the activations of some sites.

    `resid_mid` needs two: its hook point is only the MLP's input, and writing it would leave the skip path as it was.
    So the residual stream before attention is remembered, and attention's output is set to what leads from there to the
    target. Its hooks come last: they start from the stream and from attention's output as other writes have left these.
    """
    middle = {site: change for site, change in changes.items() if site.component is Component.RESID_MID}
    hooks: list[Hook] = [(site.hook_name, partial(_changed, changes[site])) for site in changes if site not in middle]
    for site, change in middle.items():
        before: list[Tensor] = []
        hooks.append((Site(Component.RESID_PRE, site.layer).hook_name, partial(_remember, before)))
        hooks.append((Site(Component.ATTN_OUT, site.layer).hook_name, partial(_led_to, change, before)))
    return hooks


def _changed(change: Callable[[Tensor], Tensor], value: Tensor, hook: Any) -> Tensor:
    return change(value)


def _remember(before: list[Tensor], value: Tensor, hook: Any) -> Tensor:
    before[:] = [value]
    return value


def _led_to(change: Callable[[Tensor], Tensor], before: list[Tensor], value: Tensor, hook: Any) -> Tensor:
    now = value + before[0]
    new = change(now)
    # Only where something was written: there, pre + (target - pre) may differ from pre + value by rounding.
    return torch.where(new == now, value, new - before[0])


def check_like(name: str, value: Tensor, replaced: Tensor) -> None:
    """Raises InputError where a value is not of the shape, dtype and device of what it replaces."""
    for what in ("shape", "dtype", "device"):
        found, wanted = getattr(value, what), getattr(replaced, what)
        if found != wanted:
            if what == "shape":
                found, wanted = tuple(found), tuple(wanted)
            raise InputError(f"{name}: the written value has {what} {found}, what it replaces has {wanted}")


def _target(site: Site, target: Tensor, value: Tensor) -> Tensor:
    check_like(site.hook_name, target, value)
    return target


def _written(values: Values, begin: int, writes: Sequence[tuple[int, Write]], value: Tensor) -> Tensor:
    """A site's activations, all rows', with some rows' writes made."""
    changed = value.clone()
    for row, write in writes:
        put_in_place(changed[row], write, values, begin)
    return changed


def put_in_place(row: Float[Tensor, "..."], write: Write, values: Values, begin: int) -> None:
    """Makes one write in one row, which has the site's axes without the batch and begins at position `begin`."""
    name, of_pattern = write.site.hook_name, write.site.component is Component.PATTERN
    there: list[Tensor] = []
    if write.by is not None:
        value = values[write.by, write.site]
        there = [value[:, begin:] if of_pattern else value[begin:]]
        check_like(name, there[0], row)
    positions = torch.tensor(write.positions, device=row.device) - begin
    index: tuple[Any, ...]
    if write.units is None:
        index = (slice(None), positions) if of_pattern else (positions,)
    else:
        units = torch.tensor(write.units, device=row.device)
        if of_pattern:
            index = (units[:, None], positions[None, :])
        else:
            if int(units[-1]) >= row.shape[1]:
                raise InputError(f"{name}: unit {int(units[-1])}; there are 0 to {row.shape[1] - 1}")
            index = (positions[:, None], units[None, :])
    there = [value[index] for value in there]
    if write.new is None:
        (new,) = there
    else:
        now = row[index]
        new = write.new(now, *there)
        check_like(name, new, now)
    if not torch.isfinite(new).all():
        raise InputError(f"{name}: the value to write is NaN or infinite at positions {write.positions}")
    row[index] = new


def _knockout_hooks(
    model: Model, rows: Sequence[Sequence[Knockout]], length: int, begin: int, seen: Collection[int]
) -> list[Hook]:
    """The hooks that mask each row's attention."""
    hooks: list[Hook] = []
    for layer, renormalised in product(range(model.facts.layers), (True, False)):
        here = [[cut for cut in row if layer in cut.layers and cut.renormalised is renormalised] for row in rows]
        if not any(here) or (renormalised and layer in seen):
            continue
        mask = knockout_mask(here, model.facts.heads, length, begin).to(model.device)
        if renormalised and model.masked:
            hooks += mask_hooks(model, layer, mask, begin)
            continue
        name = scores_hook(layer) if renormalised else Site(Component.PATTERN, layer).hook_name
        hooks.append((name, partial(_masked, mask, name, begin) if renormalised else partial(_zeroed, mask, name)))
    return hooks


def knockout_mask(
    rows: Sequence[Sequence[Knockout]], heads: int, length: int, begin: int = 0
) -> Bool[Tensor, "batch head query_pos key_pos"]:
    """True where a row's query may not attend to a key, the causal mask aside; queries are those from `begin` on."""
    mask = np.zeros((len(rows), heads, length - begin, length), dtype=bool)
    for number, row in enumerate(rows):
        for cut in row:
            chosen = range(heads) if cut.heads is None else cut.heads
            some_heads, readers, keys = (np.array(each, dtype=np.int64) for each in (chosen, cut.readers, cut.keys))
            mask[number][np.ix_(some_heads, readers - begin, keys)] = True
    return torch.from_numpy(mask)


def _fitting(name: str, value: Tensor, mask: Tensor) -> Tensor:
    """The mask of the rows that are there; the others join in later layers."""
    mask = mask[: len(value)]
    if value.shape != mask.shape:
        raise InputError(f"{name}: holds {tuple(value.shape)}, and the knockout is {tuple(mask.shape)}")
    return mask


def _masked(mask: Tensor, name: str, begin: int, scores: Tensor, hook: Any) -> Tensor:
    return hidden(scores, _fitting(name, scores, mask), begin, name)


def _zeroed(mask: Tensor, name: str, pattern: Tensor, hook: Any) -> Tensor:
    return pattern.masked_fill(_fitting(name, pattern, mask), 0.0)


def bridge_hooks(
    model: Model,
    rows: Sequence[Interventions],
    values: Values,
    knockouts: Sequence[Interventions] = (),
    *,
    length: int = 0,
) -> list[Hook]:
    """The same interventions for transformer-lens' own calls: `with model.bridge.hooks(fwd_hooks=...)`.

    A row is one sequence of the batch, and `length` its number of tokens; it need not be given where there are values,
    or where a knockout's readers end the sequence. Give explicit positions with the call, and check that something
    changed: there, nobody counts whether the hooks fired.

    Args:
        model: The hooked model.
        rows: What is done in each row.
        values: What is put in place.
        knockouts: What else is done in each row, after the rest.
        length: Of the sequences.

    Raises:
        InputError: An intervention that the model does not allow.

    Returns:
        Names of hook points, each with its function, as transformer-lens takes them.

    Example:
        >>> site = md.Site(md.Component.RESID_PRE, 0)
        >>> zero = md.Write(site, (0,), new=lambda now: 0 * now)
        >>> [name for name, _ in md.bridge_hooks(model, [(zero,)], {}, length=8)]
        ['blocks.0.hook_resid_pre']
    """
    if knockouts:
        rows = [(*row, *cuts) for row, cuts in zip(rows, knockouts, strict=True)]
    shapes = {site: value.shape for (_, site), value in values.items()}
    length = length or max((shape[site.component is Component.PATTERN] for site, shape in shapes.items()), default=0)
    cuts = [each for row in rows for each in actions_of(row) if isinstance(each, Knockout)]
    length = length or 1 + max((max(*cut.readers, *cut.keys) for cut in cuts), default=-1)
    return hooks_of(model, rows, values, length)
