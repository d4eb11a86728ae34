"""From a question to the token ids that stand before the chain of thought, by an explicit template."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Any

from mediate.errors import InputError, meant, short
from mediate.files import regular
from mediate.models.rendering import DATE, reads_the_clock, render
from mediate.models.vocabulary import control_ids
from mediate.showing import fields_cell
from mediate.tasks.problems import few_shot_prompt
from mediate.traces.backend import text_ids
from mediate.traces.pieces import decode, encode, encode_after, puts_space_first, reads_as

ANSWER_CUE = "\nThe answer is"
# The most that a model writes after the cue.
ANSWER_TOKENS = 24
HOLE = "{question}"
_MARK = "\u2063question\u2063"
# Bytes of a template file; the longest published ones have some ten thousand.
MOST_TEMPLATE = 2**20


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

    Example:
        >>> from mediate.models.prompts import Style
        >>> ask = md.Template(Style.COMPLETION, "Think.\\nQ: {question}\\nA:", "mine")
        >>> md.score(model, pairs, template=ask)  # doctest: +SKIP
    """

    style: Style
    text: str = ""
    name: str = ""

    _repr_html_ = fields_cell

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
        text = regular(path, MOST_TEMPLATE).read_text(encoding="utf-8")
    except (OSError, ValueError) as error:
        name = value if len(value) <= 200 else value[:200] + "..."
        reason = error.strerror if isinstance(error, OSError) else error
        near = meant(value, (*Style, _FEW_SHOT)) if not path.suffix else ""
        raise InputError(
            f"template {name!r}: not 'none' or 'chat', and not a readable file ({reason}); {near}there is few-shot too"
        ) from error
    if HOLE in text:
        return Template(Style.COMPLETION, text.removesuffix("\n"), path.name)
    if "{%" in text and "messages" in text:
        return Template(Style.CHAT, text, path.name)
    raise InputError(
        f"template {value}: holds neither {HOLE} (a completion) nor a Jinja loop over messages (a chat template); "
        "write one of the two into it"
    )


def described_template(spec: Mapping[str, Any]) -> Template | None:
    """The template of a run or a tuning, as its manifest has it; None where it has none."""
    name, text = str(spec.get("template", "")), str(spec.get("template_text", ""))
    if name in (Style.NONE, Style.CHAT) and not text:
        return Template(Style(name), name=name)
    if not text:
        return None
    return Template(Style.COMPLETION if HOLE in text else Style.CHAT, text, name)


@dataclass(frozen=True, slots=True)
class Prompt:
    """A question put to a model.

    Args:
        text: What its tokens are of, control tokens included.
        ids: The token ids.
        asked: The range of the text's characters that are the question's own; None where a chat template has made
            another text of it.
    """

    text: str
    ids: tuple[int, ...]
    asked: tuple[int, int] | None = None


def question_ids(tokenizer: Any, template: Template, question: str) -> list[int]:
    """The token ids of the question part; see `prompt_of`."""
    return list(prompt_of(tokenizer, template, question).ids)


def prompt_of(tokenizer: Any, template: Template, question: str, system: str | None = None) -> Prompt:
    """The question part.

    A chat template is rendered by transformers with the question in it, so that one that trims or escapes the question
    does so here too. Its own control tokens are read as such. In a completion, and in every question, text that looks
    like one stays text.

    Raises:
        InputError: The tokenizer has no chat template, the template fails or loses the question, or there is a system
            prompt that it loses or has no place for.
    """
    if template.style is Style.AUTO:
        raise ValueError("the template is left open; settle it first")
    if template.style is Style.CHAT:
        return _chat(tokenizer, template, question, system)
    if system is not None:
        raise InputError("it has a system prompt, which a chat template alone has a place for; use --template chat")
    text = question + "\n" if template.style is Style.NONE else template.text.replace(HOLE, question)
    bos = bos_ids(tokenizer)
    first = str(tokenizer.bos_token) if bos else ""
    begin = len(first) + (0 if template.style is Style.NONE else template.text.index(HOLE))
    return Prompt(first + text, (*bos, *encode(tokenizer, text)), (begin, begin + len(question)))


