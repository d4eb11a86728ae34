"""What is measured of one pair, computed or taken from the store."""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from mediate.clock import stage
from mediate.errors import ItemError
from mediate.mediation.encoding import EncodedPair
from mediate.mediation.kinds.before_answer import cut_contexts
from mediate.mediation.kinds.cube import Contexts, measure_cubes, of_like_length, run_all_contexts, side_by_side
from mediate.mediation.kinds.kind import Effects, effect_map
from mediate.mediation.maps import MapSpec, labels_of, measure_map, measure_small_maps
from mediate.mediation.outcomes import Outcome
from mediate.models.model import Model
from mediate.passes.memory import is_out_of_memory
from mediate.passes.store import Store, array, model_spec
from mediate.results.agreement import Agreement
from mediate.results.cube import total_effect
from mediate.results.maps import EffectMap
from mediate.results.told import Reject
from mediate.scoring.spec import ScoreSpec

KIND = "outcomes"
_AGREEMENT = ".agreement"

Y = Float[np.ndarray, "outcome 2 2 2"]


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

    @property
    def is_finite(self) -> bool:
        """Whether the model's logits were numbers."""
        return all(bool(np.isfinite(y).all()) for y in (self.cubes, self.cut) if y is not None)


@dataclass(frozen=True, slots=True, eq=False)
class Job:
    """What is to be measured of one pair.

    Args:
        tokens: The pair.
        cut: The pair cut before the answer is stated, where it can be.
        maps: What the pair allows of the wanted maps.
    """

    tokens: EncodedPair
    cut: EncodedPair | None
    maps: tuple[MapSpec, ...]


def measure_pairs(
    model: Model, jobs: Sequence[Job], spec: ScoreSpec, store: Store | None
) -> Iterator[tuple[Contexts | EncodedPair, Found | ItemError]]:
    """The cubes of each pair and its maps: those that are stored, then the others, of like length together.

    Side by side or alone, a number differs by no more than rounding. With each pair come its keys and values, or its
    tokens where it was stored, for whatever else is to be measured of it.

    Args:
        model: The hooked model.
        jobs: What to measure.
        spec: The choices of the run.
        store: Where results are looked up and kept.

    Raises:
        ItemError: With `on_bad_item="error"`, a pair that does not fit into memory by itself, or a map that turned out
            to be impossible; else an error takes the place of what was found.
    """
    missing: list[Job] = []
    for job in jobs:
        kept = None if store is None else store.read(KIND, _entry(model, job, spec), partial(_stored, model, job, spec))
        if kept is None:
            missing.append(job)
        else:
            yield job.tokens, kept
    for batch in _batches(model, missing):
        yield from _measure_batch(model, batch, spec, store)


def _batches(model: Model, jobs: Sequence[Job]) -> list[list[Job]]:
    """As many jobs together as are worth running side by side; the order in which they come makes no difference.

    In half precision each is alone: how it is rounded beside others would show.
    """
    if torch.finfo(model.dtype).bits < 32:
        return [[job] for job in jobs]
    by_id = {job.tokens.id: job for job in sorted(jobs, key=lambda job: job.tokens.id)}
    lengths = {
        name: sum(len(job.tokens.context(h, t)) for h, t in product((0, 1), repeat=2)) for name, job in by_id.items()
    }
    return [[by_id[name] for name in group] for group in of_like_length(lengths, side_by_side(model))]


def _measure_batch(
    model: Model, jobs: Sequence[Job], spec: ScoreSpec, store: Store | None
) -> Iterator[tuple[Contexts | EncodedPair, Found | ItemError]]:
    """The cubes side by side, then the maps pair by pair; a batch that does not fit into memory is halved."""
    cubes = _measure_cubes(model, jobs, spec)
    if cubes is None and len(jobs) == 1:
        error = ItemError(
            jobs[0].tokens.id,
            f"it does not fit into the memory of {model.facts.device}; give shorter chains, a smaller dtype or another "
            "device, or leave such items out (skip)",
            code="out_of_memory",
        )
        if spec.stops_at(error):
            raise error
        yield jobs[0].tokens, error
        return
    if cubes is None:
        half = len(jobs) // 2
        for part in (jobs[:half], jobs[half:]):
            yield from _measure_batch(model, part, spec, store)
        return
    small = _measure_small_maps(model, jobs, cubes, spec)
    for job, (contexts, y, cut) in zip(jobs, cubes, strict=True):
        if not Found(y, cut, ()).is_finite:
            yield contexts, Found(y, cut, ())
            continue
        te = float(total_effect(y[:1])[0])
        found, left_out = _measure_maps(model, contexts, job.maps, small, spec, te)
        if store is not None and not left_out:
            arrays = {"cube": y} | ({} if cut is None else {"cut": cut})
            for each, effects in zip(job.maps, found, strict=True):
                arrays[str(each)] = effects.values
                if effects.agreement is not None:
                    arrays[f"{each}{_AGREEMENT}"] = np.array(list(asdict(effects.agreement).values()), dtype=np.float64)
            tensors = {name: torch.from_numpy(values) for name, values in arrays.items()}
            store.put(KIND, _entry(model, job, spec), tensors)
        yield contexts, Found(y, cut, found, left_out)


