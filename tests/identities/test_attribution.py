"""Gradient estimates: where they are exact, how fast they become so, and how they add up (I46 to I52).

There is no site after the final norm, so that I46 is checked where the logits themselves are the activation. EAP's
edges are not offered, which leaves I51 its nodes and positions.
"""

from functools import partial

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mediate.checks.planted import Planted
from mediate.mediation.cells import Cell, cells_of
from mediate.mediation.encoding import EncodedPair
from mediate.mediation.kinds.attribution import Method, attributions
from mediate.mediation.kinds.state import Direction, chain_activations, placed, state_effects
from mediate.mediation.outcomes import USUAL, Outcome, outcome_tensor, read_off
from mediate.mediation.sequences import outcomes_under, sequences
from mediate.models.sites import BY_HEAD, BY_KV_HEAD, Component, Site
from mediate.passes.forward import forward
from mediate.passes.gradients import gradients
from mediate.passes.interventions import Reference
from tests import tiny
from tests.identities import draws
from tests.identities.draws import LAYERS, MODELS, model_of, tolerance
from tests.identities.test_mediation import planted_case, planted_models

pytestmark = draws.CHECKED
Y = Outcome.LOGIT_DIFF
ESTIMATED = [each for each in Component if each not in (Component.PATTERN, Component.MLP_POST)]


def estimated(architecture: str) -> list[Component]:
    return [each for each in ESTIMATED if each in draws.offered(architecture)]


@pytest.mark.parametrize(("architecture", "dtype"), MODELS)
@draws.examples(4)
@given(data=st.data())
def test_an_outcome_linear_in_the_logits_is_its_own_estimate(
    architecture: str, dtype: str, data: st.DataObject
) -> None:
    """I46 (F): the logit difference in two runs differs by its gradient times the difference of their logits."""
    model, pair = model_of(architecture, dtype), data.draw(draws.pairs())
    runs = [sequences(model, pair, world, USUAL) for world in (0, 1)]
    logits = [forward(model, run.ids, last=run.readout.last).logits.double().requires_grad_() for run in runs]
    y = outcome_tensor(runs[1].readout, logits[1], Y)
    (slope,) = torch.autograd.grad(y, logits[1])
    estimate = float((slope * (logits[1] - logits[0]).detach()).sum())
    exact = float(y.detach()) - read_off(runs[0].readout, logits[0], Y)
    assert estimate == pytest.approx(exact, abs=1e-12)
    assert slope.abs().sum() == 2
    assert abs(exact) > 1e-3


@pytest.mark.parametrize(("architecture", "step"), [("gpt2", 0.004), ("llama", 0.01), ("qwen3", 0.01), ("neox", 0.01)])
@draws.examples(4)
@given(data=st.data())
def test_the_error_falls_with_the_square_of_the_size(architecture: str, step: float, data: st.DataObject) -> None:
    """I47 (C): exact(eps) - estimate(eps) is O(eps^2): half the size leaves a quarter of the error, where a wrong slope
    would leave half.
    """
    model, pair = model_of(architecture, "float64"), data.draw(draws.pairs())
    component, direction = data.draw(st.sampled_from(estimated(architecture))), data.draw(st.sampled_from(Direction))
    cell = Cell(data.draw(draws.some(len(pair.traces[1].ids))), (data.draw(st.sampled_from(LAYERS)),))
    slope = attributions(model, pair, [component], Y, direction)[component].cell(cell)
    world = direction.patched_world
    run = sequences(model, pair, world, [Y])
    own, other = (
        chain_activations(model, pair.context(each, each), len(pair.questions[each]), [component])
        for each in (world, 1 - world)
    )
    patches = [(), cell.patches([component], run.start, Reference.SOURCE)]
    errors = []
    for eps in (step, step / 2):
        values = placed({site: own[site] + eps * (other[site] - own[site]) for site in own}, run, Reference.SOURCE)
        y = outcomes_under(model, run, [Y], patches, values)[0]
        effect = (y[0] - y[1]) * (1 if direction is Direction.NOISING else -1)
        errors.append(effect - eps * slope)
    assert abs(errors[1]) <= 0.4 * abs(errors[0]) + 1e-9
    assert abs(errors[1]) <= 1000 * step**2


