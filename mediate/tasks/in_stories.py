"""The wording of the built-in word problems: stories in which a count changes, for models of natural language."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from mediate.pairs.item import Item
from mediate.tasks.modular import Hint
from mediate.tasks.problems import LARGEST, LARGEST_FACTOR, SMALLEST, TwinProblems, twins
from mediate.tasks.scm import Operand, Plot, Problem, numbers
from mediate.tasks.templates import Clause
from mediate.tasks.worded import ASIDES, PARITIES, Verbosity
from mediate.tasks.wording import IN_SENTENCES, Condition, Drawn, Names, ProblemWording, Wrong

UNDOING = {"+": "-", "-": "+", "x": "/"}
BLANK_PEOPLE = ("Kavo", "Mipu", "Quen", "Zorbo")
BLANK_THINGS = ("blick", "fep", "wug", "zem")
SYMBOLS = {"a": "X", "b": "Y", "thing": "Z"}
# What is stated in order: sentences, each with the number that it states as a result, where it states one.
Stated = Iterator[tuple[str, int | None]]


def _draw(asking: str, n: int, steps: tuple[int, int] | int, seed: int, alike: bool) -> Iterator[Drawn]:
    for each in twins(n, steps=steps, seed=seed, fits=_clause_fits if alike else lambda *_: True):
        yield Drawn(each.steps, each.place, each)


def _tell(drawn: TwinProblems, condition: Condition, rng: np.random.Generator) -> tuple[Item, Item]:
    plot, worlds = _called(drawn.plot, condition.names, rng), (drawn.base, drawn.source)
    more: tuple[int, ...] = ()
    if condition.clause:
        added = int(rng.choice(_additions(*worlds)))
        plot, more = _with_clause(plot, drawn.base, added), (abs(added),)
    problems = [plot.problem((*each.givens, *more)) for each in worlds]
    wrong = None
    if condition.wrong is not None:
        step = 0 if condition.wrong is Wrong.FIRST else drawn.steps - 1
        wrong = step, _away(step, problems, rng)
    hints = _hints(condition.hint, problems, rng)
    asides = tuple(ASIDES[place] for place in rng.permutation(len(ASIDES)))
    apart, items = _apart(condition.away, problems), []
    for problem, hint in zip(problems, hints, strict=True):
        question = [problem.question, *hint, *asides[: condition.before]]
        said = [*_sentences(problem, condition, wrong), *((each, None) for each in asides[: condition.after])]
        values = tuple(value for _, value in said if value is not None)
        items.append(
            Item(
                " ".join(question),
                str(problem.values[-1] + apart),
                " ".join(text for text, _ in said),
                values if len(values) == len(said) else (),
            )
        )
    base, source = items
    return base, source


def _called(plot: Plot, names: Names, rng: np.random.Generator) -> Plot:
    """The same story with people and things under other names."""
    named: Mapping[str, str] = plot.named
    if names is Names.SYMBOLS:
        named = SYMBOLS
    elif names is Names.NONSENSE:
        a, b = (BLANK_PEOPLE[place] for place in rng.permutation(len(BLANK_PEOPLE))[:2])
        thing = BLANK_THINGS[rng.integers(len(BLANK_THINGS))]
        named = {"a": a, "b": b, "thing": f"{thing}s" if plot.template.plural else thing}
    return replace(plot, named=named)


def _additions(base: Problem, source: Problem) -> tuple[int, ...]:
    """What a clause may add or, below 0, take away: neither new answer then stands elsewhere in either world."""
    stated, found = {*numbers(base), *numbers(source)}, []
    for number in (sign * size for sign in (1, -1) for size in range(SMALLEST, LARGEST_FACTOR + 1)):
        answers = [each.values[-1] + number for each in (base, source)]
        as_long = len({len(str(each)) for each in answers}) == 1
        in_range = all(SMALLEST <= each <= LARGEST for each in answers)
        if as_long and in_range and not {*answers} & {*stated, abs(number)}:
            found.append(number)
    return tuple(found)


def _clause_fits(base: Problem, source: Problem) -> bool:
    """Whether a clause can add the same in both worlds."""
    return base.givens[0] % 2 == source.givens[0] % 2 and bool(_additions(base, source))


def _with_clause(plot: Plot, base: Problem, added: int) -> Plot:
    """What is added at the end, unless the first number is what it is not."""
    parity, sign = PARITIES[1 - base.givens[0] % 2], "+" if added > 0 else "-"
    done = "more are added" if added > 0 else "are taken away"
    clause = Clause(f"Unless the first number is {parity}, {{x}} {done} at the end.", sign)
    return replace(plot, clauses=(*plot.clauses, clause))


def _away(step: int, problems: Sequence[Problem], rng: np.random.Generator) -> int:
    """By how much a result is wrong: what follows stays above 0, as long in both worlds, and neither right answer."""
    right = {each.values[-1] for each in problems}

    def unfit(away: int) -> tuple[bool, bool, bool]:
        stated = [[result for _, _, result in each.equations((step, away))] for each in problems]
        as_long = len({tuple(len(str(result)) for result in each) for each in stated}) == 1
        return min(map(min, stated)) < 1, bool({each[-1] for each in stated} & right), not as_long

    sizes = [sign * size for sign in (1, -1) for size in range(1, LARGEST_FACTOR + 1)]
    found: int = min((sizes[place] for place in rng.permutation(len(sizes))), key=unfit)
    return found


def _apart(away: int, problems: Sequence[Problem]) -> int:
    """How far forced answers are from the right ones: one more where a forced one would be the other world's."""
    base, source = (each.values[-1] for each in problems)
    return away + 1 if away and abs(base - source) == away else away


