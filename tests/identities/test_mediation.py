"""Mediation algebra: what the effects of any cube, set of items and model must satisfy (I36 to I45)."""

from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import mediate
from mediate.checks.planted import Planted, planted_model
from mediate.mediation.cells import Cell, cells_of
from mediate.mediation.encoding import EncodedPair, encode_pair
from mediate.mediation.kinds.attribution import attributions
from mediate.mediation.kinds.cube import measure_cube, run_contexts
from mediate.mediation.kinds.read import read_effects
from mediate.mediation.kinds.relayed import relayed_effects
from mediate.mediation.kinds.state import Direction, state_effects
from mediate.mediation.kinds.step_shapley import step_shapley
from mediate.mediation.outcomes import USUAL, read_off, reading
from mediate.mediation.sequences import outcomes_under, sequences
from mediate.models.prompts import ANSWER_CUE, Style, Template
from mediate.models.sites import Component, Site
from mediate.passes.forward import forward
from mediate.passes.interventions import Patch
from mediate.results.cube import Cube, corners, item_shares, set_shares, shapley, total_effect
from mediate.results.maps import EffectMap, mean_map
from mediate.traces.trace import given_trace
from tests import tiny
from tests.identities import draws
from tests.identities.draws import LAYERS, MODELS, contexts_of, kept_values, model_of, tolerance

pytestmark = draws.CHECKED
BOTH = USUAL
KV = (Component.K, Component.V)
ULP = np.finfo(np.float64).eps
quarters = st.integers(-12, 12).map(lambda number: number / 4)


@st.composite
def cubes(draw: Any, most: int = 4) -> np.ndarray:
    """Outcomes of some items, of sizes that rounding bites on."""
    items, seed = draw(st.integers(1, most)), draw(draws.seeds)
    generator = np.random.default_rng(seed)
    return generator.normal(size=(items, 2, 2, 2)) * 10.0 ** generator.integers(-3, 4, size=(items, 2, 2, 2))


def cube_of(y: np.ndarray, outcome: str = "logit_diff") -> Cube:
    names = tuple(f"i{row}" for row in range(len(y)))
    return Cube(y, names, names, outcome)


@pytest.mark.parametrize(("architecture", "dtype"), MODELS)
@draws.examples(4)
@given(data=st.data())
def test_total_is_direct_and_indirect(architecture: str, dtype: str, data: st.DataObject) -> None:
    """I36 (a few ulp): TE = NDE + TIE = NIE + TDE of measured cubes, and the interaction is what TE lacks of NDE + NIE;
    both outcomes, questions of equal and unequal lengths."""
    equal = architecture == "gpt2" or data.draw(st.booleans())
    pair = data.draw(draws.pairs(equal_questions=equal))
    y = measure_cube(model_of(architecture, dtype), contexts_of(architecture, dtype, pair), BOTH)
    effects, few = corners(y), 4 * ULP * abs(y).max()
    np.testing.assert_allclose(effects.nde + effects.tie, effects.te, atol=few, rtol=0)
    np.testing.assert_allclose(effects.nie + effects.tde, effects.te, atol=few, rtol=0)
    np.testing.assert_allclose(effects.te - effects.nde - effects.nie, effects.interaction, atol=few, rtol=0)
    np.testing.assert_array_equal(effects.te, y[:, 1, 1, 1] - y[:, 0, 0, 0])
    assert abs(effects.te).max() > 1e-3


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize(("architecture", "dtype"), MODELS)
def test_direct_and_indirect_do_not_add_up(architecture: str, dtype: str, seed: int) -> None:
    """I37 (difference): NDE + NIE is not TE: question and chain interact in any model that is not linear."""
    pair = draws.pair_from(draws.Shape((2, 2), (2, 2), 2, (1, 1), 0), seed)
    y = measure_cube(model_of(architecture, dtype), contexts_of(architecture, dtype, pair), BOTH[:1])
    effects = corners(y)
    assert abs(effects.interaction[0]) > 1e-3
    assert abs(effects.te - effects.nde - effects.nie)[0] > 1e-3


