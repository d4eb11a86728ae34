"""Grafts: the source's chain up to a step, and the base's own from there on, as the readers find them.

The curve begins at Y[1,1,1], where nothing is grafted, and ends at Y[1,0,0], where all is: a map's value at step s is
Y[1,1,1] less the outcome when the readers, in the base run, find the source run's keys and values at the steps up to
and with s, so that its last one is TIE. Where it rises is where the answer's reading lies, and a step that says again
what an earlier one said counts only once both are grafted.

Steps need not be as long as their twins: what the base chain holds after the graft is then moved to where the graft
ends, which takes rotary positions.
"""

import numpy as np
from jaxtyping import Float

from mediate.errors import ItemError
from mediate.mediation.alignment import is_aligned
from mediate.mediation.cells import Cell
from mediate.mediation.encoding import EncodedPair
from mediate.mediation.item import Encoded
from mediate.mediation.kinds.cube import Contexts, laid_out, read_rows
from mediate.mediation.kinds.kind import Coords, Effects, Kind, Work, effect_map
from mediate.mediation.kinds.read import read_effects
from mediate.mediation.names import MapSpec
from mediate.mediation.outcomes import Outcome, read_off, reading
from mediate.models.model import Model
from mediate.passes.keyvalues import KeyValues, moved
from mediate.results.maps import EffectMap


def graft_curve(model: Model, contexts: Contexts, outcome: Outcome) -> EffectMap:
    """The effect of grafting the source's steps up to and with each, over `step`, in nats.

    Args:
        model: The hooked model.
        contexts: From `run_contexts`.
        outcome: What to read off.

    Raises:
        ItemError: The chains have different numbers of steps.
        InputError: Steps of different lengths, and the model's keys cannot be moved to other positions.
    """
    check_graftable(contexts.pair)
    return effect_map(contexts.pair, GRAFT.name, _steps(contexts.pair), _grafted(model, contexts, outcome), outcome)


def check_graftable(pair: EncodedPair, place: str = "") -> None:
    """Raises ItemError where the two chains have different numbers of steps."""
    source, base = (len(trace.step_spans) for trace in pair.traces)
    if source != base:
        reason = (
            f"the base chain has {base} steps and the source chain {source}, so no step stands in another's place; "
            "give chains of as many steps, or leave the graft out"
        )
        raise ItemError(pair.id, reason, place=place, code="unequal_steps")


def _grafted(model: Model, contexts: Contexts, outcome: Outcome) -> Float[np.ndarray, " step"]:
    if is_aligned(contexts.pair):
        return read_effects(model, contexts, _cells(model, contexts.pair), outcome)
    return grafts_laid_out(model, contexts, outcome)


def grafts_laid_out(model: Model, contexts: Contexts, outcome: Outcome) -> Float[np.ndarray, " step"]:
    """The same effects with keys and values laid out anew for every graft; steps may differ in length."""
    source, base = (trace.step_spans for trace in contexts.pair.traces)
    question, own = whole = laid_out(model, contexts, 1, 1, 1)
    theirs = laid_out(model, contexts, 1, 0, 0)[1]
    stops = [(there, here) for (_, there), (_, here) in zip(source, base, strict=True)]
    grafts = [[question, *_graft(model, theirs.part(0, there), own.part(here, len(own)))] for there, here in stops]
    readout = reading(contexts.pair.readers, model.device, [outcome])
    # Rows of a pass are equally long.
    y = [read_off(readout, read_rows(model, [readout], [row])[0], outcome) for row in (whole, *grafts)]
    return y[0] - np.array(y[1:])


def _graft(model: Model, begun: KeyValues, rest: KeyValues) -> list[KeyValues]:
    """The beginning of the source's chain, and the rest of the base's where that ends."""
    return [begun, moved(model, rest, begun.start + len(begun))]


def _cells(model: Model, pair: Encoded) -> list[Cell]:
    layers = tuple(range(model.facts.layers))
    return [Cell(tuple(range(stop)), layers) for _, stop in pair.trace.step_spans]


def _steps(pair: Encoded) -> Coords:
    return {"step": tuple(range(len(pair.trace.step_spans)))}


def _measure(model: Model, contexts: Contexts, spec: MapSpec, outcome: Outcome, seed: int) -> Effects:
    check_graftable(contexts.pair)
    return Effects(_grafted(model, contexts, outcome))


def _labels(model: Model, pair: Encoded, spec: MapSpec) -> Coords:
    return _steps(pair)


def _fits(pair: EncodedPair, spec: MapSpec, place: str) -> None:
    check_graftable(pair, place)


def _work(model: Model, pair: EncodedPair, spec: MapSpec) -> Work:
    cells = _cells(model, pair)
    return Work(len(cells), passes=0, read=cells)


GRAFT = Kind("graft", _measure, _work, fits=_fits, labels=_labels)
