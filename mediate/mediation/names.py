"""What a run is asked for by name: outcomes, directions, methods, maps. Without torch, so that a typo costs nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar

from mediate.errors import InputError, meant, shortened
from mediate.mediation.presets import preset_named
from mediate.models.sites import BY_HEAD, BY_KV_HEAD, Component
from mediate.results import kinds
from mediate.results.kinds import Direction as Direction
from mediate.results.kinds import KindName, parse_kind
from mediate.results.kinds import Method as Method
from mediate.results.reference_words import REFERENCE_WORDS


def at_home(home: str) -> Any:
    """What lives at `module:name`, imported only now: a record that is read without torch so names what needs it."""
    module, _, name = home.partition(":")
    return getattr(import_module(module), name)


RIVAL, WHOLE_RUN = "rival", "whole run"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is read at the answer, positive towards the base answer; of an item without a twin, the measured answer.

    Of two answers: `logit_diff` is the logit of the base answer less that of the source answer at the first token where
    they differ, after their common beginning; `logprob_diff` is the difference of the whole answers' log-probabilities.
    Of one: see `mediate.mediation.one_answer`.

    Args:
        name: As it is asked for and stored.
        home: Where the function lives that reads it off, as `module:name`: from a `Reading` and the logits at the
            positions that predict answer tokens, `row last d_vocab`, to one number that can be differentiated.
        whole_answers: Whether it takes the logits along both answers, rather than at their first differing token alone.
        two_logits: Whether, there, it takes nothing but the two answers' own logits, so that no others are computed.
        one_place: Whether it takes nothing but the logits that predict the answer's first token that is more than white
            space, so that no other position is computed.
        answers: How many answers it is of: 2 of a pair's, 1 of an item's own.
        against: What else it takes: the logits of the `WHOLE_RUN`, or a `RIVAL` to hold the answer against.
        differentiable: Whether it has gradients, so that maps of it can be estimated.
        stacks: Whether its function also takes the logits of several passes by the same readers, with an axis of them
            first, and gives a number each.
        beside: Where the function lives that reads it off passes by different readers that are laid out alike, from
            their `Reading`s and the logits, with an axis of them first; empty where they are read off one by one.
    """

    name: str
    home: str
    whole_answers: bool = False
    two_logits: bool = False
    one_place: bool = False
    answers: int = 2
    against: str = ""
    differentiable: bool = True
    stacks: bool = False
    beside: str = ""

    LOGIT_DIFF: ClassVar["Outcome"]
    LOGPROB_DIFF: ClassVar["Outcome"]

    def __str__(self) -> str:
        return self.name

    @property
    def stored_as(self) -> str:
        """By what a stored number of it is known: its name; of one that is not of `OUTCOMES`, its home too."""
        return self.name if self in OUTCOMES else f"{self.name} = {self.home}"


_TWO = "mediate.mediation.outcomes"
Outcome.LOGIT_DIFF = Outcome(
    "logit_diff", f"{_TWO}:logit_diff", two_logits=True, stacks=True, beside=f"{_TWO}:logit_diffs"
)
Outcome.LOGPROB_DIFF = Outcome(
    "logprob_diff", f"{_TWO}:logprob_diff", whole_answers=True, stacks=True, beside=f"{_TWO}:logprob_diffs"
)
# What is read where nothing else is asked for: a new outcome changes no run that does not name it.
USUAL = (Outcome.LOGIT_DIFF, Outcome.LOGPROB_DIFF)
# The same of items without a twin.
_ONE = "mediate.mediation.one_answer"
LOGIT = Outcome("logit", f"{_ONE}:logit", one_place=True, answers=1)
LOGPROB = Outcome("logprob", f"{_ONE}:logprob", whole_answers=True, answers=1)
PROB = Outcome("prob", f"{_ONE}:prob", whole_answers=True, answers=1)
MARGIN = Outcome("margin", f"{_ONE}:margin", whole_answers=True, answers=1, against=RIVAL)
KL = Outcome("kl", f"{_ONE}:kl", one_place=True, answers=1, against=WHOLE_RUN)
SAME_ANSWER = Outcome(
    "same_answer",
    f"{_ONE}:same_answer",
    whole_answers=True,
    answers=1,
    differentiable=False,
)
USUAL_OF_ONE = (LOGIT, LOGPROB)
# Of a pair: what its base answer's probability is, whatever the source's.
BASE_PROB = Outcome("base_prob", f"{_ONE}:prob", whole_answers=True)
OUTCOMES = (*USUAL, BASE_PROB, LOGIT, LOGPROB, PROB, MARGIN, KL, SAME_ANSWER)


