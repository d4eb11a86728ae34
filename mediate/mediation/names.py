"""What a run is asked for by name: outcomes, directions, methods, maps. Without torch, so that a typo costs nothing."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from mediate.errors import InputError
from mediate.models.sites import BY_HEAD, BY_KV_HEAD, Component
from mediate.results.kinds import WITH_GAPS

AXES = ("step", "position", "layer", "head", "kv_head")

_WINDOW = re.compile(r"\.window(?P<layers>[1-9][0-9]*)$")
# The component whose heads a map of this kind tells apart.
_HEADS = {"read": Component.K, "relayed": Component.K, "knockout": Component.Q}


class Outcome(StrEnum):
    """What is read at the answer, in nats and positive towards the base answer.

    `logit_diff` is the logit of the base answer less that of the source answer at the first token where they differ,
    after their common beginning; `logprob_diff` is the difference of the whole answers' log-probabilities.
    """

    LOGIT_DIFF = "logit_diff"
    LOGPROB_DIFF = "logprob_diff"


def parse_outcome(name: str) -> Outcome:
    """The outcome of that name.

    Raises:
        InputError: There is none.
    """
    try:
        return Outcome(name)
    except ValueError:
        raise InputError(f"no outcome {shortened(name)!r}; there is {', '.join(Outcome)}") from None


def shortened(text: str) -> str:
    """A name as a message has it: whoever mistyped it knows it by its beginning."""
    return text if len(text) <= 80 else f"{text[:77]}..."


class Direction(StrEnum):
    """Into which run the other one's activations are put."""

    NOISING = "noising"
    DENOISING = "denoising"

    @property
    def patched_world(self) -> int:
        """The world of the run that is patched: 1 is the base."""
        return int(self is Direction.NOISING)


class Method(StrEnum):
    """How a state effect is estimated; see `mediate.mediation.kinds.attribution`."""

    ATP = "atp"
    IG = "ig"
    GRADDROP = "graddrop"
    QKFIX = "qkfix"
    RELP = "relp"

    @property
    def signed(self) -> bool:
        """Whether an estimate says for which answer an activation speaks."""
        return self is not Method.GRADDROP


def check_estimable(components: Sequence[Component], method: Method) -> None:
    """Raises InputError where a method has no estimate of a component."""
    if {Component.PATTERN, Component.MLP_POST} & set(components):
        raise InputError("attribution of patterns and neurons is not offered; take z, q, k, v or mlp_out")
    in_softmax = {Component.Q, Component.K}
    if method is Method.QKFIX and not set(components) <= in_softmax:
        raise InputError("the QK fix is of q and k; take atp for the other components")
    if method is Method.RELP and set(components) & in_softmax:
        raise InputError("RelP holds patterns fixed, so q and k have no estimate; take qkfix for them")


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
        offered = f"the axes of {shortened(kind)} are {', '.join(allowed)}, separated by commas"
        raise InputError(f"no map {shortened(text)!r}; {offered}")
    if {"step", "position"} <= set(axes):
        raise InputError(f"no map {shortened(text)!r}; step and position exclude each other")
    if spec.graph and len(axes) < 2:
        raise InputError(f"no map {shortened(text)!r}; a step graph is over step and result: {kind}:step,result")
    if spec.window > 1 and "layer" not in axes:
        raise InputError(f"no map {shortened(text)!r}; a window is of neighbouring layers, so name the axis layer")
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
            f"no map {shortened(text)!r}; a map is KIND:AXES, the kind one of {', '.join((*_HEADS, *WITH_GAPS))}, "
            f"state.COMPONENT and attribution.COMPONENT, with a component of {', '.join(Component)}; "
            f".denoising may follow, before it, of an attribution, {', '.join('.' + each for each in Method)}, and "
            "after all, of read and state, .windowN"
        )
    return ".".join([base, rest[0], *(each for each in order if each not in (Direction.NOISING, Method.ATP))])


def parse_crossed_map(text: str) -> MapSpec:
    """Reads `read:step,layer` or `state.COMPONENT:layer,head`; every map is measured in both directions.

    Raises:
        InputError: No such map, or one that is not of two checkpoints.
    """
    spec = parse_map(text)
    kind = spec.kind.split(".")[0]
    if kind not in ("read", "state") or "denoising" in spec.kind:
        raise InputError(
            f"map {shortened(text)!r}: between checkpoints there are read:AXES and state.COMPONENT:AXES, each in both "
            "directions"
        )
    return spec
