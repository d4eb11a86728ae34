"""What is measured of one item, computed or taken from the store."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
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
from mediate.mediation.kinds.cube import (
    Contexts,
    measure_cubes,
    of_like_length,
    run_all_contexts,
    run_contexts,
    side_by_side,
)
from mediate.mediation.kinds.step_graph import RESULT
from mediate.mediation.maps import MapSpec, labels_of, measure_map, measure_small_maps
from mediate.mediation.prepared import Prepared
from mediate.models.model import Model
from mediate.models.sites import Component
from mediate.pairs.pair import World
from mediate.passes.activations import cot_activations
from mediate.passes.memory import is_out_of_memory
from mediate.passes.store import Store, array, model_spec
from mediate.results.agreement import Agreement
from mediate.results.controls import Controlled
from mediate.results.cube import total_effect
from mediate.results.maps import EffectMap
from mediate.results.told import Reject
from mediate.scoring.spec import ScoreSpec

KIND = "outcomes"
_AGREEMENT = ".agreement"

Y = Float[np.ndarray, "outcome 2 2 2"]


@dataclass(frozen=True, slots=True, eq=False)
class Scored:
    """An item with what was measured of it.

    Args:
        item: The item.
        y: Its cubes, one an outcome.
        cut: The same with the chains cut before they state the answer; None where they cannot be.
        maps: On the first outcome.
        left_out: Maps that turned out to be impossible.
        controls: Of the model itself, where the item was drawn for them.
        reads: The read effects that random weights are compared with; None where the chains cannot be aligned.
    """

    item: Prepared
    y: Y
    cut: Y | None
    maps: tuple[EffectMap, ...] = ()
    left_out: tuple[Reject, ...] = ()
    controls: tuple[Controlled, ...] = ()
    reads: Float[np.ndarray, "step layer"] | None = None

    @property
    def is_finite(self) -> bool:
        """Whether the model's logits were numbers."""
        return all(bool(np.isfinite(y).all()) for y in (self.y, self.cut) if y is not None)

    @property
    def te(self) -> float:
        """The total effect on the first outcome, in nats."""
        return float(total_effect(self.y[:1])[0])


def measure_items(
    model: Model, items: Sequence[Prepared], spec: ScoreSpec, store: Store | None
) -> Iterator[tuple[Scored | Reject, Callable[[], Contexts]]]:
    """The cubes of each item and its maps: those that are stored, then the others, of like length together.

    Side by side or alone, a number differs by no more than rounding. With each item comes a way to its keys and values,
    for whatever else is to be measured of it: run anew where it was stored.

    Args:
        model: The hooked model.
        items: What to measure.
        spec: The choices of the run.
        store: Where results are looked up and kept.

    Raises:
        ItemError: With `on_bad_item="error"`, an item that does not fit into memory by itself, or a map that turned out
            to be impossible; else why takes the place of what was found.
    """
    missing: list[Prepared] = []
    for item in items:
        kept = None if store is None else store.read(KIND, _entry(model, item, spec), partial(_stored, item, spec))
        if kept is None:
            missing.append(item)
        else:
            yield kept, partial(run_contexts, model, item.tokens)
    batches = _batches(model, missing)[::-1]
    while batches:
        batch = batches.pop()
        cubes = _measure_cubes(model, batch, spec)
        if cubes is None and len(batch) == 1:
            yield _too_large(model, batch[0], spec), partial(run_contexts, model, batch[0].tokens)
            continue
        if cubes is None:
            half = len(batch) // 2
            batches += [batch[half:], batch[:half]]
            continue
        small = _measure_small_maps(model, cubes, spec)
        while cubes:  # what was measured lets go of its keys and values
            contexts, scored = cubes.pop(0)
            if not scored.is_finite:
                reason = "the model's logits are NaN or infinite; try another dtype"
                yield Reject(scored.item.id, "nonfinite", reason), partial(_at_hand, contexts)
                continue
            whole = _measure_maps(model, contexts, scored, small, spec)
            if store is not None and not whole.left_out:
                store.put(KIND, _entry(model, scored.item, spec), _tensors(whole))
            yield whole, partial(_at_hand, contexts)


