"""What is measured of each item, computed or taken from the store."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache, partial
from itertools import product
from typing import Any, TypeVar

import numpy as np

from mediate.clock import stage
from mediate.errors import InputError, ItemError
from mediate.mediation.alone import reference_material
from mediate.mediation.encoding import EncodedPair
from mediate.mediation.maps import MapSpec
from mediate.mediation.prepared_item import Prepared, PreparedItem
from mediate.mediation.procedures import PreparedT, Procedure, Runs, first_nonfinite
from mediate.models.model import Model
from mediate.models.sites import Component
from mediate.pairs.pair import World
from mediate.passes.activations import cot_activations
from mediate.passes.memory import free_up, is_out_of_memory
from mediate.passes.store import Store
from mediate.results.maps import EffectMap, NonFiniteError
from mediate.results.told import Reject, left_out_by
from mediate.scoring.allowed import FAILURES
from mediate.scoring.batches import batches_of
from mediate.scoring.halving import Fits, halved
from mediate.scoring.scored import Scored, entry_of, put, stored
from mediate.scoring.spec import ScoreSpec

# What was run of an item, or of its batch.
Ran = TypeVar("Ran")


def measure_items(
    procedure: Procedure[PreparedT, Runs],
    model: Model,
    items: Sequence[PreparedT],
    spec: ScoreSpec,
    store: Store | None,
) -> Iterator[tuple[Scored[PreparedT] | Reject, Callable[[], Runs]]]:
    """The cubes of each item and its maps, a batch of items of like length after the other; see `measure_batch`."""
    for batch in batches_of(procedure, model, items):
        yield from measure_batch(procedure, model, batch.items, spec, store)


def measure_batch(
    procedure: Procedure[PreparedT, Runs],
    model: Model,
    items: Sequence[PreparedT],
    spec: ScoreSpec,
    store: Store | None,
    fits: Fits | None = None,
) -> Iterator[tuple[Scored[PreparedT] | Reject, Callable[[], Runs]]]:
    """The cubes of each item of a batch and its maps, measured together.

    Side by side or alone, a number differs by no more than rounding. So that it does not differ at all between a run
    that was killed and one that was not, a batch is taken from the store as a whole or measured as a whole, and kept
    when the last of it is measured. With each item comes a way to its keys and values, for whatever else is to be
    measured of it: where it was stored, they are run anew when they are first asked for.

    Args:
        procedure: How such items are measured.
        model: The hooked model.
        items: What to measure, of like length.
        spec: The choices of the run.
        store: Where results are looked up and kept.
        fits: How many items fit into memory side by side, as far as the run has found out.

    Raises:
        ItemError: With `on_bad_item="error"`, an item that does not fit into memory by itself, or a map that turned out
            to be impossible; else why takes the place of what was found.
    """
    entries = {} if store is None else {item.id: entry_of(model, item, spec) for item in items}
    kept = [] if store is None else stored(items, spec, store, entries)
    if kept and all(each is not None for each in kept):
        for item, known in zip(items, kept, strict=True):
            if known is not None:
                yield _without_rivals(known), cache(partial(_run_anew, procedure, item))
        return
    del kept
    fresh: list[Scored[PreparedT]] = []
    for cubes in halved(items, lambda batch: _measure_cubes(procedure, model, batch), procedure.length, fits or Fits()):
        if not isinstance(cubes, list):
            yield _too_large(cubes, spec), partial(_run_anew, procedure, cubes)
            continue
        # In place, as no other list may hold keys and values of what was measured and let go of them.
        cubes[:] = _with_small_maps(procedure, model, cubes)
        while cubes:
            runs, scored = cubes.pop(0)
            found = _finite(scored, runs)
            if isinstance(found, Scored):
                found = _with_maps(procedure, found, runs, spec)
                if not found.left_out:
                    fresh.append(found)
                found = _without_rivals(found)
            yield found, partial(_at_hand, runs)
            del runs
    if store is not None:
        put(fresh, store, entries)


def _run_anew(procedure: Procedure[PreparedT, Runs], item: PreparedT) -> Runs:
    return procedure.run(item.model, [item])[0]


@stage("measuring maps")
def _with_maps(
    procedure: Procedure[PreparedT, Runs], scored: Scored[PreparedT], runs: Runs, spec: ScoreSpec
) -> Scored[PreparedT]:
    """The item with all its maps; those that it brings are not measured again.

    Raises:
        ItemError: A map that was asked for by name turned out to be impossible, and bad items are errors.
    """
    item, known = scored.item, {(each.kind, each.dims): each for each in scored.maps}
    outcome, te = spec.outcomes[0], scored.te
    maps, left_out = list[EffectMap](), list[Reject]()
    for each in item.maps:
        try:
            found = known.get((each.kind, each.axes))
            maps.append(found or procedure.map(item.model, runs, each, outcome, te, reference_material(item)))
        except (InputError, NonFiniteError) as error:
            left_out.append(_impossible(item, each, error, spec))
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            left_out.append(_impossible(item, each, _out_of_memory(item), spec))
    return replace(scored, maps=tuple(maps), left_out=tuple(left_out))


def _finite(scored: Scored[PreparedT], runs: Any) -> Scored[PreparedT] | Reject:
    """The item, or why it is left out: the model's logits are no numbers."""
    if scored.is_finite:
        return scored
    reason = f"the model's logits are NaN or infinite{first_nonfinite(runs)}; try another dtype"
    return Reject(scored.item.id, "nonfinite", reason)


