"""How items of each sort are measured, many together: pairs against their twins, items by themselves.

A run asks for the keys and values of its items first, and measures the rest while these are at hand. What it asks for
is a `Procedure`: the door to the measurements that are not maps, so that `kinds` stays this room's own.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
from jaxtyping import Float

from mediate.errors import ItemError
from mediate.mediation.contrasts.hidden import Sights as Sights
from mediate.mediation.contrasts.hidden import hidden_before_answer, measure_hidden, run_sights
from mediate.mediation.contrasts.hidden_controls import OF_ITEMS, measure_item_controls
from mediate.mediation.contrasts.other import AmongOthers as AmongOthers
from mediate.mediation.contrasts.other import measure_others, others_before_answer, run_others
from mediate.mediation.contrasts.other_controls import OF_OTHERS, measure_other_controls
from mediate.mediation.encoding import EncodedPair
from mediate.mediation.item import EncodedItem
from mediate.mediation.kinds.before_answer import cut_contexts
from mediate.mediation.kinds.controls import OF_PAIRS, measure_controls
from mediate.mediation.kinds.controls import Elsewhere as Elsewhere
from mediate.mediation.kinds.cube import Contexts as Contexts
from mediate.mediation.kinds.cube import measure_cubes, run_all_contexts
from mediate.mediation.kinds.knockout import KNOCKOUT
from mediate.mediation.kinds.random_weights import (
    RANKED,
    measure_unlearnt,
    ranked_reads,
)
from mediate.mediation.kinds.random_weights import Reads as Reads
from mediate.mediation.kinds.random_weights import Unlearnt as Unlearnt
from mediate.mediation.kinds.random_weights import beside_random_weights as beside_random_weights
from mediate.mediation.kinds.read import READ
from mediate.mediation.maps import Material, measure_item_map, measure_map, measure_small_maps
from mediate.mediation.names import MapSpec
from mediate.mediation.outcomes import Outcome
from mediate.mediation.prepared_item import Prepared, PreparedItem
from mediate.mediation.prepared_pair import PreparedPair, Y
from mediate.models.model import Model
from mediate.pairs.pair import World
from mediate.results.controls import Control, Controlled
from mediate.results.maps import EffectMap

RANKED_OF_ITEMS = f"{KNOCKOUT.name}:{','.join(RANKED)}"

PreparedT = TypeVar("PreparedT", bound=Prepared)
Runs = TypeVar("Runs")


class Cubes(NamedTuple):
    """The cubes of an item, Y[d, t, h] for each outcome.

    Args:
        y: Its own; where it is held against several others, the mean over them.
        before_answer: With its chain cut before it states the answer; None where it cannot be cut.
        by_other: Against each of the others, nearest first; None where it is held against none.
    """

    y: Y
    before_answer: Y | None
    by_other: Float[np.ndarray, "other outcome 2 2 2"] | None = None


@dataclass(frozen=True, slots=True)
class Procedure(Generic[PreparedT, Runs]):
    """How items of one sort are measured; where one outcome is read off, it is the first of theirs.

    Args:
        length: How many tokens are run for an item's keys and values.
        run: The keys and values of some items, those of like length side by side.
        cubes: What each item's cubes are.
        small_maps: A map of some items side by side on an outcome, with their total effects, by the item's place; of
            those alone for which that is worth while.
        map: One map of an item on one outcome, with its total effect; the last argument is what reference
            values are made from, and the seed of whatever is drawn.
        own_controls: The controls on the model itself, in the order in which they are stored.
        controls: Measures these, beside the item's cube; the last argument are contexts of other items that have its
            answer.
        reads: The effects by step and layer that are ranked against those of random weights: read effects of a pair,
            knockout effects of an item where they are among its maps; None where there are none.
        unlearnt: What a model of random weights makes of some items on an outcome.
    """

    length: Callable[[PreparedT], int]
    run: Callable[[Model, Sequence[PreparedT]], list[Runs]]
    cubes: Callable[[Model, Sequence[PreparedT], Sequence[Runs]], list[Cubes]]
    small_maps: Callable[[Model, Sequence[Runs], MapSpec, Outcome, Sequence[float]], dict[int, EffectMap]]
    map: Callable[[Model, Runs, MapSpec, Outcome, float, Material], EffectMap]
    own_controls: tuple[Control, ...]
    controls: Callable[[PreparedT, Runs, Float[np.ndarray, "2 2 2"], Sequence[Elsewhere]], tuple[Controlled, ...]]
    reads: Callable[[PreparedT, Runs, Sequence[EffectMap]], Reads | None]
    unlearnt: Callable[[Model, Sequence[PreparedT], Outcome], list[Unlearnt]]


def first_nonfinite(runs: Any) -> str:
    """Where an item's keys and values are first no numbers, to be said after "are NaN or infinite".

    Empty of runs that hold them in another way than a pair's, or an item's with and without sight of its question.
    """
    if isinstance(runs, Contexts):
        held = list(runs.runs.values())
    elif isinstance(runs, Sights):
        held = [runs.seen, runs.blind]
    else:
        return ""
    bad = {
        layer
        for each in held
        for layer, pair in enumerate(zip(each.keys, each.values, strict=True))
        if not all(bool(part.isfinite().all()) for part in pair)
    }
    return f", from the keys and values of block {min(bad)} on" if bad else ", and its keys and values are not"


def _pair_length(item: PreparedPair) -> int:
    return 2 * sum(len(item.tokens.context(world, world)) for world in World)


def _run_pairs(model: Model, items: Sequence[PreparedPair]) -> list[Contexts]:
    return run_all_contexts(model, [item.tokens for item in items])


def _pair_cubes(model: Model, items: Sequence[PreparedPair], contexts: Sequence[Contexts]) -> list[Cubes]:
    both = list(zip(contexts, items, strict=True))
    cut = [cut_contexts(own, item.cut) for own, item in both if isinstance(item.cut, EncodedPair)]
    y = measure_cubes(model, [*contexts, *cut], items[0].outcomes)
    return [Cubes(*both) for both in zip(y[: len(items)], _where_cut(items, y[len(items) :]), strict=True)]


def _where_cut(items: Sequence[Prepared], found: Iterable[Y]) -> list[Y | None]:
    """What was found of those items that can be cut, which come in order, beside each item; None of the others."""
    left = iter(found)
    return [None if isinstance(item.cut, ItemError) else next(left) for item in items]


def _pair_controls(
    item: PreparedPair, contexts: Contexts, y: Float[np.ndarray, "2 2 2"], elsewhere: Sequence[Elsewhere]
) -> tuple[Controlled, ...]:
    return measure_controls(item.model, contexts, item.outcomes[0], y, same_answer=elsewhere, seed=item.seed)


def _pair_reads(item: PreparedPair, contexts: Contexts, maps: Sequence[EffectMap]) -> Reads | None:
    known = next((each.values for each in maps if (each.kind, each.dims) == (READ.name, RANKED)), None)
    return ranked_reads(item.model, contexts, item.outcomes[0]) if known is None else known


def _unlearnt_pairs(twin: Model, items: Sequence[PreparedPair], outcome: Outcome) -> list[Unlearnt]:
    return measure_unlearnt(twin, [item.tokens for item in items], outcome)


def _item_length(item: PreparedItem) -> int:
    return 2 * len(item.tokens.whole)


def _run_items(model: Model, items: Sequence[PreparedItem]) -> list[Sights]:
    return run_sights(model, [item.tokens for item in items], items[0].outcomes)


def _item_cubes(model: Model, items: Sequence[PreparedItem], sights: Sequence[Sights]) -> list[Cubes]:
    outcomes = items[0].outcomes
    cut = [(own, item.cut) for own, item in zip(sights, items, strict=True) if isinstance(item.cut, EncodedItem)]
    before = hidden_before_answer(model, [own for own, _ in cut], [item for _, item in cut], outcomes)
    y = measure_hidden(model, sights, outcomes)
    return [Cubes(*both) for both in zip(y, _where_cut(items, before), strict=True)]


def _no_small_maps(
    model: Model, runs: Sequence[Any], wanted: MapSpec, outcome: Outcome, te: Sequence[float]
) -> dict[int, EffectMap]:
    return {}


def _item_map(
    model: Model, sights: Sights, wanted: MapSpec, outcome: Outcome, te: float, material: Material
) -> EffectMap:
    return measure_item_map(model, sights.item, wanted, outcome, te, replace(material, past=sights.seen))


def _item_controls(
    item: PreparedItem, sights: Sights, y: Float[np.ndarray, "2 2 2"], elsewhere: Sequence[Elsewhere]
) -> tuple[Controlled, ...]:
    return measure_item_controls(item.model, sights, item.outcomes[0], y, statement=item.stated, seed=item.seed)


def ranks_knockouts(item: PreparedItem) -> bool:
    """Whether an item's knockout effects by step and layer are measured, and so ranked against random weights'."""
    return any(str(each) == RANKED_OF_ITEMS for each in item.maps)


def _item_knockouts(item: PreparedItem, runs: Any, maps: Sequence[EffectMap]) -> Reads | None:
    return next((each.values for each in maps if (each.kind, each.dims) == (KNOCKOUT.name, RANKED)), None)


def _unlearnt_items(twin: Model, items: Sequence[PreparedItem], outcome: Outcome) -> list[Unlearnt]:
    """One after the other, with their knockouts where the run has these of them."""
    found = []
    for item in items:
        there = replace(item, model=twin, outcomes=(outcome,))
        ranked = RANKED_OF_ITEMS if ranks_knockouts(item) and np.isfinite(there.te) else ""
        found.append(Unlearnt(there.te, there.map(ranked).values if ranked else None))
    return found


def _length_with_others(item: PreparedItem) -> int:
    """The item's own run, and of each other the three with its parts in it."""
    whole = len(item.tokens.whole)
    parts = [len(each.tokens.question) + len(each.tokens.trace.ids) for each in item.others]
    return whole + sum(2 * each + whole for each in parts)


