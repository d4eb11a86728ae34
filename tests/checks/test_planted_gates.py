"""Planted models of two steps: plain transformers, with nothing of the engine, says what the closed form says."""

from dataclasses import replace
from itertools import permutations, product

import numpy as np
import pytest
import torch

from mediate.checks.planted_gates import (
    ANSWER_AT,
    FIRST_AT,
    QUESTION_AT,
    REPAIR_BLOCK,
    REPAIRED_HEAD,
    SECOND_AT,
    TWO_STEPS,
    Reach,
    TwoSteps,
    two_step_model,
)
from mediate.models.prompts import ANSWER_CUE

EVERYTHING = TwoSteps(
    "everything at once",
    direct=0.5,
    text=-0.25,
    latent=0.5,
    passed=-1.5,
    repair=0.25,
    gate=3.0,
    low=0.75,
    questions=(7, 3),
    chains=((1, 4), (2, 0)),
)
ALL = (*TWO_STEPS, EVERYTHING)
BOTH = Reach(text=True, latent=True)
ROUNDING = {torch.float64: 1e-12, torch.float32: 1e-6}


def named(name: str) -> TwoSteps:
    return next(each for each in TWO_STEPS if each.name == name)


def tokens(tokenizer, planted: TwoSteps, question: int, chain: int) -> torch.Tensor:
    digits = (planted.questions[question], *planted.chains[chain])
    ids = tokenizer("{}\n{}\n{}".format(*digits) + ANSWER_CUE)["input_ids"]
    assert len(ids) == ANSWER_AT + 1
    found = tokenizer.convert_ids_to_tokens([ids[place] for place in (QUESTION_AT, FIRST_AT, SECOND_AT)])
    assert found == [str(digit) for digit in digits]
    return torch.tensor([ids])


def said(model, tokenizer, ids: torch.Tensor) -> float:
    """The logit of ` yes` less that of ` no` at the end."""
    with torch.no_grad():
        logits = model(input_ids=ids).logits[0, -1]
    yes, no = tokenizer.convert_tokens_to_ids([" yes", " no"])
    return float(logits[yes] - logits[no])


@pytest.mark.parametrize("dtype", ROUNDING)
@pytest.mark.parametrize("planted", ALL, ids=lambda planted: planted.name)
def test_untouched_runs_are_the_closed_form(planted: TwoSteps, dtype: torch.dtype) -> None:
    model, tokenizer = two_step_model(planted, dtype)
    for question, chain in product((0, 1), repeat=2):
        found = said(model, tokenizer, tokens(tokenizer, planted, question, chain))
        assert found == pytest.approx(planted.outcome(question, chain, question), abs=ROUNDING[dtype])


@pytest.mark.parametrize("planted", ALL, ids=lambda planted: planted.name)
def test_mixed_chains_are_steps_replaced_at_the_embeddings(planted: TwoSteps) -> None:
    """Another world's digit in the text is what a patch of the first block's input puts there."""
    model, tokenizer = two_step_model(planted)
    text = Reach(text=True, latent=False)
    for world, step in product((0, 1), repeat=2):
        ids, other = (tokens(tokenizer, planted, world, chain) for chain in (world, 1 - world))
        at = (FIRST_AT, SECOND_AT)[step]
        ids[0, at] = other[0, at]
        assert said(model, tokenizer, ids) == pytest.approx(planted.replaced(world, (step,), text), abs=1e-12)


