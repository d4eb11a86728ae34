"""Gradient estimates of state effects, and how far to trust them.

*Attribution patching* (Nanda 2023; Syed et al. 2023): the effect of replacing an activation is estimated to first
order, sum over channels of (a_base - a_source) * dY/da, with the gradient taken in the run that would be patched. One
forward and one backward pass give all cells. *Integrated gradients* (Hanna et al. 2024, the variant over inputs)
averages the gradient along the straight path on which the residual stream that enters the first block at the CoT
positions goes from the patched run's to the other's.

Signs are those of `mediate.mediation.state`: positive where the base run's activation speaks for the base answer.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from einops import reduce
from jaxtyping import Float
from torch import Tensor

from mediate.effects.agreement import Agreement, agreement
from mediate.effects.maps import EffectMap
from mediate.errors import InputError
from mediate.mediation.cells import Cell, cells_of
from mediate.mediation.encoding import EncodedPair
from mediate.mediation.outcomes import Outcome, outcome_tensor
from mediate.mediation.reads import check_aligned
from mediate.mediation.state import Direction, Sequences, chain_activations, sequences, state_effects
from mediate.models.model import Model
from mediate.models.sites import EMBEDDED, Component, Site
from mediate.runs.gradients import gradients


@dataclass(frozen=True, slots=True, eq=False)
class Attribution:
    """Estimates of one component's state effects.

    Args:
        component: What would be replaced.
        direction: In which run.
        values: In nats, a cell for each layer, CoT position and head; components without heads have one.
        completeness: With integrated gradients, the estimate of replacing the whole chain as it enters the first block,
            less the exact effect, in nats; NaN without.
    """

    component: Component
    direction: Direction
    values: Float[np.ndarray, "layer pos head"]
    completeness: float

    def cell(self, cell: Cell) -> float:
        """The estimate of a set of positions, layers and heads: to first order, effects add up."""
        part = self.values[list(cell.layers)][:, list(cell.positions)]
        return float(part.sum() if cell.units is None else part[:, :, list(cell.units)].sum())


def attributions(
    model: Model,
    pair: EncodedPair,
    components: Sequence[Component],
    outcome: Outcome,
    direction: Direction = Direction.NOISING,
    *,
    steps: int = 1,
) -> dict[Component, Attribution]:
    """Attribution patching of several components at all layers and CoT positions, from the same passes.

    Args:
        model: The hooked model.
        pair: The pair in tokens.
        components: What would be replaced.
        outcome: What is read off.
        direction: In which run.
        steps: 1 takes the gradient in the patched run itself; more average it at the midpoints of that many parts of
            the path, a forward and a backward pass each.

    Raises:
        InputError: A component that the model does not offer, patterns or neurons, or fewer than one step.
        ItemError: The two chains cannot be aligned.
    """
    check_aligned(pair)
    if steps < 1:
        raise InputError(f"{steps} steps of integrated gradients; give at least 1")
    if {Component.PATTERN, Component.MLP_POST} & set(components):
        raise InputError("attribution of patterns and neurons is not offered; take z, q, k, v or mlp_out")
    wanted = list(dict.fromkeys([*components, Component.RESID_PRE] if steps > 1 else components))
    run = sequences(model, pair, direction.patched_world, [outcome])
    base, source = (
        chain_activations(model, pair.context(world, world), len(pair.questions[world]), wanted) for world in (1, 0)
    )
    own, other = (base, source) if direction is Direction.NOISING else (source, base)
    sites = list(base)
    total: dict[Site, Tensor] = {}
    for step in range(steps):
        alpha = (step + 0.5) / steps if steps > 1 else 0.0
        found = gradients(
            model,
            run.ids,
            sites,
            partial(outcome_tensor, run.tokens, outcome=outcome),
            last=run.tokens.last,
            entering=_between(run, own[EMBEDDED], other[EMBEDDED], alpha) if steps > 1 else None,
        )
        for site, gradient in found.items():
            here = gradient[:, run.start : run.stop].sum(dim=0) / steps
            total[site] = total[site] + here if site in total else here
    maps = {
        component: Attribution(
            component,
            direction,
            np.stack([_scores(base[site], source[site], total[site]) for site in sites if site.component is component]),
            float("nan"),
        )
        for component in wanted
    }
    if steps > 1:
        whole = Cell(tuple(range(len(pair.traces[1].ids))), (0,))
        exact = state_effects(model, pair, [Component.RESID_PRE], [whole], [outcome], direction)[0, 0]
        gap = maps[Component.RESID_PRE].cell(whole) - float(exact)
        maps = {name: Attribution(each.component, direction, each.values, gap) for name, each in maps.items()}
    return {component: maps[component] for component in components}


def _between(run: Sequences, own: Tensor, other: Tensor, alpha: float) -> Callable[[Tensor], Tensor]:
    def enter(value: Tensor) -> Tensor:
        value = value.clone()
        value[:, run.start : run.stop] = own + alpha * (other - own)
        return value

    return enter


def _scores(
    base: Float[Tensor, "pos ..."], source: Float[Tensor, "pos ..."], gradient: Float[Tensor, "pos ..."]
) -> Float[np.ndarray, "pos head"]:
    product = (base - source).double() * gradient.double()
    product = product if product.ndim == 3 else product[:, None]
    scores: Float[np.ndarray, "pos head"] = reduce(product, "pos head d -> pos head", "sum").cpu().numpy()
    return scores


def attribution_map(
    model: Model,
    pair: EncodedPair,
    found: Attribution,
    axes: Sequence[str],
    outcome: Outcome,
    te: float,
    *,
    random_cells: int = 32,
    top_cells: int = 8,
    seed: int = 0,
) -> tuple[EffectMap, Agreement]:
    """A map of the estimates, and its agreement with exact patching at random cells and at its own largest.

    Args:
        model: The hooked model.
        pair: The pair in tokens.
        found: From `attributions`.
        axes: See `cells_of`.
        outcome: The outcome of the estimates.
        te: The pair's total effect, which goes into the record.
        random_cells: How many cells to draw, at most all.
        top_cells: How many of the largest to check.
        seed: Of the drawing.
    """
    cells, coords = cells_of(model, pair, axes, component=found.component)
    estimates = np.array([found.cell(cell) for cell in cells])
    drawn = np.random.default_rng(seed).permutation(len(cells))[:random_cells]
    top = np.argsort(-abs(estimates), kind="stable")[:top_cells]
    both = [cells[place] for place in (*drawn, *top)]
    exact = state_effects(model, pair, [found.component], both, [outcome], found.direction)[0]
    verdict = agreement(estimates[drawn], exact[: len(drawn)], estimates[top], exact[len(drawn) :], seed=seed)
    kind = f"attribution.{found.component}" + (".denoising" if found.direction is Direction.DENOISING else "")
    shape = [len(labels) for labels in coords.values()]
    record = EffectMap(estimates.reshape(shape), tuple(coords), coords, pair.id, pair.group, kind, outcome.value, te)
    return record, verdict
