"""Gradient estimates of state effects, and how far to trust them.

- `atp`, attribution patching (Nanda 2023; Syed et al. 2023): to first order, the effect of replacing an activation is
  the sum over channels of (a_base - a_source) * dY/da, with the gradient taken in the run that would be patched. One
  forward and one backward pass give all cells.
- `ig`, integrated gradients (Hanna et al. 2024, the variant over inputs): the gradient is averaged along the straight
  path on which the residual stream that enters the first block at the CoT positions goes from the patched run's to the
  other's. Its completeness error comes with it.
- `graddrop` (Kramár et al. 2024): the mean over layers of the estimate's size when nothing flows back through what that
  layer adds to the residual stream, so that paths that cancel do not hide each other. It has no sign.
- `qkfix` (the same paper): for queries and keys, the softmax is computed and not linearised.
- `relp` (Rezaei Jafari et al. 2025): the gradient is replaced by that of relevance propagation; see
  `mediate.passes.relevance`.

Signs are those of `mediate.mediation.kinds.state`: positive where the base run's activation speaks for the base answer.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from einops import reduce
from jaxtyping import Float
from torch import Tensor

from mediate.errors import InputError
from mediate.mediation.alignment import check_aligned
from mediate.mediation.cells import Cell, cells_of
from mediate.mediation.encoding import EncodedPair
from mediate.mediation.kinds.backward import Line, backward_passes
from mediate.mediation.kinds.kind import Effects, effect_map
from mediate.mediation.kinds.qkfix import key_scores, query_scores
from mediate.mediation.kinds.state import STATE_PASSES, Direction, chain_activations, state_effects, take_away
from mediate.mediation.names import Method as Method
from mediate.mediation.names import check_estimable
from mediate.mediation.outcomes import Outcome, outcome_tensor
from mediate.mediation.sequences import Sequences, sequences
from mediate.models.model import Model
from mediate.models.sites import EMBEDDED, Component, Site
from mediate.pairs.pair import World
from mediate.passes.gradients import gradients
from mediate.results.agreement import agreement
from mediate.results.kinds import KindName, parse_kind
from mediate.results.maps import EffectMap

# The exact effects of some cells.
Exact = Callable[[Sequence[Cell]], Float[np.ndarray, " cell"]]

IG_STEPS = 8
# Cells at which an estimated map is checked by exact patching: drawn at random, and its own largest.
RANDOM_CELLS, TOP_CELLS = 32, 8
_OUTSIDE_BLOCKS = frozenset({Component.RESID_PRE, Component.RESID_MID, Component.RESID_POST})


@dataclass(frozen=True, slots=True, eq=False)
class Attribution:
    """Estimates of one component's state effects.

    Args:
        component: What would be replaced.
        direction: In which run.
        method: How it was estimated.
        values: In nats, for each backward pass, layer, CoT position and head; components without heads have one. Only
            GradDrop has more than one pass: one for each layer that is left out.
        completeness: With integrated gradients, the estimate of replacing the whole chain as it enters the first block,
            less the exact effect, in nats; NaN without.
    """

    component: Component
    direction: Direction
    method: Method
    values: Float[np.ndarray, "draw layer pos head"]
    completeness: float = float("nan")

    def cell(self, cell: Cell) -> float:
        """The estimate of a set of positions, layers and heads: to first order, effects add up.

        Of GradDrop, the mean size over the passes that leave the activation connected to the outcome: all but that of
        its own layer, for what lies inside a block.
        """
        part = self.values[:, list(cell.layers)][:, :, list(cell.positions)]
        passes = (part if cell.units is None else part[..., list(cell.units)]).sum(axis=(1, 2, 3))
        if self.method.signed:
            return float(passes.sum())
        inside = self.component not in _OUTSIDE_BLOCKS and len(cell.layers) == 1 and len(passes) > 1
        return float(abs(passes).sum() / (len(passes) - inside))


def attributions(
    model: Model,
    pair: EncodedPair,
    components: Sequence[Component],
    outcome: Outcome,
    direction: Direction = Direction.NOISING,
    *,
    method: Method = Method.ATP,
    steps: int = IG_STEPS,
) -> dict[Component, Attribution]:
    """Estimates for several components at all layers and CoT positions, from the same passes.

    Args:
        model: The hooked model.
        pair: The pair in tokens.
        components: What would be replaced.
        outcome: What is read off.
        direction: In which run.
        method: How to estimate. Attribution patching and RelP cost one forward and one backward pass; integrated
            gradients one of each a step; GradDrop one forward and a backward pass a layer; the QK fix three more
            forward passes than attribution patching. All need the two runs' activations, two forward passes.
        steps: Midpoints of the path of integrated gradients.

    Raises:
        InputError: A component that the model does not offer or the method does not estimate, or fewer than one step.
        ItemError: The two chains cannot be aligned.
    """
    check_aligned(pair)
    check_estimable(components, method)
    if steps < 1:
        raise InputError(f"{steps} steps of integrated gradients; give at least 1")
    extra = [Component.RESID_PRE] if TAKES[method].entering else []
    wanted = list(dict.fromkeys([*components, *extra]))
    run = sequences(model, pair, direction.patched_world, [outcome])
    base, source = ((pair.context(world, world), len(pair.questions[world])) for world in reversed(World))
    if method is Method.QKFIX:
        other = chain_activations(model, *(source if direction is Direction.NOISING else base), wanted)
        estimates = {each: fixed_estimates(model, run, each, other, outcome, direction) for each in components}
    else:
        change = chain_activations(model, *base, wanted)
        line = None
        entering = [change[EMBEDDED].clone()] if method is Method.IG else []
        entering += take_away(model, change, *source, keep=[EMBEDDED] if entering else []).values()
        if entering:
            own, theirs = entering if direction is Direction.NOISING else reversed(entering)
            line = Line(own, theirs, steps)
        estimates = linear_estimates(model, run, change, outcome, method, line)
    found = {name: Attribution(name, direction, method, values) for name, values in estimates.items()}
    if method is Method.IG:
        gap = _completeness(model, pair, found[Component.RESID_PRE], outcome)
        found = {name: replace(each, completeness=gap) for name, each in found.items()}
    return {component: found[component] for component in components}


def linear_estimates(
    model: Model,
    run: Sequences,
    change: dict[Site, Tensor],
    outcome: Outcome,
    method: Method,
    line: Line | None,
) -> dict[Component, Float[np.ndarray, "draw layer pos head"]]:
    """What differs between the worlds' activations times the outcome's gradient there, for each backward pass.

    Args:
        model: The hooked model.
        run: The run that would be patched.
        change: The base world's activations less the source's. They are much: with one way back each is let go of.
        outcome: What is read off.
        method: How to estimate.
        line: From this run to the other, for integrated gradients; None without.
    """
    y = partial(outcome_tensor, run.readout, outcome=outcome)
    passes: dict[Component, list[Float[np.ndarray, "layer pos head"]]] = {}
    sites, used = list(change), change.pop if TAKES[method].backwards == 1 else change.__getitem__

    def scored(site: Site, gradient: Tensor) -> Tensor:  # at once, as all gradients are as much as the activations
        return _scores(used(site), gradient[:, : run.stop - run.start])

    for slopes in backward_passes(model, run, sites, y, method, line, scored):
        for component in dict.fromkeys(site.component for site in sites):
            scores = np.stack([slopes[site].cpu().numpy() for site in sites if site.component is component])
            passes.setdefault(component, []).append(scores)
    mean = method is Method.IG
    return {name: np.mean(each, axis=0)[None] if mean else np.stack(each) for name, each in passes.items()}


def _completeness(model: Model, pair: EncodedPair, found: Attribution, outcome: Outcome) -> float:
    """The estimate of replacing the whole chain as it enters the first block, less the exact effect, in nats."""
    whole = Cell(tuple(range(len(pair.traces[World.BASE].ids))), (0,))
    exact = state_effects(model, pair, [Component.RESID_PRE], [whole], [outcome], found.direction)[0, 0]
    return found.cell(whole) - float(exact)


def _scores(change: Float[Tensor, "pos ..."], gradient: Float[Tensor, "row pos ..."]) -> Float[Tensor, "pos head"]:
    product = change.double() * gradient.sum(dim=0).double()
    product = product if product.ndim == 3 else product[:, None]
    scores: Float[Tensor, "pos head"] = reduce(product, "pos head d -> pos head", "sum")
    return scores


def fixed_estimates(
    model: Model,
    run: Sequences,
    component: Component,
    other: dict[Site, Tensor],
    outcome: Outcome,
    direction: Direction,
) -> Float[np.ndarray, "1 layer pos head"]:
    """The QK fix of one component, with the sign of a state effect."""
    y = partial(outcome_tensor, run.readout, outcome=outcome)
    patterns = [Site(model.need(Component.PATTERN), layer) for layer in range(model.facts.layers)]
    gradient = gradients(model, run.ids, patterns, y, last=run.readout.last)
    change = query_scores if component is Component.Q else key_scores
    values: Float[np.ndarray, "layer pos head"] = change(
        model, run, {site: value for site, value in other.items() if site.component is component}, gradient
    )
    return values[None] * (-1 if direction is Direction.NOISING else 1)


def attribution_map(
    model: Model,
    pair: EncodedPair,
    found: Attribution,
    axes: Sequence[str],
    outcome: Outcome,
    *,
    seed: int = 0,
) -> EffectMap:
    """A map of the estimates, with its agreement with exact patching at random cells and at its own largest.

    Args:
        model: The hooked model.
        pair: The pair in tokens.
        found: From `attributions`.
        axes: See `cells_of`.
        outcome: The outcome of the estimates.
        seed: Of the drawing of cells.
    """
    cells, coords = cells_of(model, pair, axes, component=found.component)
    kind = KindName(parse_kind("attribution").of, found.component, found.method, found.direction)
    return effect_map(pair, str(kind), coords, checked_estimates(model, pair, found, cells, outcome, seed), outcome)


def checked_estimates(
    model: Model, pair: EncodedPair, found: Attribution, cells: Sequence[Cell], outcome: Outcome, seed: int
) -> Effects:
    """The estimate of each cell, and how far they agree with exact patching at cells drawn and at the largest."""
    exact = partial(_states, model, pair, found, outcome)
    return checked(found, cells, exact, seed)


def _states(
    model: Model, pair: EncodedPair, found: Attribution, outcome: Outcome, cells: Sequence[Cell]
) -> Float[np.ndarray, " cell"]:
    exact: Float[np.ndarray, " cell"]
    exact = state_effects(model, pair, [found.component], cells, [outcome], found.direction)[0]
    return exact


def checked(found: Attribution, cells: Sequence[Cell], exact: Exact, seed: int) -> Effects:
    """The estimate of each cell, and how far they agree with the exact effects at cells drawn and at the largest.

    Args:
        found: The estimates.
        cells: Of the map.
        exact: The exact effects of some cells.
        seed: Of the drawing.
    """
    estimates = np.array([found.cell(cell) for cell in cells])
    drawn = np.random.default_rng(seed).permutation(len(cells))[:RANDOM_CELLS]
    top = np.argsort(-abs(estimates), kind="stable")[:TOP_CELLS]
    both = [cells[place] for place in (*drawn, *top)]
    measured = exact(both)
    trust = agreement(
        estimates[drawn],
        measured[: len(drawn)],
        estimates[top],
        measured[len(drawn) :],
        seed=seed,
        signed=found.method.signed,
        completeness=found.completeness,
    )
    return Effects(estimates, trust)


@dataclass(frozen=True, slots=True)
class Takes:
    """What a method takes.

    Args:
        needs: Components of the model, beside the one that is estimated.
        forwards: Forward passes.
        backwards: Backward passes; None for one a layer.
        entering: Whether what enters the blocks is kept of both runs.
    """

    needs: tuple[Component, ...] = ()
    forwards: int = 1
    backwards: int | None = 1
    entering: bool = False


TAKES = {
    Method.ATP: Takes(),
    # Beside the steps: the exact effect that completeness is held against, which is a state effect of one cell.
    Method.IG: Takes((Component.RESID_PRE,), IG_STEPS + STATE_PASSES + 1, IG_STEPS, entering=True),
    Method.GRADDROP: Takes((Component.ATTN_OUT, Component.MLP_OUT), backwards=None),
    Method.QKFIX: Takes((Component.RESID_PRE, Component.PATTERN), forwards=4),
    Method.RELP: Takes((Component.PATTERN, Component.MLP_POST)),
}