@pytest.mark.parametrize(("architecture", "dtype"), MODELS)
@draws.examples(3)
@given(data=st.data())
def test_a_mediator_that_is_all_or_nothing(architecture: str, dtype: str, data: st.DataObject) -> None:
    """I38 (B): with the whole residual stream of some layer as the mediator NDE is 0 and TIE is TE; with no position
    in it NIE is 0 and NDE is TE."""
    model = model_of(architecture, dtype)
    pair = data.draw(draws.pairs())
    runs = [sequences(model, pair, world, BOTH) for world in (0, 1)]
    site = Site(
        data.draw(st.sampled_from((Component.RESID_PRE, Component.RESID_POST))), data.draw(st.sampled_from(LAYERS))
    )
    # The two answers are two rows, so each row is its own sequence.
    places = tuple(range(runs[0].ids.shape[1]))

    def y(question: int, mediator: int, positions: tuple[int, ...]) -> np.ndarray:
        run, other = runs[question], runs[mediator]
        logits = torch.cat(
            [
                forward(
                    model,
                    run.ids[row : row + 1],
                    interventions=[[Patch(site, positions)] if positions else []],
                    values=kept_values(architecture, dtype, other.ids[row : row + 1], [site]),
                    last=run.readout.last,
                ).logits
                for row in range(len(run.ids))
            ]
        )
        return np.array([read_off(run.readout, logits, outcome) for outcome in BOTH])

    whole = {(q, m): y(q, m, places) for q in (0, 1) for m in (0, 1)}
    np.testing.assert_array_equal(whole[1, 0], whole[0, 0])
    np.testing.assert_array_equal(whole[1, 1] - whole[1, 0], whole[1, 1] - whole[0, 0])
    np.testing.assert_array_equal(y(0, 1, ()), whole[0, 0])
    np.testing.assert_array_equal(y(1, 0, ()), whole[1, 1])
    assert (whole[1, 1] != whole[0, 0]).all()


@pytest.mark.parametrize(("architecture", "dtype"), MODELS)
@draws.examples(3)
@given(data=st.data())
def test_the_chain_as_mediator_is_the_same_by_every_way(architecture: str, dtype: str, data: st.DataObject) -> None:
    """I38 (F): all keys and values of the chain, patched or read, give TIE, denoising gives NIE; nothing is relayed."""
    equal = architecture == "gpt2" or data.draw(st.booleans())
    pair = data.draw(draws.pairs(equal_questions=equal))
    model, contexts = model_of(architecture, dtype), contexts_of(architecture, dtype, pair)
    y, whole = measure_cube(model, contexts, BOTH), draws.whole(pair)
    effects = corners(y)
    close = tolerance(architecture, dtype, max(1.0, abs(y).max())) * (1 if equal else 4)
    noising, denoising = (state_effects(model, pair, KV, [whole], BOTH, each)[:, 0] for each in Direction)
    np.testing.assert_allclose(noising, effects.tie, atol=close, rtol=0)
    np.testing.assert_allclose(denoising, effects.nie, atol=close, rtol=0)
    for row, outcome in enumerate(BOTH):
        read = read_effects(model, contexts, [whole], outcome)
        np.testing.assert_allclose(read, effects.tie[row], atol=close, rtol=0)
        np.testing.assert_allclose(relayed_effects(model, contexts, [whole], outcome), 0, atol=close, rtol=0)


@pytest.mark.parametrize(("architecture", "dtype"), MODELS)
@draws.examples(2)
@given(data=st.data())
def test_equal_worlds_have_no_effects(architecture: str, dtype: str, data: st.DataObject) -> None:
    """I39 (B): where both worlds have the same question and chain every effect is exactly 0, and so is each channel
    whose part is the same."""
    drawn = data.draw(draws.pairs())
    model, length = model_of(architecture, dtype), len(drawn.traces[1].ids)
    same = replace(drawn, questions=drawn.questions[:1] * 2, traces=drawn.traces[:1] * 2)
    contexts = run_contexts(model, same)
    y = measure_cube(model, contexts, BOTH)
    assert (y == y[:, :1, :1, :1]).all()
    assert all((each == 0).all() for each in corners(y))
    cells = [draws.whole(same), data.draw(draws.cells(same)), Cell((length - 1,), LAYERS)]
    for direction in Direction:
        assert (state_effects(model, same, [Component.MLP_OUT], cells, BOTH, direction) == 0).all()
    for outcome in BOTH:
        assert (read_effects(model, contexts, cells, outcome) == 0).all()
        assert (step_shapley(model, contexts, outcome).values == 0).all()
        slopes = attributions(model, same, [Component.RESID_PRE, Component.Q], outcome)
        assert all((each.values == 0).all() for each in slopes.values())
    one_chain = measure_cube(model, run_contexts(model, replace(drawn, traces=drawn.traces[:1] * 2)), BOTH)
    assert (shapley(one_chain)[:, 1] == 0).all()
    one_question = measure_cube(model, run_contexts(model, replace(drawn, questions=drawn.questions[:1] * 2)), BOTH)
    assert (shapley(one_question)[:, [0, 2]] == 0).all()
    assert (total_effect(one_chain) != 0).all()


