"""Pieces inside a text: their tokens say that text, whatever the tokenizer puts before a text of its own."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediate.errors import ItemError
from mediate.mediation.encoding import encode_readers
from mediate.mediation.said import check_characters, check_parts, check_whole, question_prompts
from mediate.models.prompts import parse_template, prompt_facts, prompt_of, prompt_reads, question_ids
from mediate.models.shipped import ladder_tokenizer
from mediate.pairs.pair import Item, Pair
from mediate.traces.pieces import (
    decode,
    decode_after,
    encode,
    encode_after,
    most_characters,
    puts_space_first,
    reads_as,
    words_known,
)
from mediate.traces.trace import given_trace, written_trace
from mediate.tuning.examples import Example
from mediate.tuning.spec import make_tune_spec
from mediate.tuning.tokens import encode_example
from tests import tiny
from tests.traces.spellings import FORMS, spaced

QUESTIONS = ("Tom has 3.", " Tom", "é Tom 🙂")
CHAINS = ("Tom has 7.", " Tom  has 7. ", "\n\nTom\n", "🙂 then", "<|end|> Tom</s>")
CUES = ("\nThe answer is", " So:", "=")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("template", ["none", "chat"])
def test_all_of_an_item_reads_as_one_text(form: str, template: str) -> None:
    tokenizer, put = spaced(form), parse_template(template)
    for question in QUESTIONS:
        for chain in CHAINS:
            for cue in CUES:
                pair = Pair("a", "g", Item(question, "7", chain), Item(question + "!", "-6", chain))
                readers, prompt = encode_readers(tokenizer, pair, cue), prompt_of(tokenizer, put, question)
                trace = given_trace(chain, tokenizer)
                assert trace.text == chain == "".join(trace.tokens)
                assert prompt_reads(tokenizer, prompt)
                for answer, ids in (("7", readers.base), ("-6", readers.source)):
                    said = decode(tokenizer, [*prompt.ids, *trace.ids, *readers.cue, *ids])
                    assert said == f"{decode(tokenizer, prompt.ids)}{chain}{cue} {answer}"


@pytest.mark.parametrize("form", FORMS)
def test_each_form_puts_a_space_before_a_text_of_its_own(form: str) -> None:
    """Without the care taken, the tokens of a chain would say a space: the test above is not empty."""
    tokenizer = spaced(form)
    assert puts_space_first(tokenizer)
    assert encode(tokenizer, "Tom") == encode_after(tokenizer, " Tom") != encode_after(tokenizer, "Tom")
    assert prompt_facts(tokenizer, parse_template("none")) == {"pieces": "no space put before"}


@pytest.mark.parametrize("form", FORMS)
def test_the_question_begins_as_the_tokenizer_begins_a_text(form: str) -> None:
    tokenizer = spaced(form)
    assert question_ids(tokenizer, parse_template("none"), "Tom") == tokenizer("Tom\n")["input_ids"]
    asked = [{"role": "user", "content": "Tom has 3"}]
    wanted = tokenizer.apply_chat_template(asked, add_generation_prompt=True, return_dict=False)
    assert question_ids(tokenizer, parse_template("chat"), "Tom has 3") == list(wanted)


@pytest.mark.parametrize("form", FORMS)
@given(text=st.text(st.characters(codec="utf-8", exclude_characters="▁"), min_size=1, max_size=20))
@settings(deadline=None, max_examples=30)
def test_any_text_comes_back(form: str, text: str) -> None:
    tokenizer = spaced(form)
    ids = encode_after(tokenizer, text)
    assert decode_after(tokenizer, ids) == text
    assert written_trace(ids, tokenizer).text == text


@pytest.mark.parametrize("tokenizer", [tiny.tokenizer, tiny.byte_level], ids=["words", "bytes"])
def test_tokenizers_that_put_nothing_keep_their_tokens(tokenizer: Any) -> None:
    made = tokenizer()
    assert not puts_space_first(made)
    for text in ("Tom has 3", " Tom", "\nThe answer is"):
        assert encode_after(made, text) == encode(made, text)
    assert prompt_facts(made, parse_template("none")) == {}


class Plain:
    """A tokenizer in plain Python, as SentencePiece's own: nothing of its rules can be read."""

    unk_token_id = None

    def __init__(self) -> None:
        self.fast = spaced("llama 2, older file")

    def __call__(self, text: str, **options: Any) -> Any:
        return {"input_ids": self.fast(text, **options)["input_ids"]}

    def decode(self, ids: Sequence[int], **options: Any) -> str:
        return str(self.fast.decode(list(ids), **options))