@pytest.mark.parametrize("planted", ALL, ids=lambda planted: planted.name)
def test_the_repaired_head_in_plain_transformers(planted: TwoSteps) -> None:
    """The head's output and the last MLP's, exchanged by plain forward hooks."""
    model, tokenizer = two_step_model(planted)
    ids, other = (tokens(tokenizer, planted, world, world) for world in (1, 0))
    heads, mlp = model.transformer.h[1].attn.c_proj, model.transformer.h[REPAIR_BLOCK].mlp
    size = model.transformer.h[1].attn.head_dim
    mine = slice(REPAIRED_HEAD * size, (REPAIRED_HEAD + 1) * size)
    kept: dict[str, torch.Tensor] = {}

    def keep_head(_, inputs):
        kept["head"] = inputs[0].clone()

    def keep_mlp(_, __, output):
        kept["mlp"] = output.clone()

    def put_head(_, inputs):
        value = inputs[0].clone()
        value[0, -1, mine] = kept["head"][0, -1, mine]
        return (value,)

    handle = heads.register_forward_pre_hook(keep_head)
    said(model, tokenizer, other)
    handle.remove()
    handle = mlp.register_forward_hook(keep_mlp)
    y = said(model, tokenizer, ids)
    handle.remove()
    heads.register_forward_pre_hook(put_head)
    total = y - said(model, tokenizer, ids)
    mlp.register_forward_hook(lambda *_: kept["mlp"])
    direct = y - said(model, tokenizer, ids)
    assert (total, direct) == pytest.approx(planted.head_effects(), abs=1e-12)


@pytest.mark.parametrize("name", ["redundant steps", "conjunction"])
def test_gates_hide_a_step_from_one_direction(name: str) -> None:
    planted = named(name)
    te = planted.outcome(1, 1, 1) - planted.outcome(0, 0, 0)
    assert te == planted.noising((0, 1), BOTH) == planted.denoising((0, 1), BOTH) == 2.0
    alone = {
        direction: [getattr(planted, direction)((step,), BOTH) for step in (0, 1)]
        for direction in ("noising", "denoising")
    }
    hidden, shown = ("noising", "denoising") if name == "redundant steps" else ("denoising", "noising")
    assert alone[hidden] == [0, 0]
    assert alone[shown] == [te, te]
    assert planted.step_shapley().tolist() == [te / 2, te / 2]


def test_the_gate_is_what_two_steps_do_together() -> None:
    """Plus the gate where either step opens it, minus it where both must."""
    assert [named(name).interaction() for name in ("redundant steps", "conjunction", "self-repair")] == [2.0, -2.0, 0.0]


def test_unequal_steps_share_by_what_each_adds() -> None:
    assert named("unequal redundant steps").step_shapley().tolist() == [1.5, 0.5]


@pytest.mark.parametrize("name", ["self-repair", "complete self-repair"])
def test_repair_leaves_its_share_of_the_direct_effect(name: str) -> None:
    planted = named(name)
    total, direct = planted.head_effects()
    assert direct > 0
    assert total == (1 - planted.repair) * direct
    reads = [planted.read_effect((0,), layers) for layers in ((0,), (1,), (2,), (0, 1, 2))]
    assert reads == [0, total, planted.repair * direct, direct]
    assert planted.read_effect((1,), (0, 1, 2)) == 0
    assert replace(planted, repair=0.0).head_effects() == (direct, direct)


def test_the_latent_conjunction_has_no_text() -> None:
    planted = named("latent conjunction")
    y = planted.cube()
    assert (y[:, 0] == y[:, 1]).all()
    assert np.ptp(y[1, 1]) == planted.noising((0,), Reach(text=False, latent=True)) == 2.0


@pytest.mark.parametrize("planted", ALL, ids=lambda planted: planted.name)
def test_step_shapley_is_the_mean_over_orders(planted: TwoSteps) -> None:
    gains = np.zeros((2, 2))
    for row, order in enumerate(permutations((0, 1))):
        there: tuple[int, ...] = ()
        for step in order:
            before = planted.replaced(1, [each for each in (0, 1) if each not in there], BOTH)
            there += (step,)
            gains[row, step] = planted.replaced(1, [each for each in (0, 1) if each not in there], BOTH) - before
    np.testing.assert_allclose(planted.step_shapley(), gains.mean(axis=0), atol=1e-12)


def test_pairs_pose_the_two_worlds() -> None:
    pair = EVERYTHING.pair()
    assert (pair.base.question, pair.base.cot, pair.base.answer) == ("3", "2\n0", "yes")
    assert (pair.source.question, pair.source.cot, pair.source.answer) == ("7", "1\n4", "no")


def test_planting_leaves_the_global_generator_alone() -> None:
    before = torch.random.get_rng_state()
    two_step_model(EVERYTHING)
    assert torch.equal(before, torch.random.get_rng_state())
