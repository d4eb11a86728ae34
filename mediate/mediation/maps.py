"""Maps by name: what `--map` and `maps=[...]` take, and the measuring of each."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from mediate.effects.maps import EffectMap
from mediate.errors import InputError
from mediate.mediation.cells import AXES, Cell, cells_of
from mediate.mediation.cube import Contexts
from mediate.mediation.encoding import EncodedPair
from mediate.mediation.knockout import check_knockout, knockout_effects
from mediate.mediation.outcomes import Outcome
from mediate.mediation.reads import check_aligned, read_effects, read_map
from mediate.mediation.state import (
    Direction,
    check_equal_questions,
    state_effects,
    state_map,
)
from mediate.models.model import Model
from mediate.models.sites import BY_HEAD, BY_KV_HEAD, Component

# The component whose heads a map of this kind tells apart.
_HEADS = {"read": Component.K, "relayed": Component.K, "knockout": Component.Q}


@dataclass(frozen=True, slots=True)
class MapSpec:
    """A map to measure, written `KIND:AXES`, such as `read:step,layer` or `state.z:layer,head`.

    Args:
        kind: `read`, `relayed`, `knockout`, `state.COMPONENT` (noising) or `state.COMPONENT.denoising`.
        axes: What tells the cells apart: any of step or position, layer, and head or kv_head.
    """

    kind: str
    axes: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.kind}:{','.join(self.axes)}"

    @property
    def component(self) -> Component:
        """What is replaced, or whose heads are told apart."""
        return _HEADS.get(self.kind) or Component(self.kind.split(".")[1])

    @property
    def direction(self) -> Direction:
        """Of a state map."""
        return Direction.DENOISING if self.kind.endswith(f".{Direction.DENOISING}") else Direction.NOISING


def parse_map(text: str) -> MapSpec:
    """Reads `read:step,layer` and its like; axes are put in their usual order.

    Raises:
        InputError: Another kind, component or axis, or none.
    """
    kind, _, names = text.partition(":")
    axes = tuple(name for name in AXES if name in names.split(","))
    base, *rest = kind.split(".")
    known = kind in _HEADS or (base == "state" and 1 <= len(rest) <= 2 and rest[0] in list(Component))
    if not known or (len(rest) == 2 and rest[1] not in list(Direction)):
        raise InputError(
            f"no map {text!r}; a map is KIND:AXES, the kind one of {', '.join(_HEADS)}, state.COMPONENT and "
            f"state.COMPONENT.denoising, with a component of {', '.join(Component)}"
        )
    component = _HEADS.get(kind) or Component(rest[0])
    heads = "kv_head" if component in BY_KV_HEAD else "head" if component in BY_HEAD else ""
    allowed = [name for name in AXES if name in ("step", "position", "layer", heads)]
    if not axes or sorted(axes) != sorted(names.split(",")) or not set(axes) <= set(allowed):
        raise InputError(f"no map {text!r}; the axes of {kind} are {', '.join(allowed)}, separated by commas")
    if {"step", "position"} <= set(axes):
        raise InputError(f"no map {text!r}; step and position exclude each other")
    kind = kind.removesuffix(f".{Direction.NOISING}")
    return MapSpec(kind, axes)


def check_offered(model: Model, spec: MapSpec) -> None:
    """Raises InputError where the model does not allow a map of any pair."""
    if spec.kind == "knockout":
        check_knockout(model)
    elif spec.kind == "relayed":
        for component in (Component.K, Component.V):
            model.need(component)
    elif spec.kind != "read":
        model.need(spec.component)


def check_map(pair: EncodedPair, spec: MapSpec, place: str = "") -> None:
    """Raises ItemError where a pair does not allow a map."""
    if spec.kind == "knockout":
        return
    check_aligned(pair, place)
    if spec.component is Component.PATTERN:
        check_equal_questions(pair, place)


def labels_of(model: Model, pair: EncodedPair, spec: MapSpec) -> dict[str, tuple[int, ...]]:
    """The labels along a map's axes."""
    return cells_of(model, pair, spec.axes, component=spec.component)[1]


def measure_map(model: Model, contexts: Contexts, spec: MapSpec, outcome: Outcome, te: float) -> EffectMap:
    """Measures one map of one pair.

    Args:
        model: The hooked model.
        contexts: From `run_contexts`.
        spec: Which map.
        outcome: What to read off.
        te: The pair's total effect, which goes into the record.

    Raises:
        InputError: The model does not offer what the map needs.
        ItemError: The pair's chains cannot be aligned.
    """
    pair = contexts.pair
    if spec.kind == "read":
        return read_map(model, contexts, spec.axes, outcome, te)
    if spec.kind.startswith("state."):
        return state_map(model, pair, spec.component, spec.axes, outcome, te, direction=spec.direction)
    cells, coords = cells_of(model, pair, spec.axes, component=spec.component)
    if spec.kind == "knockout":
        effects = knockout_effects(model, pair, cells, [outcome])[0]
    else:
        effects = relayed_effects(model, contexts, cells, outcome)
    shape = [len(labels) for labels in coords.values()]
    return EffectMap(effects.reshape(shape), tuple(coords), coords, pair.id, pair.group, spec.kind, outcome.value, te)


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
