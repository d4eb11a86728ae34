"""An item with what was measured of it, and the same in the store."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import partial
from typing import Any, Generic

import numpy as np
import torch
from jaxtyping import Float

from mediate.errors import ItemError
from mediate.mediation.item import Encoded, EncodedItem
from mediate.mediation.maps import Effects, MapSpec, effect_map, labels_of
from mediate.mediation.names import RIVAL
from mediate.mediation.outcomes import Outcome
from mediate.mediation.prepared_item import Prepared, PreparedItem
from mediate.mediation.prepared_pair import PreparedPair, Y
from mediate.mediation.procedures import PreparedT
from mediate.models.model import Model
from mediate.passes.store import Named, Store, array, model_spec, named
from mediate.passes.together import put_together, read_together
from mediate.results.agreement import Agreement
from mediate.results.controls import Controlled
from mediate.results.cube import total_effect
from mediate.results.maps import EffectMap
from mediate.results.off_distribution import OffDistribution
from mediate.results.replacements import Replaced
from mediate.results.told import Reject
from mediate.scoring.reference_material import taken_from
from mediate.scoring.spec import ScoreSpec

KIND = "outcomes"
_AGREEMENT, _JOINT = ".agreement", ".joint"


@dataclass(frozen=True, slots=True, eq=False)
class Scored(Generic[PreparedT]):
    """An item with what was measured of it.

    Args:
        item: The item.
        y: Its cubes, one an outcome.
        before_answer: The same with the chains cut before they state the answer; None where they cannot be.
        maps: On the first outcome.
        left_out: Maps that turned out to be impossible.
        controls: Of the model itself, where the item was drawn for them.
        by_other: Its cubes against each other item that it is held against, of which `y` is the mean; None without.
        reads: The read effects that random weights are compared with; None where the chains cannot be aligned.
        replaced: What is left with the chain alone replaced, one record a replacement and outcome.
        off: How far off the distribution is what its state maps put in place, one record a direction.
    """

    item: PreparedT
    y: Y
    before_answer: Y | None
    maps: tuple[EffectMap, ...] = ()
    left_out: tuple[Reject, ...] = ()
    controls: tuple[Controlled, ...] = ()
    by_other: Float[np.ndarray, "other outcome 2 2 2"] | None = None
    reads: Float[np.ndarray, "step layer"] | None = None
    replaced: tuple[Replaced, ...] = ()
    off: tuple[OffDistribution, ...] = ()

    @property
    def is_finite(self) -> bool:
        """Whether the model's logits were numbers; an outcome that has no rival to be held against does not count."""
        told = [place for place, each in enumerate(self.item.outcomes) if each.against != RIVAL]
        return all(bool(np.isfinite(y[told]).all()) for y in (self.y, self.before_answer) if y is not None)

    @property
    def te(self) -> float:
        """The total effect on the first outcome, in nats."""
        return float(total_effect(self.y[:1])[0])


def described(tokens: Encoded) -> dict[str, Any]:
    """All of a pair, or of an item by itself, that can change a number."""
    readers = tokens.readers
    if isinstance(tokens, EncodedItem):
        return {
            "question": list(tokens.question),
            "hidden": list(tokens.hidden),
            "trace": list(tokens.trace.ids),
            "steps": list(tokens.trace.steps),
            "readers": [list(readers.cue), list(readers.base), readers.spoken],
            "options": [list(each) for each in tokens.options],
        }
    return {
        "questions": [list(ids) for ids in tokens.questions],
        "traces": [list(trace.ids) for trace in tokens.traces],
        "steps": [list(trace.steps) for trace in tokens.traces],
        "readers": [list(readers.cue), list(readers.base), list(readers.source)],
    }


