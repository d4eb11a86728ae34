"""The model before it is tuned, as an arm may ask it: to write chains of its own, or how likely it finds given ones."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from mediate.models.generation import Decoding, End, Written, generate
from mediate.models.model import Model
from mediate.models.prompts import ANSWER_TOKENS
from mediate.traces.pieces import decode


@dataclass(frozen=True, slots=True, eq=False)
class Student:
    """A model before it is tuned.

    Args:
        tokenizer: Its tokenizer.
        context: The longest sequence that it was made for; 0 where it does not say.
        hooked: A hooked copy of it, which takes a moment to make.
        other: The hooked model of a name, where another one is to judge.
        progress: Whether to show bars, where the output is a terminal or notebook.
    """

    tokenizer: Any
    context: int
    hooked: Callable[[], Model]
    other: Callable[[str], Model]
    progress: bool = False


def own_chains(
    model: Model, prompts: Sequence[Sequence[int]], cue: str, decoding: Decoding, *, progress: bool = False
) -> list[Written]:
    """What a model writes after each question, up to the answer cue or its end, without the white space before the cue.

    Args:
        model: The hooked model.
        prompts: The questions in tokens.
        cue: The answer cue, at which the writing stops.
        decoding: How to write; its own stops are not heeded.
        progress: Whether to show a bar.
    """
    stop = tuple(dict.fromkeys((cue, cue.strip() or cue)))
    asked = Decoding(
        decoding.max_new_tokens, stop, decoding.temperature, decoding.top_p, decoding.seed, decoding.batch_size
    )
    tokenizer = model.need_tokenizer()
    written = generate(model, prompts, asked, progress=progress)
    return [Written(_without_last_space(tokenizer, each), each.text.rstrip(), each.end) for each in written]


def chain_room(context: int, prompt: Sequence[int], cue: Sequence[int]) -> int:
    """The longest chain that leaves the answer its place in a context (0: unknown)."""
    return context - len(prompt) - len(cue) - ANSWER_TOKENS if context else 2**31


def ended(written: Written) -> bool:
    """Whether a chain came to an end within the tokens that it was given."""
    return written.end is not End.LENGTH


def _without_last_space(tokenizer: Any, written: Written) -> tuple[int, ...]:
    """The chain without white space at its end, which the cue brings."""
    ids = list(written.ids)
    while ids and not decode(tokenizer, ids[-1:]).strip():
        ids.pop()
    return tuple(ids)
