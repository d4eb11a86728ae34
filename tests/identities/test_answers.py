"""Answers of several tokens, under tokenizers of real styles: by brute force, turned round, and where texts meet."""

from functools import cache
from typing import Any

import numpy as np
import pytest
import torch

import mediate
from mediate.errors import InputError
from mediate.mediation.encoding import EncodedPair, encode_pair
from mediate.mediation.kinds.cube import measure_cube, run_contexts
from mediate.mediation.names import parse_outcome
from mediate.models.prompts import ANSWER_CUE, NONE
from mediate.pairs.pair import Item, Pair, World
from mediate.traces.pieces import decode
from mediate.traces.trace import given_trace
from tests import tiny
from tests.traces.spellings import spaced

# Byte-level as GPT-2's, Qwen's and SmolLM2's; SentencePiece as Llama 2's, and as Mistral's; control tokens as Phi-3's.
STYLES = ("byte level", "llama 2, first", "mistral 0.3, in pieces", "phi-3, control tokens take their space")
BOTH = tuple(map(parse_outcome, ("logprob_diff", "logit_diff")))
# Base and source: digits, signs, several words, shared beginnings, letters of several bytes, unequal lengths.
ANSWERS = (
    ("42", "17"), ("1234", "1239"), ("-3", "3.5"), ("Tom has 7", "Tom has 12"), ("½€", "½$"), ("no", "Tom, as he has"),
)  # fmt: skip


@cache
def model(style: str) -> Any:
    tokenizer = tiny.byte_level() if style == "byte level" else spaced(style)
    plain = tiny.plain_model("llama", "float64")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        plain.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    return mediate.load(plain, tokenizer=tokenizer, device="cpu")


def pair(base: str, source: str) -> Pair:
    worlds = (("Tom has 3 in all.", base), ("Tom has 2 in all.", source))
    return Pair("a", "a", *(Item(question, answer, f"Tom has {answer}.") for question, answer in worlds))


def encoded(style: str, given: Pair) -> EncodedPair:
    loaded = model(style)
    traces = (given_trace(str(each.cot), loaded.tokenizer) for each in (given.source, given.base))
    return encode_pair(loaded, given, NONE, ANSWER_CUE, *traces)


def brute(style: str, context: tuple[int, ...], cue: tuple[int, ...], answer: tuple[int, ...]) -> float:
    """log P of an answer, a token at a time, each from a pass of its own over all that stands before it."""
    plain, total = tiny_twin(style), 0.0
    for place, token in enumerate(answer):
        before = torch.tensor([[*context, *cue, *answer[:place]]])
        with torch.no_grad():
            total += float(plain(input_ids=before).logits[0, -1].log_softmax(-1)[token])
    return total


@cache
def tiny_twin(style: str) -> Any:
    """The same weights, never hooked."""
    tokenizer = tiny.byte_level() if style == "byte level" else spaced(style)
    plain = tiny.plain_model("llama", "float64")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        plain.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    plain.set_attn_implementation("eager")
    return plain.eval()


@pytest.mark.parametrize("answers", ANSWERS, ids="/".join)
@pytest.mark.parametrize("style", STYLES)
def test_an_answer_of_several_tokens_has_the_probability_of_all_of_them(style: str, answers: tuple[str, str]) -> None:
    given = encoded(style, pair(*answers))
    y = measure_cube(model(style), run_contexts(model(style), given), BOTH)[0]
    for world in World:
        parts = given.context(world, world), given.readers.cue
        said = [brute(style, *parts, given.readers.answer(each)) for each in (World.BASE, World.SOURCE)]
        assert y[world, world, world] == pytest.approx(said[0] - said[1], abs=1e-5)
    assert max(len(given.readers.base), len(given.readers.source)) > 1


@pytest.mark.parametrize("answers", ANSWERS, ids="/".join)
@pytest.mark.parametrize("style", STYLES)
def test_worlds_that_change_places_change_the_sign(style: str, answers: tuple[str, str]) -> None:
    """Of all eight combinations, and of both outcomes: the source's answer is then the base's."""
    one = encoded(style, pair(*answers))
    there = pair(*answers)
    other = encoded(style, Pair("a", "a", there.source, there.base))
    y, turned = (measure_cube(model(style), run_contexts(model(style), each), BOTH) for each in (one, other))
    np.testing.assert_allclose(np.asarray(turned), -np.asarray(y)[:, ::-1, ::-1, ::-1], atol=1e-9)


@pytest.mark.parametrize("answers", ANSWERS, ids="/".join)
@pytest.mark.parametrize("style", STYLES)
def test_what_is_put_together_reads_as_one_text(style: str, answers: tuple[str, str]) -> None:
    """At each boundary, so that no space is lost, doubled or put into the middle of a word."""
    given, loaded = encoded(style, pair(*answers)), model(style)
    for world, answer in ((World.BASE, answers[0]), (World.SOURCE, answers[1])):
        ids = (*given.context(world, world), *given.readers.cue, *given.readers.answer(world))
        item = pair(*answers)[world]
        wanted = f"{item.question}\n{item.cot}{ANSWER_CUE} {answer}"
        assert decode(loaded.tokenizer, ids).removeprefix("<s>").lstrip(" ").replace("<|im_start|>", "") == wanted


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("answers", [("7", "70"), ("Tom", "Tom has"), ("1", "1.5")], ids="/".join)
def test_an_answer_that_begins_with_the_other_is_refused(style: str, answers: tuple[str, str]) -> None:
    with pytest.raises(InputError, match=r"prefix|begin"):
        encoded(style, pair(*answers))
