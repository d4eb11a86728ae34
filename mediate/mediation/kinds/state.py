"""State effects (activation patching): an activation at CoT positions is replaced, and what is downstream recomputes.

Two directions (Heimersheim and Nanda 2024), which are not mirror images of one another:

- *noising*: the source run's activation is put into the base run; the effect is Y(base) - Y(patched).
- *denoising*: the base run's activation is put into the source run; the effect is Y(patched) - Y(source).

Both are positive where the base run's activation speaks for the base answer, and both are TE where the replaced
activations are all that the outcome depends on. Effects of different cells do not add up.
"""

from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mediate.mediation.alignment import check_aligned, check_equal_questions
from mediate.mediation.branching import branched_outcomes, branching_point
from mediate.mediation.cells import Cell, cells_of, check_cell
from mediate.mediation.encoding import EncodedPair
from mediate.mediation.kinds.cube import Contexts
from mediate.mediation.kinds.kind import (
    Effects,
    Kind,
    Work,
    and_joint,
    effect_map,
    spec_cells,
    with_all_at_once,
)
from mediate.mediation.names import Direction as Direction
from mediate.mediation.names import MapSpec
from mediate.mediation.outcomes import Outcome
from mediate.mediation.sequences import Sequences, sequences
from mediate.models.model import Model
from mediate.models.sites import Component, Site
from mediate.passes.activations import part_of
from mediate.passes.forward import forward
from mediate.passes.interventions import Reference
from mediate.passes.one_pass import one_pass
from mediate.passes.unhooked import leanly
from mediate.results.kinds import KindName, parse_kind
from mediate.results.maps import EffectMap

# Over whole sequences, for state effects of any cells: both runs' activations, and the run that is branched off from.
STATE_PASSES = 3


def chain_activations(
    model: Model, ids: Sequence[int], start: int, components: Collection[Component]
) -> dict[Site, Float[Tensor, "..."]]:
    """Activations of every layer in a run of `ids`, from position `start` on; a pattern's queries are from there on."""
    sites = [Site(model.need(component), layer) for component in components for layer in range(model.facts.layers)]
    with leanly(model, [site.hook_name for site in sites]):
        kept = forward(model, torch.tensor([list(ids)], device=model.device), keep=sites, last=1).kept
    return {site: part_of(value, site.component, start) for site, value in kept.items()}


def take_away(
    model: Model, found: Mapping[Site, Tensor], ids: Sequence[int], start: int, keep: Collection[Site] = ()
) -> dict[Site, Float[Tensor, "..."]]:
    """Takes from activations, in place, those of a run of `ids`, as they pass: of a long chain, both would not fit.

    Args:
        model: The hooked model.
        found: From `chain_activations` of another run.
        ids: Token ids.
        start: The position at which their chain begins.
        keep: Sites whose activations in this run are returned.
    """
    kept: dict[Site, Tensor] = {}

    def take(value: Tensor, hook: Any, site: Site) -> Tensor:
        here = part_of(value, site.component, start)
        found[site].sub_(here)
        if site in keep:
            kept[site] = here.clone()
        return value

    hooks = [(site.hook_name, partial(take, site=site)) for site in found]
    with torch.no_grad(), leanly(model, [name for name, _ in hooks]):
        one_pass(model, torch.tensor([list(ids)], device=model.device), hooks=hooks, last=1)
    return kept


def placed(
    found: Mapping[Site, Float[Tensor, "..."]], run: Sequences, by: str
) -> dict[tuple[str, Site], Float[Tensor, "..."]]:
    """A chain's activations at the chain's positions of another run; NaN elsewhere, so that nothing else is written."""
    length = int(run.ids.shape[1])
    values: dict[tuple[str, Site], Tensor] = {}
    for site, value in found.items():
        if site.component is Component.PATTERN:
            whole = value.new_full((value.shape[0], length, length), float("nan"))
            whole[:, run.start : run.stop] = torch.nn.functional.pad(value, (0, length - value.shape[2]))
        else:
            whole = value.new_full((length, *value.shape[1:]), float("nan"))
            whole[run.start : run.stop] = value
        values[by, site] = whole
    return values


