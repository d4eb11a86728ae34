"""An item by itself in tokens: which of them are hidden, its readers, and where its chain is cut."""

import re
from dataclasses import replace
from typing import Any

import pytest

from mediate.errors import InputError, ItemError
from mediate.mediation.encoding import Readers
from mediate.mediation.item import EncodedItem, ask, cut_item, encode_readers_of, tokenised_apart
from mediate.models.prompts import CHAT, NONE, Style, Template
from mediate.pairs.item import Item
from mediate.pairs.response import answered
from mediate.traces.pieces import decode, decode_after, encode_after
from mediate.traces.trace import given_trace
from tests import tiny
from tests.models.test_prompts import tokenizer

FEW = Template(Style.COMPLETION, "Q: how\nA: so\n\nQ: {question}\nA:")
ITEM = Item("how many are 3 and 4", "7", "3 + 4 = 7.", id="one")


def parts(item: Item, template: Template, **choices: Any) -> tuple[str, str, str]:
    own = tokenizer(**choices)
    asked = ask(own, template, item)
    start, stop = asked.hidden
    return tuple(decode(own, some) for some in (asked.ids[:start], asked.ids[start:stop], asked.ids[stop:]))  # type: ignore[return-value]


@pytest.mark.parametrize(("template", "bos"), [(NONE, True), (FEW, False), (FEW, True), (CHAT, False)])
def test_head_question_and_tail_are_told_apart(template: Template, bos: bool) -> None:
    head, question, tail = parts(ITEM, template, adds_bos=bos)
    assert question.strip() == ITEM.question
    assert ITEM.question not in head
    assert not set(tail.split()) & set(ITEM.question.split())
    assert head


def test_the_sequences_first_token_stays_visible() -> None:
    head, question, tail = parts(ITEM, NONE, adds_bos=False)
    assert head
    assert ITEM.question.startswith(head.strip())
    assert (head + question).strip() == ITEM.question
    assert not tail.strip()


def test_a_character_of_several_tokens_is_hidden_whole() -> None:
    item = replace(ITEM, question="how many are 🙂 and 日")
    own = tokenizer(adds_bos=True)
    asked = ask(own, NONE, item)
    assert decode(own, asked.ids[slice(*asked.hidden)]).strip() == item.question


def test_a_question_of_one_token_cannot_be_hidden() -> None:
    own = tokenizer(adds_bos=False)
    one = next(text for text in ("a", "3", "Q") if len(own(text, add_special_tokens=False)["input_ids"]) == 1)
    with pytest.raises(ItemError, match="first token alone"):
        ask(own, NONE, replace(ITEM, question=one))


def test_a_system_prompt_stays_visible_before_the_question() -> None:
    item = replace(ITEM, system="be terse")
    head, question, _ = parts(item, CHAT)
    assert "be terse" in head
    assert question.strip() == ITEM.question


def test_a_system_prompt_without_a_place_is_refused() -> None:
    item = replace(ITEM, system="be terse")
    with pytest.raises(ItemError, match="use --template chat"):
        ask(tokenizer(), NONE, item)
    deaf = "{% for m in messages %}{% if m.role == 'user' %}{{ m.content }}{% endif %}{% endfor %}\n"
    with pytest.raises(ItemError, match="loses the system prompt"):
        ask(tokenizer(chat=deaf), CHAT, item)


def test_a_tag_that_the_response_opens_with_is_part_of_the_tail() -> None:
    item = replace(ITEM, opened="<think>\n", closed="\n</think>\n\n")
    own = tokenizer()
    asked, bare = ask(own, CHAT, item), ask(own, CHAT, ITEM)
    assert asked.ids[: len(bare.ids)] == bare.ids
    assert decode_after(own, asked.ids[len(bare.ids) :]) == "<think>\n"
    assert asked.hidden == bare.hidden


@pytest.mark.parametrize(
    ("bridge", "keep", "said"),
    [
        ("So there are **", True, "\n</think>\n\nSo there are **7"),
        ("So there are ", True, "\n</think>\n\nSo there are 7"),
        ("So there are ", False, "\n</think>\n\nThe answer is 7"),
        ("", True, "\n</think>\n\nThe answer is 7"),
    ],
)
def test_readers_say_the_response_up_to_its_answer(bridge: str, keep: bool, said: str) -> None:
    item, own = replace(ITEM, opened="<think>\n", closed="\n</think>\n\n", bridge=bridge), tokenizer()
    readers = encode_readers_of(own, item, "7", "\nThe answer is", bridge=keep)
    assert decode_after(own, [*readers.cue, *readers.base]) == said
    assert "7" in decode_after(own, readers.base)
    assert "7" not in decode_after(own, readers.cue)
    assert decode_after(own, [readers.base[readers.spoken]]).strip()


def test_a_chain_is_cut_before_it_states_the_answer() -> None:
    own = tokenizer()
    trace = given_trace("3 + 4 = 7. So 7.", own)
    item = EncodedItem("one", "one", (1, 2, 3), (1, 2), trace, Readers((1,), (2,)))
    cut = cut_item(item, "7")
    assert cut.trace.text + decode_after(own, cut.readers.cue) + decode_after(own, cut.readers.base) == "3 + 4 = 7"
    assert len(cut.readers.cue) == 1
    with pytest.raises(ItemError, match="does not state"):
        cut_item(item, "9")


