"""An item by itself in tokens: its question part, of which some can be hidden, its chain, and what reads them."""

from dataclasses import dataclass
from typing import Any

from mediate.errors import InputError
from mediate.mediation.encoding import Readers
from mediate.models.prompts import Prompt
from mediate.traces.pieces import decode
from mediate.traces.trace import BROKEN, Trace, token_ends


@dataclass(frozen=True, slots=True)
class EncodedItem:
    """An item in tokens.

    What comes before the question (a system prompt, worked examples) is its *head*, what comes between the question
    and the chain (a line break, a chat header) its *tail*: the tail has read the question.

    Args:
        id: The item's id.
        group: The item's group.
        question: The tokens before the chain: head, question and tail.
        hidden: The range of them that hold the question's own text; never the sequence's first token, which is the
            attention sink and has seen only itself.
        trace: The chain.
        readers: What comes after; there is no source answer.
        options: The tokens of the other answers that the question offers.
    """

    id: str
    group: str
    question: tuple[int, ...]
    hidden: tuple[int, int]
    trace: Trace
    readers: Readers
    options: tuple[tuple[int, ...], ...] = ()

    def __post_init__(self) -> None:
        start, stop = self.hidden
        if not 1 <= start < stop <= len(self.question):
            raise ValueError(f"hidden tokens {start} to {stop} of a question part of {len(self.question)}")

    @property
    def context(self) -> tuple[int, ...]:
        """The tokens of the question part followed by the chain."""
        return self.question + self.trace.ids


def asked_tokens(tokenizer: Any, prompt: Prompt) -> tuple[int, int]:
    """The range of a prompt's tokens that hold any character of the question's own text, save the first token.

    White space at the question's ends counts with what is beside it: it says nothing, and what is not hidden with the
    question is part of the head, which has not read it, or of the tail, which is computed with and without it.

    Raises:
        InputError: The question is in the sequence's first token alone, or what the tokens say cannot be laid on the
            prompt's text.
    """
    said = decode(tokenizer, prompt.ids)
    letters = [place for place, letter in enumerate(said) if not letter.isspace()]
    if prompt.asked is None or len(letters) != _letters(prompt.text):
        raise InputError("its tokens cannot be told from the template's, which rewrites it; give another template")
    before, until = (_letters(prompt.text[:place]) for place in prompt.asked)
    ends = token_ends(prompt.ids, tokenizer)
    first = next(token for token, end in enumerate(ends) if end > letters[before])
    # Tokens that hold only a part of its first character stand before the one that completes it.
    while first and decode(tokenizer, prompt.ids[:first]).endswith(BROKEN):
        first -= 1
    stop = 1 + next(token for token, end in enumerate(ends) if end > letters[until - 1])
    if stop <= max(first, 1):
        raise InputError("the question is the sequence's first token alone, which stays visible; make it longer")
    return max(first, 1), stop


def _letters(text: str) -> int:
    return sum(not letter.isspace() for letter in text)