def parse_outcome(name: str | Outcome) -> Outcome:
    """The outcome of that name; one of your own is taken as it is.

    Raises:
        InputError: There is none of that name, or your own has the name of another.
    """
    found = next((each for each in OUTCOMES if each.name == str(name)), None)
    if isinstance(name, Outcome) and found not in (name, None):
        raise InputError(f"an outcome {name.name!r} is there already; give yours a name of its own")
    if isinstance(name, Outcome):
        return name
    if found is None:
        there = [str(each) for each in OUTCOMES]
        raise InputError(f"no outcome {shortened(str(name))!r}; {meant(str(name), there)}there is {', '.join(there)}")
    return found


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
    """A map to measure, written `KIND:AXES`, such as `read:step,layer` or `state.z:layer,head`; see `parse_map`.

    Args:
        name: Its kind, taken apart; as text, with what goes without saying left out: `read`, `relayed`, `knockout`;
            `state.COMPONENT` (noising) or `state.COMPONENT.denoising`; `ablate.REFERENCE.COMPONENT`;
            `attribution.COMPONENT`, with the method (`.ig` and so on) after it unless it is attribution patching, and
            `.denoising` last; `step_graph.read` or `step_graph.state`. `.windowN` at the end of a read, state or
            ablation map takes N neighbouring layers together.
        axes: What tells the cells apart, in their usual order: any of step or position, layer, and head or kv_head; of
            a step graph, step and result.
        component: What is replaced, or whose heads are told apart.
    """

    name: KindName
    axes: tuple[str, ...]
    component: Component

    @property
    def kind(self) -> str:
        """The kind as it is stored."""
        return str(self.name)

    def __str__(self) -> str:
        return f"{self.kind}:{','.join(self.axes)}"


def parse_map(text: str) -> MapSpec:
    """Reads `read:step,layer` and its like; axes are put in their usual order.

    Raises:
        InputError: Another kind, component or axis, or none.
    """
    if len(several := _several(text)) > 1:
        apart = f"{' '.join(f'--maps {each}' for each in several[:3])}{' ...' * (len(several) > 3)}"
        remedy = f"repeat the option: {shortened(apart, 300)} (in Python: give a list)"
        raise InputError(f"no map {shortened(text)!r}; it is several, so {remedy}")
    kind, _, names = text.partition(":")
    name, named = parse_kind(kind), names.split(",")
    of = name.of
    is_component = not of.heads and name.part in list(Component)
    is_spelt = is_component or bool(of.heads and (name.part or not of.variants))
    if of.references and not (name.by or of.needs_twin):
        is_spelt = False
    if not of.home or not is_spelt or name.unread or name.adaptive or name.view is not None:
        raise InputError(_no_such_kind(text))
    component = Component(of.heads or name.part)
    heads = "kv_head" if component in BY_KV_HEAD else "head" if component in BY_HEAD else ""
    allowed = [each for each in of.axes if each not in ("head", "kv_head") or each == heads]
    axes = tuple(each for each in allowed if each in named)
    if not axes or sorted(axes) != sorted(named):
        near = "" if of.all_axes else _with_axes(kind, named, allowed)
        offered = f"the axes of {shortened(kind)} are {', '.join(allowed)}, separated by commas"
        raise InputError(f"no map {shortened(text)!r}; {near}{offered}")
    if {"step", "position"} <= set(axes):
        raise InputError(f"no map {shortened(text)!r}; step and position exclude each other")
    if of.all_axes and axes != of.axes:
        what = f"a {of.name.replace('_', ' ')} is over {' and '.join(of.axes)}: {kind}:{','.join(of.axes)}"
        raise InputError(f"no map {shortened(text)!r}; {what}")
    if name.window > 1 and "layer" not in axes:
        raise InputError(f"no map {shortened(text)!r}; a window is of neighbouring layers, so name the axis layer")
    if name.by and name.direction is not Direction.NOISING:
        raise InputError(f"no map {shortened(text)!r}; there is no run of {name.by} values to put the chain's own into")
    if name.method is not None:
        check_estimable([component], name.method)
    return MapSpec(name, axes, component)


