"""What the properties are drawn from: models, token ids, pairs, positions, layers, heads, patches and knockouts.

Structure (lengths, positions, layers, heads) is drawn by hypothesis and shrinks; token ids come from a drawn seed, so
that sequences are never all one token and no identity holds for the dull reason that nothing differs.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from torch import Tensor

from mediate.mediation.cells import Cell
from mediate.mediation.encoding import EncodedPair, Readers
from mediate.mediation.kinds.cube import Contexts, run_contexts
from mediate.models.model import Model
from mediate.models.sites import BY_HEAD, BY_KV_HEAD, Component, Site
from mediate.passes.forward import forward
from mediate.passes.interventions import Knockout, Patch, Reference
from mediate.traces.trace import Trace
from tests import tiny

VOCABULARY = len(tiny.words()) + 1
LAYERS = tuple(range(tiny.LAYERS))
HEADS, KV_HEADS, CHANNELS, NEURONS = 4, {"gpt2": 4, "neox": 4}, 32, {"gpt2": 128}
# Every architecture in the dtype of use, and one in float64; `test_plain` and `test_attribution` have the others in it.
MODELS = [*((architecture, "float32") for architecture in tiny.ARCHITECTURES), ("gpt2", "float64")]
RESIDUAL = (Component.RESID_PRE, Component.RESID_MID, Component.RESID_POST)


# The tests' type checks look at a random place of a tuple, also of one that is made while an example is drawn.
CHECKED = pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies")


def examples(count: int) -> settings:
    """The settings of a property; the same examples in every run and on every machine."""
    slow = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    return settings(
        max_examples=count,
        deadline=None,
        derandomize=True,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=slow,
    )


def model_of(architecture: str, dtype: str = "float32") -> Model:
    return tiny.model(architecture, dtype)


def tolerance(architecture: str, dtype: str, scale: Tensor | np.ndarray | float = 1.0) -> float:
    """Class F of the identities: 1e-10 in float64, else 1e-5, times the size of the logits where above 1."""
    size = max(1.0, float(abs(scale).max())) if not isinstance(scale, float) else max(1.0, scale)
    return (1e-10 if dtype == "float64" else 1e-5) * size


@cache
def contexts_of(architecture: str, dtype: str, pair: EncodedPair) -> Contexts:
    return run_contexts(model_of(architecture, dtype), pair)


def units_of(architecture: str, component: Component) -> int:
    """How many heads, KV heads or channels there are to choose from."""
    if component in BY_HEAD:
        return HEADS
    if component in BY_KV_HEAD:
        return KV_HEADS.get(architecture, 2)
    return NEURONS.get(architecture, 48) if component is Component.MLP_POST else CHANNELS


@cache
def offered(architecture: str) -> list[Component]:
    refused = model_of(architecture).refused
    return [component for component in Component if component not in refused]


def some(count: int, least: int = 1, most: int | None = None) -> st.SearchStrategy[tuple[int, ...]]:
    """Some of the numbers from 0 to `count` - 1, ascending."""
    most = count if most is None else min(most, count)
    return st.lists(st.integers(0, count - 1), min_size=min(least, count), max_size=most, unique=True).map(
        lambda found: tuple(sorted(found))
    )


seeds = st.integers(0, 10**6)


def tokens(seed: int, *shape: int) -> Tensor:
    """Token ids from a seed."""
    return torch.from_numpy(np.random.default_rng(seed).integers(0, VOCABULARY, size=shape))


@st.composite
def rows(draw: Any, count: int = 2, least: int = 3, most: int = 12) -> Tensor:
    """Sequences of one length."""
    return tokens(draw(seeds), count, draw(st.integers(least, most)))


@st.composite
def patches(
    draw: Any, architecture: str, length: int, *, first: int = 0, components: tuple[Component, ...] = ()
) -> Patch:
    """One patch at positions from `first` on."""
    component = draw(st.sampled_from(components or offered(architecture)))
    positions = tuple(first + place for place in draw(some(length - first)))
    units = draw(st.none() | some(units_of(architecture, component), most=6))
    return Patch(Site(component, draw(st.sampled_from(LAYERS))), positions, units)


def overlap(one: Patch, other: Patch) -> bool:
    """Whether two patches write the same number."""
    if one.site != other.site or not set(one.positions) & set(other.positions):
        return False
    return one.units is None or other.units is None or bool(set(one.units) & set(other.units))


def apart(found: list[Patch]) -> list[Patch]:
    """The patches without those that overlap an earlier one."""
    kept: list[Patch] = []
    for patch in found:
        if not any(overlap(patch, other) for other in kept):
            kept.append(patch)
    return kept


@st.composite
def knockouts(draw: Any, length: int, *, renormalised: bool | None = None) -> Knockout:
    """A knockout that leaves every reader its own position."""
    readers = draw(some(length, most=length - 1))
    others = [place for place in range(length) if place not in readers]
    keys = tuple(others[place] for place in draw(some(len(others))))
    keep_sum = draw(st.booleans()) if renormalised is None else renormalised
    return Knockout(readers, keys, draw(some(len(LAYERS))), draw(st.none() | some(HEADS)), keep_sum)


def kept_values(
    architecture: str, dtype: str, ids: Tensor, wanted: list[Site], row: int = 0, by: Reference = Reference.SOURCE
) -> dict[tuple[Reference, Site], Tensor]:
    """A run's own activations as values for patches."""
    kept = forward(model_of(architecture, dtype), ids, keep=list(dict.fromkeys(wanted))).kept
    return {(by, site): value[row] for site, value in kept.items()}


