"""Built-in word problems, drawn from a small structural causal model, with counterfactual twins."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from pydantic import BaseModel

from mediate.errors import InputError
from mediate.pairs.pair import Pair
from mediate.tasks.asked import (
    FEWEST_STEPS,
    MOST_STEPS,
    check_range,
    chosen_stories,
    step_range,
)
from mediate.tasks.scm import Plot, Problem, answers_stand_out, digits, draft
from mediate.tasks.task import SEED_OFFSET, Steps, Task
from mediate.tasks.templates import EXAMPLE_PEOPLE, PEOPLE, Clause, Story

SMALLEST = 2
LARGEST_FACTOR = 9
LARGEST = 30
LARGEST_EXAMPLE = 20
TRIES = 20_000
# Whether two problems can be a pair.
Fits = Callable[[Problem, Problem], bool]


def generate_pairs(
    n: int,
    *,
    steps: int | tuple[int, int] | str = (FEWEST_STEPS, MOST_STEPS),
    seed: int = 0,
    length: Callable[[str], int] = len,
    with_cot: bool = True,
    templates: Sequence[str] | None = None,
    max_value: int = LARGEST,
) -> tuple[Pair, ...]:
    """Word problems, each with a counterfactual in which one given number, and so the answer, differs.

    Templates and numbers of steps take turns, and every given number is as likely to be the one that differs. Given
    numbers and results are 2 or more. Neither answer occurs as another number of either world, so that where it stands,
    it is the answer. A pair keeps, between its worlds, the number of digits of every number, and the length of the
    question, of each step and of the answer. Ids are such as `apples-3-0007` (template, steps, place in the whole),
    groups such as `apples-3`, and a larger `n` only appends.

    Args:
        n: Number of pairs.
        steps: Number of steps, or its lowest and highest, from 2 to 6; or the operations themselves in order, such as
            `x+` for a product and then a sum.
        seed: Seed of the drawing.
        length: The length of a text that a pair keeps: characters, or tokens under some tokenizer.
        with_cot: Whether to give the reasoning, one sentence a step; without, the model writes it.
        templates: Some of `TEMPLATE_NAMES`; None for all.
        max_value: Highest result of any step; operands of sums go up to a tenth of it or to 9, factors to 9.

    Returns:
        The pairs, each with chains unless `with_cot` is off.

    Raises:
        InputError: An argument out of its range, or no pair found in a bounded number of draws.

    Example:
        >>> pair, = md.generate_pairs(1, steps=2, seed=3)
        >>> pair.base.answer != pair.source.answer
        True
    """
    pairs = []
    for each in twins(n, steps=steps, seed=seed, length=length, templates=templates, most=max_value):
        group = f"{each.plot.template.name}-{each.steps}"
        worlds = each.base.item(with_cot=with_cot), each.source.item(with_cot=with_cot)
        pairs.append(Pair(f"{group}-{each.place:04d}", group, *worlds))
    return tuple(pairs)


class TwinProblems(NamedTuple):
    """A problem and its twin, in which one given number is another, and so is the answer.

    Args:
        steps: How many they have.
        place: Where they stand among all.
        plot: What happens in both.
        base: The problem.
        source: Its twin.
    """

    steps: int
    place: int
    plot: Plot
    base: Problem
    source: Problem


def twins(
    n: int,
    *,
    steps: int | tuple[int, int] | str,
    seed: int,
    length: Callable[[str], int] = len,
    templates: Sequence[str] | None = None,
    most: int = LARGEST,
    fits: Fits = lambda *_: True,
) -> Iterator[TwinProblems]:
    """So many problems with their twins; see `generate_pairs`.

    Args:
        n: How many.
        steps: As in `generate_pairs`.
        seed: Seed of the drawing.
        length: As in `generate_pairs`.
        templates: As in `generate_pairs`.
        most: Highest result of any step.
        fits: Whether two problems can be a pair.
    """
    low, high = step_range(steps)
    chosen = chosen_stories(templates)
    check_range("n", n, 1, 1_000_000)
    check_range("seed", seed, 0, 2**63)
    check_range("max_value", most, 12, 999)
    used: set[str] = set()
    for index in range(n):
        turn, which = divmod(index, len(chosen))
        template, count = chosen[which], low + (turn + which) % (high - low + 1)
        rng = np.random.default_rng([seed, index])
        target = float(rng.random())
        for _ in range(TRIES):
            plot, base = _problem(template, count, most, rng)
            base = _wanted(steps, base)
            source = _counterfactual(base, target, most, length, rng, fits) if base else None
            if base and source and base.question not in used:
                break
        else:
            reason = f"no new pair of template {template.name!r} with {count} steps in {TRIES} draws"
            raise InputError(
                f"generate_pairs: {reason}; raise max_value ({most}), choose other steps, or ask for fewer pairs"
            )
        used.add(base.question)
        yield TwinProblems(count, index, plot, base, source)


def problem_pairs(n: int, *, steps: int | tuple[int, int] | str = (2, 6), seed: int = 0) -> tuple[Pair, ...]:
    """Built-in problems with their worked chains, each a group of its own, to tune on.

    They are other draws than those of `generate_pairs` and `mediate pairs` under the same seed.
    """
    made = generate_pairs(n, steps=steps, seed=SEED_OFFSET + seed, with_cot=True)
    return tuple(Pair(pair.id, pair.id, pair.base, pair.source) for pair in made)


def few_shot_prompt(
    *, seed: int = 0, shots: int = 2, steps: int | str = 2, templates: Sequence[str] | None = None
) -> str:
    """A completion prompt of worked examples that ends in `Q: {question}`, a line break and `A:`.

    The examples use people and things that no problem uses. `steps` is their number or their operations in order, as in
    `generate_pairs`; by number, with three or more steps in all, every operation occurs. `templates` take turns.
    What follows the last `A:` begins with a space, as in the examples.

    Returns:
        The text, with `{question}` in it once.

    Raises:
        InputError: An argument out of its range.

    Example:
        >>> prompt = md.few_shot_prompt(shots=1)
        >>> prompt.endswith("Q: {question}\\nA:")
        True
    """
    chosen = chosen_stories(templates)
    check_range("shots", shots, 0, 32)
    count, _ = step_range(steps)
    check_range("seed", seed, 0, 2**63)
    rng = np.random.default_rng([seed, 2**32 - 1])  # generate_pairs numbers its streams from 0
    for _ in range(TRIES):
        order = rng.permutation(len(chosen))
        examples = [_example(chosen[order[turn % len(chosen)]], steps, count, rng) for turn in range(shots)]
        operations = {step.operation for example in examples for step in example.steps}
        if isinstance(steps, str) or len(operations) == 3 or shots * count < 3:
            break
    worked = [
        f"Q: {each.question}\nA: {' '.join(each.sentences)}\nThe answer is {each.values[-1]}\n" for each in examples
    ]
    return "\n".join([*worked, "Q: {question}\nA:"])


def _example(template: Story, steps: int | str, count: int, rng: np.random.Generator) -> Problem:
    for _ in range(TRIES):
        _, drawn = _problem(template, count, LARGEST_EXAMPLE, rng, example=True)
        problem = _wanted(steps, drawn)
        if problem and answers_stand_out(problem):
            return problem
    reason = f"no example of template {template.name!r} with steps {steps!r} in {TRIES} draws"
    raise InputError(f"few_shot_prompt: {reason}; choose other steps or templates")


def _wanted(steps: int | tuple[int, int] | str, problem: Problem | None) -> Problem | None:
    """The problem, unless its operations were named and are others."""
    if problem and isinstance(steps, str) and "".join(step.operation for step in problem.steps) != steps:
        return None
    return problem


def _problem(
    template: Story, count: int, max_value: int, rng: np.random.Generator, *, example: bool = False
) -> tuple[Plot, Problem | None]:
    """A drawn plot and its problem of so many steps; None where a number leaves its range."""
    people = EXAMPLE_PEOPLE if example else PEOPLE
    a, b = (people[which] for which in rng.permutation(len(people))[:2])
    thing = template.things[-1] if example else template.things[rng.integers(len(template.things) - 1)]
    from_product = bool(rng.random() < 0.3)
    clauses = tuple(_clauses(template, count - from_product, rng))
    plot = Plot(template, clauses, {"a": a, "b": b, "thing": thing}, from_product)
    text, steps, factors = draft(plot)
    givens = tuple(int(rng.integers(SMALLEST, _highest(factor, max_value) + 1)) for factor in factors)
    problem = Problem(text, steps, givens)
    return plot, problem if in_range(problem, max_value) else None


def _clauses(template: Story, count: int, rng: np.random.Generator) -> list[Clause]:
    """Different clauses in random order that take `count` steps together."""
    while True:
        picked: list[Clause] = []
        for which in rng.permutation(len(template.clauses)):
            clause = template.clauses[which]
            if clause.steps <= count - sum(each.steps for each in picked):
                picked.append(clause)
        if sum(clause.steps for clause in picked) == count:
            return picked


def _highest(factor: bool, max_value: int) -> int:
    return LARGEST_FACTOR if factor else max(LARGEST_FACTOR, max_value // 10)


def in_range(problem: Problem, max_value: int = LARGEST) -> bool:
    """Whether every result is a number that problems have."""
    return all(SMALLEST <= value <= max_value for value in problem.values)


def _counterfactual(
    base: Problem, target: float, max_value: int, length: Callable[[str], int], rng: np.random.Generator, fits: Fits
) -> Problem | None:
    """The problem with one given number changed, the one at the share `target` of them.

    None where no change keeps what a pair has to keep. A redrawn problem is given the same target, so that numbers
    whose change is often refused are not left out.
    """
    place = int(target * len(base.givens))
    for value in rng.permutation(np.arange(SMALLEST, max(LARGEST_FACTOR, max_value // 10) + 1)):
        source = replace(base, givens=(*base.givens[:place], int(value), *base.givens[place + 1 :]))
        if (
            in_range(source, max_value)
            and source.values[-1] != base.values[-1]
            and digits(source) == digits(base)
            and fits(base, source)
            and answers_stand_out(base, source)
            and _lengths(source, length) == _lengths(base, length)
        ):
            return source
    return None


def _lengths(problem: Problem, length: Callable[[str], int]) -> list[int]:
    """Lengths of the question, the answer and the reasoning, whole and by step, as they stand in a prompt."""
    answer, sentences = str(problem.values[-1]), problem.sentences
    texts = [problem.question, answer, f" {answer}", " ".join(sentences), *(f" {each}" for each in sentences)]
    return [length(text) for text in texts]


class ProblemOptions(BaseModel):
    """The choices of built-in problems at the command line."""

    steps: Steps = None


PROBLEMS = Task(
    name="problems",
    help="built-in word problems",
    pairs=generate_pairs,
    options=ProblemOptions,
    training=problem_pairs,
    model="smollm2-135m-instruct",
    keeps_length=True,
)
