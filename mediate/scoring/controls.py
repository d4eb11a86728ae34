"""The controls of the pairs that are drawn for them, computed or taken from the store.

Those on the model itself are run while a pair's keys and values are still at hand. That of random weights comes last:
one twin serves all pairs, because it is the model itself with its weights drawn anew.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from functools import partial
from typing import Any

import numpy as np
import torch

from mediate.clock import stage
from mediate.errors import InputError, ItemError, told
from mediate.mediation.encoding import EncodedPair
from mediate.mediation.kinds.controls import controlled, measure_controls
from mediate.mediation.kinds.cube import Contexts, of_like_length, side_by_side
from mediate.mediation.kinds.random_weights import (
    AXES,
    Reads,
    Unlearnt,
    measure_unlearnt,
    rank_correlation,
    ranked_reads,
)
from mediate.mediation.kinds.read import READ
from mediate.mediation.outcomes import Outcome
from mediate.mediation.prepared import Prepared, elsewhere
from mediate.mediation.prepared_item import OnItsWay
from mediate.models.model import Model
from mediate.models.random_twin import random_twin
from mediate.pairs.pair import World
from mediate.passes.store import Store, array, model_spec, packed, unpacked
from mediate.results.controls import Control, Controlled
from mediate.scoring.scored import Scored, described
from mediate.scoring.spec import ScoreSpec

OWN, UNLEARNT = "controls", "unlearnt"
# All but random weights, in the order in which they are stored.
OF_THE_MODEL = [
    Control.SELF_SOURCE,
    Control.AFTER_READERS,
    Control.RANDOM_POSITIONS,
    Control.SAME_ANSWER,
    Control.SHUFFLED_STEPS,
]


def drawn(items: Sequence[OnItsWay], spec: ScoreSpec) -> frozenset[str]:
    """The ids of the items that are controlled."""
    order = np.random.default_rng(spec.seed).permutation(len(items))
    return frozenset(items[place].id for place in order[: spec.control_pairs])


@stage("controls")
def control_pair(
    model: Model,
    scored: Scored[Prepared],
    contexts: Callable[[], Contexts],
    items: Sequence[Prepared],
    spec: ScoreSpec,
    store: Store | None,
) -> Scored[Prepared]:
    """An item with its controls on the model itself, on the first outcome.

    Args:
        model: The hooked model.
        scored: The item.
        contexts: Gives its keys and values, which are asked for only where its controls are not stored.
        items: All items, among which a same answer is looked for.
        spec: The choices of the run.
        store: Where results are looked up and kept.
    """
    item, outcome = scored.item, spec.outcomes[0]
    others = elsewhere(item, items)
    entry = _entry(model, item.tokens, spec) | {
        "same_answer": [[described(pair), world] for pair, world in others],
        "seed": item.seed,
    }
    kept = store.read(OWN, entry, partial(_stored, model, item.tokens, outcome)) if store is not None else None
    if kept is not None:
        return replace(scored, controls=kept[0], reads=kept[1])
    at_hand = contexts()
    reads = next((each.values for each in scored.maps if (each.kind, each.dims) == (READ.name, AXES)), None)
    if reads is None:
        reads = ranked_reads(model, at_hand, outcome)
    found = measure_controls(model, at_hand, outcome, scored.y[0], same_answer=others, seed=item.seed)
    if store is not None:
        said = {"json": packed([asdict(each) for each in found])}
        store.put(OWN, entry, said | ({} if reads is None else {"reads": torch.from_numpy(reads)}))
    return replace(scored, controls=found, reads=reads)


@stage("controls, random weights")
def control_by_random_weights(
    model: Model, items: Sequence[Scored[Prepared]], spec: ScoreSpec, store: Store | None, done: Callable[[int], object]
) -> tuple[Controlled, ...]:
    """All controls of the items, in order, with that of random weights as each one's last.

    Args:
        model: The hooked model.
        items: With their controls on the model itself.
        spec: The choices of the run.
        store: Where results are looked up and kept.
        done: Takes how many more pairs are done.

    Raises:
        InputError: The model's own weights could not be put back: nothing more may be measured on it.
    """
    unlearnt: dict[str, Unlearnt | str] = {}
    for tokens in (scored.item.tokens for scored in items):
        entry, reader = _drawn_entry(model, tokens, spec), partial(_stored_unlearnt, model, tokens)
        kept = store.read(UNLEARNT, entry, reader) if store is not None else None
        if kept is not None:
            unlearnt[tokens.id] = kept
    missing = {scored.item.id: scored.item.tokens for scored in items if scored.item.id not in unlearnt}
    done(len(unlearnt))
    if missing:
        with ExitStack() as stack:
            twin = opened_twin(model, spec, stack)
            lengths = {name: sum(len(each.context(w, w)) for w in World) for name, each in missing.items()}
            for names in of_like_length(lengths, side_by_side(model)):
                measured = _measured(twin, [missing[name] for name in names], spec.outcomes[0])
                for name, each in zip(names, measured, strict=True):
                    unlearnt[name] = each
                    if store is not None and not isinstance(each, str):
                        tensors = {"te": torch.tensor(each.te, dtype=torch.float64)}
                        reads = {} if each.reads is None else {"reads": torch.from_numpy(each.reads)}
                        store.put(UNLEARNT, _drawn_entry(model, missing[name], spec), tensors | reads)
                done(len(names))
    return tuple(
        each for scored in items for each in (*scored.controls, _beside(scored, unlearnt[scored.item.id], spec))
    )


def opened_twin(model: Model, spec: ScoreSpec, stack: ExitStack) -> Model | str:
    """The twin, or why there is none."""
    try:
        return stack.enter_context(random_twin(model, spec.seed))
    except InputError as error:
        return str(error)
    except OSError as error:
        return told(error)


def _measured(twin: Model | str, pairs: Sequence[EncodedPair], outcome: Outcome) -> Sequence[Unlearnt | str]:
    """What was found of each pair, or why nothing was; where not all fit together, one by one."""
    if isinstance(twin, str):
        return [twin] * len(pairs)
    try:
        return measure_unlearnt(twin, pairs, outcome)
    except Exception as error:  # out of memory, too: a control must not cost what was measured before it
        if len(pairs) == 1:
            return [" ".join(str(error).split())[:200] or type(error).__name__]
    return [each for pair in pairs for each in _measured(twin, [pair], outcome)]


def _beside(scored: Scored[Prepared], unlearnt: Unlearnt | str, spec: ScoreSpec) -> Controlled:
    def measure() -> dict[str, Any]:
        if isinstance(unlearnt, str):
            raise ItemError(scored.item.id, unlearnt, code="no_twin")
        return {"effect": unlearnt.te, "beside": scored.te, "rank": rank_correlation(scored.reads, unlearnt.reads)}

    return controlled(scored.item.tokens, Control.RANDOM_WEIGHTS, spec.outcomes[0], measure)


def _stored(
    model: Model, tokens: EncodedPair, outcome: Outcome, kept: Mapping[str, torch.Tensor]
) -> tuple[tuple[Controlled, ...], Reads | None]:
    """A pair's controls on the model itself and its read effects, as they were stored.

    Raises:
        ValueError: They are not what would be stored of it.
    """
    found = tuple(Controlled(**(row | {"control": Control(row["control"])})) for row in unpacked(kept, "json"))
    ours = {(each.item, each.group, each.outcome) for each in found} == {(tokens.id, tokens.group, str(outcome))}
    if not ours or [each.control for each in found] != OF_THE_MODEL:
        raise ValueError("its controls are not those of this pair")
    return found, _stored_reads(model, tokens, kept)


def _stored_unlearnt(model: Model, tokens: EncodedPair, kept: Mapping[str, torch.Tensor]) -> Unlearnt:
    return Unlearnt(float(array(kept, "te", ())), _stored_reads(model, tokens, kept))


def _stored_reads(model: Model, tokens: EncodedPair, kept: Mapping[str, torch.Tensor]) -> Reads | None:
    if "reads" not in kept:
        return None
    return array(kept, "reads", (len(tokens.traces[World.BASE].step_spans), model.facts.layers))


def _entry(model: Model, tokens: EncodedPair, spec: ScoreSpec) -> dict[str, Any]:
    return model_spec(model) | {
        "pair": described(tokens),
        "outcome": spec.outcomes[0].stored_as,
        "id": tokens.id,
        "group": tokens.group,
        "twin": "one a run",  # entries from before hold a twin of each pair's own
    }


def _drawn_entry(model: Model, tokens: EncodedPair, spec: ScoreSpec) -> dict[str, Any]:
    return _entry(model, tokens, spec) | {"seed": spec.seed}
