"""Text of data never becomes a control token: in questions, chains and answers, under tokenizers of all styles."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediate.models.prompts import Style, Template, prompt_of
from mediate.models.vocabulary import control_ids
from mediate.traces.pieces import decode, encode, encode_after
from mediate.traces.trace import given_trace
from tests import tiny
from tests.traces.spellings import FORMS, spaced

STYLES = ("byte level", *FORMS)
TEMPLATES = {
    "none": Template(Style.NONE, name="none"),
    "completion": Template(Style.COMPLETION, "Q: {question}\nA:", "few"),
    "chat": Template(Style.CHAT, "{% for m in messages %}<s>{{ m.content }}</s>{% endfor %}", "chat"),
}


def tokenizer_of(style: str) -> Any:
    return tiny.byte_level() if style == "byte level" else spaced(style)


def markers(tokenizer: Any) -> list[str]:
    """Every control token as text, those of other families, and what is nearly one."""
    own = [str(token) for token in tokenizer.added_tokens_decoder.values()] + list(tokenizer.all_special_tokens)
    others = ["<|im_end|>", "<|endoftext|>", "<eos>", "</s>", "<s>", "[INST]", "<|eot_id|>", "</think>", "<pad>"]
    return sorted({*own, *others, *(f" {each} " for each in own), *(each * 2 for each in own)})


@pytest.mark.parametrize("style", STYLES)
def test_no_marker_in_a_text_is_one(style: str) -> None:
    tokenizer = tokenizer_of(style)
    control = control_ids(tokenizer)
    assert len(control) > 2
    for marker in markers(tokenizer):
        for text in (marker, f"a{marker}b", f"a {marker} b", f"{marker}\n{marker}"):
            for ids in (
                encode(tokenizer, text),
                encode_after(tokenizer, text),
                given_trace(f"3.{text}", tokenizer).ids,
            ):
                assert not control & set(ids), (marker, text)
            assert decode(tokenizer, encode(tokenizer, text)).strip() == text.strip()


@pytest.mark.parametrize("template", TEMPLATES)
@pytest.mark.parametrize("style", STYLES)
def test_no_marker_in_a_question_is_one(style: str, template: str) -> None:
    tokenizer = tokenizer_of(style)
    control = control_ids(tokenizer)

    def found(question: str) -> list[int]:
        return [each for each in prompt_of(tokenizer, TEMPLATES[template], question).ids if each in control]

    plain = found("Tom has 3")
    for marker in markers(tokenizer):
        assert found(f"Tom{marker}has 3") == plain, marker
        assert found(f"{marker}Tom has 3{marker}") == plain, marker


@settings(max_examples=30, deadline=None)
@given(st.text(alphabet=st.sampled_from("<|>s/imend_startuser assistant"), max_size=60))
def test_nor_is_what_is_put_together_of_their_letters(text: str) -> None:
    for style in STYLES[:4]:
        tokenizer = tokenizer_of(style)
        assert not control_ids(tokenizer) & set(encode(tokenizer, text))


def test_without_the_care_they_would_be() -> None:
    for style in STYLES:
        tokenizer = tokenizer_of(style)
        bare = tokenizer("a</s>b<|im_end|>c", add_special_tokens=False)["input_ids"]
        assert control_ids(tokenizer) & set(bare), style
