"""Ablation: activations at CoT positions are replaced by reference values that carry no world.

The effect is Y(base) - Y(ablated), positive where what was there speaks for the base answer. Zeros, means and noise
take the model off its distribution (Zhang and Nanda 2024), so every ablation comes with the ratio of norms of what is
put in place to what was there.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float

from mediate.errors import InputError, ItemError
from mediate.mediation.branching import branched_outcomes, branching_point
from mediate.mediation.cells import Cell, check_cell
from mediate.mediation.encoding import EncodedPair
from mediate.mediation.item import Encoded
from mediate.mediation.kinds.kind import Effects, Kind, Work, and_joint, spec_cells, with_all_at_once
from mediate.mediation.kinds.reference_value import NOTHING, Material, ReferenceValue
from mediate.mediation.kinds.references import REFERENCES, reference_named
from mediate.mediation.kinds.state import STATE_PASSES, chain_activations, placed
from mediate.mediation.names import MapSpec
from mediate.mediation.outcomes import Outcome
from mediate.mediation.sequences import own_sequences
from mediate.models.model import Model
from mediate.models.sites import Component
from mediate.passes.interventions import Patch, Reference, Values
from mediate.results.reference_words import MEAN, OTHER


@dataclass(frozen=True, slots=True, eq=False)
class Ablated:
    """The effects of an ablation and how far it leaves the distribution.

    Args:
        effects: In nats.
        norm_ratio: Of each cell: the norm of what is put in place over the norm of what was there, averaged over
            positions; 1 for `noise` by construction, 0 for `zero`.
    """

    effects: Float[np.ndarray, "outcome cell"]
    norm_ratio: Float[np.ndarray, " cell"]


def ablation_effects(
    model: Model,
    pair: Encoded,
    components: Sequence[Component],
    cells: Sequence[Cell],
    outcomes: Sequence[Outcome],
    by: str,
    material: Material = NOTHING,
) -> Ablated:
    """Ablates each cell of the base run.

    Args:
        model: The hooked model.
        pair: The pair in tokens; its base run is ablated.
        components: What is replaced in every cell, together.
        cells: Where.
        outcomes: What to read off.
        by: The name of a reference value, such as `Reference.MEAN`; see `mediate.mediation.kinds.references`.
        material: What it is made from, where it needs anything.

    Raises:
        InputError: `source`, which is no ablation; other pairs or the filler's token missing; a chain of one step that
            cannot be shuffled; or a cell that does not exist.
    """
    reference = reference_named(pair, by)
    for cell in cells:
        check_cell(model, pair, cell)
    _check_patterns(reference, components)
    reference.needs(model, pair, material)
    run = own_sequences(model, pair, outcomes)
    own = chain_activations(model, pair.whole, run.start, components)
    values = placed(reference.make(model, pair, own, material), run, by)
    before = placed(own, run, Reference.SOURCE)
    patches = [cell.patches(components, run.start, by) for cell in cells]
    clean = branching_point(model, run, outcomes)
    here, y = branched_outcomes(model, run, outcomes, patches, values, clean, before)
    return Ablated(here[:, None] - y, np.array([_norm_ratio(each, values, before) for each in patches]))


def _check_patterns(reference: ReferenceValue, components: Sequence[Component]) -> None:
    if Component.PATTERN in components and not reference.of_patterns:
        by = reference.name
        raise InputError(f"{by} ablation of patterns: a row must sum to 1 over its own keys; use a knockout")


def _norm_ratio(patches: Sequence[Patch], values: Values, before: Values) -> float:
    """The mean norm of what a cell's patches put in place over that of what was there; NaN of patterns alone."""
    ratios = []
    for patch in patches:
        if patch.site.component is Component.PATTERN:
            continue
        positions = list(patch.positions)
        new, old = values[patch.by, patch.site][positions], before[Reference.SOURCE, patch.site][positions]
        if patch.units is not None:
            new, old = new[:, list(patch.units)], old[:, list(patch.units)]
        size = old.flatten(1).norm(dim=1).clamp_min(torch.finfo(old.dtype).tiny)
        ratios.append(float((new.flatten(1).norm(dim=1) / size).mean()))
    return float(np.mean(ratios)) if ratios else float("nan")


def _needs(model: Model, spec: MapSpec) -> None:
    model.need(spec.component)
    _check_patterns(next(each for each in REFERENCES if each.name == spec.name.by), [spec.component])


def check_reference(pair: EncodedPair, spec: MapSpec, place: str) -> None:
    """Raises ItemError where a pair is asked for what is made of other items: a run of pairs keeps none at hand."""
    if spec.name.by in (MEAN, OTHER):
        reason = (
            f"{spec.name.by} takes other items, and a pair has its twin; ask for state maps, zero, noise or shuffled"
        )
        raise ItemError(pair.id, reason, place=place, code="no_other")


def _of_item(model: Model, item: Encoded, spec: MapSpec, outcome: Outcome, material: Material) -> Effects:
    cells = with_all_at_once(model, item, spec)
    found = ablation_effects(model, item, [spec.component], cells, [outcome], spec.name.by, material)
    return and_joint(found.effects[0])


def _work(model: Model, item: Encoded, spec: MapSpec) -> Work:
    cells, _ = spec_cells(model, item, spec)
    # A chain to take a reference value from, the item's own activations, and the run that is branched off from. A mean
    # is made of more chains, which are run once for all items.
    return Work(len(cells), passes=STATE_PASSES, branches=with_all_at_once(model, item, spec))


ABLATE = Kind("ablate", None, _work, needs=_needs, fits=check_reference, of_item=_of_item)
