"""What is measured of one item, computed or taken from the store."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from itertools import product
from typing import TypeVar

import torch

from mediate.clock import stage
from mediate.errors import InputError, ItemError
from mediate.mediation.encoding import EncodedPair
from mediate.mediation.kinds.before_answer import cut_contexts
from mediate.mediation.kinds.cube import (
    Contexts,
    measure_cubes,
    of_like_length,
    run_all_contexts,
    run_contexts,
    side_by_side,
)
from mediate.mediation.maps import MapSpec, measure_map, measure_small_maps
from mediate.mediation.prepared import Prepared
from mediate.mediation.prepared_item import OnItsWay
from mediate.models.model import Model
from mediate.models.sites import Component
from mediate.pairs.pair import World
from mediate.passes.activations import cot_activations
from mediate.passes.memory import is_out_of_memory
from mediate.passes.store import Store
from mediate.results.maps import EffectMap, NonFiniteError
from mediate.results.told import Reject
from mediate.scoring.scored import Scored, Way, put, stored
from mediate.scoring.spec import ScoreSpec

# Gives an item's keys and values, which are run anew where they are not at hand.
LazyContexts = Callable[[], Contexts]
# What was run of an item, or of its batch.
Ran = TypeVar("Ran")
_CONTEXTS = tuple(product(World, repeat=2))


def measure_items(
    model: Model, items: Sequence[Prepared], spec: ScoreSpec, store: Store | None
) -> Iterator[tuple[Scored[Prepared] | Reject, LazyContexts]]:
    """The cubes of each item and its maps: those that are stored, then the others, of like length together.

    Side by side or alone, a number differs by no more than rounding. With each item comes a way to its keys and values,
    for whatever else is to be measured of it: run anew where it was stored.

    Args:
        model: The hooked model.
        items: What to measure.
        spec: The choices of the run.
        store: Where results are looked up and kept.

    Raises:
        ItemError: With `on_bad_item="error"`, an item that does not fit into memory by itself, or a map that turned out
            to be impossible; else why takes the place of what was found.
    """
    missing: list[Prepared] = []
    for item in items:
        kept = None if store is None else stored(model, item, spec, store)
        if kept is None:
            missing.append(item)
        else:
            yield kept, partial(run_contexts, model, item.tokens)
    for scored, contexts in _with_cubes(model, missing, spec):
        if isinstance(scored, Reject):
            yield scored, contexts
            continue
        whole = with_maps(scored, spec, partial(_measured_map, contexts, scored, spec))
        if store is not None and not whole.left_out:
            put(model, whole, spec, store)
        yield whole, contexts


def _measured_map(contexts: LazyContexts, scored: Scored[Prepared], spec: ScoreSpec, wanted: MapSpec) -> EffectMap:
    return measure_map(scored.item.model, contexts(), wanted, spec.outcomes[0], scored.te, scored.item.seed)


@stage("measuring maps")
def with_maps(scored: Scored[Way], spec: ScoreSpec, measure: Callable[[MapSpec], EffectMap]) -> Scored[Way]:
    """The item with all its maps; those that it brings are not measured again.

    Raises:
        ItemError: A map that was asked for by name turned out to be impossible, and bad items are errors.
    """
    item, known = scored.item, {(each.kind, each.dims): each for each in scored.maps}
    maps, left_out = list[EffectMap](), list[Reject]()
    for each in item.maps:
        try:
            maps.append(known.get((each.kind, each.axes)) or measure(each))
        except (InputError, NonFiniteError) as error:
            left_out.append(_impossible(item, each, error, spec))
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            left_out.append(_impossible(item, each, out_of_memory(item), spec))
    return replace(scored, maps=tuple(maps), left_out=tuple(left_out))


def _with_cubes(
    model: Model, items: Sequence[Prepared], spec: ScoreSpec
) -> Iterator[tuple[Scored[Prepared] | Reject, LazyContexts]]:
    """Items with their cubes, keys and values, and such maps as were measured side by side.

    A batch that does not fit into memory is halved.
    """
    batches = batches_of(model, items, lambda item: sum(len(item.tokens.context(*each)) for each in _CONTEXTS))
    for cubes in halved(batches, lambda batch: _measure_cubes(model, batch, spec)):
        if isinstance(cubes, Prepared):
            yield too_large(cubes, spec), partial(run_contexts, model, cubes.tokens)
            continue
        cubes = _with_small_maps(model, cubes, spec)
        while cubes:  # what was measured lets go of its keys and values
            contexts, scored = cubes.pop(0)
            yield finite(scored), partial(at_hand, contexts)


def halved(
    batches: Sequence[Sequence[Way]], measure: Callable[[Sequence[Way]], list[Ran] | None]
) -> Iterator[list[Ran] | Way]:
    """What was measured of each batch; one that does not fit into memory is halved, down to an item that does not.

    Args:
        batches: Of items of like length.
        measure: Measures a batch; None where it does not fit.
    """
    left = list(batches)[::-1]
    while left:
        batch = left.pop()
        found = measure(batch)
        if found is not None:
            yield found
        elif len(batch) == 1:
            yield batch[0]
        else:
            half = len(batch) // 2
            left += [batch[half:], batch[:half]]


def finite(scored: Scored[Way]) -> Scored[Way] | Reject:
    """The item, or why it is left out: the model's logits are no numbers."""
    reason = "the model's logits are NaN or infinite; try another dtype"
    return scored if scored.is_finite else Reject(scored.item.id, "nonfinite", reason)


