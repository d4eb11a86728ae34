"""The controls of the items by themselves that are drawn for them, computed or taken from the store."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from functools import partial
from typing import Any

import torch

from mediate.clock import stage
from mediate.errors import ItemError
from mediate.mediation.item import EncodedItem
from mediate.mediation.kinds.controls import controlled
from mediate.mediation.kinds.hidden import Sights, measure_hidden, run_sights, with_rivals
from mediate.mediation.kinds.hidden_controls import OF_ITEMS, measure_item_controls
from mediate.mediation.kinds.other_controls import OF_OTHERS, measure_other_controls
from mediate.mediation.outcomes import Outcome
from mediate.mediation.prepared_item import PreparedItem
from mediate.models.model import Model
from mediate.passes.store import Store, array, model_spec, packed, unpacked
from mediate.results.controls import Control, Controlled
from mediate.results.cube import total_effect
from mediate.scoring.controls import OWN, UNLEARNT, opened_twin
from mediate.scoring.scored import Scored, described, others_of
from mediate.scoring.spec import ScoreSpec


@stage("controls")
def control_item(
    model: Model,
    scored: Scored[PreparedItem],
    sights: Callable[[], Sights],
    items: Sequence[PreparedItem],
    spec: ScoreSpec,
    store: Store | None,
) -> Scored[PreparedItem]:
    """An item with its controls on the model itself, on the first outcome.

    Args:
        model: The hooked model.
        scored: The item.
        sights: Gives its keys and values, which are asked for only where its controls are not stored.
        items: All items.
        spec: The choices of the run.
        store: Where results are looked up and kept.
    """
    item, outcome = scored.item, spec.outcomes[0]
    entry = _entry(model, item, spec) | {"seed": item.seed}
    kept = store.read(OWN, entry, partial(_stored, item, outcome)) if store is not None else None
    if kept is not None:
        return replace(scored, controls=kept)
    measure = measure_other_controls if item.others else measure_item_controls
    found = measure(model, sights(), outcome, scored.y[0], seed=item.seed)
    if store is not None:
        store.put(OWN, entry, {"json": packed([asdict(each) for each in found])})
    return replace(scored, controls=found)


@stage("controls, random weights")
def item_random_weights(
    model: Model,
    items: Sequence[Scored[PreparedItem]],
    spec: ScoreSpec,
    store: Store | None,
    done: Callable[[int], object],
) -> tuple[Controlled, ...]:
    """All controls of the items, in order, with that of random weights as each one's last.

    Args:
        model: The hooked model.
        items: With their controls on the model itself.
        spec: The choices of the run.
        store: Where results are looked up and kept.
        done: Takes how many more items are done.

    Raises:
        InputError: The model's own weights could not be put back: nothing more may be measured on it.
    """
    found: list[Controlled] = []
    with ExitStack() as stack:
        twin: Model | str | None = None
        for scored in items:
            tokens = scored.item.tokens
            entry = _entry(model, scored.item, spec) | {"seed": spec.seed}
            kept = store.read(UNLEARNT, entry, _stored_te) if store is not None else None
            te: float | str
            if kept is not None:
                te = kept
            else:
                twin = opened_twin(model, spec, stack) if twin is None else twin
                te = _total_effect(twin, scored.item, spec.outcomes[0])
                if store is not None and not isinstance(te, str):
                    store.put(UNLEARNT, entry, {"te": torch.tensor(te, dtype=torch.float64)})
            beside = partial(_beside, tokens, te, scored.te)
            found += [*scored.controls, controlled(tokens, Control.RANDOM_WEIGHTS, spec.outcomes[0], beside)]
            done(1)
    return tuple(found)


def _total_effect(twin: Model | str, item: PreparedItem, outcome: Outcome) -> float | str:
    """TE in the model of random weights, or why there is none."""
    if isinstance(twin, str):
        return twin
    try:
        if item.others:
            return replace(item, model=twin, outcomes=(outcome,)).te
        sights = with_rivals(twin, run_sights(twin, [item.tokens]), [outcome])
        return float(total_effect(measure_hidden(twin, sights, [outcome])[0])[0])
    except Exception as error:  # out of memory, too: a control must not cost what was measured before it
        return " ".join(str(error).split())[:200] or type(error).__name__


def _beside(item: EncodedItem, te: float | str, own: float) -> dict[str, Any]:
    if isinstance(te, str):
        raise ItemError(item.id, te, code="no_twin")
    return {"effect": te, "beside": own}


def _stored(item: PreparedItem, outcome: Outcome, kept: Mapping[str, torch.Tensor]) -> tuple[Controlled, ...]:
    """An item's controls on the model itself, as they were stored.

    Raises:
        ValueError: They are not what would be stored of it.
    """
    found = tuple(Controlled(**(row | {"control": Control(row["control"])})) for row in unpacked(kept, "json"))
    ours = {(each.item, each.group, each.outcome) for each in found} == {(item.id, item.tokens.group, str(outcome))}
    wanted = list(OF_OTHERS if item.others else OF_ITEMS)
    if not ours or [each.control for each in found] != wanted:
        raise ValueError("its controls are not those of this item")
    return found


def _stored_te(kept: Mapping[str, torch.Tensor]) -> float:
    return float(array(kept, "te", ()))


def _entry(model: Model, item: PreparedItem, spec: ScoreSpec) -> dict[str, Any]:
    tokens = item.tokens
    return (
        model_spec(model)
        | others_of(item)
        | {
            "item": described(tokens),
            "outcome": str(spec.outcomes[0]),
            "id": tokens.id,
            "group": tokens.group,
        }
    )
