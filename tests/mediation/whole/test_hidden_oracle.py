"""The cube of items whose question and chain are hidden, against plain transformers with masks made by hand."""

import copy
from typing import Any

import numpy as np
import pytest
import torch

from mediate.mediation.contrasts.hidden import measure_hidden, run_sights, with_rivals
from mediate.mediation.encoding import Readers
from mediate.mediation.item import EncodedItem, ask, encode_item, encode_readers_of
from mediate.mediation.names import KL, LOGIT, LOGPROB, MARGIN, PROB, SAME_ANSWER
from mediate.models.prompts import CHAT, NONE, Style, Template
from mediate.pairs.item import Item
from mediate.results.cube import CELLS
from mediate.traces.trace import Trace, given_trace
from tests.mediation.hidden_oracle import Parts, hidden_logits
from tests.tiny import ARCHITECTURES, model, plain_model, tokenizer

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


SHOTS = "How many?\n1 + 2 = 3\n\nHow many? {question}\n"
# What stands before a question and after it, and the template that puts it there.
TEMPLATES = {
    "none": ("", "\n", NONE),
    "chat": ("Tom: and how many has Tom.\nTom: ", ".\nThe answer, all in all:\n", CHAT),
    "few-shot": ("How many?\n1 + 2 = 3\n\nHow many? ", "\n", Template(Style.COMPLETION, SHOTS)),
}
CHATTING = (
    "{% for m in messages %}{% if m.role == 'user' %}Tom: and how many has Tom.\nTom: {{ m.content }}.\n{% endif %}"
    "{% endfor %}{% if add_generation_prompt %}The answer, all in all:\n{% endif %}"
)
CUE = "\nThe answer is"
TOLD = (
    Item("Tom has 3 apples and 4 pears", "7", "Tom has 3 + 4 = 7 apples.", id="one"),
    Item("How many pears has Tom", "1 2", "Tom has 7 pears and then buys 5. 7 + 5 = 12", id="two"),
)


def chatting() -> Any:
    own = copy.deepcopy(tokenizer())
    own.chat_template = CHATTING
    return own


def parts_of_text(before: str, item: Item, after: str) -> Parts:
    """An item's parts by the characters that tokens cover, which is how a reader of the text would tell them apart."""
    toy = tokenizer()
    found = toy(before + item.question + after, return_offsets_mapping=True)
    begin, end = len(before), len(before) + len(item.question)
    asked = [place for place, (start, stop) in enumerate(found["offset_mapping"]) if start < end and stop > begin]
    first, last = max(asked[0], 1), asked[-1] + 1
    ids = found["input_ids"]
    chain, cue, answer = (toy(text)["input_ids"] for text in (str(item.cot), CUE, f" {item.answer}"))
    return Parts(ids[:first], ids[first:last], ids[last:], chain, cue, answer)


@pytest.mark.parametrize("style", TEMPLATES)
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_items_under_a_template_are_plain_transformers_on_the_text(architecture: str, style: str) -> None:
    ours, plain, toy = model(architecture, "float64"), plain_model(architecture, "float64"), chatting()
    before, after, template = TEMPLATES[style]
    encoded = [
        encode_item(
            ours, item, ask(toy, template, item), encode_readers_of(toy, item, item.answer, CUE),
            given_trace(str(item.cot), toy),
        )
        for item in TOLD
    ]  # fmt: skip
    y = measure_hidden(ours, run_sights(ours, encoded), [LOGIT, LOGPROB])
    for number, item in enumerate(TOLD):
        own = parts_of_text(before, item, after)
        assert own.head
        assert tokenizer().unk_token_id not in [token for part in own for token in part]
        for cell in CELLS:
            rows = hidden_logits(plain, own, *cell)
            wanted = [rows[0, own.answer[0]] - rows[0].mean(), rows.log_softmax(-1)[range(len(rows)), own.answer].sum()]
            np.testing.assert_allclose(y[(number, slice(None), *cell)], [float(each) for each in wanted], atol=1e-9)
        assert min(abs(np.diff(y[number], axis=axis)).max() for axis in (1, 2, 3)) > 0.001
