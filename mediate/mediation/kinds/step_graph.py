"""The step graph: how much each step of a chain determines what each later step states.

The outcome of step k is the logit of the base chain's token less that of the source chain's, at the step's *result
token*: the first of the last run of tokens in which the two chains differ there. So in `3 + 4 = 7` against `2 + 4 = 6`
it is read where the 7 is about to be written. The effect of step j < k is that outcome in the base run, less the one
with the source run's keys and values at step j in all layers; positive where step j speaks for what the base chain goes
on to state.

- `read`: only the tokens of step k that come before the result find the source's keys and values: the direct edge. A
  result that begins its step is read by the last token of the step before, which is then not swapped itself.
- `state`: everything after step j is computed anew: the total effect, with what goes through the steps between. It is
  the edge itself where there are none.
"""

from enum import StrEnum

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from mediate.errors import ItemError
from mediate.mediation.alignment import check_aligned
from mediate.mediation.branching import moves
from mediate.mediation.cells import Cell
from mediate.mediation.encoding import EncodedPair
from mediate.mediation.item import Encoded
from mediate.mediation.kinds.cube import Contexts, laid_out
from mediate.mediation.kinds.kind import Coords, Effects, Kind, Work, effect_map
from mediate.mediation.kinds.relayed import needs_keys_and_values
from mediate.mediation.kinds.state import Direction, chain_activations, other_world, placed
from mediate.mediation.kinds.swapping import differs, swapped_past
from mediate.mediation.names import MapSpec
from mediate.mediation.outcomes import Outcome
from mediate.mediation.sequences import PASS_TOKENS, sequences
from mediate.models.model import Model
from mediate.models.sites import Component
from mediate.pairs.pair import World
from mediate.passes.forward import forward
from mediate.passes.interventions import Reference
from mediate.passes.readers import read
from mediate.results.kinds import RESULT as RESULT
from mediate.results.kinds import KindName, parse_kind
from mediate.results.maps import EffectMap


class Edge(StrEnum):
    """What an entry of the graph is the effect of."""

    READ = "read"
    STATE = "state"


def result_tokens(pair: EncodedPair) -> tuple[int | None, ...]:
    """Each step's result token, counted from the start of the chain; None where both chains have the same step.

    Raises:
        ItemError: The chains cannot be aligned.
    """
    check_aligned(pair)
    source, base = pair.traces
    found: list[int | None] = []
    for start, stop in base.step_spans:
        differing = [place for place in range(start, stop) if base.ids[place] != source.ids[place]]
        found.append(next((place for place in reversed(differing) if place - 1 not in differing), None))
    return tuple(found)


def step_graph(model: Model, contexts: Contexts, edge: Edge) -> EffectMap:
    """The step graph of one pair, over `step` (the mediator) and `result` (the step whose result is read), in nats.

    Entries are NaN where the result's step is not later than the mediator, or states the same in both worlds, or where
    the mediator is nothing but the reader. Each result has an outcome of its own, so the record has no total effect.

    Args:
        model: The hooked model.
        contexts: From `run_contexts`.
        edge: What an entry is the effect of.
    Raises:
        ItemError: The chains cannot be aligned.
    """
    kind = KindName(parse_kind(STEP_GRAPH.name).of, edge)
    coords, values = _steps(contexts.pair), _edges(model, contexts, edge)
    return effect_map(contexts.pair, str(kind), coords, values, Outcome.LOGIT_DIFF)


def _edges(model: Model, contexts: Contexts, edge: Edge) -> Float[np.ndarray, "step result"]:
    return (_read_edges if edge is Edge.READ else _state_edges)(model, contexts, result_tokens(contexts.pair))


def _steps(pair: Encoded) -> Coords:
    steps = tuple(range(len(pair.trace.step_spans)))
    return {"step": steps, "result": steps}


def _cells(model: Model, pair: EncodedPair) -> list[Cell]:
    layers = tuple(range(model.facts.layers))
    return [Cell(tuple(range(*span)), layers) for span in pair.traces[World.BASE].step_spans]


def _wanted(logits: Float[Tensor, "*row d_vocab"], pair: EncodedPair, place: int) -> Float[Tensor, "*row"]:
    """The outcome at a result token, from the logits one position before it."""
    source, base = (trace.ids[place] for trace in pair.traces)
    return logits[..., base].double() - logits[..., source].double()