def _at_hand(runs: Ran) -> Ran:
    """Keys and values that need not be run anew."""
    return runs


def _too_large(item: Prepared, spec: ScoreSpec) -> Reject:
    """Why an item that is alone in its batch is not measured; raises it where that ends the run."""
    error = _out_of_memory(item)
    if spec.on_bad_item == "error":
        raise error
    return left_out_by(error)


def _out_of_memory(item: Prepared) -> ItemError:
    """The reason why an item, or a map of it, is not measured."""
    return ItemError(
        item.id,
        f"it does not fit into the memory of {item.model.facts.device}; give shorter chains, a smaller dtype or "
        "another device, or leave such items out (skip)",
        code="out_of_memory",
    )


@stage("measuring cubes")
def _measure_cubes(
    procedure: Procedure[PreparedT, Runs], model: Model, items: Sequence[PreparedT]
) -> list[tuple[Runs, Scored[PreparedT]]] | None:
    """Each item's keys and values and its cubes, also those of the cut item; None where they do not fit into memory."""
    runs = found = None
    try:
        runs = procedure.run(model, items)
        found = procedure.cubes(model, items, runs)
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
    if runs is None or found is None:  # the error is gone, and its frames with what they held
        del runs
        free_up(model)
        return None
    return [
        (own, Scored(item, cubes.y, cubes.before_answer, by_other=cubes.by_other))
        for own, item, cubes in zip(runs, items, found, strict=True)
    ]


@stage("measuring maps")
def _with_small_maps(
    procedure: Procedure[PreparedT, Runs], model: Model, cubes: Sequence[tuple[Runs, Scored[PreparedT]]]
) -> list[tuple[Runs, Scored[PreparedT]]]:
    """The items with the maps that are measured side by side; all others are measured item by item."""
    found: dict[str, tuple[EffectMap, ...]] = {}
    outcome = cubes[0][1].item.outcomes[0]
    for each in dict.fromkeys(each for _, scored in cubes for each in scored.item.maps):
        these = [(runs, scored) for runs, scored in cubes if each in scored.item.maps and scored.is_finite]
        runs, te = [runs for runs, _ in these], [scored.te for _, scored in these]
        try:
            maps = procedure.small_maps(model, runs, each, outcome, te)
        except (InputError, NonFiniteError):  # item by item it is told which one cannot be measured, and why
            continue
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            continue
        for map_ in maps.values():
            found[map_.item] = (*found.get(map_.item, ()), map_)
    return [(runs, replace(scored, maps=found.get(scored.item.id, ()))) for runs, scored in cubes]


def _without_rivals(scored: Scored[PreparedT]) -> Scored[PreparedT]:
    """The item with a reason for each outcome that it has no rival answer for."""
    item = scored.item
    if not isinstance(item, PreparedItem):
        return scored
    without = "each other item's question and chain in place of its own" if item.others else "question and chain hidden"
    reason = f"the answer is what the model says with {without}, so it has no rival; give options"
    if item.item.options:
        reason = "every other option begins as the answer does, so it has no rival; word the options apart"
    missing = [
        Reject(item.id, "no_rival", reason, item.item.place, part=str(outcome))
        for outcome, y in zip(item.outcomes, scored.y, strict=True)
        if np.isnan(y).all()
    ]
    return replace(scored, left_out=(*scored.left_out, *missing))


def _impossible(item: Prepared, asked: MapSpec, error: InputError | NonFiniteError, spec: ScoreSpec) -> Reject:
    """Why a map is left out that only turned out to be impossible when it was measured.

    Raises:
        ItemError: It was asked for by name, and bad items are errors.
    """
    reason = error.reason if isinstance(error, ItemError) else " ".join(str(error).split())
    code = error.code if isinstance(error, ItemError) else "impossible_map"
    written = item.tokens.written or spec.chains is not None
    named = ItemError(item.id, f"map {asked}: {reason}", code=code, written=written or code in FAILURES)
    if spec.must_map and spec.stops_at(named):
        raise named from error
    return left_out_by(ItemError(item.id, reason, code=code), part=str(asked))


def keep_activations(item: Prepared, spec: ScoreSpec, store: Store | None) -> None:
    """Keeps the activations at the CoT positions that a run is asked to keep, of a pair in both worlds."""
    tokens = item.tokens
    runs = [(tokens.whole, len(tokens.question))]
    if isinstance(tokens, EncodedPair):
        runs = [(tokens.context(world, world), len(tokens.questions[world])) for world in World]
    for component, (ids, start) in product(spec.keep, runs):
        cot_activations(item.model, ids, (start, len(ids)), [Component(component)], store)