@draws.examples(3)
@given(planted=planted_models(gated=False), direction=st.sampled_from(Direction))
def test_in_a_linear_model_estimates_are_exact(planted: Planted, direction: Direction) -> None:
    """I48 (F): planted models without a gate are linear in all that is patched: every estimate is the effect."""
    model, pair = planted_case(planted)
    found = attributions(model, pair, ESTIMATED, Y, direction)
    for component in ESTIMATED:
        heads = "head" if component in BY_HEAD else "kv_head" if component in BY_KV_HEAD else None
        cells, _ = cells_of(model, pair, ["position", "layer", *([heads] if heads else [])], component=component)
        exact = state_effects(model, pair, [component], cells, [Y], direction)[0]
        np.testing.assert_allclose([found[component].cell(cell) for cell in cells], exact, atol=1e-10)


@pytest.mark.parametrize("architecture", ["gpt2", "llama"])
@draws.examples(2)
@given(data=st.data())
def test_integrated_gradients_become_complete(architecture: str, data: st.DataObject) -> None:
    """I49 (C): the estimate of the whole chain comes near its exact effect, ten times nearer for four times the
    steps."""
    model, pair = model_of(architecture, "float64"), data.draw(draws.pairs(most_steps=2))
    direction, outcome = data.draw(st.sampled_from(Direction)), data.draw(st.sampled_from(USUAL))
    gaps = [
        attributions(model, pair, [Component.RESID_PRE], outcome, direction, method=Method.IG, steps=steps)[
            Component.RESID_PRE
        ].completeness
        for steps in (16, 64)
    ]
    exact = state_effects(model, pair, [Component.RESID_PRE], [draws.whole(pair, (0,))], [outcome], direction)[0, 0]
    assert abs(gaps[1]) <= 0.1 * abs(gaps[0]) + 1e-9
    assert abs(gaps[1]) <= 0.1 * abs(exact) + 0.01


@pytest.mark.parametrize(("architecture", "dtype"), MODELS)
@draws.examples(3)
@given(data=st.data())
def test_no_difference_no_estimate(architecture: str, dtype: str, data: st.DataObject) -> None:
    """I50 (B): where both worlds have the same token, what enters the first block is the same, and so are its queries,
    keys and values: estimates and exact effects are 0 there, and not elsewhere."""
    model, pair = model_of(architecture, dtype), data.draw(draws.pairs(most_steps=2))
    length = len(pair.traces[1].ids)
    same = data.draw(draws.some(length))
    ids = [token if place not in same else pair.traces[0].ids[place] for place, token in enumerate(pair.traces[1].ids)]
    base = draws.trace(tuple(ids), tuple(stop - start for start, stop in pair.traces[1].step_spans))
    pair = EncodedPair(pair.id, pair.group, pair.questions, (pair.traces[0], base), pair.readers)
    inputs = [Component.RESID_PRE, Component.Q, Component.K, Component.V]
    found = attributions(model, pair, inputs, Y, method=data.draw(st.sampled_from((Method.ATP, Method.IG))), steps=2)
    cells = [Cell((position,), (0,)) for position in range(length)]
    for component in inputs:
        values = found[component].values[0, 0]
        assert (values[list(same)] == 0).all()
        exact = state_effects(model, pair, [component], cells, [Y])[0]
        assert (exact[list(same)] == 0).all()
    others = [position for position in range(length) if position not in same]
    assert (found[Component.RESID_PRE].values[0, 0][others] != 0).all()


