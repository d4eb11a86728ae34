"""A word problem as a small structural causal model: given numbers, steps that compute from them, and their wording.

The steps form a directed acyclic graph. Each adds, subtracts or multiplies two operands: given numbers, which the
question states once each, and results of earlier steps. The last result is the answer; an intervention replaces a
given number.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from mediate.pairs.pair import Item
from mediate.tasks.templates import Clause, Story


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

    def equations(self, wrong: tuple[int, int] | None = None) -> Iterator[tuple[int, int, int]]:
        """Left operand, right operand and stated result of each step.

        Args:
            wrong: The step whose result is wrong, counted round the chain, and by how much; what follows goes on from
                it. None where all is right.
        """
        results: list[int] = []
        place, away = (wrong[0] % len(self.steps), wrong[1]) if wrong else (None, 0)
        for number, step in enumerate(self.steps):
            left, right = (
                results[operand.number] if operand.from_step else self.givens[operand.number]
                for operand in (step.left, step.right)
            )
            result = {"+": left + right, "-": left - right, "x": left * right}[step.operation]
            results.append(result + away if number == place else result)
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


def digits(problem: Problem) -> list[int]:
    """How many digits each of its numbers has."""
    return [len(str(number)) for number in numbers(problem)]


def numbers(problem: Problem) -> tuple[int, ...]:
    """What is given and what results."""
    return problem.givens + problem.values


def answers_stand_out(*worlds: Problem) -> bool:
    """Whether no answer occurs as another number of any of the worlds."""
    others = {number for world in worlds for number in numbers(world)[:-1]}
    return not others & {world.values[-1] for world in worlds}


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


@dataclass(frozen=True, slots=True)
class Plot:
    """What happens in a story, before it has numbers.

    Args:
        template: The situation.
        clauses: What happens, in order.
        named: The people `a` and `b`, and the `thing`.
        from_product: Whether the count begins with a product, which takes a step, or with a given number.
    """

    template: Story
    clauses: tuple[Clause, ...]
    named: Mapping[str, str]
    from_product: bool

    def problem(self, givens: tuple[int, ...]) -> Problem:
        """The story with its numbers."""
        told = draft(self)
        return Problem(told.text, told.steps, givens)


def draft(plot: Plot) -> Draft:
    """Tells a story: its beginning, what happens, and the question."""
    template, clauses, named = plot.template, plot.clauses, plot.named
    begun, said = _numbered(template.product if plot.from_product else template.given, 0)
    texts, factors, steps, count = [begun], [plot.from_product] * len(said), [], said[0]
    if plot.from_product:
        steps.append(Step("x", said[0], said[1], template.result))
        count = Operand(True, 0)
    for clause in clauses:
        sentence, said = _numbered(clause.text, len(factors))
        texts.append(sentence)
        factors.extend([bool(clause.product) or clause.operation == "x"] * len(said))
        change = said[0]
        if clause.product:
            steps.append(Step("x", said[0], said[1], clause.product))
            change = Operand(True, len(steps) - 1)
        steps.append(Step(clause.operation, count, change, template.result))
        count = Operand(True, len(steps) - 1)
    texts.append(template.question)
    told = (step._replace(sentence=_fill(step.sentence, named)) for step in steps)
    return Draft(_fill(" ".join(texts), named), tuple(told), tuple(factors))


def _numbered(sentence: str, first: int) -> tuple[str, list[Operand]]:
    """A sentence with its given numbers counted from `first`, and these as operands."""
    operands: list[Operand] = []
    for name in ("{x}", "{y}"):
        if name in sentence:
            operands.append(Operand(False, first + len(operands)))
            sentence = sentence.replace(name, f"{{{operands[-1].number}}}")
    return sentence, operands


def _fill(text: str, named: Mapping[str, str]) -> str:
    for name, value in named.items():
        text = text.replace(f"{{{name}}}", value)
    return text
