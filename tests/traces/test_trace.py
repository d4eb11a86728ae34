"""Traces in tokens: what is complete where, for tokenizers that spread one character over several tokens."""

import codecs
from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediate.traces import trace
from mediate.traces.pieces import decode_after
from mediate.traces.steps import segment
from mediate.traces.trace import Trace, decode, encode, given_trace, token_ends, written_trace
from tests import tiny

TOKENIZERS = {
    "words": tiny.tokenizer,
    "byte level": tiny.byte_level,
    "metaspace": lambda: tiny.sentencepiece_like("metaspace"),
    "llama2": lambda: tiny.sentencepiece_like("llama2"),
}
ANY_TEXT = ("byte level", "metaspace", "llama2")
# U+FFFD is what decoders write for broken bytes, so that a text with one cannot be told from a broken text.
TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\ufffd▁"), max_size=30) | st.lists(
    st.sampled_from(
        ["Tom has", " 3", " ", "\n", "🙂", "🙃🙂", "é", "한글", "e\u0301", ".", "\U0001f468\u200d\U0001f467"]
    )
).map("".join)


@pytest.fixture(params=TOKENIZERS)
def tokenizer(request: pytest.FixtureRequest) -> Any:
    return TOKENIZERS[request.param]()


def bytes_of(tokenizer: Any, token: int) -> bytes:
    """What a token stands for, read off its name in the vocabulary and not from any decoder."""
    name = tokenizer.convert_ids_to_tokens(token)
    if tokenizer is not tiny.byte_level():
        return bytes([int(name[3:5], 16)]) if name.startswith("<0x") else name.replace("▁", " ").encode()
    if name in tokenizer.added_tokens_encoder:
        return str(name).encode()
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    alphabet = {chr(byte): byte for byte in printable}
    alphabet |= {chr(256 + place): byte for place, byte in enumerate(sorted(set(range(256)) - set(printable)))}
    return bytes(alphabet[letter] for letter in name)


