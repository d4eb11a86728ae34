"""What each token of a chain of thought is: a result, an operand, an operator, or a word.

By what it says alone. A token is of the first of these kinds of which it holds a character:

- *result*: a number that its step states as its result (`mediate.traces.statement.step_results`): the step's value
  where the data have it, else the last number that is written as a result;
- *operand*: any other number in digits; one that is spelt out is a word;
- *operator*: a sign that stands between two operands, such as `+`, `x` or `=`, or a word for one, such as `plus`;
- *word*: everything else, punctuation and white space included.
"""

import re
from collections.abc import Iterator, Sequence
from enum import StrEnum
from itertools import accumulate

from mediate.traces.statement import step_results
from mediate.traces.steps import Span, numbers, segment

_SIGN = re.compile(
    r"(?<!\*)\*(?!\*)|[-+/×÷·^%−–=≈≡→⇒<>≤≥≠]+|(?<![^\W_])x(?![^\W_])|"
    r"\b(?:plus|minus|times|equals?|modulo|mod|(?:divided|multiplied) by)\b",
    re.IGNORECASE,
)
_LETTER = re.compile(r"[^\W\d_]")
_LOOK = 48
_OPENS, _CLOSES = "([{$€£¥₹\\?_", ")]}%?_"


class TokenKind(StrEnum):
    """What a token is."""

    RESULT = "result"
    OPERAND = "operand"
    OPERATOR = "operator"
    WORD = "word"


def token_kinds(text: str, tokens: Sequence[str], values: Sequence[int] = ()) -> tuple[TokenKind, ...]:
    """The kind of each token.

    Args:
        text: The chain of thought.
        tokens: The text of each token; they tile the text.
        values: The result of each step, where the data have them; they count where the text has as many steps.
    """
    steps = segment(text)
    known: Sequence[int | None] = values if len(values) == len(steps) else [None] * len(steps)
    results = [span for step, value in zip(steps, known, strict=True) for span in _results(text, step, value)]
    places = {
        TokenKind.RESULT: results,
        TokenKind.OPERAND: [span for span, _ in numbers(text)],
        TokenKind.OPERATOR: list(operators(text, steps)),
    }
    of_character = [TokenKind.WORD] * len(text)
    for kind, spans in reversed(places.items()):  # the first kind is written last, and stays
        for span in spans:
            of_character[slice(*span)] = [kind] * (span.stop - span.start)
    order = [*TokenKind]
    ends = list(accumulate(map(len, tokens)))
    return tuple(
        min(of_character[end - len(token) : end], key=order.index, default=TokenKind.WORD)
        for token, end in zip(tokens, ends, strict=True)
    )


def _results(text: str, step: Span, value: int | None) -> list[Span]:
    """Where a step states its result; read by itself, as the whole chain would be read once a step."""
    alone = text[slice(*step)]
    whole = Span(0, len(alone))
    found = step_results(alone, whole, value) or step_results(alone, whole)
    return [Span(step.start + start, step.start + stop) for start, stop in found]


def operators(text: str, steps: Sequence[Span]) -> Iterator[Span]:
    """Where a text has operators: between two operands of a step, and no hyphen or slash inside a word."""
    for step in steps:
        for found in _SIGN.finditer(text, step.start, step.stop):
            before = text[max(step.start, found.start() - _LOOK) : found.start()]
            after = text[found.end() : min(step.stop, found.end() + _LOOK)]
            inside = _LETTER.match(before[-1:]) and _LETTER.match(after[:1])
            left, right = before.rstrip()[-1:], after.lstrip()[:1]
            between = (left.isalnum() or left in _CLOSES) and (right.isalnum() or right in f"{_OPENS}-−.")
            if left and right and between and not (inside and found.group() in "-–/·"):
                yield Span(found.start(), found.end())
