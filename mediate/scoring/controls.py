"""The controls of the items that are drawn for them, computed or taken from the store.

Those on the model itself are run while an item's keys and values are still at hand. That of random weights comes last:
one twin serves all items, because it is the model itself with its weights drawn anew.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from functools import partial
from typing import Any

import numpy as np
import torch

from mediate.clock import stage
from mediate.errors import InputError, one_line, told
from mediate.mediation.names import Outcome
from mediate.mediation.prepared_item import Prepared
from mediate.mediation.prepared_pair import PreparedPair, elsewhere
from mediate.mediation.procedures import (
    Elsewhere,
    PreparedT,
    Procedure,
    Reads,
    Runs,
    Unlearnt,
    beside_random_weights,
    ranks_knockouts,
)
from mediate.models.model import Model
from mediate.models.random_twin import random_twin
from mediate.passes.store import Store, array, model_spec, numbers, packed, unpacked
from mediate.results.controls import Control, Controlled
from mediate.scoring.scored import Scored, described, others_of
from mediate.scoring.spec import ScoreSpec

OWN, UNLEARNT = "controls", "unlearnt"


def drawn(items: Sequence[Prepared], spec: ScoreSpec) -> frozenset[str]:
    """The ids of the items that are controlled."""
    order = np.random.default_rng(spec.seed).permutation(len(items))
    return frozenset(items[place].id for place in order[: spec.control_pairs])


@stage("controls")
def control_item(
    procedure: Procedure[PreparedT, Runs],
    scored: Scored[PreparedT],
    runs: Callable[[], Runs],
    items: Sequence[PreparedT],
    store: Store | None,
) -> Scored[PreparedT]:
    """An item with its controls on the model itself, on its first outcome.

    Args:
        procedure: How such items are measured.
        scored: The item.
        runs: Gives its keys and values, which are asked for only where its controls are not stored.
        items: All items, among which a same answer is looked for.
        store: Where results are looked up and kept.
    """
    item, others = scored.item, list[Elsewhere]()
    entry = _entry(item) | {"seed": item.seed}
    if isinstance(item, PreparedPair):
        others = elsewhere(item, [each for each in items if isinstance(each, PreparedPair)])
        entry["same_answer"] = [[described(pair), world] for pair, world in others]
    else:
        # Entries from before hide as many random tokens as the last step has.
        entry["stated"] = item.stated
    kept = store.read(OWN, entry, partial(_stored, item, procedure.own_controls)) if store is not None else None
    if kept is not None:
        return replace(scored, controls=kept[0], reads=kept[1])
    at_hand = runs()
    reads = procedure.reads(item, at_hand, scored.maps)
    found = procedure.controls(item, at_hand, scored.y[0], others)
    if store is not None:
        said = {"json": packed([asdict(each) for each in found])}
        store.put(OWN, entry, said | _reads_to_store(reads))
    return replace(scored, controls=found, reads=reads)


@stage("controls, random weights")
def control_by_random_weights(
    procedure: Procedure[PreparedT, Runs],
    model: Model,
    batches: Sequence[Sequence[Scored[PreparedT]]],
    spec: ScoreSpec,
    store: Store | None,
    done: Callable[[int], object],
) -> dict[str, Controlled]:
    """The control of random weights of each item, by its id.

    Args:
        procedure: How such items are measured.
        model: The hooked model.
        batches: The controlled items of each batch, with their total effects and what is ranked: they are measured
            side by side, and taken from the store together, as in `mediate.scoring.measure.measure_batch`.
        spec: The choices of the run.
        store: Where results are looked up and kept.
        done: Takes how many more items are done.

    Raises:
        InputError: The model's own weights could not be put back: nothing more may be measured on it.
    """
    outcome, unlearnt = spec.outcomes[0], dict[str, Unlearnt | str]()
    missing: list[list[PreparedT]] = []
    for batch in batches:
        items = [scored.item for scored in batch]
        kept = {} if store is None else _known(items, spec, store)
        if len(kept) < len(items):
            # Those that were kept come first, so that the last one is kept when all of them are of this batch.
            missing.append(sorted(items, key=lambda item: item.id not in kept))
        else:
            unlearnt |= kept
            done(len(items))
    if missing:
        with ExitStack() as stack:
            twin = _opened_twin(model, spec, stack)
            for items in missing:
                in_order = sorted(items, key=lambda item: item.id)
                measured = dict(zip(in_order, _measured(procedure, twin, in_order, outcome), strict=True))
                for item in items:
                    each = unlearnt[item.id] = measured[item]
                    if store is not None and not isinstance(each, str):
                        tensors = {"te": numbers(each.te)}
                        store.put(UNLEARNT, _drawn_entry(item, spec), tensors | _reads_to_store(each.reads))
                done(len(items))
    return {
        scored.item.id: beside_random_weights(
            scored.item.tokens, outcome, scored.te, scored.reads, unlearnt[scored.item.id]
        )
        for batch in batches
        for scored in batch
    }


def _known(items: Sequence[PreparedT], spec: ScoreSpec, store: Store) -> dict[str, Unlearnt | str]:
    """What random weights made of items before, of those that are stored."""
    read = {item.id: store.read(UNLEARNT, _drawn_entry(item, spec), partial(_stored_unlearnt, item)) for item in items}
    return {name: each for name, each in read.items() if each is not None}


def _opened_twin(model: Model, spec: ScoreSpec, stack: ExitStack) -> Model | str:
    """The twin, or why there is none."""
    try:
        return stack.enter_context(random_twin(model, spec.seed))
    except InputError as error:
        return str(error)
    except OSError as error:
        return told(error)


def _measured(
    procedure: Procedure[PreparedT, Runs], twin: Model | str, items: Sequence[PreparedT], outcome: Outcome
) -> Sequence[Unlearnt | str]:
    """What was found of each item, or why nothing was; where not all fit together, one by one."""
    if isinstance(twin, str):
        return [twin] * len(items)
    try:
        return procedure.unlearnt(twin, items, outcome)
    except Exception as error:  # out of memory, too: a control must not cost what was measured before it
        if len(items) == 1:
            return [one_line(error)]
    return [each for item in items for each in _measured(procedure, twin, [item], outcome)]


def _stored(
    item: Prepared, wanted: Sequence[Control], kept: Mapping[str, torch.Tensor]
) -> tuple[tuple[Controlled, ...], Reads | None]:
    """An item's controls on the model itself and the read effects that are ranked, as they were stored.

    Raises:
        ValueError: They are not what would be stored of it.
    """
    found = tuple(Controlled(**(row | {"control": Control(row["control"])})) for row in unpacked(kept, "json"))
    own = {(item.id, item.tokens.group, str(item.outcomes[0]))}
    ours = {(each.item, each.group, each.outcome) for each in found} == own
    if not ours or [each.control for each in found] != list(wanted):
        raise ValueError("its controls are not those of this item")
    return found, _stored_reads(item, kept)


def _stored_unlearnt(item: Prepared, kept: Mapping[str, torch.Tensor]) -> Unlearnt:
    return Unlearnt(float(array(kept, "te", ())), _stored_reads(item, kept))


def _reads_to_store(reads: Reads | None) -> dict[str, torch.Tensor]:
    return {} if reads is None else {"reads": torch.from_numpy(reads)}


def _stored_reads(item: Prepared, kept: Mapping[str, torch.Tensor]) -> Reads | None:
    if "reads" not in kept:
        return None
    return array(kept, "reads", (len(item.tokens.trace.step_spans), item.model.facts.layers))


def _entry(item: Prepared) -> dict[str, Any]:
    """What a stored control depends on."""
    outcome, tokens = item.outcomes[0], item.tokens
    entry = model_spec(item.model) | others_of(item) | {"id": tokens.id, "group": tokens.group}
    if isinstance(item, PreparedPair):
        # Entries from before hold a twin of each pair's own.
        return entry | {"pair": described(tokens), "outcome": outcome.stored_as, "twin": "one a run"}
    # Entries from before have no map to rank.
    return entry | {"item": described(tokens), "outcome": str(outcome), "ranked": ranks_knockouts(item)}


def _drawn_entry(item: Prepared, spec: ScoreSpec) -> dict[str, Any]:
    return _entry(item) | {"seed": spec.seed}