def _hints(hint: Hint | None, problems: Sequence[Problem], rng: np.random.Generator) -> list[tuple[str, ...]]:
    """The sentence of each world's hint; none without one."""
    if hint is None:
        return [() for _ in problems]
    said = [each.values[-1] for each in problems]
    if hint is not Hint.ANSWER:
        known = {number for each in problems for number in numbers(each)}
        free = [number for number in range(SMALLEST, LARGEST + 1) if number not in known or hint is Hint.RANDOM]
        said = [int(rng.choice(free)) for _ in problems]
        said = said if hint is Hint.RANDOM else said[:1] * len(said)
    return [(f"Hint: the answer is {number}.",) for number in said]


def _sentences(problem: Problem, condition: Condition, wrong: tuple[int, int] | None) -> Stated:
    """The chain, sentence by sentence."""
    equations = tuple(problem.equations(wrong))
    for first, last in _blocks(problem, condition.together):
        expression, undone, begun = _worked(problem, equations, first, last)
        result = equations[last][2]
        equation = f"{expression} = {f'[{result}]' if condition.filled else result}"
        if condition.clause and last == len(problem.steps) - 1:
            number = problem.givens[0]
            yield f"The first number is {number}, which is {PARITIES[number % 2]}.", None
        terse = condition.verbosity is Verbosity.TERSE
        yield (f"{equation}." if terse else problem.steps[last].sentence.format(equation=equation)), result
        if condition.verbosity is Verbosity.RESTATED:
            yield f"So it is {result}.", result
        elif condition.verbosity is Verbosity.CHECKED:
            yield f"Check: {undone} = {begun}.", begun


def _blocks(problem: Problem, together: int) -> Iterator[tuple[int, int]]:
    """The first and last operation of each step: two where so many go together and the second reads the first."""
    place, steps = 0, problem.steps
    while place < len(steps):
        following = steps[place + 1 : place + together]
        joined = any(Operand(True, place) in (each.left, each.right) for each in following)
        yield place, place + joined
        place += 1 + joined


def _worked(problem: Problem, equations: Sequence[tuple[int, int, int]], first: int, last: int) -> tuple[str, str, int]:
    """What a step works out, what undoes it, and the number to which that leads back."""
    step, (left, right, result) = problem.steps[last], equations[last]
    back = f"{result} {UNDOING[step.operation]}"
    if first == last:
        return f"{left} {step.operation} {right}", f"{back} {right}", left
    (own, other, _), before = equations[first], problem.steps[first].operation
    inner = f"({own} {before} {other})"
    if step.left == Operand(True, first):
        return f"{inner} {step.operation} {right}", f"({back} {right}) {UNDOING[before]} {other}", own
    return f"{left} {step.operation} {inner}", f"{back} {inner}", left


IN_STORIES = ProblemWording(
    name="problems",
    words="word problems, of models of natural language",
    model="smollm2-135m-instruct",
    draw=_draw,
    tell=_tell,
    says={"names": (Names.NONSENSE, Names.SYMBOLS), **IN_SENTENCES},
)
