"""What is measured of items by themselves, computed or taken from the store."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from mediate.clock import stage
from mediate.errors import ItemError
from mediate.mediation.kinds.hidden import Sights, cut_sights, measure_hidden, run_sights, with_rivals
from mediate.mediation.maps import MapSpec
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
    missing: list[PreparedItem] = []
    for item in items:
        kept = None if store is None else stored(model, item, spec, store)
        if kept is None:
            missing.append(item)
        else:
            yield kept, partial(_anew, model, item)
    batches = batches_of(model, missing, lambda item: 2 * len(item.tokens.whole))
    for cubes in halved(batches, lambda batch: _measure_cubes(model, batch, spec)):
        if isinstance(cubes, PreparedItem):
            yield too_large(cubes, spec), partial(_anew, model, cubes)
            continue
        while cubes:  # what was measured lets go of its keys and values
            sights, scored = cubes.pop(0)
            found = finite(scored)
            if isinstance(found, Scored):
                found = _without_rival(with_maps(found, spec, partial(_measured_map, sights, found)))
                if store is not None and not found.left_out:
                    put(model, found, spec, store)
            yield found, partial(at_hand, sights)


def _without_rival(scored: Scored[PreparedItem]) -> Scored[PreparedItem]:
    """The item with a reason for each outcome that it has no rival answer for."""
    item = scored.item
    reason = "the answer is what the model says with question and chain hidden, so it has no rival; give options"
    if item.item.options:
        reason = "every other option begins as the answer does, so it has no rival; word the options apart"
    missing = [
        Reject(item.id, "no_rival", reason, item.item.place, part=str(outcome))
        for outcome, y in zip(item.outcomes, scored.y, strict=True)
        if np.isnan(y).all()
    ]
    return replace(scored, left_out=(*scored.left_out, *missing))


def _anew(model: Model, item: PreparedItem) -> Sights:
    return with_rivals(model, run_sights(model, [item.tokens]), item.outcomes)[0]


def _measured_map(sights: Sights, scored: Scored[PreparedItem], wanted: MapSpec) -> EffectMap:
    item = scored.item
    return item.measured_map(sights, wanted, scored.te)


@stage("measuring cubes")
def _measure_cubes(
    model: Model, items: Sequence[PreparedItem], spec: ScoreSpec
) -> list[tuple[Sights, Scored[PreparedItem]]] | None:
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
        (each, Scored(item, own, None if isinstance(item.cut, ItemError) else next(before)))
        for each, own, item in zip(sights, y, items, strict=True)
    ]