@pytest.mark.parametrize("text", ["Tom has 7.", " Tom", "\nThe answer is", "7"])
def test_a_tokenizer_whose_rules_cannot_be_read_is_asked_after_another_text(text: str) -> None:
    tokenizer = Plain()
    assert puts_space_first(tokenizer)
    ids = encode_after(tokenizer, text)
    assert ids == encode_after(tokenizer.fast, text)
    assert decode_after(tokenizer, ids) == text


@pytest.mark.parametrize("form", FORMS)
def test_tuning_reads_what_scoring_reads(form: str) -> None:
    tokenizer = spaced(form)
    example = Example("a", "g", "Tom has 3.", "7", "Tom has 7.", "Tom has 6.", "6")
    spec = make_tune_spec(arm="dpo")
    found = encode_example(tokenizer, example, spec)
    readers = encode_readers(tokenizer, Pair("a", "g", Item("q", "7"), Item("r", "6")), spec.answer_cue)
    chain = given_trace("Tom has 7.", tokenizer)
    assert found.completion == (*chain.ids, *readers.cue, *readers.base, tokenizer.eos_token_id)
    for ids, text in (
        (found.completion, "Tom has 7.\nThe answer is 7"),
        (found.rejected, "Tom has 6.\nThe answer is 6"),
    ):
        said = decode(tokenizer, [*found.prompt, *ids[:-1]])
        assert said == decode(tokenizer, found.prompt) + text


def laid_out(tokenizer: Any, pair: Pair) -> None:
    question_prompts(tokenizer, parse_template("none"), pair)
    check_parts(tokenizer, pair, "; is")


def lossy() -> Any:
    """A tokenizer that makes everything small: what it reads is not what was written."""
    import copy

    from tokenizers import normalizers

    found = copy.deepcopy(tiny.byte_level())
    found.backend_tokenizer.normalizer = normalizers.Lowercase()
    return found


@pytest.mark.parametrize(
    ("base", "message"),
    [
        (Item("Is it 3?", "7", "so 7"), r"the base question say 'is it 3\?\\n' where the text is 'Is it 3\?\\n'"),
        (Item("is it 3?", "7", "So 7"), "the base CoT say 'so 7' where the text is 'So 7'"),
        (Item("is it 3?", "B", "so b"), "the base answer say .* where the text is '; is B'"),
    ],
)
def test_what_cannot_be_laid_out_is_refused_in_a_line(base: Item, message: str) -> None:
    tokenizer = lossy()
    pair = Pair("a", "g", base, Item("is it 2?", "6", "so 6"), "pairs.jsonl:3")
    with pytest.raises(ItemError, match=f"pairs.jsonl:3: item 'a': .*{message}") as caught:
        laid_out(tokenizer, pair)
    assert caught.value.code == "not_encodable"
    example = Example("a", "g", base.question, base.answer, base.cot, place="data.jsonl:1")
    with pytest.raises(ItemError, match=r"data.jsonl:1: item 'a': the tokenizer's tokens of the"):
        encode_example(tokenizer, example, make_tune_spec(arm="sft", answer_cue="; is"))


def test_parts_that_say_something_else_together_are_refused() -> None:
    """Two halves of a character are broken bytes each, and one character side by side."""
    tokenizer = tiny.byte_level()
    ids = encode(tokenizer, "🙂")
    pair = Pair("a", "g", Item("q", "7"), Item("r", "6"))
    with pytest.raises(ItemError, match="the base world"):
        check_whole(tokenizer, pair, "the base world", (ids[:2], ids[2:]), "\ufffd")


def test_letters_with_accents_may_be_written_in_two_characters() -> None:
    assert reads_as("cafe\u0301", "caf\u00e9")
    assert not reads_as("cafe", "caf\u00e9")


def test_a_text_far_beyond_the_context_is_refused_by_its_length() -> None:
    class Asked:
        """A tokenizer that may only be asked for its vocabulary."""

        def get_vocab(self) -> dict[str, int]:
            return {"a": 0, "abcd": 1}

    assert most_characters(Asked(), 100) == 400
    pair = Pair("a", "g", Item("q", "7", "x" * 401), Item("r", "6", "x"), "p.jsonl:1")
    with pytest.raises(
        ItemError, match=r"p.jsonl:1: item 'a': the base CoT has 401 characters, .* at most 400; shorten"
    ):
        check_characters(Asked(), pair, 100)
    check_characters(Asked(), pair, 101)
    check_characters(Asked(), pair, 0)


def test_a_small_tokenizer_says_some_of_the_words_that_it_has() -> None:
    said = words_known(ladder_tokenizer())
    assert said == " (it knows add, answer, Hint, is, Start, take, The, times, x)"
    assert words_known(tiny.byte_level()) == ""
