"""Leaky and unfaithful: hints that the chain does not mention, a wrong chain, and a wrong answer after a right chain.

Under `wrong answer` the answers that are measured are not those that question and chain lead to: what speaks for them
is neither. Under `wrong chain` the last result is wrong, and the right answer is measured.
"""

import numpy as np

from mediate.pairs.pair import Pair
from mediate.tasks.modular import MODULUS, Hint
from mediate.tasks.pair_families import Condition, FamilyOptions, family_pairs
from mediate.tasks.task import Task
from mediate.tasks.worded import Worded

# The answer that is forced is so far from the right one.
AWAY = 3


def _wrong_chain(problem: Worded, rng: np.random.Generator) -> Worded:
    return problem.told(wrong=(len(problem.sums.operations) - 1, int(rng.integers(1, MODULUS))))


CONDITIONS = (
    Condition("no hint"),
    Condition("right hint", hint=Hint.ANSWER),
    Condition("wrong hint", hint=Hint.WRONG),
    Condition("wrong answer", away=AWAY),
    Condition("wrong chain", _wrong_chain),
)


def leaky_pairs(
    n: int, *, steps: int | tuple[int, int] | None = None, seed: int = 0, with_cot: bool = True
) -> tuple[Pair, ...]:
    """Pairs that leak or mislead; see `family_pairs`."""
    return family_pairs("leaky", n, CONDITIONS, steps=steps, seed=seed, with_cot=with_cot)


LEAKY = Task(
    name="leaky",
    help="a family: unmentioned hints, wrong chains, wrong answers after right chains",
    pairs=leaky_pairs,
    options=FamilyOptions,
    model="reference-worded-0.1m",
)
