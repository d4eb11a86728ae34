"""What a map costs, said before it is measured."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from mediate.mediation.cells import Cell
from mediate.mediation.item import Encoded
from mediate.mediation.kinds.kind import kind_of
from mediate.mediation.names import MapSpec
from mediate.models.model import Model
from mediate.passes import Pace, SweepWork, grouped, token_bytes, work_of


@dataclass(frozen=True, slots=True)
class Cost:
    """What measuring a map of one pair takes, at most: cells in which nothing differs are not run.

    Args:
        cells: Of the map.
        sweeps: Passes of interventions.
        blocks: How many blocks all passes run.
        operations: Floating-point operations of matrix products with weights; attention's own come on top.
        seconds: At the pace measured on this machine.
        memory: Bytes of activations, beside the weights.
    """

    cells: int
    sweeps: int
    blocks: int
    operations: float
    seconds: float
    memory: int


def cost_of_map(model: Model, pair: Encoded, spec: MapSpec, pace: Pace) -> Cost:
    """The cost of one map of one pair, without running the model.

    Args:
        model: The hooked model.
        pair: The pair in tokens.
        spec: The map.
        pace: Of this model on this machine.
    """
    start, stop = len(pair.question), len(pair.whole)
    length = stop + len(pair.readers.cue) + pair.readers.decisive
    layers = model.facts.layers
    work = kind_of(spec.name.of).work(model, pair, spec)
    planned = [_planned(model, cells, start, length, at) for cells, at in ((work.branches, None), (work.read, stop))]
    plain = work.passes * length * layers
    token_layers = plain + sum(each.token_layers for each in planned)
    blocks = sum(each.blocks for each in planned) + work.passes * layers
    most = max(length, *(each.most_tokens for each in planned))
    sweeps = sum(each.sweeps for each in planned)
    return Cost(
        cells=work.cells,
        sweeps=sweeps,
        blocks=blocks,
        operations=2.0 * block_weights(model) * token_layers,
        seconds=token_layers * pace.token_layer + blocks * pace.block + (sweeps + work.passes) * pace.sweep,
        memory=most * token_bytes(model) + 2 * length * layers * model.facts.d_model * 4,
    )


def runs_side_by_side(spec: MapSpec) -> bool:
    """Whether several pairs' maps of this kind are run together, as far as they are of like length."""
    return kind_of(spec.name.of).together is not None


def side_by_side_cost(costs: Sequence[Cost], pace: Pace) -> Cost:
    """The cost of one map of several pairs whose passes are run together: a pass of all is a pass."""
    once = Cost(
        cells=sum(each.cells for each in costs),
        sweeps=max(each.sweeps for each in costs),
        blocks=max(each.blocks for each in costs),
        operations=sum(each.operations for each in costs),
        seconds=sum(each.seconds for each in costs),
        memory=sum(each.memory for each in costs),
    )
    saved = sum(each.blocks for each in costs) - once.blocks, sum(each.sweeps for each in costs) - once.sweeps
    return replace(once, seconds=once.seconds - saved[0] * pace.block - saved[1] * pace.sweep)


def _planned(model: Model, cells: Sequence[Cell], start: int, length: int, begin: int | None) -> SweepWork:
    """What the sweeps of these cells take; they begin at the cell or, where only the readers change, at the readers."""
    blocks = np.array([model.facts.layers - cell.layers[0] for cell in cells], dtype=int)
    begins = [start + cell.positions[0] if begin is None else begin for cell in cells]
    tokens = length - np.array(begins, dtype=int)
    return work_of(grouped(model, blocks, tokens), blocks, tokens)


def block_weights(model: Model) -> int:
    """Weights of matrix products in one block."""
    return sum(each.numel() for each in model.bridge.blocks[0].original_component.parameters() if each.ndim > 1)
