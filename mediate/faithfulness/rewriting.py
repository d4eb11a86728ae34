"""Paraphrase by a model that does not see the question: it is told what to do, and is given the steps alone."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from mediate.errors import InputError, ItemError
from mediate.models.decoding import Decoding
from mediate.models.generation import End, Written
from mediate.models.model import Model
from mediate.models.prompts import CHAT, NONE, prompt_of
from mediate.passes.store import Store
from mediate.scoring.writing import write
from mediate.traces.pieces import decode_after, encode

# A rewriting may have so many times the tokens of what is rewritten, and so many besides; they are counted in steps of
# so many, so that texts of like length are written together.
TIMES, BESIDES, ROOM = 2, 16, 16


@dataclass(frozen=True, slots=True)
class InOtherWords:
    """Texts that a model has put into other words: a function from text to text.

    Args:
        texts: What it wrote, by what it was given; None where it never came to an end or was given too long a text.
    """

    texts: Mapping[str, str | None]

    def __call__(self, text: str) -> str:
        """The text in other words, between the white space that it had.

        Raises:
            ItemError: Of no item: the model did not end it.
        """
        new = self.texts[text]
        if new is None:
            reason = "the rewriting model did not end its text; give shorter steps or another --rewriter"
            raise ItemError("", reason, code="endless_rewriting")
        bare = text.strip()
        before, _, after = text.partition(bare)
        return f"{before}{new.strip()}{after}" if new.strip() else ""


def rewritten(
    rewriter: Model, texts: Iterable[str], instruction: str, store: Store | None, *, seed: int, progress: bool
) -> InOtherWords:
    """What a model makes of some texts, greedily, from the store where it did so before.

    Args:
        rewriter: The model; where its tokenizer has a chat template, it is told in that.
        texts: The texts.
        instruction: What it is told to do with each.
        store: Where what it writes is looked up and kept.
        seed: Of the run; greedy writing does not depend on it.
        progress: Whether to show bars.
    """
    asked = {text: _prompt(rewriter, instruction, text.strip()) for text in dict.fromkeys(texts)}
    by_room: dict[int, list[tuple[int, ...]]] = {}
    for text, prompt in asked.items():
        by_room.setdefault(_room(rewriter, text, prompt), []).append(prompt)
    found: dict[tuple[int, ...], Written] = {}
    for room, prompts in by_room.items():
        if room > 0:
            found |= write(rewriter, prompts, Decoding(room, seed=seed), store, progress=progress)
    tokenizer = rewriter.need_tokenizer()

    def said(prompt: tuple[int, ...]) -> str | None:
        text = found.get(prompt)
        return None if text is None or text.end is End.LENGTH else decode_after(tokenizer, text.ids)

    return InOtherWords({text: said(prompt) for text, prompt in asked.items()})


def _prompt(rewriter: Model, instruction: str, text: str) -> tuple[int, ...]:
    tokenizer = rewriter.need_tokenizer()
    template = CHAT if getattr(tokenizer, "chat_template", None) else NONE
    try:
        return prompt_of(tokenizer, template, f"{instruction}\n\n{text}").ids
    except InputError as error:
        raise InputError(f"--rewriter {rewriter.facts.name}: {error}") from error


def _room(rewriter: Model, text: str, prompt: tuple[int, ...]) -> int:
    """How many tokens may be written after a prompt."""
    wanted = TIMES * len(encode(rewriter.need_tokenizer(), text)) + BESIDES
    room = -(-wanted // ROOM) * ROOM
    return min(room, rewriter.facts.context - len(prompt)) if rewriter.facts.context else room
