"""Built-in chains of arithmetic modulo 10, whose answers need every step: the task of the reference reasoners.

    Start 3, add 4, times 7, take 2. Hint 5.
    3 + 4 = 7. 7 x 7 = 9. 9 - 2 = 7.

Every result is a single digit, and every step can be undone (multipliers have an inverse modulo 10), so that a changed
number changes every later result. The hint is a digit beside the point, or the answer, as the caller chooses: with the
answer as its hint, a question can be answered with its chain or without.
"""

import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import islice
from typing import NamedTuple

import numpy as np
from pydantic import BaseModel, Field

from mediate.errors import InputError
from mediate.pairs.pair import Item, Pair
from mediate.tasks.task import SEED_OFFSET, Steps, Task

MODULUS = 10
SYMBOLS = {"add": "+", "take": "-", "times": "x"}
NAMES = tuple(SYMBOLS)
ADDENDS = tuple(range(1, MODULUS))
# Those above 1 with an inverse modulo 10.
MULTIPLIERS = (3, 7, 9)
FEWEST_STEPS, MOST_STEPS = 1, 8
# One problem in so many is never trained on.
HELD_OUT_EVERY = 10
TRIES = 10_000
# Problems that are drawn at once, for speed.
BLOCK = 64


class Hint(StrEnum):
    """What the hint of a question says."""

    ANSWER = "answer"
    RANDOM = "random"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Chained:
    """A problem: a digit, and what is done to it, one operation after the other.

    Args:
        start: The digit at the beginning.
        operations: `add`, `take` or `times`, in order.
        operands: The number of each operation.
    """

    start: int
    operations: tuple[str, ...]
    operands: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.operations) != len(self.operands) or not self.operations:
            raise ValueError(f"{len(self.operations)} operations and {len(self.operands)} numbers")

    @property
    def values(self) -> tuple[int, ...]:
        """The result of each step, modulo 10."""
        results, value = [], self.start
        for operation, operand in zip(self.operations, self.operands, strict=True):
            value = {"add": value + operand, "take": value - operand, "times": value * operand}[operation] % MODULUS
            results.append(value)
        return tuple(results)

    def stated(self, wrong: tuple[int, int] | None = None) -> tuple[int, ...]:
        """The start and what a chain states after each operation.

        Args:
            wrong: The operation whose result is wrong, counted round the chain, and by how much; what follows goes on
                from it. None where all is right.
        """
        if wrong is None:
            return (self.start, *self.values)
        place = wrong[0] % len(self.operations)
        before = replace(self, operations=self.operations[: place + 1], operands=self.operands[: place + 1])
        begun = (before.answer + wrong[1]) % MODULUS
        after = self.operations[place + 1 :], self.operands[place + 1 :]
        rest = Chained(begun, *after).values if after[0] else ()
        return (self.start, *before.values[:-1], begun, *rest)

    @property
    def answer(self) -> int:
        """The last result."""
        return self.values[-1]

    @property
    def held_out(self) -> bool:
        """Whether the problem is one of those that no reference reasoner was trained on."""
        said = f"{self.start} {self.operations} {self.operands}"
        return zlib.crc32(said.encode()) % HELD_OUT_EVERY == 0

    def question(self, hint: int) -> str:
        """The question's text."""
        doings = ", ".join(f"{each} {number}" for each, number in zip(self.operations, self.operands, strict=True))
        return f"Start {self.start}, {doings}. Hint {hint}."

    def chain(self) -> str:
        """The chain of thought, a sentence a step, such as `3 + 4 = 7.`"""
        befores = (self.start, *self.values)
        told = zip(befores, self.operations, self.operands, self.values, strict=False)
        return " ".join(f"{before} {SYMBOLS[name]} {number} = {after}." for before, name, number, after in told)

    def changed(self, place: int, number: int) -> "Chained":
        """The problem with the digit at the beginning (place 0) or the number of a step (1 and up) replaced."""
        if place == 0:
            return replace(self, start=number)
        return replace(self, operands=(*self.operands[: place - 1], number, *self.operands[place:]))

    def numbers_at(self, place: int) -> tuple[int, ...]:
        """The numbers that can stand at a place."""
        if place == 0:
            return tuple(range(MODULUS))
        return MULTIPLIERS if self.operations[place - 1] == "times" else ADDENDS