def _chat(tokenizer: Any, template: Template, question: str, system: str | None) -> Prompt:
    chat, named = _chat_text(tokenizer, template), f"chat template {template.name!r}"
    before, after = _around(tokenizer, chat, named, system)
    if system is not None and system.strip() not in before:
        raise InputError(f"{named} loses the system prompt; give another")
    text = _rendered(tokenizer, chat, named, question, system)
    whole = _encode_template(tokenizer, text)
    control = control_ids(tokenizer)
    if text.startswith(before) and text.endswith(after) and len(text) >= len(before) + len(after):
        inner = text[len(before) : len(text) - len(after)]
        if question.strip() and not inner.strip():
            raise InputError(f"{named} loses the question {short(question, 60)}; give another")
        asked = encode_after(tokenizer, inner) if before else encode(tokenizer, inner)
        rest = encode_after(tokenizer, after, control=True)
        parts = [*_encode_template(tokenizer, before), *asked, *rest]
        # Control tokens of the question's own would make the two differ in them; the parts have none of those.
        same = [i for i in whole if i in control] == [i for i in parts if i in control]
        return Prompt(text, tuple(whole if same else parts), (len(before), len(text) - len(after)))
    around = [i for part in (before, after) for i in _encode_template(tokenizer, part) if i in control]
    if [i for i in whole if i in control] != around:
        raise InputError(
            f"{named} writes other text around the question {short(question, 60)}, which looks like control tokens; "
            "reword it, or give another template"
        )
    return Prompt(text, tuple(whole), _only_place(text, question.strip()))


def _only_place(text: str, question: str) -> tuple[int, int] | None:
    """Where a question stands in a text; None unless it stands there once."""
    if text.count(question) != 1:
        return None
    return text.index(question), text.index(question) + len(question)


def _around(tokenizer: Any, chat: str, named: str, system: str | None = None) -> tuple[str, str]:
    """What a chat template writes before and after the question."""
    rendered = _rendered(tokenizer, chat, named, _MARK, system)
    if rendered.count(_MARK) != 1:
        raise InputError(f"{named} shows the question {rendered.count(_MARK)} times, not once; give another")
    before, _, after = rendered.partition(_MARK)
    return before, after


def prompt_facts(tokenizer: Any, template: Template) -> dict[str, str]:
    """What a run's prompts are beside what its template's name and text say, for its manifest.

    `format`: what a chat template writes around the question; it may be the tokenizer's own. `date`: the one that a
    template is told which asks for it. `pieces`: said where the tokenizer puts a space before every text, and chain,
    cue and answer were given without it; before, they had one.
    """
    found: dict[str, str] = {}
    if template.style is Style.CHAT:
        chat = _chat_text(tokenizer, template)
        found["format"] = HOLE.join(_around(tokenizer, chat, f"chat template {template.name!r}"))
        if reads_the_clock(chat):
            found["date"] = DATE.isoformat()
    if puts_space_first(tokenizer):
        found["pieces"] = "no space put before"
    return found


def prompt_reads(tokenizer: Any, prompt: Prompt) -> bool:
    """Whether a prompt's tokens say its text, but for white space beside control tokens and at its start.

    Published tokenizers drop that, or add a space there, and the models were trained so.
    """
    said = decode(tokenizer, prompt.ids)
    return said == prompt.text or reads_as(
        *(_without_space_at_control(tokenizer, each) for each in (said, prompt.text))
    )


def _without_space_at_control(tokenizer: Any, text: str) -> str:
    added = getattr(tokenizer, "added_tokens_decoder", {})
    names = {str(token) for token in added.values() if token.special} | set(tokenizer.all_special_tokens)
    if names:
        beside = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
        text = re.sub(rf"\s*({beside})\s*", r"\1", text)
    return text.lstrip(" ")


def bos_ids(tokenizer: Any) -> list[int]:
    """The BOS id, where the tokenizer puts one before a text by itself."""
    bos = tokenizer.bos_token_id
    started = text_ids(tokenizer, "a", added=True)
    return [bos] if bos is not None and started and started[0] == bos else []


def _encode_template(tokenizer: Any, text: str) -> list[int]:
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


def _chat_text(tokenizer: Any, template: Template) -> str:
    """The chat template in Jinja: the template's own, or the tokenizer's."""
    own = getattr(tokenizer, "chat_template", None)
    if not template.text and not own:
        raise InputError("the tokenizer has no chat template; use --template none, or --template FILE with one")
    try:
        return template.text or str(tokenizer.get_chat_template())
    except ValueError as error:  # several, and none is the default
        raise InputError(
            f"the tokenizer has several chat templates and no default ({', '.join(own or ())}); "
            "give one with --template FILE"
        ) from error


def _rendered(tokenizer: Any, chat: str, named: str, question: str, system: str | None) -> str:
    try:
        return render(tokenizer, chat, question, system)
    except InputError as error:
        raise InputError(f"{named} {error}") from error
