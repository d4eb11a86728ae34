"""A word problem as a small structural causal model: given numbers, steps that compute from them, and their wording.

The steps form a directed acyclic graph. Each adds, subtracts or multiplies two operands: given numbers, which the
question states once each, and results of earlier steps. The last result is the answer; an intervention replaces a
given number.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from mediate.items.pair import Item
from mediate.items.templates import Clause, Template


class Operand(NamedTuple):
    """What a step reads: a given number, or the result of an earlier step."""

    from_step: bool
    number: int


class Step(NamedTuple):
    """One step of reasoning: its operation (`+`, `-` or `x`), its operands, and the sentence that states it."""

    operation: str
    left: Operand
    right: Operand
    sentence: str


@dataclass(frozen=True, slots=True)
class Problem:
    """A word problem with its numbers.

    Args:
        text: The question, with `{0}`, `{1}`, ... for the given numbers, in the order in which it states them.
        steps: The steps in their order.
        givens: The given numbers.

    Raises:
        ValueError: A step reads a number that is not there before it.
    """

    text: str
    steps: tuple[Step, ...]
    givens: tuple[int, ...]

    def __post_init__(self) -> None:
        for place, step in enumerate(self.steps):
            for operand in (step.left, step.right):
                if not 0 <= operand.number < (place if operand.from_step else len(self.givens)):
                    raise ValueError(f"step {place} reads {operand}, which is not there before it")

    @property
    def question(self) -> str:
        """The question's text."""
        return self.text.format(*self.givens)

    def equations(self) -> Iterator[tuple[int, int, int]]:
        """Left operand, right operand and result of each step."""
        results: list[int] = []
        for step in self.steps:
            left, right = (
                results[operand.number] if operand.from_step else self.givens[operand.number]
                for operand in (step.left, step.right)
            )
            results.append({"+": left + right, "-": left - right, "x": left * right}[step.operation])
            yield left, right, results[-1]

    @property
    def values(self) -> tuple[int, ...]:
        """The result of each step."""
        return tuple(result for _, _, result in self.equations())

    @property
    def sentences(self) -> tuple[str, ...]:
        """The reasoning, one sentence a step, such as `Tom has 3 + 4 = 7 apples.`"""
        return tuple(
            step.sentence.format(equation=f"{left} {step.operation} {right} = {result}")
            for step, (left, right, result) in zip(self.steps, self.equations(), strict=True)
        )

    def item(self, *, with_cot: bool) -> Item:
        """The problem as an item, with or without its reasoning."""
        values = self.values
        return Item(self.question, str(values[-1]), " ".join(self.sentences) if with_cot else None, values)


class Draft(NamedTuple):
    """A problem whose numbers are still open.

    Args:
        text: As in `Problem`.
        steps: As in `Problem`.
        factors: Of each given number, whether it is multiplied.
    """

    text: str
    steps: tuple[Step, ...]
    factors: tuple[bool, ...]


def draft(template: Template, clauses: Sequence[Clause], named: Mapping[str, str], *, from_product: bool) -> Draft:
    """Tells a story: its beginning, what happens, and the question.

    Args:
        template: The situation.
        clauses: What happens, in order.
        named: The people `a` and `b`, and the `thing`.
        from_product: Whether the count begins with a product, which takes a step, or with a given number.
    """
    texts: list[str] = []
    steps: list[Step] = []
    factors: list[bool] = []

    def say(sentence: str, *, factor: bool) -> list[Operand]:
        """Adds a sentence, and returns its given numbers, counted through the whole text, as operands."""
        operands = []
        for name in ("{x}", "{y}"):
            if name in sentence:
                sentence = sentence.replace(name, f"{{{len(factors)}}}")
                operands.append(Operand(False, len(factors)))
                factors.append(factor)
        texts.append(_fill(sentence, named))
        return operands

    def reason(operation: str, operands: Sequence[Operand], sentence: str) -> Operand:
        left, right = operands
        steps.append(Step(operation, left, right, _fill(sentence, named)))
        return Operand(True, len(steps) - 1)

    begun = say(template.product if from_product else template.given, factor=from_product)
    count = reason("x", begun, template.result) if from_product else begun[0]
    for clause in clauses:
        said = say(clause.text, factor=bool(clause.product) or clause.operation == "x")
        change = reason("x", said, clause.product) if clause.product else said[0]
        count = reason(clause.operation, (count, change), template.result)
    texts.append(_fill(template.question, named))
    return Draft(" ".join(texts), tuple(steps), tuple(factors))


def _fill(text: str, named: Mapping[str, str]) -> str:
    for name, value in named.items():
        text = text.replace(f"{{{name}}}", value)
    return text
