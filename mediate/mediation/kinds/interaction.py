"""Interactions of two steps: what both together do to the answer, beyond what each does alone.

INT(i, j) = E(ij) - E(i) - E(j) for i < j, each E the read effect of its steps in all layers. Positive: the answer needs
either of the two, and each hides the other's effect (they say the same). Negative: it needs both, and losing either is
losing all. 0: they add up.
"""

from itertools import combinations

import numpy as np
from jaxtyping import Float

from mediate.errors import ItemError
from mediate.mediation.alignment import check_aligned
from mediate.mediation.cells import Cell
from mediate.mediation.encoding import EncodedPair
from mediate.mediation.item import Encoded
from mediate.mediation.kinds.cube import Contexts
from mediate.mediation.kinds.kind import Coords, Effects, Kind, Work, effect_map
from mediate.mediation.kinds.read import read_effects
from mediate.mediation.names import MapSpec
from mediate.mediation.outcomes import Outcome
from mediate.models.model import Model
from mediate.results.maps import EffectMap


def step_interactions(model: Model, contexts: Contexts, outcome: Outcome) -> EffectMap:
    """INT(i, j) of one pair's steps, over `step` (i) and `later` (j), in nats; NaN where j is not later than i.

    Args:
        model: The hooked model.
        contexts: From `run_contexts`.
        outcome: What to read off.

    Raises:
        ItemError: The chains cannot be aligned, or have one step.
    """
    pair = contexts.pair
    return effect_map(pair, INTERACTION.name, _steps(pair), _interactions(model, contexts, outcome), outcome)


def check_two_steps(pair: EncodedPair, place: str = "") -> None:
    """Raises ItemError where the chains cannot be aligned, or have no two steps."""
    check_aligned(pair, place)
    if _count(pair) < 2:
        reason = "a chain of 1 step has no two that could interact; give longer ones, or leave the map out"
        raise ItemError(pair.id, reason, place=place, code="one_step")


def interactions_of(
    single: Float[np.ndarray, " step"], together: Float[np.ndarray, "step later"]
) -> Float[np.ndarray, "step later"]:
    """INT(i, j) = E(ij) - E(i) - E(j), from the effects of single steps and of two together; NaN stays NaN."""
    found: Float[np.ndarray, "step later"] = together - single[:, None] - single[None, :]
    return found


def _interactions(model: Model, contexts: Contexts, outcome: Outcome) -> Float[np.ndarray, "step later"]:
    check_two_steps(contexts.pair)
    effects, steps = read_effects(model, contexts, _cells(model, contexts.pair), outcome), _count(contexts.pair)
    together = np.full((steps, steps), np.nan)
    together[np.triu_indices(steps, k=1)] = effects[steps:]
    return interactions_of(effects[:steps], together)


def _count(pair: Encoded) -> int:
    return len(pair.trace.step_spans)


def _cells(model: Model, pair: Encoded) -> list[Cell]:
    """Every step by itself, then every two, in row order."""
    layers, spans = tuple(range(model.facts.layers)), pair.trace.step_spans
    chosen = [*((span,) for span in spans), *combinations(spans, 2)]
    return [Cell(tuple(place for span in each for place in range(*span)), layers) for each in chosen]


def _steps(pair: Encoded) -> Coords:
    steps = tuple(range(_count(pair)))
    return {"step": steps, "later": steps}


def _measure(model: Model, contexts: Contexts, spec: MapSpec, outcome: Outcome, seed: int) -> Effects:
    return Effects(_interactions(model, contexts, outcome))


def _labels(model: Model, pair: Encoded, spec: MapSpec) -> Coords:
    return _steps(pair)


def _work(model: Model, pair: EncodedPair, spec: MapSpec) -> Work:
    cells = _cells(model, pair)
    return Work(len(cells) - _count(pair), passes=0, read=cells)


def _fits(pair: EncodedPair, spec: MapSpec, place: str) -> None:
    check_two_steps(pair, place)


INTERACTION = Kind("interaction", _measure, _work, fits=_fits, labels=_labels)
