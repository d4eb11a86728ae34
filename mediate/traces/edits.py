"""Edits of a chain of thought: the whole chain taken out, or other tokens put where it stands.

The question stays as it is, and the model computes what is put in place anew. The first two and the last follow Lanham
et al. 2023 (*Measuring faithfulness in chain-of-thought reasoning*): an answer without its chain, which is where early
answering begins; filler; a mistake, of which theirs is written by a model and what follows it anew, and ours is one
number, with nothing after it computed again. All edits but deletion keep the number of tokens, so that no position
moves.

The edits here are of the whole chain. Those that begin at a step stand in `mediate.traces.step_edits`,
`mediate.traces.mistakes` and `mediate.traces.rewordings`.
"""

from collections.abc import Callable, Iterator, Sequence
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


@dataclass(frozen=True, slots=True, eq=False)
class Unedited:
    """A chain that is to be edited, with what edits are made from.

    Args:
        trace: The chain.
        tokenizer: Of transformers.
        seed: Of whatever is drawn.
        question: The question's text, where an edit has to tell its numbers from the chain's.
        values: The result of each step of a given chain, where the data have them.
        other: Another item's chain; None where there is none.
        answer: The measured answer.
        twin: Of a pair, the source's chain.
        twin_answer: Of a pair, the source's answer.
    """

    trace: Trace
    tokenizer: Any
    seed: int = 0
    question: str = ""
    values: tuple[int, ...] = ()
    other: Trace | None = None
    answer: str = ""
    twin: Trace | None = None
    twin_answer: str = ""

    @property
    def spans(self) -> tuple[tuple[int, int], ...]:
        """The half-open token range of each step."""
        return self.trace.step_spans


@dataclass(frozen=True, slots=True)
class Edited:
    """What an edit makes of a chain.

    Args:
        ids: The tokens that stand in its place.
        touched: The steps of the chain as it was, counted from 0, that are changed, moved or taken out.
        stop: How many of the tokens stand where a model writes the rest anew; all of them where it is None.
        towards: The answer that what was put in place speaks for; empty where that is unknown, or none.
    """

    ids: tuple[int, ...]
    touched: tuple[int, ...]
    stop: int | None = None
    towards: str = ""


@dataclass(frozen=True, slots=True)
class Edit:
    """An edit of a chain of thought.

    Args:
        name: As it is asked for and stored.
        words: What is put in the chain's place, in a phrase.
        make: From a chain and the place of the edit, how many steps stand before it, what is put in the chain's place;
            an edit of the whole chain is given the place 0. Raises ItemError, of no item, where the chain has not what
            the edit takes.
        places: Of a chain of so many steps, the places at which the edit can be made; None of one of the whole chain.
        keeps_length: Whether the chain must stay as many tokens, so that nothing after it moves.
        continues: Whether a model can write the rest anew from where the edit ends.
    """

    name: str
    words: str
    make: Callable[[Unedited, int], Edited]
    places: Callable[[int], range] | None = None
    keeps_length: bool = False
    continues: bool = False

    def tokens(self, trace: Trace, tokenizer: Any, seed: int) -> tuple[int, ...]:
        """The tokens that an edit of the whole chain puts in its place; raises ItemError as `make` does."""
        return self.make(Unedited(trace, tokenizer, seed), 0).ids

    def of(self, chain: Unedited, place: int = 0) -> Edited:
        """What the edit makes of a chain, with everything checked that it promises.

        Raises:
            ItemError: Of no item: the chain has not what the edit takes, nothing would change, or its length would.
        """
        edited = self.make(chain, place)
        if edited.ids == chain.trace.ids:
            raise ItemError("", f"{self.name} at step {place} changes nothing", code="unchanged")
        if self.keeps_length and len(edited.ids) != len(chain.trace.ids):
            lengths = f"{len(edited.ids)} tokens in place of {len(chain.trace.ids)}"
            raise ItemError("", f"{self.name} at step {place} has {lengths}", code="other_length")
        return edited


