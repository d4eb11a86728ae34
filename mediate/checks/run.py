"""Planted truths measured and identities tried: what `mediate check` runs to show that this machine computes right."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float

from mediate.checks.claims import Identity, Size, token_pair
from mediate.checks.identities import IDENTITIES
from mediate.checks.planted import SETTINGS, Planted, planted_model
from mediate.checks.planted_gates import REACHES, REPAIR_BLOCK, REPAIRED_HEAD, TWO_STEPS, TwoSteps, two_step_model
from mediate.checks.tiny import Tiny, tiny_model
from mediate.errors import InputError, one_line
from mediate.mediation.cells import Cell
from mediate.mediation.encoding import EncodedPair, encode_pair
from mediate.mediation.kinds.cube import Contexts, measure_cube, run_contexts
from mediate.mediation.kinds.graft import graft_curve
from mediate.mediation.kinds.interaction import step_interactions
from mediate.mediation.kinds.read import read_effects
from mediate.mediation.kinds.state import Direction, state_effects
from mediate.mediation.kinds.step_shapley import step_shapley
from mediate.mediation.outcomes import Outcome
from mediate.mediation.sequences import outcomes_under, sequences
from mediate.models.model import Model
from mediate.models.prompts import ANSWER_CUE, Style, Template
from mediate.models.sites import Component, Site
from mediate.models.threads import one_thread
from mediate.pairs.pair import World, in_worlds
from mediate.passes.forward import forward
from mediate.passes.interventions import Patch, Reference, Values
from mediate.passes.loaded import load
from mediate.traces.trace import given_trace

TOLERANCE = {"float64": 1e-10, "float32": 1e-5}
# What differs on a tiny random model differs by more than this.
LEAST = 1e-3
# One to the rounding of float64, and one in the dtype of use.
TINY = ((Tiny.GPT2, "float64"), (Tiny.LLAMA, "float32"))
STEP_SETS = ((0,), (1,), (0, 1))
Measured = Float[np.ndarray, " number"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One statement that was tried, and the number found.

    Args:
        name: The statement.
        error: The largest deviation, in nats where it is one of outcomes or logits; of what must differ, the
            difference; NaN where it could not be tried.
        tolerance: The most that is allowed; of what must differ, the least.
        differs: Whether it must differ.
        gated: Off where the number is for the reader alone.
        detail: Why it failed, or does not apply.
    """

    name: str
    error: float
    tolerance: float
    differs: bool = False
    gated: bool = True
    detail: str = ""

    @property
    def passed(self) -> bool:
        """Whether the number is on the right side of the tolerance; a NaN is not."""
        if not self.gated:
            return True
        return self.error > self.tolerance if self.differs else self.error <= self.tolerance

    def __str__(self) -> str:
        mark = "--" if not self.gated else "ok" if self.passed else "FAIL"
        side = "over" if self.differs else "at most"
        limit = f"({side} {self.tolerance:.0e})" if self.gated and self.tolerance else f"({side} 0)"
        found = f"{self.error:8.1e}  {limit}" if self.gated else "" if np.isnan(self.error) else f"{self.error:8.1e}"
        return f"{mark:4} {self.name:44} {found} {self.detail}".rstrip()


def sections() -> Iterator[tuple[str, Iterable[Finding]]]:
    """Headings with what is tried under each, everything that needs no model from outside."""
    # Matrices this small are slower on several threads, and many times so where other work has a core.
    with one_thread():
        yield "planted models: the eight outcomes against the closed form, in nats", planted_truths()
        yield (
            "planted models of two steps: outcomes, state and read effects and step Shapley values, in nats",
            (measure_two_steps(planted, dtype) for planted in TWO_STEPS for dtype in TOLERANCE),
        )
        for architecture, dtype in TINY:
            plain = tiny_model(architecture, getattr(torch, dtype))
            model = load(plain, device="cpu", copy=False)
            yield f"identities on a random {model.facts.architecture}, {dtype}", tried(model, TOLERANCE[dtype])


def planted_truths(settings: Sequence[Planted] = SETTINGS) -> Iterator[Finding]:
    """Measures every planted model in float64 and float32."""
    return (measure_truth(planted, dtype) for planted in settings for dtype in TOLERANCE)


def measure_truth(planted: Planted, dtype: str) -> Finding:
    """Measures one planted model's cube, by the path that every pair takes."""
    plain, tokenizer = planted_model(planted, getattr(torch, dtype))
    model = load(plain, tokenizer=tokenizer, device="cpu", copy=False)
    contexts = run_contexts(model, _encoded(model, planted))
    found = measure_cube(model, contexts, [Outcome.LOGIT_DIFF])[0]
    return Finding(_named(planted, dtype), float(np.abs(found - planted.cube()).max()), TOLERANCE[dtype])


def measure_two_steps(planted: TwoSteps, dtype: str) -> Finding:
    """Measures all that has a closed form in a planted model of two steps; the worst is named where it is too far."""
    plain, tokenizer = two_step_model(planted, getattr(torch, dtype))
    model = load(plain, tokenizer=tokenizer, device="cpu", copy=False)
    contexts = run_contexts(model, _encoded(model, planted))
    errors = {
        what: float(np.abs(found - true).max()) for what, found, true in two_step_truths(model, contexts, planted)
    }
    worst = max(errors, key=lambda what: (np.isnan(errors[what]), errors[what]))
    detail = "" if errors[worst] <= TOLERANCE[dtype] else f"in {worst}"
    return Finding(_named(planted, dtype), errors[worst], TOLERANCE[dtype], detail=detail)