def _several(text: str) -> list[str]:
    """The maps and presets that a text joins by commas, which also set axes off; none where it joins anything else."""
    found: list[str] = []
    for part in text.split(","):
        if found and ":" in found[-1] and ":" not in part:
            found[-1] += f",{part}"
        else:
            found.append(part)
    kinds_known = (preset_named(each) or (":" in each and parse_kind(each.partition(":")[0]).of.home) for each in found)
    return found if all(kinds_known) else []


def _with_axes(kind: str, named: Sequence[str], allowed: Sequence[str]) -> str:
    """`did you mean 'read:layer,kv_head'? ` where each axis is, or is like, another of the kind's own; else nothing."""
    from difflib import get_close_matches  # takes a while, and hardly ever comes to it

    near = [next(iter(get_close_matches(each.strip(), allowed, n=1, cutoff=0.6)), "") for each in named]
    axes = [each for each in allowed if each in near]
    return f"did you mean '{shortened(kind)}:{','.join(axes)}'? " if len(axes) == len(near) else ""


def _no_such_kind(text: str) -> str:
    """The refusal of a kind, with the one that is probably meant, or with what there is."""
    kind, _, axes = text.partition(":")
    known = [spelt for of in kinds.KINDS if of.home for spelt in _spelt(of)]
    if kind not in known and (near := meant(kind, known)):
        return f"no map {shortened(text)!r}; {near}Else: mediate maps"
    if kind in known and not axes:
        return f"no map {shortened(text)!r}; add its axes, such as {kind}:step,layer, or see mediate maps"
    named = ", ".join(each for of in kinds.KINDS if of.heads for each in of.spellings)
    free = " and ".join(each for of in kinds.KINDS if not of.heads for each in of.spellings)
    windows = " and ".join(of.name for of in kinds.KINDS if of.windows)
    return (
        f"no map {shortened(text)!r}; a map is KIND:AXES, the kind one of {named}, {free}, with a component of "
        f"{', '.join(Component)}, and as reference {', '.join(REFERENCE_WORDS)}; .denoising may follow, before it, of "
        f"an attribution, {', '.join('.' + each for each in Method)}, and after all, of {windows}, .windowN; "
        "mediate maps lists them"
    )


def _spelt(of: kinds.KindFacts) -> tuple[str, ...]:
    """The names of a kind with every component, to find the one that a misspelt name is like."""
    if of.heads:
        return of.spellings
    by_reference = (f"{of.name}.{by}.{each}" for by in of.references for each in Component)
    return (*(f"{of.name}.{each}" for each in Component), *by_reference)


def check_answers(outcomes: Sequence[Outcome], answers: int) -> None:
    """Raises InputError where an outcome is not of as many answers as is measured: of a pair two, of an item one."""
    wrong = next((each for each in outcomes if each.answers != answers), None)
    if wrong is not None:
        of = "of two answers; an item by itself has one" if wrong.answers == 2 else "of one answer; a pair has two"
        raise InputError(f"outcome {wrong} is {of}")


def check_twinless(spec: MapSpec) -> None:
    """Raises InputError where a map takes a twin, so that an item by itself has none."""
    if spec.name.needs_twin:
        there = " and ".join(
            f"{spelt}:AXES"
            for of in kinds.KINDS
            for spelt in of.spellings
            if not of.needs_twin or spelt.endswith(kinds.OF_REFERENCE)
        )
        raise InputError(f"map {str(spec)!r} puts a twin's activations in place; items without a twin have {there}")


def parse_crossed_map(text: str) -> MapSpec:
    """Reads `read:step,layer` or `state.COMPONENT:layer,head`; every map is measured in both directions.

    Raises:
        InputError: No such map, or one that is not of two checkpoints.
    """
    spec = parse_map(text)
    if not spec.name.of.crossed or spec.name.direction is Direction.DENOISING:
        raise InputError(
            f"map {shortened(text)!r}: between checkpoints there are read:AXES and state.COMPONENT:AXES, each in both "
            "directions"
        )
    return spec