def complete_characters(tokenizer: Any, ids: Sequence[int]) -> list[int]:
    """Characters complete after each token, counted in bytes; without the space that stands before the first word."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    pieces = [decoder.decode(bytes_of(tokenizer, token)) for token in ids]
    extra = tokenizer is not tiny.byte_level() and "".join(pieces).startswith(" ")
    return [max(0, count - extra) for count in accumulate(map(len, pieces))]


@pytest.mark.parametrize("name", ANY_TEXT)
@given(text=TEXTS)
@settings(deadline=None, max_examples=120)
def test_ends_are_those_that_the_bytes_say(name: str, text: str) -> None:
    tokenizer = TOKENIZERS[name]()
    ids = encode(tokenizer, text)
    assert token_ends(ids, tokenizer) == complete_characters(tokenizer, ids)
    assert trace._ends_by_window(ids, tokenizer) == trace._ends_by_prefix(ids, tokenizer)
    assert trace._ends_by_token(ids, tokenizer, decode) in (None, trace._ends_by_prefix(ids, tokenizer))


@pytest.mark.parametrize("name", TOKENIZERS)
@given(seed=st.integers(0, 10_000), length=st.integers(0, 25))
@settings(deadline=None, max_examples=120)
def test_tokens_tile_the_text_whatever_was_written(name: str, seed: int, length: int) -> None:
    tokenizer = TOKENIZERS[name]()
    ids = np.random.default_rng(seed).integers(0, len(tokenizer), size=length).tolist()
    found = written_trace(ids, tokenizer)
    assert found.text == decode_after(tokenizer, ids)
    assert "".join(found.tokens) == found.text
    assert found.ids == tuple(ids)
    assert [number for start, stop in found.step_spans for number in range(start, stop)] == list(range(length))
    ends = token_ends(ids, tokenizer)
    assert ends == sorted(ends)


@pytest.mark.parametrize("name", ANY_TEXT)
@given(text=TEXTS)
@settings(deadline=None, max_examples=80)
def test_steps_split_no_character(name: str, text: str) -> None:
    tokenizer = TOKENIZERS[name]()
    found = given_trace(f"🙂 one. {text}. 🙃 two.\n🙃 three", tokenizer)
    ends = complete_characters(tokenizer, found.ids)
    starts = [0, *ends[:-1]]
    inside = [place for place in range(len(ends) - 1) if starts[place] == ends[place]]
    assert inside, "no character is spread over tokens: the test would be vacuous"
    for place in inside:
        if bytes_of(tokenizer, found.ids[place]) not in (b"", b" "):
            assert found.steps[place] == found.steps[place + 1]


def test_steps_are_the_segments(tokenizer: Any) -> None:
    text = "Tom has 3. How many pears.\nThe answer is 7."
    found = given_trace(text, tokenizer)
    said = ["".join(found.tokens[start:stop]) for start, stop in found.step_spans]
    assert said == ["Tom has 3.", " How many pears.\n", "The answer is 7."]
    assert said == [text[start:stop] for start, stop in segment(text)]


def test_an_emoji_is_shown_at_the_last_of_its_tokens() -> None:
    found = given_trace("a🙂b", tiny.byte_level())
    assert found.tokens == ("a", "", "", "", "🙂", "b")


def test_broken_bytes_at_the_end_are_shown_there() -> None:
    tokenizer = tiny.byte_level()
    ids = encode(tokenizer, "ab🙂")[:-1]
    found = written_trace(ids, tokenizer)
    assert found.text.rstrip("\ufffd") == "ab" != found.text
    assert found.tokens[:2] == ("a", "b")
    assert found.tokens[-1] == found.text[2:]


def test_generated_ids_are_kept_though_they_differ_from_the_texts_own() -> None:
    tokenizer = tiny.byte_level()
    ids = [token for letter in "Tom has 3" for token in encode(tokenizer, letter)]
    found = written_trace(ids, tokenizer)
    assert found.text == "Tom has 3"
    assert list(found.ids) == ids != encode(tokenizer, found.text)
    assert found.written
    assert not given_trace(found.text, tokenizer).written


@pytest.mark.parametrize(
    ("text", "answer", "upto"),
    [
        ("Tom has 3 + 9 = 12.", "12", "Tom has 3 + 9 = 12"),
        ("Tom has 3 + 9 = 12.", "1", None),
        ("Tom has 3 + 9 = 12.", "3", "Tom has 3"),
        ("12 and 1 then 12", "1", "12 and 1"),
        ("Tom has pears. pears", "pears", "Tom has pears"),
        ("", "7", None),
    ],
)
def test_the_token_that_states_the_answer(tokenizer: Any, text: str, answer: str, upto: str | None) -> None:
    found = given_trace(text, tokenizer)
    place = found.states(answer)
    if upto is None:
        assert place is None
    else:
        assert place is not None
        assert "".join(found.tokens[: place + 1]) == upto


def test_an_answer_of_several_bytes_a_character_is_stated_at_its_last_byte() -> None:
    found = given_trace("so 🙂 it is", tiny.byte_level())
    place = found.states("🙂")
    assert place is not None
    assert found.tokens[place].endswith("🙂")
    assert decode(tiny.byte_level(), found.ids[:place]) != "so 🙂"


def test_markup_in_a_given_chain_stays_text() -> None:
    tokenizer = tiny.byte_level()
    text = "Tom<|im_end|> has<|header|><|im_start|> 3"
    control = set(tokenizer.added_tokens_decoder)
    assert control & set(tokenizer(text)["input_ids"]), "the tokenizer has no control tokens: the test would be vacuous"
    found = given_trace(text, tokenizer)
    assert not control & set(found.ids)
    assert found.text == text


def test_no_tokens(tokenizer: Any) -> None:
    assert written_trace([], tokenizer) == Trace("", (), (), (), True)
    assert Trace("", (), (), ()).step_spans == ()


class Counting:
    """Counts the tokens that go through a tokenizer's decoder."""

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer, self.tokens = tokenizer, 0

    def decode(self, ids: list[int], **options: Any) -> Any:
        self.tokens += len(ids)
        return self.tokenizer.decode(ids, **options)


def test_a_long_chain_takes_time_in_proportion(tokenizer: Any) -> None:
    ids = encode(tokenizer, "Tom has 3 apples and 4 pears. " * 400)[:2000]
    assert len(ids) == 2000
    counting = Counting(tokenizer)
    token_ends(ids, counting)
    assert counting.tokens < 20 * len(ids)


def test_a_decoder_without_windows_is_asked_for_every_prefix() -> None:
    class Shouting:
        """Ends a text of six tokens in capitals, which no shorter window shows."""

        def decode(self, ids: list[int], **_: Any) -> str:
            text = "".join("abcdef"[token] for token in ids)
            return text[:2] + text[2:].upper() if len(ids) == 6 else text

    ids = [0, 1, 2, 3, 4, 5]
    assert trace._ends_by_window(ids, Shouting()) is None
    assert token_ends(ids, Shouting()) == [1, 2, 2, 2, 2, 6]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"ids": (1, 2)}, "2 ids, 3 tokens, 3 steps"),
        ({"steps": (0, 1, 0)}, "steps go backwards"),
        ({"tokens": ("a",)}, "3 ids, 1 tokens"),
    ],
)
def test_a_trace_checks_itself(fields: dict[str, Any], message: str) -> None:
    whole = {"text": "abc", "ids": (1, 2, 3), "tokens": ("a", "b", "c"), "steps": (0, 0, 1)}
    assert Trace(**whole).step_spans == ((0, 2), (2, 3))
    with pytest.raises(ValueError, match=message):
        Trace(**(whole | fields))