Fits = Callable[[Chained, Chained], bool]  # whether two problems can be a pair


def draw_problems(rng: np.random.Generator, steps: int, *, held_out: bool) -> Iterator[Chained]:
    """Endless random problems of so many steps, all of them held out of training or none."""
    while True:
        starts = rng.integers(MODULUS, size=BLOCK).tolist()
        names = rng.integers(len(NAMES), size=(BLOCK, steps)).tolist()
        shares = rng.random((BLOCK, steps)).tolist()
        for start, which, places in zip(starts, names, shares, strict=True):
            operations = tuple(NAMES[each] for each in which)
            choices = (MULTIPLIERS if each == "times" else ADDENDS for each in operations)
            operands = tuple(among[int(share * len(among))] for among, share in zip(choices, places, strict=True))
            drawn = Chained(start, operations, operands)
            if drawn.held_out == held_out:
                yield drawn


def modular_pairs(
    n: int,
    *,
    steps: int | tuple[int, int] = (2, 5),
    seed: int = 0,
    hint: Hint | str = Hint.ANSWER,
    with_cot: bool = True,
    held_out: bool = True,
) -> tuple[Pair, ...]:
    """Chains modulo 10 that were kept out of training, each with a source world in which one number differs.

    Numbers of steps take turns, longer ones where those of a number are used up, and every place of a number is as
    likely to be the one that differs. Ids are such as `modular-3-0007` (steps, place in the whole); every problem is a
    group of its own, because each is an independent draw. A larger `n` only appends.

    Args:
        n: Number of pairs.
        steps: Number of steps, or its lowest and highest, from 1 to 8. The reference reasoners were trained on 2 to 5.
        seed: Seed of the drawing.
        hint: `answer`, each world's own; `random`, a digit drawn for each world; `wrong`, the same wrong digit in both.
        with_cot: Whether to give the chain; without, the model writes it.
        held_out: Whether to take problems that no reference reasoner was trained on; else the others.

    Returns:
        The pairs, each with chains unless `with_cot` is off.

    Raises:
        InputError: An argument out of its range, or more pairs than there are.

    Example:
        >>> pairs = md.modular_pairs(40, seed=1)
    """
    if hint not in tuple(Hint):
        raise InputError(f"modular_pairs: no hint {hint!r}; give one of {', '.join(Hint)}")
    pairs: list[Pair] = []
    for count, place, rng, base, source in worlds("modular_pairs", n, steps=steps, seed=seed, held_out=held_out):
        hints = hints_of(Hint(hint), base, source, rng)
        name = f"modular-{count}-{place:04d}"
        pairs.append(Pair(name, name, _item(base, hints[0], with_cot), _item(source, hints[1], with_cot)))
    return tuple(pairs)


def chained_pairs(n: int, *, steps: int | tuple[int, int] = (2, 5), seed: int = 0) -> tuple[Pair, ...]:
    """Chains modulo 10 with hints that are noise, of the problems that `mediate pairs --task modular` never gives."""
    return modular_pairs(n, steps=steps, seed=SEED_OFFSET + seed, hint=Hint.RANDOM, held_out=False)


def _item(problem: Chained, hint: int, with_cot: bool) -> Item:
    return Item(problem.question(hint), str(problem.answer), problem.chain() if with_cot else None, problem.values)


class Worlds(NamedTuple):
    """A problem and its twin, in which one number is another, and so is the answer.

    Args:
        steps: How many they have.
        place: Where they stand among all.
        rng: What goes on being drawn from, for what else a pair says.
        base: The problem.
        source: Its twin.
    """

    steps: int
    place: int
    rng: np.random.Generator
    base: Chained
    source: Chained