def _at_hand(contexts: Contexts) -> Contexts:
    return contexts


def _too_large(model: Model, item: Prepared, spec: ScoreSpec) -> Reject:
    """Why an item that is alone in its batch is not measured; raises it where that ends the run."""
    error = ItemError(
        item.id,
        f"it does not fit into the memory of {model.facts.device}; give shorter chains, a smaller dtype or another "
        "device, or leave such items out (skip)",
        code="out_of_memory",
    )
    if spec.stops_at(error):
        raise error
    return Reject(item.id, error.code, error.reason)


def _batches(model: Model, items: Sequence[Prepared]) -> list[list[Prepared]]:
    """As many items together as are worth running side by side; the order in which they come makes no difference.

    In half precision each is alone: how it is rounded beside others would show.
    """
    if torch.finfo(model.dtype).bits < 32:
        return [[item] for item in items]
    by_id = {item.id: item for item in sorted(items, key=lambda item: item.id)}
    lengths = {
        name: sum(len(item.tokens.context(h, t)) for h, t in product(World, repeat=2)) for name, item in by_id.items()
    }
    return [[by_id[name] for name in group] for group in of_like_length(lengths, side_by_side(model))]


@stage("measuring cubes")
def _measure_cubes(model: Model, items: Sequence[Prepared], spec: ScoreSpec) -> list[tuple[Contexts, Scored]] | None:
    """Each item's contexts and its cubes, also those of the cut pair; None where they do not fit into memory."""
    try:
        contexts = run_all_contexts(model, [item.tokens for item in items])
        cut = [
            cut_contexts(each, item.cut)
            for each, item in zip(contexts, items, strict=True)
            if isinstance(item.cut, EncodedPair)
        ]
        y = measure_cubes(model, [*contexts, *cut], spec.outcomes)
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
        return None
    before = iter(y[len(items) :])
    return [
        (each, Scored(item, own, next(before) if isinstance(item.cut, EncodedPair) else None))
        for each, own, item in zip(contexts, y, items, strict=False)
    ]


@stage("measuring maps")
def _measure_small_maps(
    model: Model, cubes: Sequence[tuple[Contexts, Scored]], spec: ScoreSpec
) -> dict[tuple[str, MapSpec], EffectMap]:
    """The maps that are measured side by side, by item and map; all others are measured item by item."""
    found: dict[tuple[str, MapSpec], EffectMap] = {}
    for each in dict.fromkeys(each for _, scored in cubes for each in scored.item.maps):
        these = [(contexts, scored) for contexts, scored in cubes if each in scored.item.maps and scored.is_finite]
        try:
            maps = measure_small_maps(
                model,
                [contexts for contexts, _ in these],
                each,
                spec.outcomes[0],
                [scored.te for _, scored in these],
            )
        except (ValueError, RuntimeError):  # pair by pair it is told which one cannot be measured, and why
            continue
        found |= {(these[number][1].item.id, each): map_ for number, map_ in maps.items()}
    return found


@stage("measuring maps")
def _measure_maps(
    model: Model,
    contexts: Contexts,
    scored: Scored,
    small: Mapping[tuple[str, MapSpec], EffectMap],
    spec: ScoreSpec,
) -> Scored:
    """The item with its maps, and with those that only turned out to be impossible when they were measured.

    Raises:
        ItemError: A map that was asked for by name is impossible, and bad items are errors.
    """
    item, found, left_out = scored.item, [], []
    for each in item.maps:
        if (item.id, each) in small:
            found.append(small[item.id, each])
            continue
        try:
            found.append(measure_map(model, contexts, each, spec.outcomes[0], scored.te, item.seed))
        except ValueError as error:  # an InputError is one, and so is a map that holds no numbers
            reason = error.reason if isinstance(error, ItemError) else " ".join(str(error).split())
            code = error.code if isinstance(error, ItemError) else "impossible_map"
            written = item.tokens.written or spec.chains is not None
            named = ItemError(item.id, f"map {each}: {reason}", code=code, written=written)
            if spec.maps and spec.stops_at(named):
                raise named from error
            left_out.append(Reject(item.id, code, reason, part=str(each)))
    return replace(scored, maps=tuple(found), left_out=tuple(left_out))


