"""The cube of items whose question and chain are hidden, against plain transformers with masks made by hand."""

import numpy as np
import pytest
import torch

from mediate.mediation.encoding import Readers
from mediate.mediation.item import EncodedItem
from mediate.mediation.kinds.hidden import measure_hidden, run_sights, with_rivals
from mediate.mediation.names import KL, LOGIT, LOGPROB, MARGIN, PROB, SAME_ANSWER
from mediate.results.cube import CELLS
from mediate.traces.trace import Trace
from tests.mediation.hidden_oracle import Parts, hidden_logits
from tests.tiny import ARCHITECTURES, model, plain_model

OUTCOMES = (LOGIT, LOGPROB, PROB, MARGIN, KL, SAME_ANSWER)
# Tokens before the question, of it, after it, and of the chain; the fourth is longer than gemma3's windows of 6.
SHAPES = ((3, 4, 3, 9), (1, 5, 1, 6), (3, 2, 3, 9), (2, 6, 2, 12))


def items(vocabulary: int, options: int = 0) -> tuple[list[Parts], list[EncodedItem]]:
    rng = np.random.default_rng(0)

    def drawn(count: int) -> list[int]:
        return [int(token) for token in rng.integers(1, vocabulary - 1, count)]

    parts, encoded = [], []
    for number, (head, question, tail, chain) in enumerate(SHAPES):
        own = Parts(*(drawn(count) for count in (head, question, tail, chain, 2, 2)))
        trace = Trace("x" * chain, tuple(own.chain), ("x",) * chain, (0,) * chain)
        asked = tuple(own.head + own.question + own.tail)
        others = tuple(tuple(drawn(2)) for _ in range(options))
        readers = Readers(tuple(own.cue), tuple(own.answer))
        name = f"item-{number}"
        encoded.append(EncodedItem(name, name, asked, (head, head + question), trace, readers, others))
        parts.append(own)
    return parts, encoded


def outcomes_by_hand(logits: dict[tuple[int, ...], torch.Tensor], answer: list[int], rival: list[int]) -> np.ndarray:
    y = np.zeros((len(OUTCOMES), 2, 2, 2))
    parting = next(place for place, token in enumerate(answer) if rival[place] != token)
    whole = logits[1, 1, 1][0].softmax(-1)
    for cell, rows in logits.items():
        said = rows.softmax(-1)
        prob = float(np.prod([float(said[place, token]) for place, token in enumerate(answer)]))
        margin = rows[parting, answer[parting]] - rows[parting, rival[parting]]
        divergence = float((whole * (whole.log() - said[0].log())).sum())
        same = all(int(rows[place].argmax()) == token for place, token in enumerate(answer))
        value = [rows[0, answer[0]] - rows[0].mean(), np.log(prob), prob, margin, -divergence, same]
        y[(slice(None), *cell)] = [float(each) for each in value]
    return y


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_cell_is_that_of_plain_transformers(architecture: str) -> None:
    ours, plain = model(architecture, "float64"), plain_model(architecture, "float64")
    parts, encoded = items(ours.facts.d_vocab)
    y = measure_hidden(ours, with_rivals(ours, run_sights(ours, encoded), OUTCOMES), OUTCOMES)
    for number, own in enumerate(parts):
        logits = {cell: hidden_logits(plain, own, *cell) for cell in CELLS}
        likeliest = [int(token) for token in logits[0, 0, 0].argmax(-1)]
        wanted = outcomes_by_hand(logits, own.answer, likeliest)
        np.testing.assert_allclose(y[number], wanted, rtol=0, atol=1e-10)
        assert abs(np.diff(y[number], axis=1)).max() > 0.01
        assert (y[number][:, :, 0, 0] == y[number][:, :, 0, 1]).all()


def test_float32_is_plain_transformers_to_rounding() -> None:
    ours, plain = model("llama", "float32"), plain_model("llama", "float32")
    parts, encoded = items(ours.facts.d_vocab)
    y = measure_hidden(ours, run_sights(ours, encoded), [LOGPROB])[:, 0]
    for number, own in enumerate(parts):
        for cell in CELLS:
            rows = hidden_logits(plain, own, *cell).log_softmax(-1)
            assert float(rows[range(2), own.answer].sum()) == pytest.approx(y[number][cell], abs=2e-5)


def test_alone_and_side_by_side_are_one_number() -> None:
    ours = model("gemma3", "float64")
    _, encoded = items(ours.facts.d_vocab)
    together = measure_hidden(ours, run_sights(ours, encoded), (LOGIT, LOGPROB))
    alone = [measure_hidden(ours, run_sights(ours, [each]), (LOGIT, LOGPROB))[0] for each in encoded]
    np.testing.assert_allclose(together, alone, rtol=0, atol=1e-11)


def test_a_margin_is_held_against_the_likeliest_other_option() -> None:
    ours, plain = model("llama", "float64"), plain_model("llama", "float64")
    parts, encoded = items(ours.facts.d_vocab, options=3)
    y = measure_hidden(ours, with_rivals(ours, run_sights(ours, encoded), [MARGIN]), [MARGIN])[:, 0]
    for number, own in enumerate(parts):

        def likely(option: tuple[int, ...], own: Parts = own) -> float:
            rows = hidden_logits(plain, own._replace(answer=list(option)), 1, 1, 1)
            return float(rows.log_softmax(-1)[range(len(option)), list(option)].sum())

        rival = max(encoded[number].options, key=likely)
        logits = {cell: hidden_logits(plain, own, *cell) for cell in CELLS}
        wanted = outcomes_by_hand(logits, own.answer, list(rival))[OUTCOMES.index(MARGIN)]
        np.testing.assert_allclose(y[number], wanted, rtol=0, atol=1e-10)


def test_an_answer_that_is_greedy_with_all_hidden_has_no_rival() -> None:
    ours, plain = model("llama", "float64"), plain_model("llama", "float64")
    parts, encoded = items(ours.facts.d_vocab)
    first = parts[0]._replace(answer=[0])
    greedy = int(hidden_logits(plain, first, 0, 0, 0)[0].argmax())
    own = EncodedItem(
        "sure", "sure", encoded[0].question, encoded[0].hidden, encoded[0].trace, Readers(tuple(first.cue), (greedy,))
    )
    y = measure_hidden(ours, with_rivals(ours, run_sights(ours, [own]), (LOGIT, MARGIN)), (LOGIT, MARGIN))
    assert np.isnan(y[0, 1]).all()
    assert np.isfinite(y[0, 0]).all()
