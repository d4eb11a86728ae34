"""The main job: pairs in, results out. Chains, then the cube and maps of each pair, then the run directory."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from mediate.clock import stage
from mediate.errors import ItemError
from mediate.mediation.encoding import EncodedPair
from mediate.mediation.kinds.before_answer import cut_before_answer
from mediate.models.model import Model
from mediate.models.prompts import prompt_facts
from mediate.models.sites import Component
from mediate.pairs.pair import Item, Pair
from mediate.passes.activations import cot_activations
from mediate.passes.store import Store
from mediate.results.cube import Cube
from mediate.results.folder import Results, read_results, write_results
from mediate.results.told import Measured, Reject, Told
from mediate.scoring.chains import Chains
from mediate.scoring.controls import Own, control_by_random_weights, control_pair, drawn
from mediate.scoring.given import check_set
from mediate.scoring.measure import Found, Job, measure_pairs
from mediate.scoring.plan import Plan, make_plan
from mediate.scoring.rundir import SCHEMA, check_free, now, versions, written
from mediate.scoring.settling import settled
from mediate.scoring.spec import ScoreSpec, pairs_fingerprint
from mediate.traces.trace import Trace, decode
from mediate.watch import bars, tell, work


def score(
    model: Model,
    pairs: Sequence[Pair],
    spec: ScoreSpec,
    *,
    unread: Sequence[ItemError] = (),
    out: Path | None = None,
    store: Store | None = None,
    progress: bool = False,
) -> Results:
    """Measures a set of pairs and, where `out` is given, writes the run directory.

    Args:
        model: The hooked and checked model.
        pairs: What to measure.
        spec: How.
        unread: Pairs that could not be read, to be counted among the rejects.
        out: The run directory; one that holds this very run, finished, is read back and nothing is computed.
        store: Where chains, outcomes and kept activations are looked up and kept.
        progress: Whether to say, on standard error, what was settled and how far the work is.

    Raises:
        ItemError: Unless bad items are skipped, the first pair that cannot be measured; nothing has been written then.
        InputError: No pairs or none that can be measured, duplicate ids, or an `out` that holds something else.
    """
    started, clock = now(), time.monotonic()
    check_set(pairs, unread, spec)
    spec = settled(model, pairs, spec, tell if progress else str)
    identity = {
        "schema": SCHEMA,
        "spec": spec.described(),
        "pairs": pairs_fingerprint(pairs),
        "model": model.describe(),
        "versions": versions(),
        "prompt": prompt_facts(model.need_tokenizer(), spec.template),
    }
    if out is not None and check_free(out, identity):
        return read_results(out)
    plan = make_plan(model, pairs, spec, store, unread=unread, progress=progress)
    counts = {"given": len(pairs) + len(unread), "measured": len(plan.encoded)}
    example = (
        decode(model.tokenizer, plan.encoded[0].context(1, 1) + plan.encoded[0].readers.cue) if plan.encoded else ""
    )
    manifest = identity | {"created": started, "counts": counts, "prompt_example": example}
    if out is None:
        return _measure(model, pairs, plan, spec, store, manifest, clock, progress=progress)
    with written(out, manifest):
        results = _measure(model, pairs, plan, spec, store, manifest, clock, progress=progress)
        with stage("writing tables"):
            write_results(out, results)
    return results


def _measure(
    model: Model,
    pairs: Sequence[Pair],
    plan: Plan,
    spec: ScoreSpec,
    store: Store | None,
    manifest: Mapping[str, Any],
    clock: float,
    *,
    progress: bool,
) -> Results:
    by_id = {pair.id: pair for pair in pairs}
    found: dict[str, Found] = {}
    failed: dict[str, Reject] = {}
    chosen, owns = drawn(plan.encoded, spec), dict[str, Own]()
    uncut: Counter[str] = Counter()
    jobs = [Job(each, _cut(each, by_id[each.id], uncut), plan.maps[each.id]) for each in plan.encoded]
    with work(len(jobs), "measuring pairs", "pair", shown=progress) as done_with, bars(progress):
        for contexts, each in measure_pairs(model, jobs, spec, store):
            tokens = contexts if isinstance(contexts, EncodedPair) else contexts.pair
            name = tokens.id
            if isinstance(each, ItemError):
                failed[name] = Reject(name, each.code, each.reason)
            elif not each.is_finite:
                failed[name] = Reject(name, "nonfinite", "the model's logits are NaN or infinite; try another dtype")
            else:
                found[name] = each
                for component in spec.keep:
                    _keep(model, tokens, Component(component), store)
                if name in chosen:
                    owns[name] = control_pair(model, each, contexts, plan.encoded, spec, store)
            done_with(1)
    measured = [each for each in plan.encoded if each.id in found]
    rejects = list(plan.rejects)
    for tokens in plan.encoded:
        rejects += [failed[tokens.id]] if tokens.id in failed else found[tokens.id].left_out
    beside = [owns[each.id] for each in measured if each.id in owns]
    with work(len(beside), "controls, random weights", "pair", shown=progress) as done_with:
        controls = control_by_random_weights(model, beside, spec, store, done_with)
    by_reason = Counter(reject.code for reject in rejects if reject.part == "item")
    counts = dict(manifest["counts"]) | {
        "measured": len(measured),
        "rejected": sum(by_reason.values()),
        "by_reason": dict(by_reason),
        "maps_left_out": sum(reject.part != "item" for reject in rejects),
        "controlled": len(beside),
        "not_cut": dict(uncut),
    }
    seconds = round(time.monotonic() - clock, 3)
    done = {"status": "success", "finished": now(), "seconds": seconds, "counts": counts}
    return Results(
        manifest=dict(manifest) | done | _writer(measured, plan.chains, spec),
        items=tuple(_describe(by_id[each.id], each, plan.chains) for each in measured),
        cubes=_stacked(measured, {name: each.cubes for name, each in found.items()}, spec),
        maps=tuple(each for pair in measured for each in found[pair.id].maps),
        rejects=tuple(rejects),
        cut=_stacked(measured, {name: each.cut for name, each in found.items() if each.cut is not None}, spec),
        controls=controls,
    )


def _writer(measured: Sequence[EncodedPair], chains: Chains, spec: ScoreSpec) -> dict[str, Any]:
    """Who wrote chains that were taken from another run, and how many of them have other tokens here."""
    if spec.chains is None:
        return {}
    retokenised = sum(spec.chains.retokenised(each.id, chains.traces[each.id]) for each in measured)
    return {"writer": spec.chains.described() | {"retokenised": retokenised}}


def _cut(tokens: EncodedPair, pair: Pair, uncut: Counter[str]) -> EncodedPair | None:
    """The pair cut before the answer is stated; where it cannot be, why is counted."""
    try:
        answers, values = zip(*((item.answer, item.values) for item in (pair.source, pair.base)), strict=True)
        return cut_before_answer(tokens, answers, values)
    except ItemError as error:
        uncut[error.code] += 1
        return None


def _stacked(
    measured: Sequence[EncodedPair], y: Mapping[str, Float[np.ndarray, "outcome 2 2 2"]], spec: ScoreSpec
) -> tuple[Cube, ...]:
    """One cube an outcome, over the measured pairs that have one."""
    having = [each for each in measured if each.id in y]
    both = np.stack([y[each.id] for each in having], axis=1) if having else np.zeros((len(spec.outcomes), 0, 2, 2, 2))
    names, groups = tuple(each.id for each in having), tuple(each.group for each in having)
    return tuple(Cube(both[place], names, groups, str(outcome)) for place, outcome in enumerate(spec.outcomes))


def _keep(model: Model, tokens: EncodedPair, component: Component, store: Store | None) -> None:
    for world in (0, 1):
        ids = tokens.context(world, world)
        cot_activations(model, ids, (len(tokens.questions[world]), len(ids)), [component], store)


def _describe(pair: Pair, tokens: EncodedPair, chains: Chains) -> Measured:
    def world(item: Item, trace: Trace, place: int) -> Told:
        stated = trace.stated(item.answer, item.values)
        return Told(
            question=item.question,
            answer=item.answer,
            tokens=trace.tokens,
            steps=trace.steps,
            states_answer=None if stated is None else stated.stop - 1,
            written=trace.written,
            said=chains.said[pair.id][place] if pair.id in chains.said else None,
            states_result=None if stated is None else stated.result,
        )

    return Measured(pair.id, pair.group, world(pair.base, tokens.traces[1], 1), world(pair.source, tokens.traces[0], 0))
