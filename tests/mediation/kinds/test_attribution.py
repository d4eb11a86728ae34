"""Gradient estimates: against finite differences of exact patches, completeness, and their own honesty."""

from functools import cache

import numpy as np
import pytest

from mediate.checks.planted import SETTINGS, planted_model
from mediate.errors import InputError
from mediate.mediation.cells import Cell, cells_of
from mediate.mediation.encoding import encode_pair
from mediate.mediation.kinds.attribution import Method, attribution_map, attributions
from mediate.mediation.kinds.state import Direction, chain_activations, placed, state_effects
from mediate.mediation.outcomes import USUAL, Outcome
from mediate.mediation.sequences import outcomes_under, sequences
from mediate.models.loading import load_unchecked as load
from mediate.models.prompts import ANSWER_CUE, Style, Template
from mediate.models.sites import Component
from mediate.passes.selfcheck import checked
from mediate.results.agreement import agreement
from mediate.traces.trace import given_trace
from tests import tiny
from tests.mediation.kinds.test_read import contexts
from tests.mediation.kinds.test_state import unhooked

OFFERED = [each for each in Component if each not in (Component.PATTERN, Component.MLP_POST)]


@cache
def slopes(architecture: str, direction: Direction) -> dict[tuple[Outcome, Component], np.ndarray]:
    """Central differences along the way to the other world's activation, extrapolated to a step of 0, for each cell."""
    model, pair = tiny.model(architecture, "float64"), contexts(architecture, dtype="float64").pair
    components = [each for each in OFFERED if each not in model.refused]
    world = direction.patched_world
    run = sequences(model, pair, world)
    own, other = (
        chain_activations(model, pair.context(each, each), len(pair.questions[each]), components)
        for each in (world, 1 - world)
    )
    cells = {each: cells_of(model, pair, ["step", "layer"], component=each)[0] for each in components}
    steps, values, patches = (0.004, -0.004, 0.002, -0.002), {}, []
    for step in steps:
        values |= placed({site: own[site] + step * (other[site] - own[site]) for site in own}, run, f"by {step}")
        patches += [cell.patches([each], run.start, f"by {step}") for each in components for cell in cells[each]]
    y = outcomes_under(model, run, USUAL, patches, values).reshape(len(USUAL), len(steps), -1)
    coarse, fine = ((y[:, at + 1] - y[:, at]) / (2 * steps[at]) for at in (0, 2))
    exact = (4 * fine - coarse) / 3 * (1 if direction is Direction.NOISING else -1)
    found, begin = {}, 0
    for component in components:
        for outcome, slope in zip(USUAL, exact, strict=True):
            found[outcome, component] = slope[begin : begin + len(cells[component])]
        begin += len(cells[component])
    assert begin == exact.shape[1]
    return found


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
@pytest.mark.parametrize("direction", list(Direction))
@pytest.mark.parametrize("outcome", USUAL)
def test_the_gradient_is_the_slope_of_exact_patches(architecture: str, direction: Direction, outcome: Outcome) -> None:
    model, pair = tiny.model(architecture, "float64"), contexts(architecture, dtype="float64").pair
    components = [each for each in OFFERED if each not in model.refused]
    found, exact = attributions(model, pair, components, outcome, direction), slopes(architecture, direction)
    largest = 0.0
    for component in components:
        slope, (cells, _) = exact[outcome, component], cells_of(model, pair, ["step", "layer"], component=component)
        estimate = np.array([found[component].cell(cell) for cell in cells])
        np.testing.assert_allclose(estimate, slope, atol=1e-5, rtol=1e-4)
        largest = max(largest, abs(slope).max())
    assert largest > 0.1
    assert unhooked(model)
    assert all(weight.grad is None for weight in model.plain.parameters())


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_integrated_gradients_are_complete(architecture: str) -> None:
    model, pair = tiny.model(architecture, "float64"), contexts(architecture, dtype="float64").pair
    gaps = [
        abs(
            attributions(model, pair, [Component.RESID_PRE], Outcome.LOGIT_DIFF, method=Method.IG, steps=steps)[
                Component.RESID_PRE
            ].completeness
        )
        for steps in (4, 64)
    ]
    whole = Cell(tuple(range(len(pair.traces[1].ids))), (0,))
    exact = abs(state_effects(model, pair, [Component.RESID_PRE], [whole], [Outcome.LOGIT_DIFF])[0, 0])
    assert gaps[1] < 0.01 * exact + 1e-6
    assert gaps[1] < gaps[0]


@pytest.mark.parametrize("planted", [each for each in SETTINGS if not each.gate], ids=lambda each: each.name)
def test_in_a_linear_model_the_estimate_is_exact(planted) -> None:
    import torch

    plain, tokenizer = planted_model(planted, torch.float64)
    model = checked(load(plain, tokenizer=tokenizer, device="cpu", copy=False))
    pair = planted.pair()
    chains = (given_trace(str(item.cot), tokenizer) for item in (pair.source, pair.base))
    tokens = encode_pair(model, pair, Template(Style.NONE), ANSWER_CUE, *chains)
    for component in (Component.V, Component.Z, Component.ATTN_OUT):
        cells, _ = cells_of(model, tokens, ["position", "layer"], component=component)
        estimate = attributions(model, tokens, [component], Outcome.LOGIT_DIFF)[component]
        exact = state_effects(model, tokens, [component], cells, [Outcome.LOGIT_DIFF])[0]
        np.testing.assert_allclose([estimate.cell(cell) for cell in cells], exact, atol=1e-10)


