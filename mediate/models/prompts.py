"""From a question to the token ids that stand before the chain of thought, by an explicit template."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from mediate.errors import InputError
from mediate.items.problems import few_shot_prompt
from mediate.traces.trace import encode

ANSWER_CUE = "\nThe answer is"
HOLE = "{question}"
_MARK = "\u2063question\u2063"


class Style(StrEnum):
    """How a question becomes a prompt."""

    AUTO = "auto"
    NONE = "none"
    CHAT = "chat"
    COMPLETION = "completion"


@dataclass(frozen=True, slots=True)
class Template:
    """A way to put a question to a model.

    Args:
        style: `auto` is left open until the model is there; `none` is the question and one newline, with a BOS where
            the tokenizer asks for one; `chat` is the chat template with an opened answer; `completion` is plain text
            with the question in its place, such as worked examples.
        text: The completion's text with `{question}` in it, or a chat template in Jinja; empty for the tokenizer's own.
        name: What to call it in results.
    """

    style: Style
    text: str = ""
    name: str = ""

    def __post_init__(self) -> None:
        if self.style is Style.COMPLETION and self.text.count(HOLE) != 1:
            raise InputError(
                f"template {self.name or 'text'!r} holds {HOLE} {self.text.count(HOLE)} times; it needs it once"
            )


AUTO = Template(Style.AUTO, name="auto")
NONE = Template(Style.NONE, name="none")
CHAT = Template(Style.CHAT, name="chat")
_FEW_SHOT = "few-shot"
# What ends a chain that follows worked examples: the blank line after it, or the next question.
FEW_SHOT_STOP = ("\n\n", "Q:")


@cache
def few_shot() -> Template:
    """Worked examples of the built-in problems before the question, the same in every run."""
    return Template(Style.COMPLETION, few_shot_prompt(shots=4, steps=3), _FEW_SHOT)


def parse_template(value: str) -> Template:
    """`auto`, `none`, `chat`, `few-shot`, or the path of a file that holds `{question}` or a Jinja chat template.

    Raises:
        InputError: No such file, or it is neither.
    """
    if value in (Style.AUTO, Style.NONE, Style.CHAT):
        return Template(Style(value), name=value)
    if value == _FEW_SHOT:
        return few_shot()
    path = Path(value)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        raise InputError(
            f"template {value!r}: not 'none' or 'chat', and not a readable file ({error}); there is few-shot too"
        ) from error
    if HOLE in text:
        return Template(Style.COMPLETION, text.removesuffix("\n"), path.name)
    if "{%" in text and "messages" in text:
        return Template(Style.CHAT, text, path.name)
    raise InputError(
        f"template {value}: holds neither {HOLE} (a completion) nor a Jinja loop over messages (a chat template)"
    )


def described_template(spec: Mapping[str, Any]) -> Template | None:
    """The template of a run or a tuning, as its manifest has it; None where it has none."""
    name, text = str(spec.get("template", "")), str(spec.get("template_text", ""))
    if name in (Style.NONE, Style.CHAT) and not text:
        return Template(Style(name), name=name)
    if not text:
        return None
    return Template(Style.COMPLETION if HOLE in text else Style.CHAT, text, name)


def question_ids(tokenizer: Any, template: Template, question: str) -> list[int]:
    """The token ids of the question part.

    A chat template's own control tokens are read as such. In a completion, and in every question, text that looks like
    one stays text.

    Raises:
        InputError: The tokenizer has no chat template, or the template loses the question.
    """
    if template.style is Style.AUTO:
        raise ValueError("the template is left open; settle it first")
    if template.style is Style.NONE:
        return [*bos_ids(tokenizer), *encode(tokenizer, question + "\n")]
    if template.style is Style.COMPLETION:
        return [*bos_ids(tokenizer), *encode(tokenizer, template.text.replace(HOLE, question))]
    rendered = _render_chat(tokenizer, template, _MARK)
    if rendered.count(_MARK) != 1:
        raise InputError(f"chat template {template.name!r} shows the question {rendered.count(_MARK)} times, not once")
    whole = _encode_template(tokenizer, rendered.replace(_MARK, question))
    before, _, after = rendered.partition(_MARK)
    parts = [*_encode_template(tokenizer, before), *encode(tokenizer, question), *_encode_template(tokenizer, after)]
    # Control tokens of the question's own would make the two differ in them; the parts have none of those.
    control = _control_ids(tokenizer)
    return whole if [i for i in whole if i in control] == [i for i in parts if i in control] else parts


def bos_ids(tokenizer: Any) -> list[int]:
    """The BOS id, where the tokenizer puts one before a text by itself."""
    bos = tokenizer.bos_token_id
    started = tokenizer("a")["input_ids"]
    return [bos] if bos is not None and started and started[0] == bos else []


def _control_ids(tokenizer: Any) -> set[int]:
    """All control tokens; `all_special_ids` lacks those without a role, such as the header tokens of Llama 3."""
    added = getattr(tokenizer, "added_tokens_decoder", {})
    return {*tokenizer.all_special_ids, *(number for number, token in added.items() if token.special)}


def _encode_template(tokenizer: Any, text: str) -> list[int]:
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


def _render_chat(tokenizer: Any, template: Template, question: str) -> str:
    chat = template.text or getattr(tokenizer, "chat_template", None)
    if not chat:
        raise InputError("the tokenizer has no chat template; use --template none, or --template FILE with one")
    messages: list[Mapping[str, str]] = [{"role": "user", "content": question}]
    try:
        return str(
            tokenizer.apply_chat_template(
                messages, chat_template=template.text or None, tokenize=False, add_generation_prompt=True
            )
        )
    except Exception as error:  # Jinja's and the template's own errors share no base class
        raise InputError(
            f"chat template {template.name!r} cannot be rendered ({' '.join(str(error).split())[:160]})"
        ) from error
