"""Where a chain of thought states its answer: as the result of a step, or merely for the first time.

In `2 - 1 = 1.` the first 1 is an operand, and only the second is the answer. A place is a result where the data say
which step has that value, and else by how it is written: what follows an equals sign or `is`, or what ends a step.
Where an answer never stands so, its first occurrence is all there is, and is called that: it can be copied too.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from mediate.pairs.answers import normalise
from mediate.traces.steps import Span, numbers, occurrences, segment

_MARKS = r"[\s\"'“‘«(\[{*_`$€£¥₹\\:]+"
_BEFORE = re.compile(
    r"(?:[=≈≡→⇒]|=>|->|\b(?:is|are|was|were|equals?|is equal to)\b)"
    rf"(?:{_MARKS}|\\boxed|\b(?:exactly|just|only|then|now|thus|therefore)\b)*\Z",
    re.IGNORECASE,
)
# A number with an operator and another operand behind it is itself an operand, whatever stands before it.
_OPERAND = re.compile(r"\s*(?:[-+*/×÷·^%−–]|\bx\b|\btimes\b|\bplus\b|\bminus\b)\s*[($€£¥₹\\]*[0-9A-Za-z.]")
_AFTER_OPERATOR = re.compile(r"(?:[-+*/×÷·^−]|\bx|\btimes|\bplus|\bminus)\s*[(\[$€£¥₹\\]*\Z")
_ENDS_STEP = re.compile(r"[\s.!?…。！？\"'”’»)\]}*_`$€%°:;,\\]*\Z")
_LOOK_BACK = 48
# Statements that are kept: an item's are asked for when it is cut and when it is told of, with its batch between.
_KEPT = 4096


class Statement(NamedTuple):
    """Where a text states an answer.

    Args:
        span: The range of characters.
        result: Whether it stands there as a result; else it is only the first occurrence.
    """

    span: Span
    result: bool


def find_statement(text: str, answer: str, values: Sequence[int] = ()) -> Statement | None:
    """Where a text first states an answer as a result; else its first occurrence; None if it never says it.

    Args:
        text: The chain of thought.
        answer: The answer.
        values: The result of each step, where the data have them; they count where the text has as many steps.
    """
    return _statement(text, answer, tuple(values))


@lru_cache(maxsize=_KEPT)
def _statement(text: str, answer: str, values: tuple[int, ...]) -> Statement | None:
    found = list(occurrences(text, answer))
    if not found:
        return None
    steps = segment(text)
    by_data = _by_values(text, answer, found, steps, values)
    if by_data is not None:
        return Statement(by_data, result=True)
    for span in found:
        if _is_result(text, span, _step_of(span, steps)):
            return Statement(span, result=True)
    return Statement(found[0], result=False)


def last_statement(text: str, answer: str) -> Span | None:
    """Where a text last states an answer as a result; else its last occurrence; None if it never says it."""
    found = list(occurrences(text, answer))
    steps = segment(text)
    results = [span for span in found if _is_result(text, span, _step_of(span, steps))]
    return next(reversed(results or found), None)


def last_results(text: str) -> tuple[Span, ...]:
    """Where the last step with a number as its result states that number as a result; none where no step has one."""
    for step in reversed(segment(text)):
        results = step_results(text, step)
        if results:
            return results
    return ()


def step_results(text: str, step: Span, value: int | None = None) -> tuple[Span, ...]:
    """Where a step of a text states its result, a number, as a result; none where it states none.

    Args:
        text: The whole chain of thought.
        step: The range of characters of the step.
        value: The result, where the data have it; else it is the last number that is written as one.
    """
    inside = [span for span, _ in numbers(text) if step.start <= span.start and span.stop <= step.stop]
    results = [span for span in inside if _is_result(text, span, step)]
    if value is not None:
        results = [span for span in results if normalise(text[slice(*span)]) == str(value)]
    said = text[slice(*results[-1])] if results else ""
    return tuple(span for span in results if text[slice(*span)] == said)


def stated_results(text: str) -> tuple[str, ...]:
    """The numbers that the steps of a text state as their results, normalised, each once."""
    found = (text[slice(*span)] for step in segment(text) for span in step_results(text, step))
    return tuple(dict.fromkeys(map(normalise, found)))


def _by_values(
    text: str, answer: str, found: Sequence[Span], steps: Sequence[Span], values: Sequence[int]
) -> Span | None:
    """The place in the first step whose result is the answer; None where the data do not say."""
    if len(values) != len(steps):
        return None
    wanted = normalise(answer)
    for step, value in zip(steps, values, strict=True):
        if str(value) == wanted:
            inside = [span for span in found if step.start <= span.start and span.stop <= step.stop]
            results = [span for span in inside if _is_result(text, span, step)]
            if inside:
                return (results or inside)[-1]
    return None


def _step_of(span: Span, steps: Sequence[Span]) -> Span:
    """The step in which a place begins."""
    return next(each for each in steps if each.start <= span.start < each.stop)


def _is_result(text: str, span: Span, step: Span) -> bool:
    """Whether a place is written as a result: after an equals sign or `is`, or at its step's end, and no operand."""
    after = text[span.stop : step.stop]
    if _OPERAND.match(after):
        return False
    before = text[max(step.start, span.start - _LOOK_BACK) : span.start]
    if _BEFORE.search(before):
        return True
    return bool(_ENDS_STEP.match(after)) and not _AFTER_OPERATOR.search(before)
