"""The main job: pairs in, results out. Chains, then the cube and maps of each pair, then the run directory."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from mediate.batch.chains import NOT_SOLVED, Chains, make_chains
from mediate.batch.rundir import SCHEMA, check_free, held, mark, now, versions
from mediate.batch.spec import DEFAULT_MAP, ScoreSpec, pairs_fingerprint
from mediate.effects.cube import Cube, total_effect
from mediate.effects.maps import EffectMap
from mediate.effects.results import Measured, Reject, Results, World, read_results, write_results
from mediate.errors import InputError, ItemError
from mediate.items.pair import Item, Pair
from mediate.mediation.cube import measure_cube, run_contexts
from mediate.mediation.encoding import EncodedPair, encode_pair, encode_question, encode_readers
from mediate.mediation.maps import MapSpec, check_map, check_offered, labels_of, measure_map, parse_map
from mediate.models.model import Model
from mediate.models.sites import Component
from mediate.runs.activations import cot_activations
from mediate.runs.store import Store, model_spec
from mediate.traces.trace import Trace, decode

KIND = "outcomes"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be measured, checked and in tokens, before anything is.

    Args:
        encoded: The pairs that will be measured.
        maps: By pair, the maps that its chains allow.
        chains: The chains and what the model answers after them.
        rejects: What is left out.
    """

    encoded: tuple[EncodedPair, ...]
    maps: Mapping[str, tuple[MapSpec, ...]]
    chains: Chains
    rejects: tuple[Reject, ...]


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
        progress: Whether to show bars.

    Raises:
        ItemError: With `on_bad_item="error"`, the first pair that cannot be measured; nothing has been written then.
        InputError: No pairs, duplicate ids, or an `out` that holds something else.
    """
    started, clock = now(), time.monotonic()
    _check_set(pairs, unread, spec)
    identity = {
        "schema": SCHEMA,
        "spec": spec.described(),
        "pairs": pairs_fingerprint(pairs),
        "model": model.describe(),
        "versions": versions(),
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
    with held(out):
        mark(out, manifest, "started")
        try:
            results = _measure(model, pairs, plan, spec, store, manifest, clock, progress=progress)
        except KeyboardInterrupt:
            mark(out, manifest, "cancelled")
            raise
        except Exception as error:
            mark(out, dict(manifest) | {"error": f"{type(error).__name__}: {error}"}, "error")
            raise
        write_results(out, results)
    return results


def _check_set(pairs: Sequence[Pair], unread: Sequence[ItemError], spec: ScoreSpec) -> None:
    if unread and spec.on_bad_item == "error":
        raise unread[0]
    if not pairs:
        raise InputError(
            "no pairs to measure" + (f"; all {len(unread)} were left out, such as {unread[0]}" if unread else "")
        )
    first = next((name for name, count in Counter(pair.id for pair in pairs).items() if count > 1), None)
    if first is not None:
        raise ItemError(first, "the id occurs more than once; give each pair its own", code="duplicate_id")


def make_plan(
    model: Model,
    pairs: Sequence[Pair],
    spec: ScoreSpec,
    store: Store | None,
    *,
    unread: Sequence[ItemError] = (),
    progress: bool = False,
) -> Plan:
    """Puts every pair into tokens, letting the model write missing chains, and decides what can be measured.

    Whatever is wrong with a pair as given is found before the model writes anything.
    """
    for each in wanted_maps(spec):
        check_offered(model, each)
    errors = list(unread)
    sound: list[Pair] = []
    for pair in pairs:
        try:
            _check_given(model, pair, spec)
            sound.append(pair)
        except ItemError as error:
            if spec.on_bad_item == "error":
                raise
            errors.append(error)
    chains = make_chains(model, sound, spec, store, progress=progress)
    # What the model wrote is in the store: asked again with `skip`, it does not write it again.
    broken = next((error for error in chains.errors if error.code != NOT_SOLVED), None)
    if broken is not None and spec.on_bad_item == "error":
        raise broken
    errors += chains.errors
    left_out = {error.item for error in chains.errors}
    encoded: list[EncodedPair] = []
    maps: dict[str, tuple[MapSpec, ...]] = {}
    rejects: list[Reject] = []
    for pair in sound:
        if pair.id in left_out:
            continue
        try:
            tokens = encode_pair(model, pair, spec.template, spec.answer_cue, *chains.traces[pair.id])
        except ItemError as error:
            if spec.on_bad_item == "error":
                raise
            errors.append(error)
            continue
        maps[pair.id], unaligned = _possible_maps(tokens, pair, spec)
        encoded.append(tokens)
        rejects += unaligned
    rejects = [Reject(error.item, error.code, error.reason, error.place) for error in errors] + rejects
    return Plan(tuple(encoded), maps, chains, tuple(rejects))


def _check_given(model: Model, pair: Pair, spec: ScoreSpec) -> None:
    """What can be known of a pair before its chains are written."""
    from mediate.traces.trace import given_trace

    readers = encode_readers(model.need_tokenizer(), pair, spec.answer_cue)
    if pair.base.cot is not None and pair.source.cot is not None:
        source, base = (given_trace(cot, model.tokenizer) for cot in (pair.source.cot, pair.base.cot))
        tokens = encode_pair(model, pair, spec.template, spec.answer_cue, source, base)
        if spec.maps and spec.on_bad_item == "error":
            _possible_maps(tokens, pair, spec)
        return
    longest = max(len(encode_question(model, spec.template, item.question)) for item in (pair.base, pair.source))
    needed = longest + len(readers.cue) + max(len(readers.base), len(readers.source)) + 1
    if model.facts.context and needed > model.facts.context:
        raise ItemError(
            pair.id,
            f"its question and answer alone take {needed} tokens, and the context of {model.facts.name!r} is "
            f"{model.facts.context}; shorten it",
            place=pair.place,
            code="too_long",
        )


def _possible_maps(tokens: EncodedPair, pair: Pair, spec: ScoreSpec) -> tuple[tuple[MapSpec, ...], list[Reject]]:
    """The wanted maps that the pair allows."""
    allowed: list[MapSpec] = []
    left_out: list[Reject] = []
    for each in wanted_maps(spec):
        try:
            check_map(tokens, each, pair.place)
            allowed.append(each)
        except ItemError as error:
            if spec.maps and spec.on_bad_item == "error":
                raise
            left_out.append(Reject(error.item, error.code, error.reason, error.place, part=str(each)))
    return tuple(allowed), left_out


def wanted_maps(spec: ScoreSpec) -> tuple[MapSpec, ...]:
    """The maps that a run is asked for."""
    return tuple(parse_map(name) for name in (spec.maps if spec.maps is not None else (DEFAULT_MAP,)))


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
    from tqdm.auto import tqdm

    rejects = list(plan.rejects)
    cubes: list[Float[np.ndarray, "outcome 2 2 2"]] = []
    maps: list[EffectMap] = []
    measured: list[EncodedPair] = []
    for tokens in tqdm(plan.encoded, desc="measuring pairs", unit="pair", disable=None if progress else True):
        y, found = measure_pair(model, tokens, spec, plan.maps[tokens.id], store)
        if not np.isfinite(y).all():
            rejects.append(Reject(tokens.id, "nonfinite", "the model's logits are NaN or infinite; try another dtype"))
            continue
        measured.append(tokens)
        cubes.append(y)
        maps += found
        for component in spec.keep:
            _keep(model, tokens, Component(component), store)
    by_id = {pair.id: pair for pair in pairs}
    names, groups = tuple(each.id for each in measured), tuple(each.group for each in measured)
    y = np.stack(cubes, axis=1) if cubes else np.zeros((len(spec.outcomes), 0, 2, 2, 2))
    by_reason = Counter(reject.code for reject in rejects if reject.part == "item")
    counts = dict(manifest["counts"]) | {
        "measured": len(measured),
        "rejected": sum(by_reason.values()),
        "by_reason": dict(by_reason),
        "maps_left_out": sum(reject.part != "item" for reject in rejects),
    }
    seconds = round(time.monotonic() - clock, 3)
    return Results(
        manifest=dict(manifest) | {"status": "success", "finished": now(), "seconds": seconds, "counts": counts},
        items=tuple(_describe(by_id[each.id], each, plan.chains) for each in measured),
        cubes=tuple(Cube(y[place], names, groups, outcome.value) for place, outcome in enumerate(spec.outcomes)),
        maps=tuple(maps),
        rejects=tuple(rejects),
    )


def measure_pair(
    model: Model, tokens: EncodedPair, spec: ScoreSpec, maps: Sequence[MapSpec], store: Store | None
) -> tuple[Float[np.ndarray, "outcome 2 2 2"], list[EffectMap]]:
    """The cubes of one pair, one an outcome, and its maps; from the store where they were measured before."""
    outcome = spec.outcomes[0]
    entry = model_spec(model) | {
        "questions": [list(ids) for ids in tokens.questions],
        "traces": [list(trace.ids) for trace in tokens.traces],
        "steps": [list(trace.steps) for trace in tokens.traces],
        "readers": [list(tokens.readers.cue), list(tokens.readers.base), list(tokens.readers.source)],
        "outcomes": [str(each) for each in spec.outcomes],
        "maps": [str(each) for each in maps],
    }
    kept = store.get(KIND, entry) if store is not None else None
    if kept is not None:
        cubes = kept["cube"].numpy()
        te = float(total_effect(cubes[:1])[0])
        return cubes, [_stored_map(model, tokens, each, kept[str(each)].numpy(), outcome.value, te) for each in maps]
    contexts = run_contexts(model, tokens)
    cubes = measure_cube(model, contexts, spec.outcomes)
    te = float(total_effect(cubes[:1])[0])
    found = [measure_map(model, contexts, each, outcome, te) for each in maps] if np.isfinite(cubes).all() else []
    if store is not None and np.isfinite(cubes).all():
        arrays = {"cube": cubes} | {str(each): effects.values for each, effects in zip(maps, found, strict=True)}
        store.put(KIND, entry, {name: torch.from_numpy(values) for name, values in arrays.items()})
    return cubes, found


def _stored_map(
    model: Model, tokens: EncodedPair, spec: MapSpec, values: Float[np.ndarray, "..."], outcome: str, te: float
) -> EffectMap:
    coords = labels_of(model, tokens, spec)
    return EffectMap(values, tuple(coords), coords, tokens.id, tokens.group, spec.kind, outcome, te)


def _keep(model: Model, tokens: EncodedPair, component: Component, store: Store | None) -> None:
    for world in (0, 1):
        ids = tokens.context(world, world)
        cot_activations(model, ids, (len(tokens.questions[world]), len(ids)), [component], store)


def _describe(pair: Pair, tokens: EncodedPair, chains: Chains) -> Measured:
    def world(item: Item, trace: Trace, place: int) -> World:
        return World(
            question=item.question,
            answer=item.answer,
            tokens=trace.tokens,
            steps=trace.steps,
            states_answer=trace.states(item.answer),
            written=trace.written,
            said=chains.said[pair.id][place] if pair.id in chains.said else None,
        )

    return Measured(pair.id, pair.group, world(pair.base, tokens.traces[1], 1), world(pair.source, tokens.traces[0], 0))