def keep_activations(item: Prepared, spec: ScoreSpec, store: Store | None) -> None:
    """Keeps the activations at the CoT positions of both worlds that a run is asked to keep."""
    for component, world in product(spec.keep, World):
        ids = item.tokens.context(world, world)
        span = len(item.tokens.questions[world]), len(ids)
        cot_activations(item.model, ids, span, [Component(component)], store)


def described(tokens: EncodedPair) -> dict[str, Any]:
    """All of a pair that can change a number."""
    return {
        "questions": [list(ids) for ids in tokens.questions],
        "traces": [list(trace.ids) for trace in tokens.traces],
        "steps": [list(trace.steps) for trace in tokens.traces],
        "readers": [list(tokens.readers.cue), list(tokens.readers.base), list(tokens.readers.source)],
    }


def _entry(model: Model, item: Prepared, spec: ScoreSpec) -> dict[str, Any]:
    """What a stored result depends on."""
    return model_spec(model) | {
        "pair": described(item.tokens),
        "cut": described(item.cut) if isinstance(item.cut, EncodedPair) else None,
        "outcomes": [str(each) for each in spec.outcomes],
        "maps": [str(each) for each in item.maps],
        "seed": item.seed if any(each.method for each in item.maps) else None,
    }


def _tensors(scored: Scored) -> dict[str, torch.Tensor]:
    """What is stored of an item."""
    arrays = {"cube": scored.y} | ({} if scored.cut is None else {"cut": scored.cut})
    for each, effects in zip(scored.item.maps, scored.maps, strict=True):
        arrays[str(each)] = effects.values
        if effects.agreement is not None:
            arrays[f"{each}{_AGREEMENT}"] = np.array(list(asdict(effects.agreement).values()), dtype=np.float64)
    return {name: torch.from_numpy(values) for name, values in arrays.items()}


def _stored(item: Prepared, spec: ScoreSpec, kept: dict[str, torch.Tensor]) -> Scored:
    """What was stored of an item.

    Raises:
        ValueError: It is not what would be stored of it.
    """
    shape = (len(spec.outcomes), 2, 2, 2)
    cut = array(kept, "cut", shape) if isinstance(item.cut, EncodedPair) else None
    scored = Scored(item, array(kept, "cube", shape), cut)
    if not scored.is_finite:
        raise ValueError("its outcomes are no numbers")
    maps = [_stored_map(item, each, kept, spec.outcomes[0].value, scored.te) for each in item.maps]
    return replace(scored, maps=tuple(maps))


def _stored_map(item: Prepared, spec: MapSpec, kept: dict[str, torch.Tensor], outcome: str, te: float) -> EffectMap:
    coords = labels_of(item.model, item.tokens, spec)
    numbers = kept.get(f"{spec}{_AGREEMENT}")
    trust = None
    if numbers is not None:
        named = zip(fields(Agreement), numbers.tolist(), strict=True)
        trust = Agreement(**{each.name: each.type(value) for each, value in named})  # type: ignore[operator]
    return EffectMap(
        array(kept, str(spec), tuple(len(labels) for labels in coords.values())),
        tuple(coords),
        coords,
        item.id,
        item.tokens.group,
        spec.kind,
        RESULT if spec.graph else outcome,
        te,
        trust,
    )