def test_a_map_comes_with_its_agreement() -> None:
    model, pair = tiny.model("llama"), contexts("llama").pair
    found = attributions(model, pair, [Component.Z, Component.RESID_PRE], Outcome.LOGIT_DIFF)
    record = attribution_map(model, pair, found[Component.Z], ("layer", "head"), Outcome.LOGIT_DIFF)
    verdict = record.agreement
    assert record.values.shape == (tiny.LAYERS, 4)
    assert record.kind == "attribution.z"
    assert verdict.n_top == 8
    cells, _ = cells_of(model, pair, ["layer", "head"], component=Component.Z)
    exact = state_effects(model, pair, [Component.Z], cells, [Outcome.LOGIT_DIFF])[0]
    from scipy.stats import spearmanr

    # In the last layer, the heads at the chain's positions are read by nobody.
    assert verdict.n_random == 8
    assert not exact[8:].any()
    assert verdict.spearman == pytest.approx(spearmanr(record.values.ravel()[:8], exact[:8]).statistic, abs=1e-6)
    assert verdict.verdict == "not assessed"


def test_agreement_of_known_arrays() -> None:
    exact = np.array([5.0, -4.0, 3.0, -2.0, 1.0, 0.5, 0.4, 0.3, 0.2, 0.1])
    same = agreement(exact, exact, exact[:3], exact[:3], seed=0)
    assert same.spearman == pytest.approx(1)
    assert (same.signs, same.missed_mass, same.top_ratio) == (1, 0, 1)
    assert same.verdict == "reliable"
    halved = agreement(exact / 2, exact, exact[:3] / 2, exact[:3], seed=0)
    assert (halved.verdict, halved.top_ratio) == ("ranking only", 0.5)
    flipped = agreement(-exact, exact, -exact[:3], exact[:3], seed=0)
    assert flipped.spearman == pytest.approx(-1)
    assert (flipped.signs, flipped.verdict) == (0, "unreliable")
    shifted = agreement(exact + 10, exact, exact[:3] + 10, exact[:3], seed=0)
    assert shifted.spearman == pytest.approx(1)
    assert (shifted.signs, shifted.verdict) == (0.8, "ranking only")
    blind = agreement(np.array([0.0] * 9 + [1.0]), exact, exact[:1], exact[:1], seed=0)
    assert blind.missed_mass == pytest.approx(1 - 0.1 / 5)
    nothing = agreement(np.zeros(4), np.zeros(4), np.zeros(1), np.zeros(1), seed=0)
    assert np.isnan(nothing.spearman)
    assert (nothing.verdict, nothing.n_random) == ("not assessed", 0)
    still = np.array([0.0] * 20)
    padded = agreement(np.append(exact, still), np.append(exact, still), exact[:3], exact[:3], seed=0)
    assert (padded.n_random, padded.verdict) == (10, "reliable")
    few = agreement(exact[:9], exact[:9], exact[:3], exact[:3], seed=0)
    assert (few.spearman, few.verdict) == (pytest.approx(1), "not assessed")


def test_what_has_no_estimate_is_refused() -> None:
    model, pair = tiny.model("neox"), contexts("neox").pair
    with pytest.raises(InputError, match="does not offer resid_mid"):
        attributions(model, pair, [Component.RESID_MID], Outcome.LOGIT_DIFF)
    with pytest.raises(InputError, match="patterns and neurons"):
        attributions(model, pair, [Component.PATTERN], Outcome.LOGIT_DIFF)
    with pytest.raises(InputError, match="0 steps"):
        attributions(model, pair, [Component.Z], Outcome.LOGIT_DIFF, method=Method.IG, steps=0)
    with pytest.raises(InputError, match="QK fix is of q and k"):
        attributions(model, pair, [Component.Z], Outcome.LOGIT_DIFF, method=Method.QKFIX)
    with pytest.raises(InputError, match="q and k have no estimate"):
        attributions(model, pair, [Component.K, Component.Z], Outcome.LOGIT_DIFF, method=Method.RELP)


def test_estimates_without_a_sign_can_only_rank() -> None:
    exact = np.array([5.0, -4.0, 3.0, -2.0, 1.0, 0.5, -0.4, 0.3, 0.2, 0.1])
    trust = agreement(abs(exact) / 2, exact, abs(exact[:2]) / 2, exact[:2], seed=0, signed=False)
    assert trust.spearman == pytest.approx(1)
    assert trust.top_ratio == pytest.approx(0.5)
    assert np.isnan(trust.signs)
    assert trust.verdict == "ranking only"