def _finite(pair: EncodedPair, effects: Float[np.ndarray, "*cell"]) -> Float[np.ndarray, "*cell"]:
    """Raises ItemError where an effect is no number: NaN in a graph says that there is no such effect."""
    if not np.isfinite(effects).all():
        raise ItemError(pair.id, "the model's logits are NaN or infinite; try another dtype", code="nonfinite")
    return effects


def _read_edges(model: Model, contexts: Contexts, results: tuple[int | None, ...]) -> Float[np.ndarray, "step result"]:
    pair = contexts.pair
    question, base = laid_out(model, contexts, 1, 1, 1)
    _, source = laid_out(model, contexts, 1, 0, 0)
    ids = torch.tensor(pair.traces[World.BASE].ids, device=model.device)
    cells = _cells(model, pair)
    graph = np.full((len(cells), len(cells)), np.nan)
    for result, place in enumerate(results):
        if place is None or not result:
            continue
        # A result that begins its step is read by the last token of the step before.
        begin = min(pair.traces[World.BASE].step_spans[result][0], place - 1)
        ours, theirs = base.part(0, begin), source.part(0, begin)
        places = [tuple(each for each in cell.positions if each < begin) for cell in cells[:result]]
        before = {step: Cell(each, cells[step].layers) for step, each in enumerate(places) if each}
        moving = [step for step, cell in before.items() if differs(ours, theirs, cell)]
        rows = [None, *(before[step] for step in moving)]
        readers: Int[Tensor, "row pos"] = ids[begin:place].expand(len(rows), -1)
        y = _wanted(read(model, readers, swapped_past(question, ours, theirs, rows), last=1)[:, -1], pair, place)
        graph[list(before), result] = 0.0
        graph[moving, result] = _finite(pair, (y[0] - y[1:]).cpu().numpy())
    return graph


def _state_edges(model: Model, contexts: Contexts, results: tuple[int | None, ...]) -> Float[np.ndarray, "step result"]:
    pair, components = contexts.pair, (Component.K, Component.V)
    run = sequences(model, pair, World.BASE, [Outcome.LOGIT_DIFF])
    values = other_world(model, pair, components, Direction.NOISING, run)
    own = placed(
        chain_activations(model, pair.context(World.BASE, World.BASE), run.start, components), run, Reference.SOURCE
    )
    patches = [cell.patches(components, run.start, Reference.SOURCE) for cell in _cells(model, pair)]
    moving = [step for step, each in enumerate(patches) if moves(each, values, own)]
    graph = np.full((len(patches), len(patches)), np.nan)
    places = {result: place for result, place in enumerate(results) if place is not None and result}
    plan = [(), *(patches[step] for step in moving)]
    ids, per_pass = run.ids[:1, : run.stop], max(1, PASS_TOKENS // run.stop)
    cut = {key: value[: run.stop] for key, value in values.items()}
    y = torch.cat(
        [
            torch.stack([_wanted(logits[:, run.start + place - 1], pair, place) for place in places.values()], dim=1)
            for first in range(0, len(plan), per_pass)
            for some in [plan[first : first + per_pass]]
            for logits in [forward(model, ids.repeat(len(some), 1), some, cut).logits]
        ]
        if places
        else [torch.zeros(len(plan), 0, device=model.device)]
    )
    effects = _finite(pair, (y[0] - y[1:]).cpu().numpy())
    for column, result in enumerate(places):
        graph[:result, result] = 0.0
        for row, step in enumerate(moving):
            if step < result:
                graph[step, result] = effects[row, column]
    return graph


def _measure(model: Model, contexts: Contexts, spec: MapSpec, outcome: Outcome, seed: int) -> Effects:
    return Effects(_edges(model, contexts, Edge(spec.name.part)))


def _labels(model: Model, pair: Encoded, spec: MapSpec) -> Coords:
    return _steps(pair)


def _work(model: Model, pair: EncodedPair, spec: MapSpec) -> Work:
    spans = pair.traces[World.BASE].step_spans
    cells = [Cell((start,), (0,)) for start, _ in spans]
    count = len(spans) * (len(spans) - 1) // 2
    return Work(count, 2, read=cells) if spec.name.part == Edge.READ else Work(count, 2, branches=cells)


STEP_GRAPH = Kind("step_graph", _measure, _work, needs=needs_keys_and_values, labels=_labels)