@draws.examples(60)
@given(y=cubes(), scale=st.floats(0.1, 10), turned=st.booleans(), shift=st.floats(-100, 100))
def test_another_unit_scales_effects_and_leaves_shares(y: np.ndarray, scale: float, turned: bool, shift: float) -> None:
    """I40 (F): Y' = c Y + k has c times every effect, and the same shares."""
    scale = -scale if turned else scale
    other = scale * y + shift
    close = 1e-12 * abs(other).max() + 1e-12 * abs(scale * y).max()
    for one, two in zip(corners(y), corners(other), strict=True):
        np.testing.assert_allclose(two, scale * one, atol=close, rtol=0)
    np.testing.assert_allclose(shapley(other), scale * shapley(y), atol=close, rtol=0)
    least = 0.01
    one, two = item_shares(cube_of(y), least), item_shares(cube_of(other), least * abs(scale))
    clear = abs(abs(total_effect(y)) - least) > close
    np.testing.assert_allclose(two[clear], one[clear], atol=1e-6, rtol=1e-6)


@cache
def scaled_llama(factor: float) -> Any:
    """The tiny Llama with its unembedding scaled."""
    plain = tiny.plain_model("llama", "float64")
    with torch.no_grad():
        plain.lm_head.weight *= factor
    return mediate.load(plain, tokenizer=tiny.tokenizer(), device="cpu")


@draws.examples(4)
@given(pair=draws.pairs())
def test_a_scaled_unembedding_scales_effects(pair: EncodedPair) -> None:
    """I40 (F), on a model: logits times 3 make every effect on the logit difference 3 times as large."""
    cells = cells_of(scaled_llama(3.0), pair, ["position", "layer"])[0]
    found = []
    for model in (model_of("llama", "float64"), scaled_llama(3.0)):
        contexts = run_contexts(model, pair)
        found.append(
            (
                measure_cube(model, contexts, BOTH[:1])[0],
                state_effects(model, pair, [Component.RESID_PRE], cells, BOTH[:1])[0],
                read_effects(model, contexts, cells, BOTH[0]),
                attributions(model, pair, [Component.V], BOTH[0])[Component.V].values,
            )
        )
    for one, three in zip(*found, strict=True):
        np.testing.assert_allclose(three, 3 * one, atol=1e-9, rtol=0)
        assert abs(one).max() > 1e-3


@draws.examples(60)
@given(pair=draws.pairs(), seed=draws.seeds)
def test_a_constant_in_every_row_of_logits_is_nothing(pair: EncodedPair, seed: int) -> None:
    """I41 (F): both outcomes are differences, so that what is added to all logits of a position drops out. A raw logit
    would move by it."""
    tokens = reading(pair.readers, torch.device("cpu"))
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(len(tokens.ids), tokens.last, draws.VOCABULARY, generator=generator, dtype=torch.float64)
    moved = logits + 100 * torch.randn(len(tokens.ids), tokens.last, 1, generator=generator, dtype=torch.float64)
    for outcome in BOTH:
        assert read_off(tokens, moved, outcome) == pytest.approx(read_off(tokens, logits, outcome), abs=1e-10)


@st.composite
def planted_models(draw: Any, *, gated: bool = True) -> Planted:
    digits = st.integers(0, 9)
    gate, threshold = (draw(quarters), draw(quarters)) if gated else (0.0, 0.0)
    return Planted(
        "drawn", draw(quarters), draw(quarters), draw(quarters), gate, threshold,
        (draw(digits), draw(digits)), (draw(digits), draw(digits)),
    )  # fmt: skip