def test_what_the_tokens_do_not_say_cannot_be_hidden() -> None:
    shouting = "{% for m in messages %}{{ m.content | upper }}{% endfor %}\n"
    with pytest.raises((ItemError, InputError)):
        ask(tokenizer(chat=shouting), CHAT, ITEM)


# Templates in the way of published ones, which take the chain out of a reply, or write it anew, when they put it.
_TURN = "<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n"
_LOOP = "{% for m in messages %}{% if m.role == 'assistant' %}REPLY{% else %}" + _TURN + "{% endif %}{% endfor %}"
_OPENS = "{% if add_generation_prompt %}<|im_start|>assistant\nOPENED{% endif %}"
_STRIPPED = "<|im_start|>assistant\n{{ m.content.split('</think>')[-1].lstrip('\\n') }}<|im_end|>\n"
_REWRITTEN = (
    "{% set parts = m.content.split('</think>') %}<|im_start|>assistant\n<think>{{ parts[0].split('<think>')[-1] "
    "| replace('\\n', ' ') | trim }}</think>{{ parts[-1] | trim }}<|im_end|>\n"
)
STYLES = {
    "qwen3": _LOOP.replace("REPLY", _STRIPPED) + _OPENS.replace("OPENED", ""),
    "deepseek-r1": _LOOP.replace("REPLY", _STRIPPED) + _OPENS.replace("OPENED", "<think>\n"),
    "rewriting": _LOOP.replace("REPLY", _REWRITTEN) + _OPENS.replace("OPENED", ""),
}
CHAIN = "3 + 4:\n\n  that is 7, or <b>7</b>.  So 7."
FINAL = "It is **7**."


@pytest.mark.parametrize(("gap", "apart"), [("\n", False), ("\n", True), ("", False)])
@pytest.mark.parametrize("style", STYLES)
def test_chains_that_a_template_would_strip_or_rewrite_are_kept(style: str, gap: str, apart: bool) -> None:
    own, asking = tokenizer(chat=STYLES[style]), [{"role": "user", "content": ITEM.question}]
    prompt = own.apply_chat_template(asking, tokenize=False, add_generation_prompt=True)
    thought = f"{CHAIN}{gap}</think>{gap * 2}{FINAL}"
    # Where the prompt opens the response, the log holds what was written after the tag.
    response = thought if prompt.endswith("<think>\n") else f"<think>{gap}{thought}"
    replies = [*asking, {"role": "assistant", "content": response}]
    assert CHAIN not in own.apply_chat_template(replies, tokenize=False)
    text, reasoning = (gap * 2 + FINAL, gap + CHAIN + gap) if apart else (response, None)
    item = answered(ITEM, text, re.compile("[0-9](?=[*])"), reasoning=reasoning)
    asked, readers = ask(own, CHAT, item), encode_readers_of(own, item, item.stated, "\nThe answer is")
    trace = given_trace(str(item.cot), own)
    assert list(trace.ids) == encode_after(own, CHAIN)
    said = decode(own, [*asked.ids, *trace.ids, *readers.cue, *readers.base])
    assert said == prompt + response[: response.rindex("7") + 1]


def qwen_like() -> Any:
    """A byte-level BPE that takes line breaks to the mark before them, as Qwen's do."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokens = Tokenizer(models.BPE())
    pieces = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+|\p{L}+|\p{N}"
    tokens.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(pieces), "isolated"), pre_tokenizers.ByteLevel(False, use_regex=False)]
    )
    tokens.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=300, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()), show_progress=False
    )
    tokens.train_from_iterator(["So 7 in all.\n\nThere are 7.\n"] * 3, trainer)
    found = PreTrainedTokenizerFast(tokenizer_object=tokens)
    found.add_special_tokens({"additional_special_tokens": ["</think>"]})
    return found


TOKENIZERS = {
    "bytes": tiny.byte_level,
    "metaspace": lambda: tiny.sentencepiece_like("metaspace"),
    "llama2": lambda: tiny.sentencepiece_like("llama2"),
    "qwen": qwen_like,
}


@pytest.mark.parametrize(
    ("closed", "apart"),
    [("\n</think>\n\n", {"qwen"}), ("</think>\n\n", set()), ("</think>", set()), (" </think> ", set())],
)
@pytest.mark.parametrize("name", TOKENIZERS)
def test_a_kept_response_is_tokenised_as_in_one_go_or_counted(name: str, closed: str, apart: set[str]) -> None:
    own = TOKENIZERS[name]()
    item = replace(ITEM, cot="3 + 4 = 7.", opened="<think>\n", closed=closed, bridge="There are **", stated="7")
    trace = given_trace(item.cot, own)
    tokens = EncodedItem("one", "one", (1, 2, 3), (1, 2), trace, encode_readers_of(own, item, "7", "\nThe answer is"))
    assert tokenised_apart(own, item, "7", tokens) == (name in apart)
    other = replace(tokens, readers=replace(tokens.readers, cue=(*tokens.readers.cue, 1)))
    assert tokenised_apart(own, item, "7", other)