def two_step_truths(model: Model, contexts: Contexts, planted: TwoSteps) -> Iterator[tuple[str, Measured, Measured]]:
    """By name, what is measured and its closed form: of each step alone, and of both."""
    pair, outcome = contexts.pair, Outcome.LOGIT_DIFF
    yield "the cube", measure_cube(model, contexts, [outcome])[0].ravel(), planted.cube().ravel()
    for (components, layers), reach in REACHES.items():
        where = f"{', '.join(components)} of layers {', '.join(map(str, layers))}"
        cells = _cells(pair, layers)
        for direction, truth in ((Direction.NOISING, planted.noising), (Direction.DENOISING, planted.denoising)):
            found = state_effects(model, pair, components, cells, [outcome], direction)[0]
            yield f"{direction} {where}", found, np.array([truth(steps, reach) for steps in STEP_SETS])
    for layers in ((0,), (1,), (2,), (0, 1, 2)):
        found = read_effects(model, contexts, _cells(pair, layers), outcome)
        true = np.array([planted.read_effect(steps, layers) for steps in STEP_SETS])
        yield f"read effects in layers {', '.join(map(str, layers))}", found, true
    grafts = [planted.read_effect(steps, (0, 1, 2)) for steps in ((0,), (0, 1))]
    yield "grafts", graft_curve(model, contexts, outcome).values, np.array(grafts)
    yield "interaction", step_interactions(model, contexts, outcome).values[:1, 1], np.array([planted.interaction()])
    yield "step Shapley values", step_shapley(model, contexts, outcome).values, planted.step_shapley()
    yield "total and direct effect of a head", head_effects(model, pair), np.array(planted.head_effects())


def head_effects(model: Model, pair: EncodedPair) -> Measured:
    """Total and direct effect of `TwoSteps.head_effects`, measured by patches at the answer's position."""
    base, source = (sequences(model, pair, world, [Outcome.LOGIT_DIFF]) for world in (1, 0))
    head, repair = Site(Component.Z, 1), Site(Component.MLP_OUT, REPAIR_BLOCK)
    # The head comes from the source run; the MLP is held at what it is in the base run.
    values: Values = {
        (Reference.SOURCE, site): forward(model, run.ids, keep=[site]).kept[site][0]
        for site, run in ((head, source), (repair, base))
    }
    at = base.readers[-1:]
    moved, held = Patch(head, at, (REPAIRED_HEAD,)), Patch(repair, at)
    y = outcomes_under(model, base, [Outcome.LOGIT_DIFF], [(), (moved,), (moved, held)], values)[0]
    return np.array([y[0] - y[1], y[0] - y[2]])


def tried(model: Model, tolerance: float | None = None) -> Iterator[Finding]:
    """Every identity on a model, with a pair of random tokens of its vocabulary.

    Args:
        model: The hooked model.
        tolerance: What rounding may do, on a model of which it is known that what must differ does so by `LEAST`. By
            default what the dtype and the size of the logits allow, and what must differ is shown and not judged.
    """
    limits = limits_of(model)
    if tolerance is not None:
        limits |= dict.fromkeys((Size.ROUNDED, Size.SHARES), tolerance)
    pair, before = token_pair(model), random_states()
    for identity in IDENTITIES:
        yield _try(model, pair, identity, limits, known=tolerance is not None)
    moved = float(before != random_states())
    yield Finding("torch's and numpy's generators are untouched", moved, 0.0)


def _try(model: Model, pair: EncodedPair, identity: Identity, limits: Mapping[Size, float], *, known: bool) -> Finding:
    limit, differs = limits[identity.kind], identity.kind is Size.DIFFERENT
    lacking = identity.why_not(model)
    if lacking:
        return Finding(identity.name, float("nan"), limit, gated=False, detail=f"does not apply: {lacking}")
    try:
        error = identity.deviation(model, pair)
    except InputError as failure:
        return Finding(identity.name, float("inf"), limit, detail=one_line(failure))
    return Finding(identity.name, error, limit, differs, gated=known or not differs)


def limits_of(model: Model) -> dict[Size, float]:
    """What rounding may do, from the dtype and the size of the logits on the probe."""
    shares = model.rounding * (64 if model.rounding < 1e-5 else 8)
    return {
        Size.EXACT: 0.0,
        Size.ARITHMETIC: 1e-10,
        Size.ROUNDED: shares * max(1.0, float(model.probe.logits.abs().max())),
        Size.SHARES: shares,
        Size.DIFFERENT: LEAST,
    }


def random_states() -> tuple[bytes, bytes, int]:
    """torch's and numpy's global generators as they stand."""
    state = np.random.get_state(legacy=False)["state"]
    return torch.random.get_rng_state().numpy().tobytes(), state["key"].tobytes(), int(state["pos"])


def _named(planted: Planted | TwoSteps, dtype: str) -> str:
    return f"{planted.name:34} {dtype}"


def _encoded(model: Model, planted: Planted | TwoSteps) -> EncodedPair:
    pair = planted.pair()
    chains = in_worlds(lambda world: given_trace(str(pair[world].cot), model.need_tokenizer()))
    return encode_pair(model, pair, Template(Style.NONE), ANSWER_CUE, *chains)


def _cells(pair: EncodedPair, layers: tuple[int, ...]) -> list[Cell]:
    """Each step alone, and both."""
    spans = pair.traces[World.BASE].step_spans
    return [Cell(tuple(at for step in steps for at in range(*spans[step])), layers) for steps in STEP_SETS]
