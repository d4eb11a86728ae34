"""What is measured of items by themselves, computed or taken from the store."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import torch

from mediate.clock import stage
from mediate.errors import ItemError
from mediate.mediation.kinds.cube import of_like_length, side_by_side
from mediate.mediation.kinds.hidden import Sights, cut_sights, measure_hidden, run_sights, with_rivals
from mediate.mediation.maps import MapSpec, measure_item_map
from mediate.mediation.prepared_item import PreparedItem
from mediate.models.model import Model
from mediate.passes.memory import is_out_of_memory
from mediate.passes.store import Store
from mediate.results.maps import EffectMap
from mediate.results.told import Reject
from mediate.scoring.measure import finite, too_large, with_maps
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
    batches = _batches(model, missing)[::-1]
    while batches:
        batch = batches.pop()
        cubes = _measure_cubes(model, batch, spec)
        if cubes is None and len(batch) == 1:
            yield too_large(batch[0], spec), partial(_anew, model, batch[0])
            continue
        if cubes is None:
            half = len(batch) // 2
            batches += [batch[half:], batch[:half]]
            continue
        while cubes:  # what was measured lets go of its keys and values
            sights, scored = cubes.pop(0)
            found = finite(scored)
            if isinstance(found, Scored):
                found = _without_rival(with_maps(found, spec, partial(_measured_map, sights, found, spec)))
                if store is not None and not found.left_out:
                    put(model, found, spec, store)
            yield found, partial(_at_hand, sights)


def _without_rival(scored: Scored[PreparedItem]) -> Scored[PreparedItem]:
    """The item with a reason for each outcome that it has no rival answer for."""
    item = scored.item
    reason = "the answer is what the model says with question and chain hidden, so it has no rival; give options"
    missing = [
        Reject(item.id, "no_rival", reason, item.item.place, part=str(outcome))
        for outcome, y in zip(item.outcomes, scored.y, strict=True)
        if np.isnan(y).all()
    ]
    return replace(scored, left_out=(*scored.left_out, *missing))


def _anew(model: Model, item: PreparedItem) -> Sights:
    return with_rivals(model, run_sights(model, [item.tokens]), item.outcomes)[0]


def _at_hand(sights: Sights) -> Sights:
    return sights


def _measured_map(sights: Sights, scored: Scored[PreparedItem], spec: ScoreSpec, wanted: MapSpec) -> EffectMap:
    item = scored.item
    return measure_item_map(item.model, sights.item, wanted, spec.outcomes[0], scored.te, item.seed)


def _batches(model: Model, items: Sequence[PreparedItem]) -> list[list[PreparedItem]]:
    """As many items together as are worth running side by side; in half precision each is alone."""
    if torch.finfo(model.dtype).bits < 32:
        return [[item] for item in items]
    by_id = {item.id: item for item in sorted(items, key=lambda item: item.id)}
    lengths = {name: 2 * len(item.tokens.whole) for name, item in by_id.items()}
    return [[by_id[name] for name in group] for group in of_like_length(lengths, side_by_side(model))]


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