def _run_with_others(model: Model, items: Sequence[PreparedItem]) -> list[AmongOthers]:
    """Together; an item by itself when it is asked for, as its stored numbers may need none of it."""
    runs = [replace(item, model=model).among_others for item in items]
    if len(items) == 1:
        return runs
    together = run_others(model, [each.item for each in runs], [each.others for each in runs], items[0].outcomes)
    return [replace(each, ran=held) for each, held in zip(runs, together, strict=True)]


def _cubes_against_others(model: Model, items: Sequence[PreparedItem], runs: Sequence[AmongOthers]) -> list[Cubes]:
    outcomes, held = items[0].outcomes, [each.held for each in runs]
    cut = [
        (own, (item.cut, item.cut_others))
        for own, item in zip(held, items, strict=True)
        if isinstance(item.cut, EncodedItem)
    ]
    before = others_before_answer(model, [own for own, _ in cut], [parts for _, parts in cut], outcomes)
    means = _where_cut(items, (own.mean(axis=0) for own in before))
    y = measure_others(model, held, outcomes)
    return [Cubes(own.mean(axis=0), mean, own) for own, mean in zip(y, means, strict=True)]


def _map_among_others(
    model: Model, runs: AmongOthers, wanted: MapSpec, outcome: Outcome, te: float, material: Material
) -> EffectMap:
    known = replace(material, past=runs.held.contexts[0].of(World.BASE, World.BASE))
    return measure_item_map(model, runs.held.item, wanted, outcome, te, known)


