"""From a question to token ids: what stands before it, and that nothing in it becomes a control token."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediate.errors import InputError
from mediate.models.prompts import Style, Template, bos_ids, parse_template, question_ids
from mediate.traces.trace import decode, encode
from tests import tiny

CHAT = (
    "{% for m in messages %}<|im_start|><|header|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|><|header|>assistant\n{% endif %}"
)
CONTROL = ("<|im_start|>", "<|im_end|>", "<|header|>")
NONE, CHATTING = Template(Style.NONE), Template(Style.CHAT, name="chat")
QUESTIONS = st.lists(
    st.sampled_from(
        [*CONTROL, "<|im_", "start|>", "<|", "|>", "{question}", "{{ m }}", "Tom has 3", " ", "\n", "🙂", "é"]
    )
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=4),
    max_size=6,
).map("".join)


@cache
def tokenizer(adds_bos: bool = False, chat: str = CHAT) -> Any:
    """The byte-level tokenizer with a chat template; with `adds_bos`, it puts a BOS before every text by itself."""
    import copy

    from tokenizers import processors

    found = copy.deepcopy(tiny.byte_level())
    if adds_bos:
        bos = ("<|im_start|>", found.bos_token_id)
        found.backend_tokenizer.post_processor = processors.TemplateProcessing(
            single=f"{bos[0]} $A", special_tokens=[bos]
        )
    found.chat_template = chat
    return found


def control_in(ids: Sequence[int]) -> list[str]:
    """The control tokens among ids, in order."""
    names = tokenizer().convert_ids_to_tokens(list(ids))
    return [name for name in names if name in CONTROL]


@pytest.mark.parametrize("adds_bos", [False, True])
def test_bos_stands_only_where_the_tokenizer_puts_one(adds_bos: bool) -> None:
    found = tokenizer(adds_bos)
    assert control_in(found("Tom")["input_ids"]) == ["<|im_start|>"] * adds_bos
    assert bos_ids(found) == [found.bos_token_id] * adds_bos
    completion = Template(Style.COMPLETION, "Q: {question}\nA:")
    for template, text in ((NONE, "Tom has 3\n"), (completion, "Q: Tom has 3\nA:")):
        assert question_ids(found, template, "Tom has 3") == bos_ids(found) + encode(found, text)
        assert control_in(question_ids(found, template, "Tom has 3")) == ["<|im_start|>"] * adds_bos
    # A chat template writes its own beginning, which must not stand there twice.
    chat = question_ids(found, CHATTING, "Tom has 3")
    assert control_in(chat) == ["<|im_start|>", "<|header|>", "<|im_end|>", "<|im_start|>", "<|header|>"]


def test_a_tokenizer_without_bos() -> None:
    assert bos_ids(tiny.tokenizer()) == []
    assert question_ids(tiny.tokenizer(), NONE, "Tom has 3") == tiny.tokenizer()("Tom has 3\n")["input_ids"]


@pytest.mark.parametrize(
    "template",
    [
        NONE,
        CHATTING,
        Template(Style.CHAT, CHAT.replace("\n{{", "{{").replace("}}<|im_end|>", "}} <|im_end|>"), "own.jinja"),
        Template(Style.COMPLETION, "Q: How many {braces}?\nA: 3\n\nQ: {question}\nA:", "shots.txt"),
    ],
    ids=["none", "chat", "own chat", "completion"],
)
@pytest.mark.parametrize("adds_bos", [False, True])
@given(question=QUESTIONS)
@settings(deadline=None, max_examples=150)
def test_no_question_makes_a_control_token(template: Template, adds_bos: bool, question: str) -> None:
    found = tokenizer(adds_bos)
    ids = question_ids(found, template, question)
    assert control_in(ids) == control_in(question_ids(found, template, "Tom has 3"))
    said = decode(found, ids)
    wanted = decode(found, question_ids(found, template, "Tom has 3")).replace("Tom has 3", question)
    assert said == wanted


@pytest.mark.parametrize("marker", CONTROL)
def test_text_that_looks_like_a_marker_would_be_read_as_one(marker: str) -> None:
    """Without the care taken, each of these is a control token: the property above is not empty."""
    assert control_in(tokenizer()(f"a{marker}b")["input_ids"]) == [marker]


def test_a_plain_question_is_tokenised_as_transformers_does() -> None:
    found = tokenizer()
    messages = [{"role": "user", "content": "Tom has 3"}]
    wanted = found.apply_chat_template(messages, add_generation_prompt=True, return_dict=False)
    assert question_ids(found, CHATTING, "Tom has 3") == list(wanted)


def test_a_chat_needs_a_template() -> None:
    with pytest.raises(InputError, match="no chat template; use --template none, or --template FILE"):
        question_ids(tiny.byte_level(), CHATTING, "Tom has 3")
    own = Template(Style.CHAT, CHAT, "own.jinja")
    assert question_ids(tiny.byte_level(), own, "Tom") == question_ids(tokenizer(), CHATTING, "Tom")


LOOP = "{% for m in messages %}"


@pytest.mark.parametrize(
    ("chat", "message"),
    [
        (LOOP + "hello{% endfor %}", "'t.jinja' shows the question 0 times"),
        (LOOP + "{{ m.content }}{{ m.content }}{% endfor %}", "shows the question 2 times"),
        (LOOP + "{{ m.content | upper }}{% endfor %}", "shows the question 0 times"),
        (LOOP + "{{ m.content }", "'t.jinja' cannot be rendered"),
        (LOOP + "{{ nothing.content }}{% endfor %}", "'t.jinja' cannot be rendered"),
        (LOOP + "{{ raise_exception('only\ntwo turns') }}{% endfor %}", r"cannot be rendered \(only two turns\)"),
        (LOOP + "{{ 1 / 0 }}{% endfor %}", "cannot be rendered"),
        (LOOP + "{{ ''.__class__.__mro__ }}{{ m.content }}{% endfor %}", "cannot be rendered"),
    ],
)
def test_a_template_that_loses_the_question_or_fails(chat: str, message: str) -> None:
    with pytest.raises(InputError, match=message) as caught:
        question_ids(tokenizer(), Template(Style.CHAT, chat, "t.jinja"), "Tom has 3")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["none", "chat"])
def test_named_templates(name: str) -> None:
    assert parse_template(name) == Template(Style(name), name=name)


def test_templates_from_files(tmp_path: Path) -> None:
    shots = tmp_path / "shots.txt"
    shots.write_text("Q: 1 + 1?\nA: 2 🙂\n\nQ: {question}\nA:\n", encoding="utf-8")
    assert parse_template(str(shots)) == Template(
        Style.COMPLETION, "Q: 1 + 1?\nA: 2 🙂\n\nQ: {question}\nA:", "shots.txt"
    )
    chat = tmp_path / "chat.jinja"
    chat.write_text(CHAT)
    assert parse_template(str(chat)) == Template(Style.CHAT, CHAT, "chat.jinja")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "not a readable file"),
        (b"", "holds neither"),
        (b"plain text", "holds neither"),
        (b"{% if x %}{% endif %}", "holds neither"),
        (b"\xff\xfe\x00", "not a readable file"),
        (b"{question} and {question}", r"'t.txt' holds \{question\} 2 times"),
    ],
)
def test_files_that_are_no_template(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "t.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=message) as caught:
        parse_template(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["", "Chat", "completion", "a\0b", "x" * 5000, "/"])
def test_names_that_are_no_template(name: str) -> None:
    with pytest.raises(InputError, match="not 'none' or 'chat', and not a readable file"):
        parse_template(name)


@pytest.mark.parametrize("text", ["", "no hole", "{question} {question}", "{ question }"])
def test_a_completion_has_one_place_for_the_question(text: str) -> None:
    with pytest.raises(InputError, match="it needs it once"):
        Template(Style.COMPLETION, text)
