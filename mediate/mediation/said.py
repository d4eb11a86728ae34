"""Whether tokens say the text that they stand for, word for word; what cannot be laid out so is refused.

A tokenizer may lose a space, a line break or a letter, or put one where none is. What the model reads is then another
text than the one that the results name.
"""

from collections.abc import Sequence
from typing import Any

from mediate.errors import InputError, ItemError
from mediate.models.prompts import Prompt, Template, prompt_of, prompt_reads
from mediate.pairs.pair import Item, Pair, World, named_items
from mediate.traces.pieces import decode, decode_after, encode_after, most_characters, reads_as


def question_prompts(tokenizer: Any, template: Template, pair: Pair) -> tuple[Prompt, Prompt]:
    """The source's and the base's question, put to a model.

    Raises:
        ItemError: The template fails on one of them or loses it, its tokens say something else, or both are the same.
    """
    source, base = (_prompt(tokenizer, template, pair, f"the {world} question", pair[world]) for world in World)
    return source, base


def item_prompt(tokenizer: Any, template: Template, item: Item) -> Prompt:
    """An item's own question, put to a model; raises as `question_prompts`."""
    return _prompt(tokenizer, template, item, "the question", item)


def _prompt(tokenizer: Any, template: Template, given: Pair | Item, what: str, item: Item) -> Prompt:
    try:
        prompt = prompt_of(tokenizer, template, item.question, item.system)
    except InputError as error:
        raise ItemError(given.id, f"{what}: {error}", place=given.place, code="bad_prompt") from error
    if not _unknown(tokenizer, prompt.ids) and not prompt_reads(tokenizer, prompt):
        raise _unlike(given, what, decode(tokenizer, prompt.ids), prompt.text)
    return prompt


def check_characters(tokenizer: Any, given: Pair | Item, context: int) -> None:
    """Raises ItemError where a text has more characters than the tokens of a context (0: unknown) could say."""
    most = most_characters(tokenizer, context)
    for world, item in named_items(given):
        for part, text in (("question", item.question), ("CoT", item.cot or ""), ("answer", item.answer)):
            if context and len(text) > most:
                reason = (
                    f"the {world}{part} has {len(text)} characters, and a context of {context} tokens holds at most "
                    f"{most}; shorten it"
                )
                raise ItemError(given.id, reason, place=given.place, code="too_long")


def check_parts(tokenizer: Any, given: Pair | Item, cue: str, *, chains: bool = True) -> None:
    """Raises ItemError where the tokens of a given chain, or of an answer after the cue, say something else.

    Args:
        tokenizer: Of transformers.
        given: A pair, or an item by itself.
        cue: What stands before the answer.
        chains: Whether its chains are what is read.
    """
    for world, item in named_items(given):
        parts: list[tuple[str, str, tuple[str, ...]]] = [
            ("answer", f"{cue} {item.answer.strip()}", (cue, f" {item.answer.strip()}"))
        ]
        if item.cot is not None and chains:
            parts.append(("CoT", item.cot, (item.cot,)))
        for name, text, pieces in parts:
            ids = [token for piece in pieces for token in encode_after(tokenizer, piece)]
            said = decode_after(tokenizer, ids)
            if not _unknown(tokenizer, ids) and not reads_as(said, text):
                raise _unlike(given, f"the {world}{name}", said, text)


def check_whole(tokenizer: Any, given: Pair | Item, what: str, ids: Sequence[Sequence[int]], after: str) -> None:
    """Raises ItemError where an item's tokens, laid out one after another, say something else than their parts.

    Args:
        tokenizer: Of transformers.
        given: A pair, or an item by itself.
        what: Which of its items, for the message.
        ids: The question's tokens, and those of all that follows.
        after: What follows the question.
    """
    question, tokens = decode(tokenizer, ids[0]), [token for part in ids for token in part]
    said = decode(tokenizer, tokens)
    if not _unknown(tokenizer, tokens) and not reads_as(said, question + after):
        raise _unlike(given, what, said, question + after)


def _unknown(tokenizer: Any, ids: Sequence[int]) -> bool:
    """Whether words have no token; they are named where they were given (`check_words`), and a model may write one."""
    unknown = getattr(tokenizer, "unk_token_id", None)
    return unknown is not None and unknown in ids


def _unlike(given: Pair | Item, what: str, said: str, wanted: str) -> ItemError:
    pairs = enumerate(zip(said, wanted, strict=False))
    first = next((place for place, (one, other) in pairs if one != other), min(len(said), len(wanted)))
    there, here = (repr(text[max(0, first - 10) : first + 15]) for text in (said, wanted))
    reason = f"the tokenizer's tokens of {what} say {there} where the text is {here}; reword it, or leave it out (skip)"
    return ItemError(given.id, reason, place=given.place, code="not_encodable")
