"""The cube of items held against others, against plain transformers with masks made by hand."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from mediate.mediation.contrasts.other import (
    cut_other_contexts,
    measure_others,
    run_others,
    stands_in,
    with_rivals_among,
)
from mediate.mediation.contrasts.other_controls import self_other
from mediate.mediation.encoding import Readers
from mediate.mediation.item import EncodedItem, cut_item
from mediate.mediation.kinds import cube
from mediate.mediation.names import KL, LOGIT, LOGPROB, MARGIN, PROB, SAME_ANSWER
from mediate.results.cube import CELLS
from mediate.traces.trace import Trace
from tests.mediation.other_oracle import Parts, other_logits
from tests.tiny import ARCHITECTURES, ROTARY, model, plain_model

OUTCOMES = (LOGIT, LOGPROB, PROB, MARGIN, KL, SAME_ANSWER)
# Tokens of the question and of the chain; the longest is longer than gemma3's windows of 6.
EQUAL = ((5, 9), (5, 9), (5, 9))
UNEQUAL = ((5, 9), (8, 6), (3, 12))


def items(vocabulary: int, shapes: tuple[tuple[int, int], ...]) -> tuple[list[Parts], list[EncodedItem]]:
    rng = np.random.default_rng(0)

    def drawn(count: int) -> list[int]:
        return [int(token) for token in rng.integers(1, vocabulary - 1, count)]

    parts, encoded = [], []
    for number, (question, chain) in enumerate(shapes):
        own = Parts(*(drawn(count) for count in (question, chain, 2, 2)))
        trace = Trace("x" * chain, tuple(own.chain), ("x",) * chain, (0,) * chain)
        readers = Readers(tuple(own.cue), tuple(own.answer))
        name = f"item-{number}"
        encoded.append(EncodedItem(name, name, tuple(own.question), (1, question), trace, readers))
        parts.append(own)
    return parts, encoded


def by_hand(logits: dict[tuple[int, ...], torch.Tensor], answer: list[int], rival: tuple[int, ...]) -> np.ndarray:
    y = np.zeros((len(OUTCOMES), 2, 2, 2))
    parting = len(rival) - 1  # the first token that differs
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


def rival_by_hand(rows: torch.Tensor, answer: list[int]) -> tuple[int, ...]:
    """The answer up to its first token that is not the likeliest, and the likeliest."""
    likeliest = [int(token) for token in rows.argmax(-1)]
    first = next(place for place, token in enumerate(answer) if likeliest[place] != token)
    return (*answer[:first], likeliest[first])


def compared(architecture: str, shapes: tuple[tuple[int, int], ...]) -> None:
    ours, plain = model(architecture, "float64"), plain_model(architecture, "float64")
    parts, encoded = items(ours.facts.d_vocab, shapes)
    others = [[2, 1], [0, 2], [1]]
    assert all(stands_in(ours, encoded[item], encoded[other]) for item, own in enumerate(others) for other in own)
    against = run_others(ours, encoded, [[encoded[other] for other in own] for own in others])
    y = measure_others(ours, with_rivals_among(ours, against, OUTCOMES), OUTCOMES)
    for number, own in enumerate(others):
        nearest = other_logits(plain, parts[number], parts[own[0]], 0, 0, 0)
        rival = rival_by_hand(nearest, parts[number].answer)
        for place, other in enumerate(own):
            logits = {cell: other_logits(plain, parts[number], parts[other], *cell) for cell in CELLS}
            wanted = by_hand(logits, parts[number].answer, rival)
            np.testing.assert_allclose(y[number][place], wanted, rtol=0, atol=1e-10)
            for axis in (1, 2, 3):
                assert abs(np.diff(wanted, axis=axis)).max() > 0.01
        # The run as it is does not depend on what it is held against, to the last bit; of it there is no divergence.
        assert len({y[number][place, :, 1, 1, 1].tobytes() for place in range(len(own))}) == 1
        assert (y[number][:, OUTCOMES.index(KL), 1, 1, 1] == 0).all()


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_every_cell_is_that_of_plain_transformers(architecture: str) -> None:
    compared(architecture, EQUAL)


@pytest.mark.parametrize("architecture", ROTARY)
def test_questions_and_chains_of_other_lengths_are_moved(architecture: str) -> None:
    compared(architecture, UNEQUAL)


def test_learned_positions_take_others_of_equal_questions_alone() -> None:
    ours = model("gpt2", "float64")
    _, encoded = items(ours.facts.d_vocab, (*UNEQUAL, (5, 12)))
    assert [stands_in(ours, encoded[0], other) for other in encoded] == [True, False, False, True]


def test_another_that_leaves_the_context_cannot_stand_in() -> None:
    ours = model("llama", "float64")
    _, encoded = items(ours.facts.d_vocab, ((5, 9), (100, 20), (5, 247), (5, 248)))
    assert stands_in(ours, encoded[0], encoded[1])
    assert not stands_in(ours, encoded[1], encoded[2])  # 247 tokens after a question of 100
    # With 4 of cue and answer, 5 and 247 fill the context of 256, and one more does not fit.
    assert stands_in(ours, encoded[0], encoded[2])
    assert not stands_in(ours, encoded[0], encoded[3])


@pytest.mark.parametrize("architecture", ["llama", "gemma3"])
def test_an_item_held_against_itself_has_no_effect_at_all(architecture: str) -> None:
    ours = model(architecture, "float32")
    _, encoded = items(ours.facts.d_vocab, UNEQUAL)
    for item in encoded:
        assert self_other(ours, item, LOGIT) == 0
        assert self_other(ours, item, KL) == 0
    (against,) = run_others(ours, encoded[:1], [encoded[:1]])
    y = measure_others(ours, [against], (LOGIT, LOGPROB))[0]
    assert np.ptp(y, axis=(2, 3, 4)).max() == 0


def test_passes_are_shared_by_the_others_of_an_item(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = model("llama", "float64")
    _, encoded = items(ours.facts.d_vocab, EQUAL * 2)
    rows: list[int] = []
    plainly = cube.prefill

    def counted(model: object, ids: torch.Tensor, **options: object) -> object:
        rows.append(len(ids))
        return plainly(model, ids, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(cube, "prefill", counted)
    run_others(ours, encoded[:1], [encoded[1:5]])
    assert sum(rows) == 1 + 3 * 4
    rows.clear()
    run_others(ours, encoded[:2], [encoded[1:5], [encoded[0], *encoded[2:5]]])
    # Between them the two items have 5 runs of a question with its own chain, and 14 of another's.
    assert sum(rows) == 5 + 2 * 7


def test_side_by_side_and_alone_are_one_number() -> None:
    ours = model("gemma3", "float64")
    _, encoded = items(ours.facts.d_vocab, UNEQUAL)
    others = [encoded[1:], [encoded[0], encoded[2]], encoded[:2]]
    together = measure_others(ours, run_others(ours, encoded, others), (LOGIT, LOGPROB))
    for number, item in enumerate(encoded):
        alone = measure_others(ours, run_others(ours, [item], [others[number]]), (LOGIT, LOGPROB))[0]
        np.testing.assert_allclose(together[number], alone, rtol=0, atol=1e-11)


def test_cut_chains_are_those_of_cut_items() -> None:
    ours, plain = model("llama", "float64"), plain_model("llama", "float64")
    parts, encoded = items(ours.facts.d_vocab, UNEQUAL)
    for number, item in enumerate(encoded):
        words = ("=", "7", ".")
        tokens = ("x",) * (len(item.trace.ids) - 3) + words
        trace = Trace("".join(tokens), item.trace.ids, tokens, item.trace.steps)
        encoded[number] = replace(item, trace=trace)
    cut = [cut_item(item, "7") for item in encoded]
    (against,) = run_others(ours, encoded[:1], [encoded[1:]])
    found = cut_other_contexts(against, cut[0], [None, cut[2]])
    assert len(found.contexts) == 1
    y = measure_others(ours, [found], [LOGPROB])[0][0, 0]
    short = [
        Parts(own.question, list(each.trace.ids), list(each.readers.cue), list(each.readers.base))
        for own, each in zip(parts, cut, strict=True)
    ]
    for cell in CELLS:
        rows = other_logits(plain, short[0], short[2], *cell).log_softmax(-1)
        assert y[cell] == pytest.approx(float(rows[0, short[0].answer[0]]), abs=1e-10)


def test_a_rival_is_what_the_next_other_makes_likely_where_the_nearest_makes_the_answer_so() -> None:
    ours, plain = model("llama", "float64"), plain_model("llama", "float64")
    parts, encoded = items(ours.facts.d_vocab, EQUAL)
    first = parts[0]._replace(answer=[0])
    likely = [int(other_logits(plain, first, parts[other], 0, 0, 0)[0].argmax()) for other in (1, 2)]
    assert likely[0] != likely[1]
    sure = EncodedItem(
        "sure",
        "sure",
        encoded[0].question,
        encoded[0].hidden,
        encoded[0].trace,
        Readers(tuple(first.cue), (likely[0],)),
    )
    against = run_others(ours, [sure], [encoded[1:]])
    (held,) = with_rivals_among(ours, against, [MARGIN])
    assert held.item.readers.source == (likely[1],)
    assert all(each.pair.readers == held.item.readers for each in held.contexts)
    (alone,) = with_rivals_among(ours, run_others(ours, [sure], [encoded[1:2]]), [MARGIN])
    assert alone.item.readers.source == ()
    assert np.isnan(measure_others(ours, [alone], [MARGIN])[0]).all()
