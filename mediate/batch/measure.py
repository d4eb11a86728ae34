"""What is measured of one pair, computed or taken from the store."""

import json
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from mediate.batch.spec import ScoreSpec
from mediate.effects.agreement import Agreement
from mediate.effects.controls import Control, Controlled
from mediate.effects.cube import total_effect
from mediate.effects.maps import EffectMap
from mediate.effects.measured import Reject
from mediate.errors import ItemError
from mediate.mediation.controls import Elsewhere, measure_controls
from mediate.mediation.copying import cut_contexts
from mediate.mediation.cube import Contexts, measure_cube, run_contexts
from mediate.mediation.encoding import EncodedPair
from mediate.mediation.maps import MapSpec, labels_of, measure_map
from mediate.mediation.step_graph import RESULT
from mediate.models.blank import random_weights
from mediate.models.model import Model
from mediate.runs.selfcheck import checked
from mediate.runs.store import Store, model_spec

KIND, CONTROLS = "outcomes", "controls"
_AGREEMENT = ".agreement"


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """What was found of one pair.

    Args:
        cubes: One an outcome.
        cut: The same with the chains cut before they state the answer; None where they cannot be.
        maps: On the first outcome.
        left_out: Maps that turned out to be impossible.
    """

    cubes: Float[np.ndarray, "outcome 2 2 2"]
    cut: Float[np.ndarray, "outcome 2 2 2"] | None
    maps: tuple[EffectMap, ...]
    left_out: tuple[Reject, ...] = ()


def measure_pair(
    model: Model,
    tokens: EncodedPair,
    cut: EncodedPair | None,
    spec: ScoreSpec,
    maps: Sequence[MapSpec],
    store: Store | None,
) -> Found:
    """The cubes of one pair and its maps; from the store where they were measured before.

    Args:
        model: The hooked model.
        tokens: The pair.
        cut: The pair cut before the answer is stated, where it can be.
        spec: The choices of the run.
        maps: What the pair allows of the wanted maps.
        store: Where results are looked up and kept.
    """
    entry = model_spec(model) | {
        "pair": _described(tokens),
        "cut": None if cut is None else _described(cut),
        "outcomes": [str(each) for each in spec.outcomes],
        "maps": [str(each) for each in maps],
        "seed": seed_of(spec, tokens.id) if any(each.method for each in maps) else None,
    }
    kept = store.get(KIND, entry) if store is not None else None
    if kept is not None:
        cubes = kept["cube"].numpy()
        te = float(total_effect(cubes[:1])[0])
        found = tuple(_stored_map(model, tokens, each, kept, spec.outcomes[0].value, te) for each in maps)
        return Found(cubes, kept["cut"].numpy() if cut is not None else None, found)
    contexts = run_contexts(model, tokens)
    cubes = measure_cube(model, contexts, spec.outcomes)
    before = None if cut is None else measure_cube(model, cut_contexts(contexts, cut), spec.outcomes)
    if not all(np.isfinite(y).all() for y in (cubes, before) if y is not None):
        return Found(cubes, before, ())
    te = float(total_effect(cubes[:1])[0])
    found, left_out = _measure_maps(model, contexts, maps, spec, te)
    if store is not None and not left_out:
        arrays = {"cube": cubes} | ({} if before is None else {"cut": before})
        for each, effects in zip(maps, found, strict=True):
            arrays[str(each)] = effects.values
            if effects.agreement is not None:
                arrays[f"{each}{_AGREEMENT}"] = np.array(list(asdict(effects.agreement).values()), dtype=np.float64)
        store.put(KIND, entry, {name: torch.from_numpy(values) for name, values in arrays.items()})
    return Found(cubes, before, found, left_out)


def _measure_maps(
    model: Model, contexts: Contexts, maps: Sequence[MapSpec], spec: ScoreSpec, te: float
) -> tuple[tuple[EffectMap, ...], tuple[Reject, ...]]:
    """The maps, and those that only turned out to be impossible when they were measured.

    Raises:
        ItemError: A map that was asked for by name is impossible, and bad items are errors.
    """
    pair, found, left_out = contexts.pair, [], []
    for each in maps:
        try:
            found.append(measure_map(model, contexts, each, spec.outcomes[0], te, seed_of(spec, pair.id)))
        except ValueError as error:  # an InputError is one, and so is a map that holds no numbers
            reason = error.reason if isinstance(error, ItemError) else " ".join(str(error).split())
            code = error.code if isinstance(error, ItemError) else "impossible_map"
            if spec.maps and spec.on_bad_item == "error":
                raise ItemError(pair.id, f"map {each}: {reason}", code=code) from error
            left_out.append(Reject(pair.id, code, reason, part=str(each)))
    return tuple(found), tuple(left_out)


