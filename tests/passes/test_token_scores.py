"""Token scores equal plain transformers', padded and in pieces, and never hold all positions by the vocabulary."""

from typing import Any

import numpy as np
import pytest
import torch

from mediate.errors import InputError
from mediate.passes import token_scores as module
from mediate.passes.token_scores import ToScore, token_scores, token_scores_plainly
from tests import tiny

NAMES = ("surprisal", "rank", "entropy", "teacher", "divergence")


def rows(*shapes: tuple[int, int]) -> list[ToScore]:
    draw = torch.Generator().manual_seed(0)
    return [ToScore(tuple(torch.randint(0, 60, (length,), generator=draw).tolist()), start) for length, start in shapes]


ROWS = rows((20, 5), (13, 1), (17, 16))


def equal(found: Any, wanted: Any, tolerance: float) -> None:
    for name in NAMES:
        assert np.allclose(getattr(found, name), getattr(wanted, name), atol=tolerance), name


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_they_are_plain_transformers_numbers(architecture: str) -> None:
    model, plain = tiny.model(architecture, "float64"), tiny.plain_model(architecture, "float64")
    for row, found in zip(ROWS, token_scores(model, ROWS), strict=True):
        with torch.no_grad():
            logits = plain(torch.tensor([row.ids])).logits[0, row.start - 1 : -1].double()
        said = logits.log_softmax(-1)[torch.arange(len(logits)), list(row.ids[row.start :])]
        # transformers rounds norms and angles of float64 models to float32.
        assert np.allclose(found.surprisal, -said.numpy(), atol=1e-5)
        entropy = torch.distributions.Categorical(logits=logits).entropy()
        assert np.allclose(found.entropy, entropy.numpy(), atol=1e-5)
        order = logits.argsort(-1, descending=True).tolist()
        assert found.rank.tolist() == [1 + row_.index(t) for row_, t in zip(order, row.ids[row.start :], strict=True)]


@pytest.mark.parametrize("architecture", [*tiny.ARCHITECTURES, "OPTForCausalLM", "Llama4ForCausalLM"])
def test_pieces_and_padding_change_nothing(architecture: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FEWEST", 4)
    monkeypatch.setattr(module, "LOGITS_BYTES", 1)
    model, teacher = tiny.model(architecture), tiny.model("llama")
    for found, wanted in zip(
        token_scores(model, ROWS, teacher), token_scores_plainly(model, ROWS, teacher), strict=True
    ):
        equal(found, wanted, 1e-4)


def test_the_head_is_given_few_positions_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FEWEST", 4)
    monkeypatch.setattr(module, "LOGITS_BYTES", 1)
    model, seen = tiny.model("llama"), list[int]()
    token_scores(model, ROWS[:1])  # tries on the probe whether the network parts
    hook = model.plain.get_output_embeddings().register_forward_hook(lambda *args: seen.append(args[2].shape[-2]))
    try:
        token_scores(model, ROWS)
    finally:
        hook.remove()
    # The body never reaches the head; 28 tokens are scored, four at a time.
    assert seen == [4] * 7


def test_a_models_divergence_from_itself_is_its_entropy() -> None:
    model = tiny.model("qwen3", "float64")
    for each in token_scores(model, ROWS, model):
        assert each.divergence is not None
        assert np.allclose(each.divergence, each.entropy, atol=1e-10)
        assert each.teacher is not None
        assert np.allclose(each.teacher, each.surprisal, atol=1e-10)


def test_it_is_larger_from_another() -> None:
    found = token_scores(tiny.model("llama"), ROWS, tiny.model("neox"))
    assert all((each.divergence > each.entropy).all() for each in found if each.divergence is not None)


def test_the_body_is_left_as_it_was() -> None:
    model = tiny.model("gpt2")
    before = vars(model.plain.base_model).get("forward")
    token_scores(model, ROWS)
    assert vars(model.plain.base_model).get("forward") is before


def test_logits_that_are_no_numbers_are_refused() -> None:
    model = tiny.model("llama")
    weight = model.plain.get_output_embeddings().weight
    kept = weight.detach().clone()
    try:
        with torch.no_grad():
            weight.fill_(float("nan"))
        with pytest.raises(InputError, match="not numbers"):
            token_scores(model, ROWS[:1])
    finally:
        with torch.no_grad():
            weight.copy_(kept)


def test_something_must_stand_before_what_is_scored() -> None:
    for ids, start in (((1, 2), 0), ((1, 2), 2)):
        with pytest.raises(ValueError, match="tokens from"):
            ToScore(ids, start)


def test_ties_do_not_raise_a_rank() -> None:
    logits = torch.tensor([[2.0, 2.0, 1.0, 3.0], [5.0, 5.0, 5.0, 5.0]])
    _, rank, entropy = module._stretch([tiny.model("llama")], [logits], torch.tensor([1, 3]))
    assert rank.tolist() == [2, 1]
    assert entropy[1] == pytest.approx(np.log(4))
