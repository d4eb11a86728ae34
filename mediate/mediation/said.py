"""Whether tokens say the text that they stand for, word for word; what cannot be laid out so is refused.

A tokenizer may lose a space, a line break or a letter, or put one where none is. What the model reads is then another
text than the one that the results name.
"""

import re
from collections.abc import Sequence
from typing import Any

from mediate.errors import InputError, ItemError
from mediate.items.pair import Pair
from mediate.models.prompts import Prompt, Template, prompt_of
from mediate.traces.pieces import decode, decode_after, encode_after, reads_as


def question_prompts(tokenizer: Any, template: Template, pair: Pair) -> tuple[Prompt, Prompt]:
    """The source's and the base's question, put to a model.

    Raises:
        ItemError: The template fails on one of them or loses it, its tokens say something else, or both are the same.
    """
    prompts: list[Prompt] = []
    for world, item in (("source", pair.source), ("base", pair.base)):
        try:
            prompt = prompt_of(tokenizer, template, item.question)
        except InputError as error:
            raise ItemError(pair.id, f"the {world} question: {error}", place=pair.place, code="bad_prompt") from error
        said = decode(tokenizer, prompt.ids)
        if not reads_as(*(_without_space_at_control(tokenizer, each) for each in (said, prompt.text))):
            raise _unlike(pair, f"the {world} question", said, prompt.text)
        prompts.append(prompt)
    source, base = prompts
    return source, base


def check_parts(tokenizer: Any, pair: Pair, cue: str) -> None:
    """Raises ItemError where the tokens of a given chain, or of an answer after the cue, say something else."""
    for world, item in (("base", pair.base), ("source", pair.source)):
        parts = [("answer", f"{cue} {item.answer.strip()}", (cue, f" {item.answer.strip()}"))]
        if item.cot is not None:
            parts.append(("CoT", item.cot, (item.cot,)))
        for name, text, pieces in parts:
            ids = [token for piece in pieces for token in encode_after(tokenizer, piece)]
            said = decode_after(tokenizer, ids)
            if not reads_as(said, text):
                raise _unlike(pair, f"the {world} {name}", said, text)


def check_whole(tokenizer: Any, pair: Pair, world: str, ids: Sequence[Sequence[int]], after: str) -> None:
    """Raises ItemError where a world's tokens, laid out one after another, say something else than their parts.

    Args:
        tokenizer: Of transformers.
        pair: The pair.
        world: Its name, for the message.
        ids: The question's tokens, and those of all that follows.
        after: What follows the question.
    """
    question = decode(tokenizer, ids[0])
    said = decode(tokenizer, [token for part in ids for token in part])
    if not reads_as(said, question + after):
        raise _unlike(pair, f"the {world} world", said, question + after)


def _unlike(pair: Pair, what: str, said: str, wanted: str) -> ItemError:
    pairs = enumerate(zip(said, wanted, strict=False))
    first = next((place for place, (one, other) in pairs if one != other), min(len(said), len(wanted)))
    there, here = (repr(text[max(0, first - 10) : first + 15]) for text in (said, wanted))
    reason = f"the tokenizer's tokens of {what} say {there} where the text is {here}; reword it, or leave it out (skip)"
    return ItemError(pair.id, reason, place=pair.place, code="not_encodable")


def _without_space_at_control(tokenizer: Any, text: str) -> str:
    """A text without white space beside control tokens and at its start, which published tokenizers drop or add."""
    added = getattr(tokenizer, "added_tokens_decoder", {})
    names = {str(token) for token in added.values() if token.special} | set(tokenizer.all_special_tokens)
    if names:
        beside = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
        text = re.sub(rf"\s*({beside})\s*", r"\1", text)
    return text.lstrip(" ")