def _controls_among_others(
    item: PreparedItem, runs: AmongOthers, y: Float[np.ndarray, "2 2 2"], elsewhere: Sequence[Elsewhere]
) -> tuple[Controlled, ...]:
    return measure_other_controls(item.model, runs.sights, item.outcomes[0], y, statement=item.stated, seed=item.seed)


PAIRS = Procedure(
    length=_pair_length,
    run=_run_pairs,
    cubes=_pair_cubes,
    small_maps=measure_small_maps,
    map=measure_map,
    own_controls=OF_PAIRS,
    controls=_pair_controls,
    reads=_pair_reads,
    unlearnt=_unlearnt_pairs,
)
ITEMS = Procedure(
    length=_item_length,
    run=_run_items,
    cubes=_item_cubes,
    small_maps=_no_small_maps,
    map=_item_map,
    own_controls=OF_ITEMS,
    controls=_item_controls,
    reads=_item_knockouts,
    unlearnt=_unlearnt_items,
)
AMONG_OTHERS = Procedure(
    length=_length_with_others,
    run=_run_with_others,
    cubes=_cubes_against_others,
    small_maps=_no_small_maps,
    map=_map_among_others,
    own_controls=OF_OTHERS,
    controls=_controls_among_others,
    reads=_item_knockouts,
    unlearnt=_unlearnt_items,
)