def at_hand(runs: Ran) -> Ran:
    """Keys and values that need not be run anew."""
    return runs


def too_large(item: OnItsWay, spec: ScoreSpec) -> Reject:
    """Why an item that is alone in its batch is not measured; raises it where that ends the run."""
    error = out_of_memory(item)
    if spec.stops_at(error):
        raise error
    return Reject(item.id, error.code, error.reason)


def out_of_memory(item: OnItsWay) -> ItemError:
    """The reason why an item, or a map of it, is not measured."""
    return ItemError(
        item.id,
        f"it does not fit into the memory of {item.model.facts.device}; give shorter chains, a smaller dtype or "
        "another device, or leave such items out (skip)",
        code="out_of_memory",
    )


def batches_of(model: Model, items: Sequence[Way], length: Callable[[Way], int]) -> list[list[Way]]:
    """As many items together as are worth running side by side; the order in which they come makes no difference.

    In half precision each is alone: how it is rounded beside others would show.

    Args:
        model: The hooked model.
        items: What is measured.
        length: How many tokens one item takes, in all of its passes.
    """
    if torch.finfo(model.dtype).bits < 32:
        return [[item] for item in items]
    by_id = {item.id: item for item in sorted(items, key=lambda item: item.id)}
    lengths = {name: length(item) for name, item in by_id.items()}
    return [[by_id[name] for name in group] for group in of_like_length(lengths, side_by_side(model))]


@stage("measuring cubes")
def _measure_cubes(
    model: Model, items: Sequence[Prepared], spec: ScoreSpec
) -> list[tuple[Contexts, Scored[Prepared]]] | None:
    """Each item's contexts and its cubes, also those of the cut pair; None where they do not fit into memory."""
    try:
        contexts = run_all_contexts(model, [item.tokens for item in items])
        cut = [
            cut_contexts(each, item.cut)
            for each, item in zip(contexts, items, strict=True)
            if isinstance(item.cut, EncodedPair)
        ]
        y = measure_cubes(model, [*contexts, *cut], spec.outcomes)
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        return None
    before = iter(y[len(items) :])
    return [
        (each, Scored(item, own, next(before) if isinstance(item.cut, EncodedPair) else None))
        for each, own, item in zip(contexts, y, items, strict=False)
    ]


@stage("measuring maps")
def _with_small_maps(
    model: Model, cubes: Sequence[tuple[Contexts, Scored[Prepared]]], spec: ScoreSpec
) -> list[tuple[Contexts, Scored[Prepared]]]:
    """The items with the maps that are measured side by side; all others are measured item by item."""
    found: dict[str, tuple[EffectMap, ...]] = {}
    for each in dict.fromkeys(each for _, scored in cubes for each in scored.item.maps):
        these = [(contexts, scored) for contexts, scored in cubes if each in scored.item.maps and scored.is_finite]
        try:
            maps = measure_small_maps(
                model,
                [contexts for contexts, _ in these],
                each,
                spec.outcomes[0],
                [scored.te for _, scored in these],
            )
        except (InputError, NonFiniteError):  # pair by pair it is told which one cannot be measured, and why
            continue
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            continue
        for map_ in maps.values():
            found[map_.item] = (*found.get(map_.item, ()), map_)
    return [(contexts, replace(scored, maps=found.get(scored.item.id, ()))) for contexts, scored in cubes]


def _impossible(item: OnItsWay, asked: MapSpec, error: InputError | NonFiniteError, spec: ScoreSpec) -> Reject:
    """Why a map is left out that only turned out to be impossible when it was measured.

    Raises:
        ItemError: It was asked for by name, and bad items are errors.
    """
    reason = error.reason if isinstance(error, ItemError) else " ".join(str(error).split())
    code = error.code if isinstance(error, ItemError) else "impossible_map"
    written = item.tokens.written or spec.chains is not None
    named = ItemError(item.id, f"map {asked}: {reason}", code=code, written=written)
    if spec.maps and spec.stops_at(named):
        raise named from error
    return Reject(item.id, code, reason, part=str(asked))


def keep_activations(item: OnItsWay, spec: ScoreSpec, store: Store | None) -> None:
    """Keeps the activations at the CoT positions that a run is asked to keep, of a pair in both worlds."""
    tokens = item.tokens
    runs = [(tokens.whole, len(tokens.question))]
    if isinstance(tokens, EncodedPair):
        runs = [(tokens.context(world, world), len(tokens.questions[world])) for world in World]
    for component, (ids, start) in product(spec.keep, runs):
        cot_activations(item.model, ids, (start, len(ids)), [Component(component)], store)
