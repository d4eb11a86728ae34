"""Maps of gradient estimates: of state effects where there is a twin, of ablations where a reference value is named.

Of an ablation the same holds as of a patch: to first order, its effect is the sum over channels of (the activation less
its reference value) times the outcome's gradient at the run as it is. Both come with their agreement with exact effects
at cells drawn at random and at the largest.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
from jaxtyping import Float
from torch import Tensor

from mediate.errors import InputError
from mediate.mediation.cells import Cell
from mediate.mediation.encoding import EncodedPair
from mediate.mediation.item import Encoded
from mediate.mediation.kinds.ablation import ablation_effects, check_reference
from mediate.mediation.kinds.attribution import (
    IG_STEPS,
    RANDOM_CELLS,
    TAKES,
    TOP_CELLS,
    Attribution,
    attributions,
    checked,
    checked_estimates,
    fixed_estimates,
    linear_estimates,
)
from mediate.mediation.kinds.backward import Line
from mediate.mediation.kinds.cube import Contexts
from mediate.mediation.kinds.kind import BACKWARD, Effects, Kind, Work, spec_cells
from mediate.mediation.kinds.reference_value import Material
from mediate.mediation.kinds.references import reference_named
from mediate.mediation.kinds.state import STATE_PASSES, Direction, chain_activations, fits_component
from mediate.mediation.names import WHOLE_RUN, MapSpec, Method, Outcome
from mediate.mediation.sequences import own_sequences
from mediate.models.model import Model
from mediate.models.sites import EMBEDDED, Component, Site


def ablation_attribution(
    model: Model,
    item: Encoded,
    component: Component,
    outcome: Outcome,
    method: Method,
    by: str,
    material: Material,
) -> Attribution:
    """Estimates of ablating one component at all layers and CoT positions; see `mediate.mediation.kinds.attribution`.

    Args:
        model: The hooked model.
        item: In tokens; of a pair, its base is ablated.
        component: What would be replaced.
        outcome: What is read off.
        method: How to estimate.
        by: The name of a reference value.
        material: What it is made from.

    Raises:
        InputError: An outcome without a gradient, or what a reference value is made from is not there.
    """
    if not outcome.differentiable or outcome.against == WHOLE_RUN:
        raise InputError(f"item {item.id!r}: {outcome} has no gradient at the run as it is; name another outcome first")
    reference = reference_named(item, by)
    reference.needs(model, item, material)
    run = own_sequences(model, item, [outcome])
    entering = [Component.RESID_PRE] if TAKES[method].entering else []
    own: dict[Site, Tensor] = {}
    other: dict[Site, Tensor] = {}
    for each in dict.fromkeys([component, *entering]):  # one by one, as what is random is drawn in an exact ablation
        here = chain_activations(model, item.whole, run.start, [each])
        own |= here
        other |= reference.make(model, item, here, material)
    if method is Method.QKFIX:
        return Attribution(
            component,
            Direction.NOISING,
            method,
            fixed_estimates(model, run, component, other, outcome, Direction.NOISING),
        )
    line = Line(own[EMBEDDED], other[EMBEDDED], IG_STEPS) if method is Method.IG else None
    change = {site: own.pop(site) - other.pop(site) for site in list(own)}  # each goes as the difference comes
    estimates = linear_estimates(model, run, change, outcome, method, line)
    found = {name: Attribution(name, Direction.NOISING, method, values) for name, values in estimates.items()}
    if method is not Method.IG:
        return found[component]
    whole = Cell(tuple(range(len(item.trace.ids))), (0,))
    exact = ablation_effects(model, item, [Component.RESID_PRE], [whole], [outcome], by, material).effects[0, 0]
    return replace(found[component], completeness=found[Component.RESID_PRE].cell(whole) - float(exact))


def _exact(
    model: Model,
    item: Encoded,
    spec: MapSpec,
    outcome: Outcome,
    material: Material,
    cells: Sequence[Cell],
) -> Float[np.ndarray, " cell"]:
    found = ablation_effects(model, item, [spec.component], cells, [outcome], spec.name.by, material)
    effects: Float[np.ndarray, " cell"] = found.effects[0]
    return effects


def _of_item(model: Model, item: Encoded, spec: MapSpec, outcome: Outcome, material: Material) -> Effects:
    method, by = _method(spec), spec.name.by
    found = ablation_attribution(model, item, spec.component, outcome, method, by, material)
    exact = partial(_exact, model, item, spec, outcome, material)
    return checked(found, spec_cells(model, item, spec)[0], exact, material.seed)


def _method(spec: MapSpec) -> Method:
    assert spec.name.method is not None, "every attribution has a method"
    return spec.name.method


def _needs(model: Model, spec: MapSpec) -> None:
    for component in (spec.component, *TAKES[_method(spec)].needs):
        model.need(component)


def _fits(pair: EncodedPair, spec: MapSpec, place: str) -> None:
    (check_reference if spec.name.by else fits_component)(pair, spec, place)


def _measure(model: Model, contexts: Contexts, spec: MapSpec, outcome: Outcome, seed: int) -> Effects:
    pair = contexts.pair
    found = attributions(model, pair, [spec.component], outcome, spec.name.direction, method=_method(spec))
    cells, _ = spec_cells(model, pair, spec)
    return checked_estimates(model, pair, found[spec.component], cells, outcome, seed)


def _work(model: Model, pair: Encoded, spec: MapSpec) -> Work:
    cells, _ = spec_cells(model, pair, spec)
    takes = TAKES[_method(spec)]
    backwards = model.facts.layers if takes.backwards is None else takes.backwards
    count = min(RANDOM_CELLS, len(cells)) + min(TOP_CELLS, len(cells))
    # Which cells will be checked is not known yet; these are spread over the map, as those drawn at random are.
    checked_cells = [cells[place] for place in np.linspace(0, len(cells) - 1, count).astype(int)]
    # The two runs' activations come first; the check is a state map of its own.
    passes = 2 + takes.forwards + BACKWARD * backwards + STATE_PASSES
    return Work(len(cells), passes=passes, branches=checked_cells)


ATTRIBUTION = Kind("attribution", _measure, _work, needs=_needs, fits=_fits, of_item=_of_item)
