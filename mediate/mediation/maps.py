"""Maps by name: what `--maps` and `maps=[...]` take, and the measuring of each."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from mediate.errors import InputError
from mediate.mediation.cells import Cell, cells_of
from mediate.mediation.encoding import EncodedPair
from mediate.mediation.kinds.attribution import Method, attribution_map, attributions
from mediate.mediation.kinds.cube import Contexts
from mediate.mediation.kinds.knockout import check_knockout, knockout_effects
from mediate.mediation.kinds.read import (
    are_small,
    check_aligned,
    is_aligned,
    read_effects,
    read_effects_together,
    read_map,
    read_record,
)
from mediate.mediation.kinds.state import check_equal_questions, state_effects, state_map
from mediate.mediation.kinds.step_graph import Edge, step_graph
from mediate.mediation.names import MapSpec as MapSpec
from mediate.mediation.names import parse_map as parse_map
from mediate.mediation.outcomes import Outcome
from mediate.models.model import Model
from mediate.models.sites import Component
from mediate.results.maps import EffectMap


def check_offered(model: Model, spec: MapSpec) -> None:
    """Raises InputError where the model does not allow a map of any pair."""
    check_window(model, spec)
    if spec.kind == "knockout":
        check_knockout(model)
    elif spec.kind == "relayed":
        for component in (Component.K, Component.V):
            model.need(component)
    elif not spec.kind.startswith("read"):
        for component in [Component.K, Component.V] if spec.graph else [spec.component, *_needed(spec.method)]:
            model.need(component)


def check_window(model: Model, spec: MapSpec) -> None:
    """Raises InputError where a window takes more layers together than there are."""
    layers = model.facts.layers
    if spec.window > layers:
        raise InputError(
            f"map {str(spec)!r}: a window of {spec.window} layers, and {model.facts.name!r} has {layers}; give at most "
            f".window{layers}"
        )


def _needed(method: Method | None) -> tuple[Component, ...]:
    """What a method needs of a model beside the component."""
    needs: dict[Method | None, tuple[Component, ...]] = {
        Method.IG: (Component.RESID_PRE,),
        Method.QKFIX: (Component.RESID_PRE, Component.PATTERN),
        Method.RELP: (Component.PATTERN, Component.MLP_POST),
        Method.GRADDROP: (Component.ATTN_OUT, Component.MLP_OUT),
    }
    return needs.get(method, ())


def check_map(pair: EncodedPair, spec: MapSpec, place: str = "") -> None:
    """Raises ItemError where a pair does not allow a map."""
    if spec.kind == "knockout":
        return
    check_aligned(pair, place)
    if spec.component is Component.PATTERN:
        check_equal_questions(pair, place)


def labels_of(model: Model, pair: EncodedPair, spec: MapSpec) -> dict[str, tuple[int, ...]]:
    """The labels along a map's axes."""
    if spec.graph:
        steps = tuple(range(len(pair.traces[1].step_spans)))
        return {"step": steps, "result": steps}
    return cells_of(model, pair, spec.axes, component=spec.component)[1]


def measure_map(
    model: Model, contexts: Contexts, spec: MapSpec, outcome: Outcome, te: float, seed: int = 0
) -> EffectMap:
    """Measures one map of one pair.

    Args:
        model: The hooked model.
        contexts: From `run_contexts`.
        spec: Which map.
        outcome: What to read off.
        te: The pair's total effect, which goes into the record.
        seed: Of the cells at which an estimate is checked.

    Raises:
        InputError: The model does not offer what the map needs.
        ItemError: The pair's chains cannot be aligned.
    """
    pair = contexts.pair
    if spec.kind.startswith("read"):
        return read_map(model, contexts, spec.axes, outcome, te, window=spec.window)
    if spec.kind.startswith("state."):
        return state_map(
            model, pair, spec.component, spec.axes, outcome, te, direction=spec.direction, window=spec.window
        )
    if spec.method is not None:
        found = attributions(model, pair, [spec.component], outcome, spec.direction, method=spec.method)
        return attribution_map(model, pair, found[spec.component], spec.axes, outcome, te, seed=seed)
    if spec.graph:
        return step_graph(model, contexts, Edge(spec.kind.split(".")[1]))
    cells, coords = cells_of(model, pair, spec.axes, component=spec.component)
    if spec.kind == "knockout":
        effects = knockout_effects(model, pair, cells, [outcome])[0]
    else:
        effects = relayed_effects(model, contexts, cells, outcome)
    shape = [len(labels) for labels in coords.values()]
    return EffectMap(effects.reshape(shape), tuple(coords), coords, pair.id, pair.group, spec.kind, outcome.value, te)


def measure_small_maps(
    model: Model, contexts: Sequence[Contexts], spec: MapSpec, outcome: Outcome, te: Sequence[float]
) -> dict[int, EffectMap]:
    """A map of several pairs, side by side, by the pair's place; of those alone for which that is worth while.

    Only read maps are measured so, where the model's keys and values are small and the pair's chains can be aligned.
    """
    if not spec.kind.startswith("read"):
        return {}
    laid = {}
    for number, each in enumerate(contexts):
        cells, coords = cells_of(model, each.pair, spec.axes, component=spec.component, window=spec.window)
        if is_aligned(each.pair) and are_small(each, cells):
            laid[number] = cells, coords
    found = read_effects_together(
        model, [contexts[number] for number in laid], [cells for cells, _ in laid.values()], outcome
    )
    return {
        number: read_record(contexts[number].pair, effects, coords, spec.window, outcome, te[number])
        for (number, (_, coords)), effects in zip(laid.items(), found, strict=True)
    }


def relayed_effects(
    model: Model, contexts: Contexts, cells: Sequence[Cell], outcome: Outcome
) -> Float[np.ndarray, " cell"]:
    """State effect less read effect of the same keys and values, in nats.

    Both put the source run's keys and values at the cell; for the state effect every later position finds them there,
    for the read effect the readers alone. The difference is what reaches the answer through later states of the chain.
    It is 0 in the last layer, and for a cell of the last position in all layers.
    """
    state = state_effects(model, contexts.pair, [Component.K, Component.V], cells, [outcome])[0]
    effects: Float[np.ndarray, " cell"] = state - read_effects(model, contexts, cells, outcome)
    return effects
