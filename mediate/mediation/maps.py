"""Maps by name: what `--map` and `maps=[...]` take, and the measuring of each."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from mediate.effects.maps import WITH_GAPS, EffectMap
from mediate.errors import InputError
from mediate.mediation.attribution import Method, attribution_map, attributions, check_estimable
from mediate.mediation.cells import AXES, Cell, cells_of
from mediate.mediation.cube import Contexts
from mediate.mediation.encoding import EncodedPair
from mediate.mediation.knockout import check_knockout, knockout_effects
from mediate.mediation.outcomes import Outcome
from mediate.mediation.reads import (
    are_small,
    check_aligned,
    is_aligned,
    read_effects,
    read_effects_together,
    read_map,
    read_record,
)
from mediate.mediation.state import (
    Direction,
    check_equal_questions,
    state_effects,
    state_map,
)
from mediate.mediation.step_graph import Edge, step_graph
from mediate.models.model import Model
from mediate.models.sites import BY_HEAD, BY_KV_HEAD, Component

# The component whose heads a map of this kind tells apart.
_WINDOW = re.compile(r"\.window(?P<layers>[1-9][0-9]*)$")
_HEADS = {"read": Component.K, "relayed": Component.K, "knockout": Component.Q}


@dataclass(frozen=True, slots=True)
class MapSpec:
    """A map to measure, written `KIND:AXES`, such as `read:step,layer` or `state.z:layer,head`.

    Args:
        kind: `read`, `relayed`, `knockout`; `state.COMPONENT` (noising) or `state.COMPONENT.denoising`;
            `attribution.COMPONENT`, with the method (`.ig` and so on) after it unless it is attribution patching, and
            `.denoising` last; `step_graph.read` or `step_graph.state`. `.windowN` at the end of a read or state map
            takes N neighbouring layers together.
        axes: What tells the cells apart: any of step or position, layer, and head or kv_head; of a step graph, step and
            result.
    """

    kind: str
    axes: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.kind}:{','.join(self.axes)}"

    @property
    def component(self) -> Component:
        """What is replaced, or whose heads are told apart."""
        kind, *rest = self.kind.split(".")
        return _HEADS.get(kind) or (Component.K if self.graph else Component(rest[0]))

    @property
    def direction(self) -> Direction:
        """Of a state map or an estimate of one."""
        return Direction.DENOISING if Direction.DENOISING in self.kind.split(".") else Direction.NOISING

    @property
    def method(self) -> Method | None:
        """How an estimated map is estimated; None of an exact one."""
        kind, *rest = self.kind.split(".")
        if kind != "attribution":
            return None
        return next((Method(each) for each in rest if each in list(Method)), Method.ATP)

    @property
    def window(self) -> int:
        """How many neighbouring layers are taken together."""
        found = _WINDOW.search(self.kind)
        return int(found["layers"]) if found else 1

    @property
    def graph(self) -> bool:
        """Whether it is a step graph."""
        return self.kind in WITH_GAPS


def parse_map(text: str) -> MapSpec:
    """Reads `read:step,layer` and its like; axes are put in their usual order.

    Raises:
        InputError: Another kind, component or axis, or none.
    """
    kind, _, names = text.partition(":")
    axes = tuple(name for name in (*AXES, "result") if name in names.split(","))
    spec = MapSpec(_usual(kind, text), axes)
    heads = "kv_head" if spec.component in BY_KV_HEAD else "head" if spec.component in BY_HEAD else ""
    allowed = (
        ["step", "result"] if spec.graph else [name for name in AXES if name in ("step", "position", "layer", heads)]
    )
    if not axes or sorted(axes) != sorted(names.split(",")) or not set(axes) <= set(allowed):
        raise InputError(f"no map {text!r}; the axes of {kind} are {', '.join(allowed)}, separated by commas")
    if {"step", "position"} <= set(axes):
        raise InputError(f"no map {text!r}; step and position exclude each other")
    if spec.graph and len(axes) < 2:
        raise InputError(f"no map {text!r}; a step graph is over step and result: {kind}:step,result")
    if spec.window > 1 and "layer" not in axes:
        raise InputError(f"no map {text!r}; a window is of neighbouring layers, so name the axis layer")
    if spec.method is not None:
        check_estimable([spec.component], spec.method)
    return spec


def _usual(kind: str, text: str) -> str:
    """The kind with what goes without saying left out."""
    windowed = _WINDOW.search(kind)
    if windowed is not None and kind.split(".")[0] in ("read", "state"):
        whole = _usual(kind[: windowed.start()], text)
        return whole if windowed["layers"] == "1" else whole + windowed.group()
    base, *rest = kind.split(".")
    if kind in _HEADS or kind in WITH_GAPS:
        return kind
    options = {"state": [*Direction], "attribution": [*Method, *Direction]}.get(base)
    order = [each for each in options or () if each in rest[1:]]
    twice = sum(each in list(Direction) for each in rest) > 1 or sum(each in list(Method) for each in rest) > 1
    if options is None or not rest or rest[0] not in list(Component) or rest[1:] != order or twice:
        raise InputError(
            f"no map {text!r}; a map is KIND:AXES, the kind one of {', '.join((*_HEADS, *WITH_GAPS))}, "
            f"state.COMPONENT and attribution.COMPONENT, with a component of {', '.join(Component)}; "
            f".denoising may follow, before it, of an attribution, {', '.join('.' + each for each in Method)}, and "
            "after all, of read and state, .windowN"
        )
    return ".".join([base, rest[0], *(each for each in order if each not in (Direction.NOISING, Method.ATP))])


def check_offered(model: Model, spec: MapSpec) -> None:
    """Raises InputError where the model does not allow a map of any pair."""
    if spec.kind == "knockout":
        check_knockout(model)
    elif spec.kind == "relayed":
        for component in (Component.K, Component.V):
            model.need(component)
    elif not spec.kind.startswith("read"):
        for component in [Component.K, Component.V] if spec.graph else [spec.component, *_needed(spec.method)]:
            model.need(component)


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
