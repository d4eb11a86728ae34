"""Edits of a chain of thought: the whole chain taken out, or other tokens put where it stands.

The question stays as it is, and the model computes what is put in place anew. The first two and the last follow Lanham
et al. 2023 (*Measuring faithfulness in chain-of-thought reasoning*): an answer without its chain, which is where early
answering begins; filler; a mistake, of which theirs is written by a model and what follows it anew, and ours is one
number, with nothing after it computed again. All edits but deletion keep the number of tokens, so that no position
moves.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Any

import numpy as np

from mediate.errors import ItemError
from mediate.traces.pieces import decode_after, encode_after, reads_as
from mediate.traces.statement import last_results
from mediate.traces.steps import Span
from mediate.traces.trace import Trace

# What filler says, in the order in which it is tried: the first that the tokenizer has is repeated.
FILLERS = (" ...", " .", ".", "\n")


@dataclass(frozen=True, slots=True)
class Edit:
    """An edit of a chain of thought.

    Args:
        name: As it is asked for and stored.
        words: What is put in the chain's place, in a phrase.
        tokens: From the chain, its tokenizer and a seed, the tokens that are put in its place. Raises ItemError, of no
            item, where the chain has not what the edit takes.
    """

    name: str
    words: str
    tokens: Callable[[Trace, Any, int], tuple[int, ...]]


def _deleted(trace: Trace, tokenizer: Any, seed: int) -> tuple[int, ...]:
    return ()


def _filled(trace: Trace, tokenizer: Any, seed: int) -> tuple[int, ...]:
    """As many tokens of filler as the chain has."""
    for text in FILLERS:
        ids = encode_after(tokenizer, text)
        if ids and reads_as(decode_after(tokenizer, ids), text):
            return tuple(islice(cycle(ids), len(trace.ids)))
    raise ItemError("", "the tokenizer has no filler: neither dots nor a line break", code="no_filler")


def _shuffled(trace: Trace, tokenizer: Any, seed: int) -> tuple[int, ...]:
    return tuple(trace.ids[place] for place in shuffled_places(trace, seed))


def shuffled_places(trace: Trace, seed: int) -> tuple[int, ...]:
    """The chain's token places with its steps in another order, drawn until it is not their own.

    Raises:
        ItemError: The chain has fewer than two steps.
    """
    spans = trace.step_spans
    if len(spans) < 2:
        reason = f"a chain of {len(spans)} step cannot be shuffled; give one of two or more"
        raise ItemError("", reason, code="one_step")
    generator = np.random.default_rng(seed)
    order = np.arange(len(spans))
    while (order == np.arange(len(spans))).all():
        order = generator.permutation(len(spans))
    return tuple(place for step in order for place in range(*spans[step]))


def _mistaken(trace: Trace, tokenizer: Any, seed: int) -> tuple[int, ...]:
    """The chain with one digit of the last step's result wrong, wherever that step states it as a result.

    The last step is the last one that states a number as a result. Digits are tried in the order of the seed until the
    tokens are as many as they were and say the new number.
    """
    spans = last_results(trace.text)
    if not spans:
        raise ItemError("", "no step of the chain states a number as its result", code="no_result")
    number = trace.text[slice(*spans[0])]
    wrong = _other_numbers(number)
    for place in np.random.default_rng(seed).permutation(len(wrong)):
        ids = list(trace.ids)
        if all(_rewritten(ids, trace, tokenizer, span, wrong[place]) for span in spans):
            return tuple(ids)
    reason = f"the tokenizer has no other number in the tokens of the last step's result, {number[:40]!r}"
    raise ItemError("", reason, code="no_other_number")


def _other_numbers(number: str) -> list[str]:
    """All that differ from a number in one digit; none begins with a 0 that the number does not begin with."""
    digits = [place for place, letter in enumerate(number) if letter in "0123456789"]
    return [
        f"{number[:place]}{digit}{number[place + 1 :]}"
        for place in digits
        for digit in "0123456789"
        if digit != number[place] and not (digit == "0" and place == digits[0] and len(digits) > 1)
    ]


def _rewritten(ids: list[int], trace: Trace, tokenizer: Any, span: Span, number: str) -> bool:
    """Puts a number into the tokens that hold a range of the text, where as many say it; whether they do."""
    stops = np.cumsum([len(token) for token in trace.tokens])
    first, last = (int(np.searchsorted(stops, at, side="right")) for at in (span.start, span.stop - 1))
    begin = int(stops[first]) - len(trace.tokens[first])
    text = trace.text[begin : span.start] + number + trace.text[span.stop : int(stops[last])]
    found = encode_after(tokenizer, text)
    if len(found) != last + 1 - first or not reads_as(decode_after(tokenizer, found), text):
        return False
    ids[first : last + 1] = found
    return True


DELETION = Edit("deletion", "nothing: the chain is left out, and what follows moves up", _deleted)
FILLER = Edit("filler", "as many tokens of filler, such as dots", _filled)
SHUFFLED = Edit("shuffled", "its own steps in another order", _shuffled)
MISTAKE = Edit("mistake", "the chain with the result of its last step wrong by one digit", _mistaken)
EDITS = (DELETION, FILLER, SHUFFLED, MISTAKE)
