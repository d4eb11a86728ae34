"""Planted models: plain transformers, with nothing of the engine, says what the closed form says."""

import numpy as np
import pytest
import torch

from mediate.checks.planted import ANSWER_AT, CHAIN_AT, CONTEXT, QUESTION_AT, SETTINGS, Planted, planted_model
from mediate.models.prompts import ANSWER_CUE

REDUNDANT = Planted("everything at once", direct=0.5, text=-2.0, latent=1.25, gate=3.0, threshold=-1.0, chains=(7, 1))


def said(planted: Planted, question: int, chain: int, dtype: torch.dtype) -> float:
    """The logit of ` yes` less that of ` no` after a question, a chain and the cue."""
    model, tokenizer = planted_model(planted, dtype)
    ids = tokenizer(f"{question}\n{chain}{ANSWER_CUE}")["input_ids"]
    assert len(ids) == ANSWER_AT + 1
    assert tokenizer.convert_ids_to_tokens([ids[QUESTION_AT], ids[CHAIN_AT]]) == [str(question), str(chain)]
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([ids])).logits[0, -1]
    yes, no = tokenizer.convert_tokens_to_ids([" yes", " no"])
    return float(logits[yes] - logits[no])


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("planted", [*SETTINGS, REDUNDANT], ids=lambda planted: planted.name)
def test_untouched_runs_are_the_closed_forms_corners_exactly(planted: Planted, dtype: torch.dtype) -> None:
    for world in (0, 1):
        found = said(planted, planted.questions[world], planted.chains[world], dtype)
        assert found == pytest.approx(planted.outcome(world, world, world), abs=1e-15)  # some processors round 0


@pytest.mark.parametrize("planted", [*SETTINGS, REDUNDANT], ids=lambda planted: planted.name)
def test_a_chain_under_the_other_worlds_question_moves_direct_and_latent_together(planted: Planted) -> None:
    for question, chain in ((0, 1), (1, 0)):
        found = said(planted, planted.questions[question], planted.chains[chain], torch.float64)
        assert found == pytest.approx(planted.outcome(question, chain, question), abs=1e-15)


def test_settings_plant_what_they_are_named_for() -> None:
    effects = {planted.name: planted.cube() for planted in SETTINGS}
    assert len(effects) == len(SETTINGS)
    te = {name: y[1, 1, 1] - y[0, 0, 0] for name, y in effects.items()}
    tie = {name: y[1, 1, 1] - y[1, 0, 0] for name, y in effects.items()}
    assert tie["full"] == te["full"] != 0
    assert (tie["none"], te["none"] != 0) == (0, True)
    assert tie["half"] / te["half"] == 0.5
    assert tie["latent"] == te["latent"] == np.ptp(effects["latent"][1, 0]) != 0
    assert te["inconsistent"] > 0 > tie["inconsistent"]
    assert te["no total effect"] == 0 != tie["no total effect"]
    y = effects["interaction"]
    assert y[1, 1, 1] - y[1, 0, 0] - y[0, 1, 1] + y[0, 0, 0] != 0


def test_pairs_pose_the_two_worlds() -> None:
    pair = REDUNDANT.pair()
    assert (pair.base.question, pair.base.cot, pair.base.answer) == ("4", "1", "yes")
    assert (pair.source.question, pair.source.cot, pair.source.answer) == ("2", "7", "no")


def test_planting_leaves_the_global_generator_alone() -> None:
    before = torch.random.get_rng_state()
    model, _ = planted_model(SETTINGS[0])
    assert torch.equal(before, torch.random.get_rng_state())
    assert model.config.n_positions == CONTEXT