@stage("measuring cubes")
def _measure_cubes(model: Model, jobs: Sequence[Job], spec: ScoreSpec) -> list[tuple[Contexts, Y, Y | None]] | None:
    """Each pair's contexts, its cubes, and those of the cut pair; None where they do not fit into memory."""
    try:
        contexts = run_all_contexts(model, [job.tokens for job in jobs])
        cut = [cut_contexts(each, job.cut) for each, job in zip(contexts, jobs, strict=True) if job.cut is not None]
        y = measure_cubes(model, [*contexts, *cut], spec.outcomes)
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        return None
    before = iter(y[len(jobs) :])
    return [
        (each, own, next(before) if job.cut is not None else None)
        for each, own, job in zip(contexts, y, jobs, strict=False)
    ]


def _entry(model: Model, job: Job, spec: ScoreSpec) -> dict[str, Any]:
    """What a stored result depends on."""
    return model_spec(model) | {
        "pair": described(job.tokens),
        "cut": None if job.cut is None else described(job.cut),
        "outcomes": [str(each) for each in spec.outcomes],
        "maps": [str(each) for each in job.maps],
        "seed": seed_of(spec, job.tokens.id) if any(each.method for each in job.maps) else None,
    }


def _stored(model: Model, job: Job, spec: ScoreSpec, kept: dict[str, torch.Tensor]) -> Found:
    """What was stored of a pair.

    Raises:
        ValueError: It is not what would be stored of it.
    """
    shape = (len(spec.outcomes), 2, 2, 2)
    cubes = array(kept, "cube", shape)
    te = float(total_effect(cubes[:1])[0])
    maps = tuple(_stored_map(model, job.tokens, each, kept, spec.outcomes[0], te) for each in job.maps)
    found = Found(cubes, array(kept, "cut", shape) if job.cut is not None else None, maps)
    if not found.is_finite:
        raise ValueError("its outcomes are no numbers")
    return found


@stage("measuring maps")
def _measure_small_maps(
    model: Model, jobs: Sequence[Job], cubes: Sequence[tuple[Contexts, Y, Y | None]], spec: ScoreSpec
) -> dict[tuple[str, MapSpec], EffectMap]:
    """The maps that are measured side by side, by pair and map; all others are measured pair by pair."""
    found: dict[tuple[str, MapSpec], EffectMap] = {}
    for each in dict.fromkeys(each for job in jobs for each in job.maps):
        these = [
            (contexts, float(total_effect(y[:1])[0]))
            for job, (contexts, y, cut) in zip(jobs, cubes, strict=True)
            if each in job.maps and Found(y, cut, ()).is_finite
        ]
        try:
            maps = measure_small_maps(
                model, [contexts for contexts, _ in these], each, spec.outcomes[0], [te for _, te in these]
            )
        except (ValueError, RuntimeError):  # pair by pair it is told which one cannot be measured, and why
            continue
        found |= {(these[number][0].pair.id, each): map_ for number, map_ in maps.items()}
    return found


@stage("measuring maps")
def _measure_maps(
    model: Model,
    contexts: Contexts,
    maps: Sequence[MapSpec],
    small: Mapping[tuple[str, MapSpec], EffectMap],
    spec: ScoreSpec,
    te: float,
) -> tuple[tuple[EffectMap, ...], tuple[Reject, ...]]:
    """The maps, and those that only turned out to be impossible when they were measured.

    Raises:
        ItemError: A map that was asked for by name is impossible, and bad items are errors.
    """
    pair, found, left_out = contexts.pair, [], []
    for each in maps:
        if (pair.id, each) in small:
            found.append(small[pair.id, each])
            continue
        try:
            found.append(measure_map(model, contexts, each, spec.outcomes[0], te, seed_of(spec, pair.id)))
        except ValueError as error:  # an InputError is one, and so is a map that holds no numbers
            reason = error.reason if isinstance(error, ItemError) else " ".join(str(error).split())
            code = error.code if isinstance(error, ItemError) else "impossible_map"
            written = pair.written or spec.chains is not None
            named = ItemError(pair.id, f"map {each}: {reason}", code=code, written=written)
            if spec.maps and spec.stops_at(named):
                raise named from error
            left_out.append(Reject(pair.id, code, reason, part=str(each)))
    return tuple(found), tuple(left_out)


def seed_of(spec: ScoreSpec, item: str) -> int:
    """A seed of the item's own, whatever other items there are."""
    return zlib.crc32(f"{spec.seed} {item}".encode("utf-8", "surrogatepass"))


def described(tokens: EncodedPair) -> dict[str, Any]:
    """All of a pair that can change a number."""
    return {
        "questions": [list(ids) for ids in tokens.questions],
        "traces": [list(trace.ids) for trace in tokens.traces],
        "steps": [list(trace.steps) for trace in tokens.traces],
        "readers": [list(tokens.readers.cue), list(tokens.readers.base), list(tokens.readers.source)],
    }


def _stored_map(
    model: Model, tokens: EncodedPair, spec: MapSpec, kept: dict[str, torch.Tensor], outcome: Outcome, te: float
) -> EffectMap:
    coords = labels_of(model, tokens, spec)
    numbers = kept.get(f"{spec}{_AGREEMENT}")
    trust = None
    if numbers is not None:
        named = zip(fields(Agreement), numbers.tolist(), strict=True)
        trust = Agreement(**{each.name: each.type(value) for each, value in named})  # type: ignore[operator]
    values = array(kept, str(spec), tuple(len(labels) for labels in coords.values()))
    return effect_map(tokens, spec.kind, coords, Effects(values, trust), outcome, te)
