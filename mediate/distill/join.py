"""Joining what the tokens of chains carry with how likely a student finds them: both measured of one prepared set."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from mediate.clock import stage
from mediate.distill.join_spec import JOINED, JoinSpec
from mediate.distill.score_traces import check_teacher, scored_tokens
from mediate.distill.spec import TraceSpec, asking
from mediate.distill.twin_tokens import twin_effects
from mediate.errors import InputError
from mediate.mediation.hidden_sets import hidden_together
from mediate.mediation.prepared_item import PreparedItem
from mediate.mediation.procedures import ITEMS as MEASURING
from mediate.mediation.procedures import Sights
from mediate.models.model import Model
from mediate.models.prompts import prompt_facts
from mediate.pairs.pair import Item, Pair
from mediate.passes.memory import is_out_of_memory
from mediate.passes.store import Store, array, model_spec
from mediate.results.maps import EffectMap
from mediate.results.token_join import (
    JOINED_RUNS,
    KNOCKOUT,
    RANDOM,
    REJECTED,
    JoinedTrace,
    JoinResults,
    read_joined,
    sets_of,
    write_joined,
)
from mediate.results.tokens_agreed import summary_of
from mediate.results.told import Reject
from mediate.results.trace_scores import ScoredTrace, TraceRule
from mediate.scoring.given import as_measured, check_set, fitting, nothing_left
from mediate.scoring.items import ITEMS
from mediate.scoring.measure import measure_items
from mediate.scoring.preparing import prepare
from mediate.scoring.rundir import check_free, counted, finished, identity, now, written
from mediate.scoring.score import Call
from mediate.scoring.scored import Scored, described
from mediate.scoring.settling import settled
from mediate.scoring.spec import ScoreSpec
from mediate.scoring.telling import opening
from mediate.traces.token_kinds import token_kinds
from mediate.watch import bars, tell, work

KIND = "hidden sets"
MAP = f"{KNOCKOUT}:position"
# As many tokens as are rejected are drawn so often, and what they carry is the mean over the draws.
DRAWS = 4


@stage("joining tokens")
def join_tokens(
    student: Model,
    given: Sequence[Pair] | Sequence[Item],
    specs: tuple[JoinSpec, ScoreSpec],
    teacher: Model | None,
    call: Call,
) -> JoinResults:
    """`mediate.join_tokens`, which says what each argument is, with the results as they are stored.

    Args:
        student: The hooked model whose probabilities count, and whose answers' effects are measured.
        given: Items, or pairs, of which the base is hidden and, where its twin is aligned, replaced by it.
        specs: The choices, from `make_join_specs`.
        teacher: A second model with the same tokenizer.
        call: How the run is made.

    Raises:
        InputError: Nothing can be measured, the teacher has other tokens, or the directory holds something else.
        ItemError: Unless bad items are skipped, the first that cannot be measured.
    """
    spec, scoring = specs
    unread, progress = call.get("unread", ()), call.get("progress", False)
    out, store = call.get("out"), call.get("store")
    started, clock = now(), time.monotonic()
    check_set(given, unread, scoring, (student.facts.name,))
    if teacher is not None:
        check_teacher(student, teacher)
    items = [each for each in as_measured(given, "hidden", str) if isinstance(each, Item)]
    scoring = scoring.model_copy(update={"maps": (MAP,), "replacements": (), "control_pairs": 0})
    scoring = settled(student, items, fitting(items, scoring), tell if progress else str)
    taught = {"teacher": None if teacher is None else teacher.facts.name}
    choices = {"design": JOINED_RUNS.name} | taught | spec.model_dump(mode="json") | asking(scoring, JOINED)
    models = {"student": student.describe()} | ({"teacher": teacher.describe()} if teacher is not None else {})
    asked = identity(choices, given, models, prompt_facts(student.need_tokenizer(), scoring.template))
    if out is not None and check_free(out, asked):
        return read_joined(out)
    prepared, left_out = prepare(ITEMS, student, items, scoring, store, unread=unread, progress=progress)
    manifest = asked | opening(started, len(given) + len(unread), prepared)
    with written(out, manifest):
        rejects = list(left_out)
        with work(len(prepared), "scoring traces", "trace", shown=progress) as done:
            scores = dict(scored_tokens(student, teacher, prepared, TraceSpec(), rejects, done))
        here = [item for item in prepared if item.id in scores]
        with work(len(here), "hiding tokens", "chain", shown=progress) as done, bars(progress):
            found = dict(_carried(student, here, scores, (spec, scoring), store, rejects, done))
        if not found:
            raise InputError(nothing_left([(each.item, each.code, each.reason) for each in rejects], "item"))
        measured = [item for item in here if item.id in found]
        twins = twin_effects(student, given, measured, specs=(spec, scoring), call=call)
        rejects += twins.left_out
        traces = tuple(
            replace(found[item.id], effects={**found[item.id].effects, **twins.effects.get(item.id, {})})
            for item in measured
        )
        told = finished(clock, counted(len(given) + len(unread), len(traces), rejects))
        results = JoinResults(manifest | told, traces, tuple(rejects))
        results = replace(results, manifest={**results.manifest, "summary": summary_of(results)})
        if out is not None:
            write_joined(out, results)
    return results


def _carried(
    student: Model,
    items: Sequence[PreparedItem],
    scores: Mapping[str, ScoredTrace],
    specs: tuple[JoinSpec, ScoreSpec],
    store: Store | None,
    rejects: list[Reject],
    done: Callable[[int], object],
) -> Iterator[tuple[str, JoinedTrace]]:
    """Each item's trace with its knockout effects, and those of its sets of tokens; what cannot be is left out."""
    spec, scoring = specs
    for each, sights in measure_items(MEASURING, student, items, scoring, store):
        done(1)
        if isinstance(each, Reject):
            rejects.append(each)
            continue
        item, effects = each.item, next(iter(each.maps), None)
        if effects is None:
            rejects += [replace(one, part="item", place=item.item.place) for one in each.left_out]
            continue
        try:
            yield item.id, _joined(each, effects, scores[item.id], sights, (spec.rule, scoring), store)
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            reason = "its tokens do not fit into memory; give a shorter chain, or a smaller --dtype"
            rejects.append(Reject(item.id, "out_of_memory", reason, item.item.place))


