"""What is measured of items by themselves, computed or taken from the store."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from mediate.clock import stage
from mediate.errors import ItemError
from mediate.mediation.item import EncodedItem
from mediate.mediation.kinds.hidden import Sights, cut_sights, measure_hidden, run_sights, with_rivals
from mediate.mediation.kinds.other import cut_against, measure_others, run_others, with_rivals_among
from mediate.mediation.maps import MapSpec, measure_item_map
from mediate.mediation.prepared_item import PreparedItem
from mediate.models.model import Model
from mediate.passes.memory import is_out_of_memory
from mediate.passes.store import Store
from mediate.results.maps import EffectMap
from mediate.results.told import Reject
from mediate.scoring.measure import at_hand, batches_of, finite, halved, too_large, with_maps
from mediate.scoring.scored import Scored, put, stored
from mediate.scoring.spec import ScoreSpec

# Gives an item's keys and values, with and without sight of its question.
Runs = Callable[[], Sights]
# Of each item: in tokens with its rival, where an outcome is held against one, its runs, and what was measured of it.
Cubes = list[tuple[EncodedItem, Runs, Scored[PreparedItem]]]


def measure_single_items(
    model: Model, items: Sequence[PreparedItem], spec: ScoreSpec, store: Store | None
) -> Iterator[tuple[Scored[PreparedItem] | Reject, Runs]]:
    """The cubes of each item and its maps: those that are stored, then the others, of like length together.

    Args:
        model: The hooked model.
        items: What to measure.
        spec: The choices of the run.
        store: Where results are looked up and kept.

    Raises:
        ItemError: With `on_bad_item="error"`, an item that does not fit into memory by itself, or a map that turned out
            to be impossible; else why takes the place of what was found.
    """
    return _measured(model, items, spec, store, partial(_measure_cubes, model), lambda item: 2 * len(item.tokens.whole))


def measure_against_others(
    model: Model, items: Sequence[PreparedItem], spec: ScoreSpec, store: Store | None
) -> Iterator[tuple[Scored[PreparedItem] | Reject, Runs]]:
    """`measure_single_items`, of items that are held against others."""
    return _measured(model, items, spec, store, partial(_cubes_against_others, model), _tokens_with_others)


def _measured(
    model: Model,
    items: Sequence[PreparedItem],
    spec: ScoreSpec,
    store: Store | None,
    measure: Callable[[Sequence[PreparedItem], ScoreSpec], Cubes | None],
    length: Callable[[PreparedItem], int],
) -> Iterator[tuple[Scored[PreparedItem] | Reject, Runs]]:
    missing: list[PreparedItem] = []
    for item in items:
        kept = None if store is None else stored(model, item, spec, store)
        if kept is None:
            missing.append(item)
        else:
            yield kept, partial(_anew, model, item)
    for cubes in halved(batches_of(model, missing, length), lambda batch: measure(batch, spec)):
        if isinstance(cubes, PreparedItem):
            yield too_large(cubes, spec), partial(_anew, model, cubes)
            continue
        while cubes:  # what was measured lets go of its keys and values
            tokens, runs, scored = cubes.pop(0)
            found = finite(scored)
            if isinstance(found, Scored):
                found = _without_rival(with_maps(found, spec, partial(_measured_map, tokens, found, spec)))
                if store is not None and not found.left_out:
                    put(model, found, spec, store)
            yield found, runs


def _without_rival(scored: Scored[PreparedItem]) -> Scored[PreparedItem]:
    """The item with a reason for each outcome that it has no rival answer for."""
    item = scored.item
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


def _anew(model: Model, item: PreparedItem) -> Sights:
    if item.others:
        return item.sights
    return with_rivals(model, run_sights(model, [item.tokens]), item.outcomes)[0]


def _in_and_out_of_sight(model: Model, tokens: EncodedItem) -> Sights:
    return run_sights(model, [tokens])[0]


def _measured_map(tokens: EncodedItem, scored: Scored[PreparedItem], spec: ScoreSpec, wanted: MapSpec) -> EffectMap:
    item = scored.item
    return measure_item_map(item.model, tokens, wanted, spec.outcomes[0], scored.te, item.seed)


@stage("measuring cubes")
def _measure_cubes(model: Model, items: Sequence[PreparedItem], spec: ScoreSpec) -> Cubes | None:
    """Each item's keys and values and its cubes, also those of the cut item; None where they do not fit into memory."""
    try:
        runs = run_sights(model, [item.tokens for item in items])
        sights = with_rivals(model, runs, spec.outcomes)
        cut = [
            cut_sights(each, item.cut)
            for each, item in zip(runs, items, strict=True)
            if not isinstance(item.cut, ItemError)
        ]
        y = measure_hidden(model, sights, spec.outcomes)
        before = iter(measure_hidden(model, with_rivals(model, cut, spec.outcomes), spec.outcomes))
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        return None
    return [
        (
            each.item,
            partial(at_hand, each),
            Scored(item, own, None if isinstance(item.cut, ItemError) else next(before)),
        )
        for each, own, item in zip(sights, y, items, strict=True)
    ]


@stage("measuring cubes")
def _cubes_against_others(model: Model, items: Sequence[PreparedItem], spec: ScoreSpec) -> Cubes | None:
    """`_measure_cubes`, of items that are held against others."""
    try:
        runs = run_others(model, [item.tokens for item in items], [[each.tokens for each in i.others] for i in items])
        against = with_rivals_among(model, runs, spec.outcomes)
        cut = [
            cut_against(each, item.cut, item.cut_others)
            for each, item in zip(runs, items, strict=True)
            if not isinstance(item.cut, ItemError)
        ]
        by_other = measure_others(model, against, spec.outcomes)
        before = iter(measure_others(model, with_rivals_among(model, cut, spec.outcomes), spec.outcomes))
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        return None
    return [
        (
            each.item,
            partial(_in_and_out_of_sight, model, each.item),
            Scored(
                item,
                own.mean(axis=0),
                None if isinstance(item.cut, ItemError) else next(before).mean(axis=0),
                by_other=own,
            ),
        )
        for each, own, item in zip(against, by_other, items, strict=True)
    ]


def _tokens_with_others(item: PreparedItem) -> int:
    """How many tokens an item takes with its others: its own run, and of each other the three with its parts in it."""
    own = item.tokens
    parts = [(len(each.tokens.question), len(each.tokens.trace.ids)) for each in item.others]
    return len(own.whole) + sum(2 * (question + chain) + len(own.whole) for question, chain in parts)