@pytest.mark.parametrize(("architecture", "dtype"), MODELS)
@draws.examples(4)
@given(data=st.data())
def test_estimates_are_gradients_times_differences_and_add_up(
    architecture: str, dtype: str, data: st.DataObject
) -> None:
    """I51 (F): attribution patching is the gradient in the patched run times the difference; a cell's estimate is the
    sum of its positions', layers' and heads'; integrated gradients of equal ends are attribution patching."""
    model, pair = model_of(architecture, dtype), data.draw(draws.pairs())
    direction, component = data.draw(st.sampled_from(Direction)), data.draw(st.sampled_from(estimated(architecture)))
    found = attributions(model, pair, [component], Y, direction)[component]
    run = sequences(model, pair, direction.patched_world, [Y])
    sites = [Site(component, layer) for layer in LAYERS]
    slopes = gradients(model, run.ids, sites, partial(outcome_tensor, run.readout, outcome=Y), last=run.readout.last)
    base, source = (
        chain_activations(model, pair.context(world, world), len(pair.questions[world]), [component])
        for world in (1, 0)
    )
    for layer, site in enumerate(sites):
        product = (base[site] - source[site]) * slopes[site][0, run.start : run.stop]
        product = product.flatten(1) if product.ndim == 2 else product
        wanted = product.double().sum(dim=-1).numpy().reshape(found.values[0, layer].shape)
        close = tolerance(architecture, dtype, max(1.0, abs(wanted).max()))
        np.testing.assert_allclose(found.values[0, layer], wanted, atol=close, rtol=0)
    counted = component in BY_HEAD or component in BY_KV_HEAD
    cell = data.draw(draws.cells(pair, draws.units_of(architecture, component) if counted else None))
    single = [
        found.cell(Cell((position,), (layer,), None if cell.units is None else (unit,)))
        for position in cell.positions
        for layer in cell.layers
        for unit in (cell.units if cell.units is not None else [0])
    ]
    assert found.cell(cell) == pytest.approx(sum(single), abs=1e-9)


@draws.examples(6)
@given(data=st.data())
def test_one_step_along_no_path_is_attribution_patching(data: st.DataObject) -> None:
    """I51 (F): where the chains' tokens are the same, integrated gradients have no path to go, in any number of steps,
    and are attribution patching."""
    model, pair = model_of("gpt2", "float64"), data.draw(draws.pairs())
    pair = EncodedPair(pair.id, pair.group, pair.questions, pair.traces[:1] * 2, pair.readers)
    one, other = (
        attributions(model, pair, [Component.Z], Y, method=method, steps=3)[Component.Z].values
        for method in (Method.ATP, Method.IG)
    )
    np.testing.assert_allclose(one, other, atol=1e-12)
    assert abs(one).max() > 1e-6


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
@draws.examples(6)
@given(data=st.data())
def test_gradients_are_slopes(architecture: str, data: st.DataObject) -> None:
    """I52 (C): finite differences in float64 along a random direction, at any site and all positions; and the gradient
    is not 0, as that of a distance from the clean run would be."""
    model, ids = model_of(architecture, "float64"), data.draw(draws.rows(1, least=4, most=8))
    component = data.draw(st.sampled_from(estimated(architecture)))
    site = Site(component, data.draw(st.sampled_from(LAYERS)))
    generator = torch.Generator().manual_seed(data.draw(draws.seeds))
    weights = torch.randn(2, draws.VOCABULARY, generator=generator, dtype=torch.float64)

    def outcome(logits: torch.Tensor) -> torch.Tensor:
        return (logits[0, -2:] * weights).sum()

    (slope,) = gradients(model, ids, [site], outcome, last=2).values()
    value = forward(model, ids, keep=[site]).kept[site]
    direction = torch.randn(value.shape, generator=generator, dtype=torch.float64)
    direction /= direction.norm()
    size = 1e-4
    y = [
        float(outcome(forward(model, ids, writes={site: value + step * size * direction}).logits))
        for step in (-2, -1, 1, 2)
    ]
    finite = (8 * (y[2] - y[1]) - (y[3] - y[0])) / (12 * size)
    assert float((slope * direction).sum()) == pytest.approx(finite, rel=1e-6, abs=1e-6)
    assert slope.abs().max() > 1e-4
