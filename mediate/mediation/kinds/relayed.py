"""Relayed effects: what of a cell reaches the answer through later states of the chain, and not by being read there."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from mediate.mediation.cells import Cell
from mediate.mediation.encoding import EncodedPair
from mediate.mediation.kinds.cube import Contexts
from mediate.mediation.kinds.kind import Effects, Kind, Work, spec_cells
from mediate.mediation.kinds.read import read_effects
from mediate.mediation.kinds.state import STATE_PASSES, state_effects
from mediate.mediation.names import MapSpec
from mediate.mediation.outcomes import Outcome
from mediate.models.model import Model
from mediate.models.sites import Component


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


def needs_keys_and_values(model: Model, spec: MapSpec) -> None:
    """Raises InputError where the model does not offer keys and values."""
    for component in (Component.K, Component.V):
        model.need(component)


def _measure(model: Model, contexts: Contexts, spec: MapSpec, outcome: Outcome, seed: int) -> Effects:
    return Effects(relayed_effects(model, contexts, spec_cells(model, contexts.pair, spec)[0], outcome))


def _work(model: Model, pair: EncodedPair, spec: MapSpec) -> Work:
    cells, _ = spec_cells(model, pair, spec)
    return Work(len(cells), passes=STATE_PASSES, branches=cells, read=cells)


RELAYED = Kind("relayed", _measure, _work, needs=needs_keys_and_values)