def seed_of(spec: ScoreSpec, item: str) -> int:
    """A seed of the item's own, whatever other items there are."""
    return zlib.crc32(f"{spec.seed} {item}".encode("utf-8", "surrogatepass"))


def _described(tokens: EncodedPair) -> dict[str, Any]:
    """All of a pair that can change a number."""
    return {
        "questions": [list(ids) for ids in tokens.questions],
        "traces": [list(trace.ids) for trace in tokens.traces],
        "steps": [list(trace.steps) for trace in tokens.traces],
        "readers": [list(tokens.readers.cue), list(tokens.readers.base), list(tokens.readers.source)],
    }


def _stored_map(
    model: Model, tokens: EncodedPair, spec: MapSpec, kept: dict[str, torch.Tensor], outcome: str, te: float
) -> EffectMap:
    coords = labels_of(model, tokens, spec)
    numbers = kept.get(f"{spec}{_AGREEMENT}")
    trust = None
    if numbers is not None:
        named = zip(fields(Agreement), numbers.tolist(), strict=True)
        trust = Agreement(**{each.name: each.type(value) for each, value in named})  # type: ignore[operator]
    return EffectMap(
        kept[str(spec)].numpy(),
        tuple(coords),
        coords,
        tokens.id,
        tokens.group,
        spec.kind,
        RESULT if spec.graph else outcome,
        te,
        trust,
    )


def measure_all_controls(
    model: Model, pairs: Sequence[EncodedPair], chosen: Iterable[EncodedPair], spec: ScoreSpec, store: Store | None
) -> tuple[Controlled, ...]:
    """The controls of some of the measured pairs, on the first outcome.

    Args:
        model: The hooked model.
        pairs: All measured pairs, among which a same answer is looked for.
        chosen: Those that are controlled.
        spec: The choices of the run.
        store: Where results are looked up and kept.
    """
    found: list[Controlled] = []
    for tokens in chosen:
        seed = seed_of(spec, tokens.id)
        others = same_answer(tokens, pairs)
        elsewhere = [others[seed % len(others)]] if others else []
        entry = model_spec(model) | {
            "pair": _described(tokens),
            "same_answer": [[_described(pair), world] for pair, world in elsewhere],
            "outcome": str(spec.outcomes[0]),
            "seed": seed,
            "id": tokens.id,
            "group": tokens.group,
        }
        kept = store.get(CONTROLS, entry) if store is not None else None
        if kept is not None:
            rows = json.loads(bytes(kept["json"].tolist()))
            found += [Controlled(**(row | {"control": Control(row["control"])})) for row in rows]
            continue
        blank = _blank(model, seed)
        contexts = run_contexts(model, tokens)
        these = measure_controls(
            model,
            contexts,
            spec.outcomes[0],
            measure_cube(model, contexts, spec.outcomes[:1])[0],
            same_answer=elsewhere,
            random_model=blank if isinstance(blank, Model) else None,
            seed=seed,
        )
        if isinstance(blank, str):
            outcome = spec.outcomes[0].value
            these += (Controlled(tokens.id, tokens.group, Control.RANDOM_WEIGHTS, outcome, reason=blank),)
        if store is not None and isinstance(blank, Model):
            text = json.dumps([asdict(each) for each in these]).encode()
            store.put(CONTROLS, entry, {"json": torch.tensor(list(text), dtype=torch.uint8)})
        found += these
    return tuple(found)


def _blank(model: Model, seed: int) -> Model | str:
    """The twin with random weights, or why there is none."""
    try:
        return checked(random_weights(model, seed))
    except Exception as error:  # out of memory, too: a control must not cost what was measured before it
        return " ".join(str(error).split())[:200] or type(error).__name__


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