def other_world(
    model: Model, pair: EncodedPair, components: Collection[Component], direction: Direction, run: Sequences
) -> dict[tuple[str, Site], Float[Tensor, "..."]]:
    """The other world's activations at the CoT positions, laid on the run that is patched.

    Raises:
        ItemError: The chains cannot be aligned, or patterns are wanted and the questions differ in length.
    """
    check_aligned(pair)
    if Component.PATTERN in components:
        check_equal_questions(pair)
    other = 1 - direction.patched_world
    lengths = [len(question) for question in pair.questions]
    return placed(
        chain_activations(model, pair.context(other, other), lengths[other], components), run, Reference.SOURCE
    )


def state_effects(
    model: Model,
    pair: EncodedPair,
    components: Sequence[Component],
    cells: Sequence[Cell],
    outcomes: Sequence[Outcome],
    direction: Direction = Direction.NOISING,
) -> Float[np.ndarray, "outcome cell"]:
    """The state effect of each cell, in nats, for each outcome; the sign is in the module's docstring.

    A cell whose activations are equal in both runs changes nothing, and has an effect of exactly 0.

    Args:
        model: The hooked model.
        pair: The pair in tokens.
        components: What is replaced in every cell, together, such as `[k, v]`.
        cells: Where.
        outcomes: What to read off; all from the same passes.
        direction: Into which run.

    Raises:
        InputError: A cell outside the chain or the model, or a component that the model does not offer.
        ItemError: The two chains cannot be aligned.
    """
    for cell in cells:
        check_cell(model, pair, cell)
    world = direction.patched_world
    run = sequences(model, pair, world, outcomes)
    values = other_world(model, pair, components, direction, run)
    own = placed(chain_activations(model, pair.context(world, world), run.start, components), run, Reference.SOURCE)
    patches = [cell.patches(components, run.start, Reference.SOURCE) for cell in cells]
    clean = branching_point(model, run, outcomes)
    here, y = branched_outcomes(model, run, outcomes, patches, values, clean, own)
    effects: Float[np.ndarray, "outcome cell"] = here[:, None] - y
    return effects if direction is Direction.NOISING else -effects


def state_map(
    model: Model,
    pair: EncodedPair,
    component: Component,
    axes: Sequence[str],
    outcome: Outcome,
    *,
    direction: Direction = Direction.NOISING,
    window: int = 1,
) -> EffectMap:
    """State effects of one component over axes such as `("step", "layer")` or `("layer", "head")`.

    Args:
        model: The hooked model.
        pair: The pair in tokens.
        component: What is replaced.
        axes: See `cells_of`.
        outcome: What to read off.
        direction: Into which run.
        window: Neighbouring layers that are replaced together.
    """
    cells, coords = cells_of(model, pair, axes, component=component, window=window)
    kind = KindName(parse_kind(STATE.name).of, component, direction=direction, window=window)
    effects = state_effects(model, pair, [component], cells, [outcome], direction)[0]
    return effect_map(pair, str(kind), coords, effects, outcome)


def needs_component(model: Model, spec: MapSpec) -> None:
    """Raises InputError where the model does not offer the component that is replaced."""
    model.need(spec.component)


def fits_component(pair: EncodedPair, spec: MapSpec, place: str) -> None:
    """Raises ItemError where the chains cannot be aligned, or the questions where a pattern is replaced."""
    check_aligned(pair, place)
    if spec.component is Component.PATTERN:
        check_equal_questions(pair, place)


def _measure(model: Model, contexts: Contexts, spec: MapSpec, outcome: Outcome, seed: int) -> Effects:
    pair = contexts.pair
    cells = with_all_at_once(model, pair, spec)
    return and_joint(state_effects(model, pair, [spec.component], cells, [outcome], spec.name.direction)[0])


def _work(model: Model, pair: EncodedPair, spec: MapSpec) -> Work:
    cells, _ = spec_cells(model, pair, spec)
    return Work(len(cells), passes=STATE_PASSES, branches=with_all_at_once(model, pair, spec))


STATE = Kind("state", _measure, _work, needs=needs_component, fits=fits_component)