def planted_case(planted: Planted) -> tuple[Any, EncodedPair]:
    plain, tokenizer = planted_model(planted, torch.float64)
    model, pair = mediate.load(plain, tokenizer=tokenizer, device="cpu", copy=False), planted.pair()
    chains = (given_trace(str(item.cot), tokenizer) for item in (pair.source, pair.base))
    return model, encode_pair(model, pair, Template(Style.NONE), ANSWER_CUE, *chains)


@draws.examples(4)
@given(planted=planted_models())
def test_planted_models_measure_as_they_are_planted(planted: Planted) -> None:
    """I42 (F): any weights of the direct, text and latent channels and of the gate, any digits: the eight outcomes are
    those of the closed form."""
    model, pair = planted_case(planted)
    found = measure_cube(model, run_contexts(model, pair), BOTH[:1])[0]
    np.testing.assert_allclose(found, planted.cube(), atol=1e-10, rtol=0)


@draws.examples(60)
@given(y=cubes(), least=st.floats(0.01, 10), share=st.floats(-1, 1))
def test_no_total_effect_has_no_shares(y: np.ndarray, least: float, share: float) -> None:
    """I43: where |TE| is not above the threshold an item's shares are NaN, counted and not clipped; where the mean TE
    of a set is not, the set's shares are undefined and say why."""
    y = y.copy()
    y[0, 1, 1, 1] = y[0, 0, 0, 0] + share * least
    cube, te = cube_of(y), total_effect(y)
    found = item_shares(cube, least)
    assert (np.isnan(found).all(axis=1) == (abs(te) <= least)).all()
    assert cube.undefined(least) == (abs(te) <= least).sum() == np.isnan(found[:, 0]).sum()
    defined = abs(te) > least
    np.testing.assert_allclose(found[defined][:, :3].sum(axis=1), 1, atol=1e-6 * abs(y).max() / least)
    shares = set_shares(cube, min_te=least)
    for each in shares.values():
        assert each.defined == bool(abs(te.mean()) > least)
        assert each.defined or (np.isnan(each.value) and each.reason)


@pytest.mark.parametrize(("architecture", "dtype"), MODELS)
@draws.examples(4)
@given(data=st.data())
def test_nested_mediators_telescope(architecture: str, dtype: str, data: st.DataObject) -> None:
    """I44 (F): growing a set of steps one by one, in any order, the gains add up to TIE; Shapley values over steps sum
    to TIE too, and those over channels to TE."""
    pair = data.draw(draws.pairs())
    model, contexts = model_of(architecture, dtype), contexts_of(architecture, dtype, pair)
    outcome = data.draw(st.sampled_from(USUAL))
    y = measure_cube(model, contexts, [outcome])
    close = tolerance(architecture, dtype, max(1.0, abs(y).max()))
    tie = corners(y).tie[0]
    spans = pair.traces[1].step_spans
    order = data.draw(st.permutations(range(len(spans))))
    sets = [
        Cell(tuple(sorted(place for step in order[:count] for place in range(*spans[step]))), LAYERS)
        for count in range(1, len(spans) + 1)
    ]
    gains = np.diff([0.0, *read_effects(model, contexts, sets, outcome)])
    assert gains.sum() == pytest.approx(tie, abs=close)
    assert step_shapley(model, contexts, outcome).values.sum() == pytest.approx(tie, abs=2 * close)
    np.testing.assert_allclose(shapley(y).sum(axis=1), total_effect(y), atol=8 * ULP * abs(y).max(), rtol=0)


