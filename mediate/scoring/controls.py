"""The controls of the pairs that are drawn for them, computed or taken from the store.

Those on the model itself are run while a pair's keys and values are still at hand. That of random weights comes last:
one twin serves all pairs, because it is the model itself with its weights drawn anew.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
import torch

from mediate.clock import stage
from mediate.errors import InputError, ItemError, told
from mediate.mediation.encoding import EncodedPair
from mediate.mediation.kinds.controls import Elsewhere, controlled, measure_controls
from mediate.mediation.kinds.cube import Contexts, of_like_length, run_contexts, side_by_side
from mediate.mediation.kinds.random_weights import AXES, Reads, Unlearnt, measure_unlearnt, rank_correlation
from mediate.mediation.kinds.read import READ, read_map
from mediate.mediation.outcomes import Outcome
from mediate.models.model import Model
from mediate.models.random_twin import random_twin
from mediate.passes.store import Store, array, model_spec
from mediate.results.controls import Control, Controlled
from mediate.results.cube import total_effect
from mediate.scoring.measure import Found, described, seed_of
from mediate.scoring.spec import ScoreSpec

OWN, UNLEARNT = "controls", "unlearnt"
# All but random weights, in the order in which they are stored.
OF_THE_MODEL = [each for each in Control if each is not Control.RANDOM_WEIGHTS]


@dataclass(frozen=True, slots=True, eq=False)
class Own:
    """A pair's controls on the model itself, and what that of random weights stands beside.

    Args:
        tokens: The pair.
        te: Its total effect on the first outcome, in nats.
        reads: Its read effects on it; None where the chains cannot be aligned.
        found: What the controls found.
    """

    tokens: EncodedPair
    te: float
    reads: Reads | None
    found: tuple[Controlled, ...]


def drawn(pairs: Sequence[EncodedPair], spec: ScoreSpec) -> frozenset[str]:
    """The ids of the pairs that are controlled."""
    order = np.random.default_rng(spec.seed).permutation(len(pairs))
    return frozenset(pairs[place].id for place in order[: spec.control_pairs])


@stage("controls")
def control_pair(
    model: Model,
    measured: Found,
    contexts: Contexts | EncodedPair,
    pairs: Sequence[EncodedPair],
    spec: ScoreSpec,
    store: Store | None,
) -> Own:
    """The controls of one pair on the model itself, on the first outcome.

    Args:
        model: The hooked model.
        measured: What was found of the pair.
        contexts: Its keys and values, or the pair where they are no longer at hand.
        pairs: All pairs, among which a same answer is looked for.
        spec: The choices of the run.
        store: Where results are looked up and kept.
    """
    tokens = contexts if isinstance(contexts, EncodedPair) else contexts.pair
    seed, outcome = seed_of(spec, tokens.id), spec.outcomes[0]
    others = same_answer(tokens, pairs)
    elsewhere = [others[seed % len(others)]] if others else []
    entry = _entry(model, tokens, spec) | {
        "same_answer": [[described(pair), world] for pair, world in elsewhere],
        "seed": seed,
    }
    te = float(total_effect(measured.cubes[:1])[0])
    kept = store.read(OWN, entry, partial(_stored, model, tokens, outcome, te)) if store is not None else None
    if kept is not None:
        return kept
    contexts = run_contexts(model, tokens) if isinstance(contexts, EncodedPair) else contexts
    reads = next((each.values for each in measured.maps if (each.kind, each.dims) == (READ.name, AXES)), None)
    if reads is None:
        with suppress(ItemError):  # chains that cannot be aligned; the control of random positions says so
            reads = read_map(model, contexts, AXES, outcome).values
    found = measure_controls(model, contexts, outcome, measured.cubes[0], same_answer=elsewhere, seed=seed)
    if store is not None:
        text = json.dumps([asdict(each) for each in found]).encode()
        tensors = {"json": torch.tensor(list(text), dtype=torch.uint8)}
        store.put(OWN, entry, tensors | ({} if reads is None else {"reads": torch.from_numpy(reads)}))
    return Own(tokens, te, reads, found)


@stage("controls, random weights")
def control_by_random_weights(
    model: Model, pairs: Sequence[Own], spec: ScoreSpec, store: Store | None, done: Callable[[int], object]
) -> tuple[Controlled, ...]:
    """All controls of the pairs, in order, with that of random weights as each one's last.

    Args:
        model: The hooked model.
        pairs: Their controls on the model itself.
        spec: The choices of the run.
        store: Where results are looked up and kept.
        done: Takes how many more pairs are done.

    Raises:
        InputError: The model's own weights could not be put back: nothing more may be measured on it.
    """
    unlearnt: dict[str, Unlearnt | str] = {}
    for own in pairs:
        entry, reader = _drawn_entry(model, own.tokens, spec), partial(_stored_unlearnt, model, own.tokens)
        kept = store.read(UNLEARNT, entry, reader) if store is not None else None
        if kept is not None:
            unlearnt[own.tokens.id] = kept
    missing = {own.tokens.id: own.tokens for own in pairs if own.tokens.id not in unlearnt}
    done(len(unlearnt))
    if missing:
        with ExitStack() as stack:
            twin = _open(model, spec, stack)
            lengths = {name: len(each.context(0, 0)) + len(each.context(1, 1)) for name, each in missing.items()}
            for names in of_like_length(lengths, side_by_side(model)):
                measured = _measured(twin, [missing[name] for name in names], spec.outcomes[0])
                for name, each in zip(names, measured, strict=True):
                    unlearnt[name] = each
                    if store is not None and not isinstance(each, str):
                        tensors = {"te": torch.tensor(each.te, dtype=torch.float64)}
                        reads = {} if each.reads is None else {"reads": torch.from_numpy(each.reads)}
                        store.put(UNLEARNT, _drawn_entry(model, missing[name], spec), tensors | reads)
                done(len(names))
    return tuple(each for own in pairs for each in (*own.found, _beside(own, unlearnt[own.tokens.id], spec)))


def _open(model: Model, spec: ScoreSpec, stack: ExitStack) -> Model | str:
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


def _beside(own: Own, unlearnt: Unlearnt | str, spec: ScoreSpec) -> Controlled:
    def measure() -> dict[str, Any]:
        if isinstance(unlearnt, str):
            raise ItemError(own.tokens.id, unlearnt, code="no_twin")
        return {"effect": unlearnt.te, "beside": own.te, "rank": rank_correlation(own.reads, unlearnt.reads)}

    return controlled(own.tokens, Control.RANDOM_WEIGHTS, spec.outcomes[0], measure)


def _stored(model: Model, tokens: EncodedPair, outcome: Outcome, te: float, kept: Mapping[str, torch.Tensor]) -> Own:
    """A pair's controls on the model itself, as they were stored.

    Raises:
        ValueError: They are not what would be stored of it.
    """
    rows = json.loads(bytes(array(kept, "json", (None,)).tolist()))
    found = tuple(Controlled(**(row | {"control": Control(row["control"])})) for row in rows)
    ours = {(each.item, each.group, each.outcome) for each in found} == {(tokens.id, tokens.group, str(outcome))}
    if not ours or [each.control for each in found] != OF_THE_MODEL:
        raise ValueError("its controls are not those of this pair")
    return Own(tokens, te, _stored_reads(model, tokens, kept), found)


def _stored_unlearnt(model: Model, tokens: EncodedPair, kept: Mapping[str, torch.Tensor]) -> Unlearnt:
    return Unlearnt(float(array(kept, "te", ())), _stored_reads(model, tokens, kept))


def _stored_reads(model: Model, tokens: EncodedPair, kept: Mapping[str, torch.Tensor]) -> Reads | None:
    if "reads" not in kept:
        return None
    return array(kept, "reads", (len(tokens.traces[1].step_spans), model.facts.layers))


def _entry(model: Model, tokens: EncodedPair, spec: ScoreSpec) -> dict[str, Any]:
    return model_spec(model) | {
        "pair": described(tokens),
        "outcome": str(spec.outcomes[0]),
        "id": tokens.id,
        "group": tokens.group,
        "twin": "one a run",  # entries from before hold a twin of each pair's own
    }


def _drawn_entry(model: Model, tokens: EncodedPair, spec: ScoreSpec) -> dict[str, Any]:
    return _entry(model, tokens, spec) | {"seed": spec.seed}


def same_answer(tokens: EncodedPair, pairs: Sequence[EncodedPair]) -> list[Elsewhere]:
    """Other pairs' worlds in which another question has this pair's base answer after another chain.

    Only those of other groups, where there are any: items of one group are alike.
    """
    chains = {trace.ids for trace in tokens.traces}
    found = [
        (pair, world)
        for pair in pairs
        for world, answer in ((1, pair.readers.base), (0, pair.readers.source))
        if pair.id != tokens.id
        and answer == tokens.readers.base
        and pair.questions[world] not in tokens.questions
        and pair.traces[world].ids not in chains
    ]
    return [each for each in found if each[0].group != tokens.group] or found