def entry_of(model: Model, item: Prepared, spec: ScoreSpec) -> Named:
    """What a stored result depends on."""
    return named(
        model_spec(model)
        | others_of(item)
        | {
            "pair" if isinstance(item, PreparedPair) else "item": described(item.tokens),
            "cut": None if isinstance(item.cut, ItemError) else described(item.cut),
            "outcomes": [each.stored_as for each in spec.outcomes],
            "maps": [str(each) for each in item.maps],
            "seed": item.seed if any(each.name.of.draws for each in item.maps) else None,
        }
        | (taken_from(item) if isinstance(item, PreparedItem) else {})
    )


def others_of(item: Prepared) -> dict[str, Any]:
    """The other items that an item is held against; nothing where it is held against none."""
    if isinstance(item, PreparedPair) or not item.others:
        return {}
    cut = [each and described(each) for each in item.cut_others]
    return {"others": [described(each.tokens) for each in item.others], "cut_others": cut}


def stored(
    items: Sequence[PreparedT], spec: ScoreSpec, store: Store, entries: Mapping[str, Named]
) -> list[Scored[PreparedT] | None]:
    """Each item of a batch as it was measured before, where it was; `entries` are from `entry_of`, by id."""
    readers = [partial(_read, item, spec) for item in items]
    return read_together(store, KIND, _common(items), [entries[item.id] for item in items], readers)


def put(scored: Sequence[Scored[Any]], store: Store, entries: Mapping[str, Named]) -> None:
    """Keeps what was measured of a batch; `entries` are from `entry_of`, by id."""
    if scored:
        items = [each.item for each in scored]
        own = [entries[item.id] for item in items]
        put_together(store, KIND, _common(items), own, [_tensors(each) for each in scored])


def _common(items: Sequence[Prepared]) -> Named:
    """What all that is measured by one model depends on."""
    return named(model_spec(items[0].model))


def _tensors(scored: Scored[Any]) -> dict[str, torch.Tensor]:
    arrays = {"cube": scored.y} | ({} if scored.before_answer is None else {"cut": scored.before_answer})
    if scored.by_other is not None:
        arrays["by_other"] = scored.by_other
    for each, effects in zip(scored.item.maps, scored.maps, strict=True):
        arrays[str(each)] = effects.values
        if effects.joint is not None:
            arrays[f"{each}{_JOINT}"] = np.array(effects.joint)
        if effects.agreement is not None:
            arrays[f"{each}{_AGREEMENT}"] = np.array(list(asdict(effects.agreement).values()), dtype=np.float64)
    return {name: torch.from_numpy(values) for name, values in arrays.items()}


def _read(item: PreparedT, spec: ScoreSpec, kept: dict[str, torch.Tensor]) -> Scored[PreparedT]:
    """What was stored of an item.

    Raises:
        ValueError: It is not what would be stored of it.
    """
    shape = (len(spec.outcomes), 2, 2, 2)
    cut = array(kept, "cut", shape) if not isinstance(item.cut, ItemError) else None
    scored = Scored(item, array(kept, "cube", shape), cut)
    if not isinstance(item, PreparedPair) and item.others:
        scored = replace(scored, by_other=array(kept, "by_other", (len(item.others), *shape)))
    if not scored.is_finite:
        raise ValueError("its outcomes are no numbers")
    maps = [_stored_map(item, each, kept, spec.outcomes[0], scored.te) for each in item.maps]
    return replace(scored, maps=tuple(maps))


def _stored_map(item: Prepared, spec: MapSpec, kept: dict[str, torch.Tensor], outcome: Outcome, te: float) -> EffectMap:
    coords = labels_of(item.model, item.tokens, spec)
    numbers = kept.get(f"{spec}{_AGREEMENT}")
    trust = None
    if numbers is not None:
        named = zip(fields(Agreement), numbers.tolist(), strict=True)
        trust = Agreement(**{each.name: each.type(value) for each, value in named})  # type: ignore[operator]
    values = array(kept, str(spec), tuple(len(labels) for labels in coords.values()))
    # What was stored before joint effects were measured has none, and is right in all else.
    joint = float(array(kept, f"{spec}{_JOINT}", ())) if f"{spec}{_JOINT}" in kept else None
    return effect_map(item.tokens, spec.name, coords, Effects(values, trust, joint), outcome, te)
