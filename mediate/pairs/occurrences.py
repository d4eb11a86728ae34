"""Where a text holds an answer, whether it states it or only mentions it; text only, no tokens."""

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

from mediate.pairs.answers import normalise, plain_signs

_NUMBER = re.compile(
    r"(?P<sign>(?<![0-9A-Za-z_)\]}])-)?(?:\\?[$€£¥₹]\s?)?"
    r"(?P<digits>(?<![0-9A-Za-z_.])(?:[0-9]{1,3}(?:(?:,|\{,\}|[\u00a0\u2009\u202f])[0-9]{3})+(?![0-9])|[0-9]+)"
    r"(?:\.[0-9]+)?|(?<![0-9A-Za-z_.])\.[0-9]+)"
)
_PERCENT = re.compile(r"\s?\\?%")
_IS_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")


class Span(NamedTuple):
    """A half-open range of characters."""

    start: int
    stop: int


def find_answer(text: str, answer: str) -> Span | None:
    """The first place where a text holds an answer as a whole number or word; None if it never does.

    A number is compared by value: `1,200` states `1200`, and `$5.00` states `5`, while `15`, `5.2`, `1,500` and `-5` do
    not. The range holds the number with its sign, without a currency sign. Any other answer has to appear letter by
    letter, with no letter or digit attached. Whether the place is a result or only mentions the number does not count:
    see `mediate.traces.statement`.
    """
    return next(occurrences(text, answer), None)


def occurrences(text: str, answer: str) -> Iterator[Span]:
    """Every place where a text holds an answer, as `find_answer` finds the first."""
    wanted = normalise(answer)
    if not wanted:
        return
    if _IS_NUMBER.fullmatch(wanted):
        found = [span for span, value in numbers(text) if value == wanted]
        if [value for _, value in numbers(answer)] != [wanted]:  # a spelling that within a text is no number: 1 000
            found += _words(text, answer.strip())
        yield from sorted(found)
        return
    if _IS_NUMBER.fullmatch(wanted.removesuffix("%")):
        for span, value in numbers(text):
            sign = _PERCENT.match(text, span.stop)
            if sign and f"{value}%" == wanted:
                yield Span(span.start, sign.end())
        return
    yield from _words(text, wanted)


def numbers(text: str) -> Iterator[tuple[Span, str]]:
    """The numbers of a text, each with its place and its value in the form of `normalise`."""
    for match in _NUMBER.finditer(plain_signs(text)):
        start = match.start("digits" if match["sign"] is None else "sign")
        yield Span(start, match.end()), normalise((match["sign"] or "") + match["digits"])


def _words(text: str, wanted: str) -> Iterator[Span]:
    """The places where a text holds some words letter by letter, with no letter or digit attached."""
    start = text.find(wanted)
    while start >= 0:
        span = Span(start, start + len(wanted))
        if not any(_inside_word(text, place) for place in span):
            yield span
        start = text.find(wanted, start + 1)


def _inside_word(text: str, place: int) -> bool:
    """Whether a place falls between two letters or digits of one word; Chinese and Japanese words are not set off."""
    beside = text[max(0, place - 1) : place + 1]
    return len(beside) == 2 and all(
        char.isalnum() and unicodedata.east_asian_width(char) not in "WF" for char in beside
    )
