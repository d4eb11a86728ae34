"""Attention knockout, zeroed patterns and deletion: three ways to take the chain away, under three names."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float

from mediate.errors import InputError
from mediate.mediation.branching import branched_outcomes, branching_point
from mediate.mediation.cells import Cell, check_cell
from mediate.mediation.item import Encoded
from mediate.mediation.kinds.kind import Effects, Kind, Work, and_joint, fits_any, spec_cells, with_all_at_once
from mediate.mediation.kinds.read import reader_choice
from mediate.mediation.kinds.reference_value import Material
from mediate.mediation.names import MapSpec
from mediate.mediation.outcomes import Outcome, read_off
from mediate.mediation.sequences import own_sequences
from mediate.models.model import Model
from mediate.passes.forward import forward
from mediate.passes.interventions import Knockout
from mediate.passes.keyvalues import KeyValues
from mediate.passes.selfcheck import KNOCKED_OUT


def check_knockout(model: Model) -> None:
    """Raises InputError where the model's self-check of knockouts failed."""
    check = model.check(KNOCKED_OUT)
    if not check.passed:
        raise InputError(f"model {model.facts.name!r} ({model.facts.architecture}) allows no knockout: {check.detail}")


def knockout_effects(
    model: Model,
    pair: Encoded,
    cells: Sequence[Cell],
    outcomes: Sequence[Outcome],
    *,
    readers: Sequence[int] | None = None,
    renormalised: bool = True,
    past: KeyValues | None = None,
) -> Float[np.ndarray, "outcome cell"]:
    """Y(base) less Y where some readers cannot attend to a cell's positions, in nats.

    Args:
        model: The hooked model.
        pair: The pair in tokens.
        cells: Keys and layers; units are query heads.
        outcomes: What to read off.
        readers: Which queries, counted from the first token after the chain; all of them by default. CoT positions
            themselves go on reading one another.
        renormalised: Off, the pattern is zeroed instead, and its rows no longer sum to 1.
        past: Keys and values of question and chain, where they are known: then neither is run again.

    Raises:
        InputError: The model's self-check of knockouts failed, a cell or reader that does not exist, or a query without
            any key left.
    """
    check_knockout(model)
    run = own_sequences(model, pair, outcomes)
    chosen = reader_choice(pair, len(run.readers), readers)
    queries = tuple(run.stop + reader for reader, wanted in enumerate(chosen) if wanted)
    branches = []
    for cell in cells:
        check_cell(model, pair, cell)
        keys = tuple(run.start + position for position in cell.positions)
        branches.append((Knockout(queries, keys, cell.layers, cell.units, renormalised),))
    clean = branching_point(model, run, outcomes, past)
    here, y = branched_outcomes(model, run, outcomes, branches, {}, clean)
    effects: Float[np.ndarray, "outcome cell"] = here[:, None] - y
    return effects


def knockout_by_reader(
    model: Model, pair: Encoded, cells: Sequence[Cell], outcomes: Sequence[Outcome]
) -> Float[np.ndarray, "outcome reader cell"]:
    """The knockout effects of each reader alone: which of the positions after the chain read a cell, in nats.

    They do not add up to the effects of all readers: what one of them cannot read another may have read for it.

    Raises:
        InputError: As `knockout_effects`.
    """
    count = len(own_sequences(model, pair, outcomes).readers)
    return np.stack(
        [knockout_effects(model, pair, cells, outcomes, readers=[reader]) for reader in range(count)], axis=1
    )


def deletion_effect(model: Model, pair: Encoded, outcomes: Sequence[Outcome]) -> Float[np.ndarray, " outcome"]:
    """Y(base) less Y where the chain is not there and what follows moves up to new positions, in nats.

    Not a knockout: positions are re-numbered, and nothing has read the chain.
    """
    run = own_sequences(model, pair, outcomes)
    without = torch.cat([run.ids[:, : run.start], run.ids[:, run.stop :]], dim=1)
    y = [forward(model, ids, last=run.readout.last).logits for ids in (run.ids, without)]
    readout = replace(run.readout, whole=y[0])  # what an outcome that is held against the whole run takes
    return np.array([read_off(readout, y[0], each) - read_off(readout, y[1], each) for each in outcomes])


def _needs(model: Model, spec: MapSpec) -> None:
    check_knockout(model)


def _of_item(model: Model, item: Encoded, spec: MapSpec, outcome: Outcome, material: Material) -> Effects:
    cells = with_all_at_once(model, item, spec)
    return and_joint(knockout_effects(model, item, cells, [outcome], past=material.past)[0])


def _work(model: Model, item: Encoded, spec: MapSpec) -> Work:
    cells, _ = spec_cells(model, item, spec)
    return Work(len(cells), passes=1, read=with_all_at_once(model, item, spec))


KNOCKOUT = Kind("knockout", None, _work, needs=_needs, fits=fits_any, of_item=_of_item)
