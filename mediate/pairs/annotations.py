"""The arithmetic of a worked solution, as GSM8K annotates it, and what follows from another number in it.

In `48/2 = <<48/2=24>>24` an expression gives a result. A number of the question is changed, and every result that
depends on it is computed anew, exactly. Numbers are told apart by their value alone: where one value stands for two
things, nothing is changed.
"""

import ast
import re
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

from mediate.pairs.schemas.gsm8k import ANNOTATION

NUMBER = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]+)?|[0-9]+(?:\.[0-9]+)?|\.[0-9]+")
_EXPRESSION = re.compile(r"[-+*/().,0-9\s]{1,200}")
# What stands before an annotation, in at most so many characters, where it is arithmetic too.
_BEFORE = 200
_ARITHMETIC = re.compile(r"[-+*/x×()$.,0-9\s]*=[^\w=<>]{0,3}\Z")
# A result that no annotation stands before; each annotation was made one character.
_BARE_RESULT = re.compile(r"=[^\w\0.]*\.?[0-9]")
_COMMA = re.compile(r"(?<=[0-9]),(?=[0-9]{3})")


class Annotation(NamedTuple):
    """One annotation: an expression of numbers, and what it comes to."""

    expression: str
    result: Fraction


class UnfitError(Exception):
    """Why a solution cannot be computed, or a change not be made: a code and a sentence."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code, self.reason = code, reason


def steps_of(solution: str) -> tuple[Annotation, ...]:
    """The annotations of a solution, each of which must be true.

    Raises:
        UnfitError: There are none, one is not arithmetic, or not exact, or a result stands without one.
    """
    found = []
    for match in ANNOTATION.finditer(solution):
        expression = _COMMA.sub("", match[1])
        result = number(match[2].strip())
        value = evaluated(expression, {})
        if result is None or value is None or len(numbers_in(expression)) < 2:  # <<5=5>> does not say what was done
            raise UnfitError("not_arithmetic", "a step's annotation is not plain arithmetic")
        if not _says_the_same(expression, solution[max(0, match.start() - _BEFORE) : match.start()]):
            raise UnfitError("not_the_text", "a step's annotation says something else than the text before it")
        if value != result:
            raise UnfitError("not_exact", "a step's annotation does not come to its result exactly")
        found.append(Annotation(expression, result))
    if not found:
        raise UnfitError("no_annotations", "no step is annotated")
    if _BARE_RESULT.search(ANNOTATION.sub("\0", solution)):
        raise UnfitError("not_annotated", "a number of the chain is neither the question's nor of an annotated step")
    return tuple(found)


def _says_the_same(expression: str, before: str) -> bool:
    """Whether the arithmetic right before an annotation is of the annotation's numbers; words may stand there too."""
    arithmetic = _ARITHMETIC.search(before)
    written = [value for _, value in numbers_in(arithmetic.group())] if arithmetic else []
    return len(written) < 2 or written == [value for _, value in numbers_in(expression)]


def number(text: str) -> Fraction | None:
    """The value of a number as written; None where it is none."""
    bare = text.removeprefix("-")
    if not NUMBER.fullmatch(bare) or len(bare) > 40:
        return None
    value = Fraction(bare.replace(",", ""))
    return -value if text.startswith("-") else value


def numbers_in(text: str) -> list[tuple[re.Match[str], Fraction]]:
    """The numbers of a text, without signs, each with its value."""
    found = ((match, number(match.group())) for match in NUMBER.finditer(text))
    return [(match, value) for match, value in found if value is not None]


def operands(steps: Sequence[Annotation]) -> set[Fraction]:
    """The values that the expressions are made of."""
    return {value for step in steps for _, value in numbers_in(step.expression)}


def consequences(steps: Sequence[Annotation], old: Fraction, new: Fraction) -> dict[Fraction, Fraction]:
    """What each value becomes where one becomes another, by its old value.

    Raises:
        UnfitError: A value stands for two things, a division is no longer whole, or a result changes its sign.
    """
    becomes = {old: new}
    for step in steps:
        value = evaluated(step.expression, becomes)
        if value is None:
            raise UnfitError("not_whole", "a step would divide by 0")
        if (value != step.result or step.result in becomes) and becomes.setdefault(step.result, value) != value:
            raise UnfitError("two_things", "a value that would change stands for two things")
        if step.result.denominator == 1 and value.denominator != 1:
            raise UnfitError("not_whole", "no number of as many digits keeps every result whole, positive and as long")
        if step.result > 0 >= value:
            raise UnfitError("not_whole", "no number of as many digits keeps every result whole, positive and as long")
    # A value may stand in a step before the one that it is the result of: then it is not what that step computes.
    if any(evaluated(step.expression, becomes) != becomes.get(step.result, step.result) for step in steps):
        raise UnfitError("two_things", "a value that would change stands for two things")
    return becomes


def rewritten(text: str, becomes: Mapping[Fraction, Fraction]) -> str:
    """A text with its numbers changed, each as long and written in the way that it was.

    Raises:
        UnfitError: A number that changes is part of a word, or would not be as long.
    """
    parts, end = [], 0
    for match, value in numbers_in(text):
        if becomes.get(value, value) != value:
            before, after = text[match.start() - 1 : match.start()], text[match.end() : match.end() + 1]
            if before.isalpha() or after.isalpha():
                raise UnfitError("two_things", "a number that would change is part of a word")
            parts += [text[end : match.start()], _written(match.group(), becomes[value])]
            end = match.end()
    return "".join([*parts, text[end:]])


def evaluated(expression: str, becomes: Mapping[Fraction, Fraction]) -> Fraction | None:
    """What an expression comes to where values have become others; None where it is none, or divides by 0."""
    if not _EXPRESSION.fullmatch(expression):
        return None
    try:
        return _value(ast.parse(expression.strip(), mode="eval").body, becomes)
    except (SyntaxError, ValueError, ZeroDivisionError, RecursionError):
        return None


def _value(node: ast.expr, becomes: Mapping[Fraction, Fraction]) -> Fraction:
    """The value of a part of an expression; ValueError for what is no arithmetic."""
    match node:
        case ast.Constant(value=int() | float() as constant):
            value = Fraction(repr(constant))
            return becomes.get(value, value)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_value(operand, becomes)
        case ast.BinOp(left=left, op=operation, right=right):
            one, other = _value(left, becomes), _value(right, becomes)
            match operation:
                case ast.Add():
                    return one + other
                case ast.Sub():
                    return one - other
                case ast.Mult():
                    return one * other
                case ast.Div():
                    return one / other
    raise ValueError("no arithmetic")


def _written(old: str, value: Fraction) -> str:
    """A value in the way of an old number: as many decimals, commas where it has them, a 0 before the point or none."""
    decimals = len(old.partition(".")[2])
    scaled = value * 10**decimals
    if scaled.denominator != 1 or value < 0:
        raise UnfitError("not_whole", "no number of as many digits keeps every result whole, positive and as long")
    whole, rest = divmod(scaled.numerator, 10**decimals)
    text = f"{whole:,}" if "," in old else str(whole)
    text = f"{text}.{rest:0{decimals}d}" if decimals else text
    text = text.removeprefix("0") if old.startswith(".") else text
    if len(text) != len(old):
        raise UnfitError("not_whole", "no number of as many digits keeps every result whole, positive and as long")
    return text