def _joined(
    scored: Scored[PreparedItem],
    effects: EffectMap,
    trace: ScoredTrace,
    sights: Callable[[], Sights],
    rules: tuple[TraceRule, ScoreSpec],
    store: Store | None,
) -> JoinedTrace:
    item, (rule, scoring) = scored.item, rules
    values = () if item.tokens.written else item.item.values
    kinds = token_kinds(trace.chain, trace.tokens, values)
    states = np.zeros(len(kinds), dtype=bool)
    if item.stated is not None:
        states[slice(*item.stated)] = True
    sets = sets_of(trace, kinds, states, rule)
    named = {name: np.flatnonzero(members).tolist() for name, members in sets.items()}
    rng = np.random.default_rng(item.seed)
    count = len(named[REJECTED])
    drawn = [sorted(rng.choice(len(kinds), count, replace=False).tolist()) for _ in range(DRAWS)]
    # The whole chain too: a map that was stored before effects of all cells at once were measured has no such effect.
    found = _together(item, [*named.values(), range(len(kinds)), *drawn], sights, scoring, store)
    *hidden, whole = found[: len(named) + 1].tolist()
    at_random = float(found[len(named) + 1 :].mean())
    return JoinedTrace(
        trace,
        kinds,
        states,
        {KNOCKOUT: effects.values},
        te=scored.te,
        whole=whole,
        hidden=dict(zip(named, hidden, strict=True)) | {RANDOM: at_random},
    )


def _together(
    item: PreparedItem,
    sets: Sequence[Sequence[int]],
    sights: Callable[[], Sights],
    scoring: ScoreSpec,
    store: Store | None,
) -> Float[np.ndarray, " set"]:
    """What each set of an item's tokens carries, computed or taken from the store."""
    outcome = scoring.outcomes[0]
    entry: dict[str, Any] = model_spec(item.model) | {
        "item": described(item.tokens),
        "outcome": outcome.stored_as,
        "sets": [list(each) for each in sets],
    }
    kept = None if store is None else store.read(KIND, entry, lambda held: array(held, "effects", (len(sets),)))
    if kept is not None:
        return kept
    found = hidden_together(item.model, sights(), sets, outcome)
    if store is not None:
        store.put(KIND, entry, {"effects": torch.from_numpy(found)})
    return found