@draws.examples(60)
@given(y=cubes(), order=st.randoms(use_true_random=False))
def test_means_and_effects_change_places(y: np.ndarray, order: Any) -> None:
    """I45 (F): the mean over items of an effect is the effect of the mean outcomes, in any order of items; and shares
    of a set are the ratio of those means."""
    mean, close = y.mean(axis=0, keepdims=True), 1e-12 * abs(y).max()
    for one, two in zip(corners(y), corners(mean), strict=True):
        np.testing.assert_allclose(one.mean(), two[0], atol=close, rtol=0)
    np.testing.assert_allclose(shapley(y).mean(axis=0), shapley(mean)[0], atol=close, rtol=0)
    te = total_effect(y).mean()
    shares = set_shares(cube_of(y), min_te=0.0)
    if abs(te) > 1e-3:
        wanted = [*(shapley(mean)[0] / te), corners(mean).tie[0] / te]
        np.testing.assert_allclose([each.value for each in shares.values()], wanted, rtol=1e-6, atol=1e-6)
    rows = list(range(len(y)))
    order.shuffle(rows)
    np.testing.assert_allclose(shapley(y[rows]).mean(axis=0), shapley(y).mean(axis=0), atol=close, rtol=0)
    maps = [
        EffectMap(
            each.reshape(2, 4),
            ("step", "layer"),
            {"step": (0, 1), "layer": (0, 1, 2, 3)},
            f"i{row}",
            "g",
            "read",
            "y",
            1.0,
        )
        for row, each in enumerate(y)
    ]
    np.testing.assert_allclose(mean_map(maps)[0], y.mean(axis=0).reshape(2, 4), atol=close, rtol=0)


@cache
def permuted_llama(order: tuple[int, ...]) -> Any:
    """The tiny Llama with its KV groups in another order: the same function, by other names."""
    plain = tiny.plain_model("llama", "float64")
    heads = [2 * group + place for group in order for place in (0, 1)]
    with torch.no_grad():
        for block in plain.model.layers:
            attention = block.self_attn
            for projection, names in ((attention.q_proj, heads), (attention.k_proj, order), (attention.v_proj, order)):
                parts = projection.weight.unflatten(0, (len(names), -1))
                projection.weight.copy_(parts[list(names)].flatten(0, 1).clone())
            parts = attention.o_proj.weight.unflatten(1, (4, -1))
            attention.o_proj.weight.copy_(parts[:, heads].flatten(1).clone())
    return mediate.load(plain, tokenizer=tiny.tokenizer(), device="cpu")


@draws.examples(4)
@given(pair=draws.pairs())
def test_renamed_heads_keep_their_effects(pair: EncodedPair) -> None:
    """Metamorphic (F): permuting heads with their weights permutes the effects of heads and changes no outcome."""
    one, other = model_of("llama", "float64"), permuted_llama((1, 0))
    here, there = (run_contexts(model, pair) for model in (one, other))
    np.testing.assert_allclose(measure_cube(one, here), measure_cube(other, there), atol=1e-9, rtol=0)
    for component, axis, order in ((Component.Z, "head", [2, 3, 0, 1]), (Component.K, "kv_head", [1, 0])):
        cells, coords = cells_of(one, pair, ["layer", axis], component=component)
        shape = (len(LAYERS), len(coords[axis]))
        found = [state_effects(model, pair, [component], cells, BOTH[:1])[0].reshape(shape) for model in (one, other)]
        np.testing.assert_allclose(found[1], found[0][:, order], atol=1e-9, rtol=0)
        assert abs(found[0]).max() > 1e-4
        slopes = [attributions(model, pair, [component], BOTH[0])[component].values for model in (one, other)]
        np.testing.assert_allclose(slopes[1], slopes[0][..., order], atol=1e-9, rtol=0)
    units = [Cell((0,), LAYERS, (head,)) for head in (0, 1)]
    reads = [read_effects(model, each, units, BOTH[0]) for model, each in ((one, here), (other, there))]
    np.testing.assert_allclose(reads[1], reads[0][::-1], atol=1e-9, rtol=0)


@draws.examples(6)
@given(pair=draws.pairs())
def test_outcomes_under_nothing_are_the_corners(pair: EncodedPair) -> None:
    """I36 (F): Y[1,1,1] and Y[0,0,0] are those of plain passes, so effects are differences of real outcomes."""
    model = model_of("qwen3")
    y = measure_cube(model, contexts_of("qwen3", "float32", pair), BOTH)
    for world in (0, 1):
        found = outcomes_under(model, sequences(model, pair, world, BOTH), BOTH, [()], {})[:, 0]
        np.testing.assert_allclose(found, y[:, world, world, world], atol=tolerance("qwen3", "float32", abs(y).max()))