def worlds(
    asking: str, n: int, *, steps: int | tuple[int, int], seed: int, held_out: bool, fits: Fits = lambda *_: True
) -> Iterator[Worlds]:
    """So many problems with their twins; see `modular_pairs`.

    Args:
        asking: Who asks, for messages.
        n: How many.
        steps: As in `modular_pairs`.
        seed: Seed of the drawing.
        held_out: As in `modular_pairs`.
        fits: Whether two problems can be a pair.

    Raises:
        InputError: An argument out of its range, or more pairs than there are.
    """
    low, high = (steps, steps) if isinstance(steps, int) else steps
    if not FEWEST_STEPS <= low <= high <= MOST_STEPS:
        wanted = f"a number, or a lowest and highest, from {FEWEST_STEPS} to {MOST_STEPS}"
        raise InputError(f"{asking}: steps is {steps}; give {wanted}")
    if n < 1 or seed < 0:
        raise InputError(f"{asking}: n is {n} and seed is {seed}; give n of 1 or more and seed of 0 or more")
    used: set[Chained] = set()
    used_up: set[int] = set()
    for place in range(n):
        turn = low + place % (high - low + 1)
        rng = np.random.default_rng([seed, place])
        drawn = None
        while drawn is None:
            # Shorter ones last: where long ones are used up, there are hardly any short ones.
            count = next((each for each in (*range(turn, high + 1), *range(low, turn)) if each not in used_up), None)
            if count is None:
                few = f"there are {place} pairs of {low} to {high} steps"
                raise InputError(f"{asking}: {few}; ask for no more, or for more steps")
            found = _worlds(count, rng, used, held_out, fits)
            if found is None:
                used_up.add(count)
            else:
                drawn = Worlds(count, place, rng, *found)
        used.add(drawn.base)
        yield drawn


def _worlds(
    steps: int, rng: np.random.Generator, used: set[Chained], held_out: bool, fits: Fits
) -> tuple[Chained, Chained] | None:
    """A problem not used before, and its twin with one number changed and so another answer; None: they are used up."""
    # The place is drawn once: a number with few others to take its place would else be changed less often.
    problems, place = draw_problems(rng, steps, held_out=held_out), int(rng.integers(steps + 1))
    for tried, base in enumerate(islice(problems, 2 * TRIES)):
        # What is left may have no twin at that place.
        place = int(rng.integers(steps + 1)) if tried >= TRIES else place
        # Drawn for those used before as well, so that what is drawn next stays the same.
        numbers = rng.permutation(base.numbers_at(place)).tolist()
        others = () if base in used else (base.changed(place, number) for number in numbers)
        apart = (other for other in others if other.held_out == held_out and other.answer != base.answer)
        if (other := next((each for each in apart if fits(base, each)), None)) is not None:
            return base, other
    return None


def hints_of(hint: Hint, base: Chained, source: Chained, rng: np.random.Generator) -> tuple[int, int]:
    """What the hints of both worlds say; see `modular_pairs`."""
    if hint is Hint.ANSWER:
        return base.answer, source.answer
    if hint is Hint.RANDOM:
        first, second = rng.integers(MODULUS, size=2).tolist()
        return first, second
    neither = [digit for digit in range(MODULUS) if digit not in (base.answer, source.answer)]
    digit = int(rng.choice(neither))
    return digit, digit


class ChainOptions(BaseModel):
    """The choices of chains modulo 10 at the command line."""

    steps: Steps = None
    hint: str = Field(default="answer", description="Of chains modulo 10: answer, random or wrong.")


MODULAR = Task(
    name="modular",
    help="chains modulo 10",
    pairs=modular_pairs,
    options=ChainOptions,
    training=chained_pairs,
    model="reference-0.1m",
    only="reference-",
)