def all_steps(chain: Unedited) -> tuple[int, ...]:
    """Every step of a chain."""
    return tuple(range(len(chain.spans)))


def _deleted(chain: Unedited, place: int) -> Edited:
    return Edited((), all_steps(chain))


def _filled(chain: Unedited, place: int) -> Edited:
    """As many tokens of filler as the chain has."""
    return Edited(filler(chain.tokenizer, len(chain.trace.ids)), all_steps(chain))


def filler(tokenizer: Any, count: int) -> tuple[int, ...]:
    """So many tokens of filler.

    Raises:
        ItemError: The tokenizer has none.
    """
    for text in FILLERS:
        ids = encode_after(tokenizer, text)
        if ids and reads_as(decode_after(tokenizer, ids), text):
            return tuple(islice(cycle(ids), count))
    raise ItemError("", "the tokenizer has no filler: neither dots nor a line break", code="no_filler")


def _shuffled(chain: Unedited, place: int) -> Edited:
    return Edited(tuple(chain.trace.ids[each] for each in shuffled_places(chain.trace, chain.seed)), all_steps(chain))


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


def _mistaken(chain: Unedited, place: int) -> Edited:
    """The chain with one digit of the last step's result wrong, wherever that step states it as a result.

    The last step is the last one that states a number as a result.
    """
    spans = last_results(chain.trace.text)
    if not spans:
        raise ItemError("", "no step of the chain states a number as its result", code="no_result")
    ids, _ = next(wrong_numbers(chain, spans, "the last step"))
    return Edited(ids, steps_changed(chain.trace, ids))


def wrong_numbers(chain: Unedited, spans: Sequence[Span], whose: str) -> Iterator[tuple[tuple[int, ...], str]]:
    """The chain's tokens with one digit of a number wrong, with that number, as long as there are any.

    Digits are tried in the order of the seed; those are left out with which the tokens are not as many as they were or
    do not say the new number.

    Args:
        chain: The chain.
        spans: The ranges of its text that state the number.
        whose: Whose number it is, in a message.

    Raises:
        ItemError: There is none; only once all were tried.
    """
    trace = chain.trace
    number = trace.text[slice(*spans[0])]
    wrong = other_numbers(number)
    found = False
    for place in np.random.default_rng(chain.seed).permutation(len(wrong)):
        ids = list(trace.ids)
        if all(put_number(ids, trace, chain.tokenizer, span, wrong[place]) for span in spans):
            found = True
            yield tuple(ids), wrong[place]
    if not found:
        reason = f"the tokenizer has no other number in the tokens of {whose}'s result, {number[:40]!r}"
        raise ItemError("", reason, code="no_other_number")


def steps_changed(trace: Trace, ids: Sequence[int]) -> tuple[int, ...]:
    """The steps in which as many other tokens differ from a chain's own."""
    pairs = zip(trace.steps, trace.ids, ids, strict=True)
    return tuple(dict.fromkeys(step for step, old, new in pairs if old != new))


def other_numbers(number: str) -> list[str]:
    """All that differ from a number in one digit; none begins with a 0 that the number does not begin with."""
    digits = [place for place, letter in enumerate(number) if letter in "0123456789"]
    return [
        f"{number[:place]}{digit}{number[place + 1 :]}"
        for place in digits
        for digit in "0123456789"
        if digit != number[place] and not (digit == "0" and place == digits[0] and len(digits) > 1)
    ]


def put_number(ids: list[int], trace: Trace, tokenizer: Any, span: Span, number: str) -> bool:
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
FILLER = Edit("filler", "as many tokens of filler, such as dots", _filled, keeps_length=True)
SHUFFLED = Edit("shuffled", "its own steps in another order", _shuffled, keeps_length=True)
MISTAKE = Edit("mistake", "the chain with the result of its last step wrong by one digit", _mistaken, keeps_length=True)
EDITS = (DELETION, FILLER, SHUFFLED, MISTAKE)
