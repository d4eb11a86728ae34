"""Exact interventions at the least work: one pass through the blocks that rows join where they are intervened on.

A patch at layer l and position p leaves what lies before p, and the blocks before l, as they were. So a sweep begins
at the first position that any of its rows changes, reading the untouched keys and values before it, which all rows
share; and a row joins the batch at its own first layer, with the untouched run's residual stream. The last block goes
on for the readers alone. What comes out is what `forward` gives for the same interventions, which is the slow twin.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

from mediate.errors import InputError
from mediate.models.model import Model
from mediate.models.sites import Component, Site
from mediate.models.steering import reading
from mediate.passes.attention import SharedPast, Swapped, Unseen
from mediate.passes.hooks import Hook, hooks_of, knockout_mask
from mediate.passes.interventions import Interventions, Knockout, Swap, Values, actions_of, first_layer, first_position
from mediate.passes.keyvalues import KeyValues, run_on, stacked
from mediate.passes.one_pass import one_pass
from mediate.passes.unhooked import in_use, layers_computed_whole, lean_blocks


@dataclass(frozen=True, slots=True, eq=False)
class Untouched:
    """A run that sweeps branch off from.

    Args:
        before: Keys and values of the positions before `start`, and as far on as a sweep may begin.
        entering: The residual stream as it enters each block, from position `start` on; one row for each reading.
        start: Where `entering` begins.
        logits: At the last positions.
        ids: The tokens, from position `start` on.
    """

    before: KeyValues
    entering: Sequence[Float[Tensor, "row pos d_model"]]
    start: int
    logits: Float[Tensor, "row last d_vocab"]
    ids: Int[Tensor, "row pos"]

    @property
    def rows(self) -> int:
        """How many rows a reading takes."""
        return len(self.entering[0])

    @property
    def length(self) -> int:
        """Of the whole sequence."""
        return self.start + int(self.entering[0].shape[1])


def untouched(
    model: Model,
    ids: Int[Tensor, "row pos"],
    start: int,
    stop: int,
    *,
    last: int = 1,
    past: KeyValues | None = None,
    tokens: Int[Tensor, " token"] | None = None,
) -> Untouched:
    """Runs a sequence as it is, so that sweeps can branch off.

    Args:
        model: The hooked model.
        ids: Rows that are equal up to position `stop`.
        start: The first position at which a sweep may begin.
        stop: The last one; sweeps read what lies before where they begin.
        last: How many positions, counted from the end, to return logits of.
        past: Keys and values of the first `start` positions, if they are known; `ids` still begin at 0.
        tokens: Whose logits are returned, in order; all by default.
    """
    entering: dict[int, Tensor] = {}

    def keep(value: Tensor, hook: Any, layer: int) -> Tensor:
        entering[layer] = value.clone()
        return value

    if past is None and start:
        (past,), _ = run_on(model, ids[:1, :start])
    rows = [[past]] * len(ids) if past is not None else []
    cache = DynamicCache(stacked(rows) if rows else None)
    layers = range(model.facts.layers)
    hooks = [(Site(Component.RESID_PRE, layer).hook_name, partial(keep, layer=layer)) for layer in layers]
    with torch.no_grad(), lean_blocks(model, [name for name, _ in hooks], tokens=tokens):
        logits = one_pass(model, ids[:, start:], hooks=hooks, past=cache, last=last)
    keys = torch.stack([layer.keys[0, :, :stop] for layer in cache.layers])
    values = torch.stack([layer.values[0, :, :stop] for layer in cache.layers])
    return Untouched(KeyValues(keys, values, 0), [entering[layer] for layer in layers], start, logits, ids[:, start:])


def sweep(
    model: Model,
    run: Untouched,
    branches: Sequence[Interventions],
    *,
    last: int,
    values: Values | None = None,
    other: KeyValues | None = None,
    tokens: Int[Tensor, " token"] | None = None,
) -> Float[Tensor, "branch row last d_vocab"]:
    """Logits at the last positions under each branch.

    Args:
        model: The hooked model.
        run: What the branches branch off from.
        branches: The interventions of each; at least one.
        last: How many positions, counted from the end, to return logits of.
        values: What they put in place, in the coordinates of the whole sequence.
        other: What swaps put in place of the past, position by position.
        tokens: Whose logits are returned, in order; all by default.

    Raises:
        InputError: Interventions as in `forward`, or hooks of someone else's inside attention where keys and values are
            swapped.
        ValueError: A branch before where the run is known.
    """
    order = sorted(range(len(branches)), key=lambda number: first_layer(branches[number]))
    rows = [branches[number] for number in order for _ in range(run.rows)]
    first, begin = first_layer(rows[0]), min(begins_at(run, each) for each in branches)
    if begin < run.start:
        raise ValueError(f"a branch at position {begin}, before what is known of the run, which begins at {run.start}")
    hooks = partial(hooks_of, model, rows, values or {}, run.length, begin=begin)
    joining, lean = _joining(run, rows, begin), set[int]()
    hidden = any(isinstance(action, Knockout) for row in branches for action in actions_of(row))
    if hidden and not model.masked:  # where it is masked, attention is given a mask of each row's own
        others = {name for name, _ in (*joining, *hooks(shared=range(model.facts.layers)))}
        lean = set(range(model.facts.layers)) - layers_computed_whole(model, in_use(model, others))
    made = [*joining, *hooks(shared=lean)]
    names = [name for name, _ in made]
    before = run.before.part(0, begin)
    past = SharedPast(before.keys, before.values, _swapped(rows, other), _unseen(model, rows, run.length, begin, lean))
    cache = _shared(model, past, names)
    ids = run.ids[:, begin - run.start :]
    with torch.no_grad(), lean_blocks(model, names, past, last, tokens), reading(model, ids):
        # One row goes in, so that positions and the mask are those of all rows; the join at `first` replaces it.
        entry = run.entering[first][:1, begin - run.start :]
        logits = one_pass(model, entry, hooks=made, past=cache, first=first, last=last, start=begin)
    logits = logits.reshape(len(order), run.rows, *logits.shape[1:])
    back = torch.tensor(order, device=logits.device).argsort()
    return logits[back]


def begins_at(run: Untouched, branch: Interventions) -> int:
    """The position at which a sweep of this branch alone begins."""
    position = first_position(branch)
    return min(run.start if position is None else position, len(run.before))


def _joining(run: Untouched, rows: Sequence[Interventions], begin: int) -> list[Hook]:
    """The hooks with which rows, in the order of their first layers, join the batch where they branch off."""
    joining = Counter(first_layer(row) for row in rows[:: run.rows])
    first = min(joining)

    def join(layer: int, value: Tensor, hook: Any) -> Tensor:
        new = run.entering[layer][:, begin - run.start :].repeat(joining[layer], 1, 1)
        return new if layer == first else torch.cat([value, new])

    return [(Site(Component.RESID_PRE, layer).hook_name, partial(join, layer)) for layer in sorted(joining)]


def _swapped(rows: Sequence[Interventions], other: KeyValues | None) -> dict[int, list[Swapped]]:
    """By layer, what the rows find there instead of the past; rows that swap alike in size are taken together."""
    swaps = [(number, each) for number, row in enumerate(rows) for each in actions_of(row) if isinstance(each, Swap)]
    if other is None:
        if swaps:
            raise InputError("keys and values are swapped, and there are no others; give `other`")
        return {}
    alike: dict[tuple[int, int, tuple[int, ...]], list[tuple[int, tuple[int, ...]]]] = {}
    for number, swap in swaps:
        heads = swap.heads if swap.heads is not None else tuple(range(other.keys.shape[1]))
        for layer in swap.layers:
            alike.setdefault((layer, len(swap.positions), heads), []).append((number, swap.positions))
    found: dict[int, list[Swapped]] = {}
    for (layer, _, heads), here in alike.items():
        numbers, at, kv_heads = (
            torch.tensor(each, device=other.keys.device)
            for each in ([number for number, _ in here], [positions for _, positions in here], heads)
        )
        index = (kv_heads[None, :, None], at[:, None, :])
        found.setdefault(layer, []).append(
            Swapped(numbers, at, kv_heads, other.keys[layer][index], other.values[layer][index])
        )
    return found


def _unseen(
    model: Model, rows: Sequence[Interventions], length: int, begin: int, layers: Collection[int]
) -> dict[int, Unseen]:
    """By layer, the rows whose readers cannot attend to some keys there, and to which."""
    here: dict[int, dict[int, list[Knockout]]] = {}
    for number, row in enumerate(rows):
        for each in actions_of(row):
            if isinstance(each, Knockout) and each.renormalised:
                for layer in set(each.layers) & set(layers):
                    here.setdefault(layer, {}).setdefault(number, []).append(each)
    found: dict[int, Unseen] = {}
    for layer, cuts in here.items():
        by_head = any(each.heads is not None for row in cuts.values() for each in row)
        keys = knockout_mask(list(cuts.values()), model.facts.heads if by_head else 1, length, begin)
        numbers = torch.tensor(list(cuts), device=model.device)
        found[layer] = Unseen(numbers, keys.to(model.device), begin)
    return found


def _shared(model: Model, past: SharedPast, hooked: Collection[str]) -> DynamicCache:
    """A cache that holds what all rows share, for attention that reads it from there."""
    whole = layers_computed_whole(model, in_use(model, hooked))
    both = whole & set(past.swaps)
    if both:
        raise InputError(
            f"hooks inside attention of layer {min(both)} of model {model.facts.name!r}, where swapped keys and values "
            "are shared; take the hooks off, or give each row its own past"
        )
    cache = DynamicCache()
    cache.layers = [
        _SharedLayer(keys[None], values[None], joined=layer in whole)
        for layer, (keys, values) in enumerate(zip(past.keys, past.values, strict=True))
    ]
    return cache


class _SharedLayer(DynamicLayer):  # type: ignore[misc]
    """A layer of a cache that takes nothing up: attention itself reads what all rows share, or has it joined here."""

    def __init__(self, keys: Tensor, values: Tensor, *, joined: bool) -> None:
        super().__init__()
        self.lazy_initialization(keys, values)
        self.keys, self.values, self._joined = keys, values, joined

    def update(self, key_states: Tensor, value_states: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
        """The new keys and values, after the shared ones where the caller reads them from here."""
        if not self._joined:
            return key_states, value_states
        rows = len(key_states)
        return (
            torch.cat([self.keys.expand(rows, -1, -1, -1), key_states], dim=2),
            torch.cat([self.values.expand(rows, -1, -1, -1), value_states], dim=2),
        )
