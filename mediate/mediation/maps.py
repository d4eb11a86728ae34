"""Maps by name: what `--maps` and `maps=[...]` take, and the measuring of each."""

from collections.abc import Sequence
from dataclasses import replace

from mediate.errors import InputError
from mediate.mediation.encoding import EncodedPair
from mediate.mediation.item import Encoded, EncodedItem
from mediate.mediation.kinds.cube import Contexts
from mediate.mediation.kinds.kind import Effects as Effects
from mediate.mediation.kinds.kind import effect_map as effect_map
from mediate.mediation.kinds.kind import kind_of
from mediate.mediation.kinds.reference_value import NOTHING
from mediate.mediation.kinds.reference_value import Material as Material
from mediate.mediation.names import MapSpec as MapSpec
from mediate.mediation.names import check_twinless
from mediate.mediation.names import parse_map as parse_map
from mediate.mediation.outcomes import Outcome
from mediate.models.model import Model
from mediate.pairs.pair import World
from mediate.results.maps import EffectMap


def check_offered(model: Model, spec: MapSpec) -> None:
    """Raises InputError where the model does not allow a map of any pair."""
    check_window(model, spec)
    kind_of(spec.name.of).needs(model, spec)


def check_window(model: Model, spec: MapSpec) -> None:
    """Raises InputError where a window takes more layers together than there are."""
    layers, window = model.facts.layers, spec.name.window
    if window > layers:
        raise InputError(
            f"map {str(spec)!r}: a window of {window} layers, and {model.facts.name!r} has {layers}; give at most "
            f".window{layers}"
        )


def check_map(pair: EncodedPair, spec: MapSpec, place: str = "") -> None:
    """Raises ItemError where a pair does not allow a map."""
    kind_of(spec.name.of).fits(pair, spec, place)


def labels_of(model: Model, pair: Encoded, spec: MapSpec) -> dict[str, tuple[int, ...]]:
    """The labels along a map's axes."""
    return kind_of(spec.name.of).labels(model, pair, spec)


def measure_map(
    model: Model,
    contexts: Contexts,
    spec: MapSpec,
    outcome: Outcome,
    te: float,
    material: Material = NOTHING,
) -> EffectMap:
    """Measures one map of one pair.

    Args:
        model: The hooked model.
        contexts: From `run_contexts`.
        spec: Which map.
        outcome: What to read off.
        te: The pair's total effect, which goes into the record.
        material: What reference values are made from, where the map takes one, and the seed of whatever is drawn.

    Raises:
        InputError: The model does not offer what the map needs, or there are no other items to take it from.
        ItemError: The pair's chains cannot be aligned.
    """
    kind = kind_of(spec.name.of)
    if spec.name.needs_twin:
        assert kind.measure is not None
        effects = kind.measure(model, contexts, spec, outcome, material.seed)
    else:
        assert kind.of_item is not None
        known = replace(material, past=contexts.of(World.BASE, World.BASE))
        effects = kind.of_item(model, contexts.pair, spec, outcome, known)
    return effect_map(contexts.pair, spec.name, kind.labels(model, contexts.pair, spec), effects, outcome, te)


def measure_small_maps(
    model: Model, contexts: Sequence[Contexts], spec: MapSpec, outcome: Outcome, te: Sequence[float]
) -> dict[int, EffectMap]:
    """A map of several pairs, side by side, by the pair's place; of those alone for which that is worth while."""
    kind = kind_of(spec.name.of)
    if kind.together is None:
        return {}
    pairs = [each.pair for each in contexts]
    return {
        number: effect_map(
            pairs[number], spec.name, kind.labels(model, pairs[number], spec), effects, outcome, te[number]
        )
        for number, effects in kind.together(model, contexts, spec, outcome).items()
    }


def measure_item_map(
    model: Model, item: EncodedItem, spec: MapSpec, outcome: Outcome, te: float, material: Material = NOTHING
) -> EffectMap:
    """Measures one map of one item without a twin.

    Args:
        model: The hooked model.
        item: In tokens.
        spec: The map.
        outcome: What to read off.
        te: The item's total effect on it, in its unit.
        material: What reference values are made from, and the seed of whatever is drawn.

    Raises:
        InputError: The map takes a twin, the model does not offer it, or there are no other items to take it from.
    """
    kind = kind_of(spec.name.of)
    check_twinless(spec)
    assert kind.of_item is not None
    effects = kind.of_item(model, item, spec, outcome, material)
    return effect_map(item, spec.name, kind.labels(model, item, spec), effects, outcome, te)
