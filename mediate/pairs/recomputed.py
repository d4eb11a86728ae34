"""What follows from a wrong result in a chain of arithmetic: the later steps computed from it.

Exact arithmetic is read from GSM8K's annotations (`<<48/2=24>>`) where the chain has them, and else from equations as
they are written (`48 / 2 = 24`). Numbers are told apart by their value, and what is in doubt is refused: a value that
stands for two things, a number that no step gives, a step that is not true, a result that would not be as long.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from mediate.pairs.annotations import (
    NUMBER,
    Annotation,
    UnfitError,
    consequences,
    evaluated,
    number,
    numbers_in,
    operands,
    rewritten,
)
from mediate.pairs.schemas.gsm8k import ANNOTATION

_SIGNS = str.maketrans({"x": "*", "×": "*", "÷": "/", "−": "-", "$": None, ",": None})
_ONE = rf"\$?(?:{NUMBER.pattern})"
_EQUATION = re.compile(rf"(?<![0-9.])({_ONE}(?:\s*[-+*/x×÷−]\s*{_ONE})+)\s*=\s*\$?({NUMBER.pattern})")


@dataclass(frozen=True, slots=True)
class Slip:
    """A wrong result in a chain.

    Args:
        question: The question's text.
        before: The chain up to the end of the step with the wrong result, which stands in it.
        after: The later steps, as they were.
        right: The result as it was.
        wrong: The result that stands there now.
    """

    question: str
    before: str
    after: str
    right: str
    wrong: str


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """Rules by which the steps of a chain follow from each other.

    Args:
        name: What they are called.
        holds: Whether a chain keeps to them as it stands.
        recompute: The later steps after a slip. Raises UnfitError where they cannot be computed.
    """

    name: str
    holds: Callable[[str], bool]
    recompute: Callable[[Slip], str]


def fitting_arithmetic(rules: Sequence[Arithmetic], chains: Sequence[str]) -> Arithmetic | None:
    """The rules that most of some chains keep to, the first of those that tie; None where no chain keeps to any."""
    counts = [sum(map(each.holds, chains)) for each in rules]
    most = max(counts, default=0)
    return rules[counts.index(most)] if most else None


def _steps_of(text: str) -> list[Annotation]:
    annotated = [(match[1], match[2]) for match in ANNOTATION.finditer(text)]
    written = [(match[1], match[2]) for match in _EQUATION.finditer(text)]
    found = [(expression.translate(_SIGNS), number(result.strip())) for expression, result in annotated or written]
    return [Annotation(expression, result) for expression, result in found if result is not None]


def _is_exact(text: str) -> bool:
    steps = _steps_of(text)
    return bool(steps) and all(evaluated(step.expression, {}) == step.result for step in steps)


def _recomputed(slip: Slip) -> str:
    if not slip.after.strip():
        return slip.after
    steps = _steps_of(slip.after)
    if any(evaluated(step.expression, {}) != step.result for step in steps):
        raise UnfitError("not_exact", "a later step does not come to its result exactly")
    right, wrong = number(slip.right), number(slip.wrong)
    if right is None or wrong is None:
        raise UnfitError("not_arithmetic", f"the result {slip.right[:40]!r} is not plain arithmetic")
    given = _values(slip.question) | _values(slip.before)
    computed = operands(steps) | {step.result for step in steps} | {right}
    if _values(slip.after) - given - computed:
        raise UnfitError("not_arithmetic", "a number of the later steps is neither given nor computed")
    becomes = consequences(steps, right, wrong)
    if any(value in given for value, new in becomes.items() if value != new):
        raise UnfitError("two_things", "a value that would change stands for two things")
    return rewritten(slip.after, becomes)


def _values(text: str) -> set[Fraction]:
    return {value for _, value in numbers_in(text)}


EXACT = Arithmetic("exact arithmetic", _is_exact, _recomputed)
