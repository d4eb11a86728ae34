"""What a map costs, said before it is measured."""

from collections.abc import Sequence
from dataclasses import dataclass

from mediate.mediation.cells import Cell, cells_of
from mediate.mediation.encoding import EncodedPair
from mediate.mediation.kinds.attribution import IG_STEPS, RANDOM_CELLS, TOP_CELLS, Method
from mediate.mediation.maps import MapSpec
from mediate.models.model import Model
from mediate.passes import Pace, Place, Sweeps, limits, plan_sweeps, token_bytes

# A backward pass takes about twice a forward pass: gradients of what goes in, with weights that take none, and the
# patterns again.
_BACKWARD = 2


@dataclass(frozen=True, slots=True)
class Cost:
    """What measuring a map of one pair takes, at most: cells in which nothing differs are not run.

    Args:
        cells: Of the map.
        sweeps: Passes of interventions.
        operations: Floating-point operations of matrix products with weights; attention's own come on top.
        seconds: At the pace measured on this machine.
        memory: Bytes of activations, beside the weights.
    """

    cells: int
    sweeps: int
    operations: float
    seconds: float
    memory: int


def cost_of_map(model: Model, pair: EncodedPair, spec: MapSpec, pace: Pace) -> Cost:
    """The cost of one map of one pair, without running the model.

    Args:
        model: The hooked model.
        pair: The pair in tokens.
        spec: The map.
        pace: Of this model on this machine.
    """
    start, stop = len(pair.questions[1]), len(pair.context(1, 1))
    length = stop + len(pair.readers.cue) + pair.readers.shared
    layers, whole = model.facts.layers, length * model.facts.layers
    kind = spec.kind.split(".")[0]
    if spec.graph:
        steps = len(pair.traces[1].step_spans)
        cells = [Cell((span[0],), (0,)) for span in pair.traces[1].step_spans]
        plain, found = 2 * whole, steps * (steps - 1) // 2
        sweeps = _planned(model, cells, start, length, stop if spec.kind.endswith("read") else None)
    else:
        cells, _ = cells_of(model, pair, spec.axes, component=spec.component, window=spec.window)
        found, plain = len(cells), {"read": 0, "relayed": 2 * whole, "knockout": whole}.get(kind, 3 * whole)
        if spec.method is not None:
            forwards, backwards = _passes(layers)[spec.method]
            # The two runs' activations come first.
            plain = (2 + forwards + _BACKWARD * backwards) * whole
            cells = cells[:: max(1, len(cells) // (RANDOM_CELLS + TOP_CELLS))]
        sweeps = _planned(model, cells, start, length, stop if kind in ("read", "knockout") else None)
        if kind == "relayed":
            read = _planned(model, cells, start, length, stop)
            sweeps = Sweeps(
                sweeps.groups + read.groups,
                sweeps.token_layers + read.token_layers,
                sweeps.blocks + read.blocks,
                max(sweeps.most_tokens, read.most_tokens),
            )
    work = plain + sweeps.token_layers
    return Cost(
        cells=found,
        sweeps=len(sweeps.groups),
        operations=2.0 * block_weights(model) * work,
        seconds=work * pace.token_layer + (sweeps.blocks + plain / length) * pace.block,
        memory=max(sweeps.most_tokens, length) * token_bytes(model) + 2 * length * layers * model.facts.d_model * 4,
    )


def _passes(layers: int) -> dict[Method, tuple[int, int]]:
    """Forward and backward passes that each method takes."""
    return {
        Method.ATP: (1, 1),
        Method.IG: (IG_STEPS, IG_STEPS),
        Method.GRADDROP: (1, layers),
        Method.QKFIX: (4, 1),
        Method.RELP: (1, 1),
    }


def _planned(model: Model, cells: Sequence[Cell], start: int, length: int, readers: int | None) -> Sweeps:
    """The sweeps of these cells, which begin at the cell or, where only the readers change, at the readers."""
    places = [Place(cell.layers[0], start + cell.positions[0] if readers is None else readers) for cell in cells]
    return plan_sweeps(places, length=length, rows=1, layers=model.facts.layers, limits=limits(model))


def block_weights(model: Model) -> int:
    """Weights of matrix products in one block."""
    return sum(each.numel() for each in model.bridge.blocks[0].original_component.parameters() if each.ndim > 1)