def all_sites(architecture: str, *components: Component) -> list[Site]:
    """These components, or all that are offered, in every layer."""
    return [Site(component, layer) for component in components or offered(architecture) for layer in LAYERS]


def trace(ids: tuple[int, ...], lengths: tuple[int, ...]) -> Trace:
    """A chain of these tokens, in steps of these lengths."""
    steps = tuple(step for step, length in enumerate(lengths) for _ in range(length))
    pieces = tuple(f" t{number}" for number in ids)
    return Trace("".join(pieces), ids, pieces, steps)


@dataclass(frozen=True)
class Shape:
    """Lengths of a pair's parts.

    Args:
        questions: Of the source and the base question.
        steps: Of the steps, the same in both chains.
        cue: Of the answer cue.
        answers: Of the source and the base answer.
        shared: Tokens that the answers begin with in common.
    """

    questions: tuple[int, int]
    steps: tuple[int, ...]
    cue: int
    answers: tuple[int, int]
    shared: int

    @property
    def chain(self) -> int:
        return sum(self.steps)


@st.composite
def shapes(draw: Any, *, equal_questions: bool = True, most_steps: int = 3, least_cue: int = 1) -> Shape:
    first = draw(st.integers(1, 4))
    second = first if equal_questions else draw(st.integers(1, 4))
    steps = tuple(draw(st.lists(st.integers(1, 3), min_size=1, max_size=most_steps)))
    shared = draw(st.integers(0, 1))
    answers = tuple(shared + draw(st.integers(1, 2)) for _ in range(2))
    return Shape((first, second), steps, draw(st.integers(least_cue, 3)), answers, shared)


def pair_from(shape: Shape, seed: int, name: str = "a") -> EncodedPair:
    """A pair of these lengths whose two worlds differ in every part."""
    generator = np.random.default_rng(seed)

    def ids(length: int, but: tuple[int, ...] = ()) -> tuple[int, ...]:
        """Token ids; in each place another than `but` has there."""
        drawn = generator.integers(0, VOCABULARY - 1, size=length).tolist()
        return tuple(
            (token + 1 if place < len(but) and token >= but[place] else token) for place, token in enumerate(drawn)
        )

    question, chain = ids(shape.questions[0]), ids(shape.chain)
    shared, rest = ids(shape.shared), ids(shape.answers[0] - shape.shared)
    other = ids(shape.answers[1] - shape.shared, rest)
    return EncodedPair(
        name,
        "g",
        (question, ids(shape.questions[1], question)),
        (trace(chain, shape.steps), trace(ids(shape.chain, chain), shape.steps)),
        Readers(cue=ids(shape.cue), base=shared + other, source=shared + rest),
    )


@st.composite
def pairs(draw: Any, *, equal_questions: bool = True, most_steps: int = 3, least_cue: int = 1) -> EncodedPair:
    shape = draw(shapes(equal_questions=equal_questions, most_steps=most_steps, least_cue=least_cue))
    return pair_from(shape, draw(seeds))


def whole(pair: EncodedPair, layers: tuple[int, ...] = LAYERS) -> Cell:
    """The whole chain in some layers."""
    return Cell(tuple(range(len(pair.traces[1].ids))), layers)


@st.composite
def cells(draw: Any, pair: EncodedPair, units: int | None = None) -> Cell:
    """A cell of a pair; with `units`, also of some of so many heads."""
    positions, layers = draw(some(len(pair.traces[1].ids))), draw(some(len(LAYERS)))
    return Cell(positions, layers, draw(st.none() | some(units, most=6)) if units else None)
