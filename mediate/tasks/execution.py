"""Execution: whose results the chain holds: the model's own, right ones filled in, or wrong ones filled in.

Results that a calculator filled in stand in brackets. Of wrong ones the first is wrong, and all that follows goes on
from it, so that the chain ends at another answer than the right one, which is the one that is measured.
"""

import numpy as np

from mediate.pairs.pair import Pair
from mediate.tasks.modular import MODULUS
from mediate.tasks.pair_families import Condition, FamilyOptions, family_pairs
from mediate.tasks.task import Task
from mediate.tasks.worded import Worded


def filled(problem: Worded, rng: np.random.Generator) -> Worded:
    """Right results, filled in."""
    return problem.told(filled=True)


def wrongly_filled(problem: Worded, rng: np.random.Generator) -> Worded:
    """Results filled in, wrong from the first one on."""
    return problem.told(filled=True, wrong=(0, int(rng.integers(1, MODULUS))))


CONDITIONS = (
    Condition("right results", filled),
    Condition("own results", own=True),
    Condition("wrong results", wrongly_filled),
)


def execution_pairs(
    n: int, *, steps: int | tuple[int, int] | None = None, seed: int = 0, with_cot: bool = True
) -> tuple[Pair, ...]:
    """Pairs of execution; see `family_pairs`. Without given chains the model writes them all."""
    return family_pairs("execution", n, CONDITIONS, steps=steps, seed=seed, with_cot=with_cot)


EXECUTION = Task(
    name="execution",
    help="a family: the model's own results, right ones and wrong ones filled in",
    pairs=execution_pairs,
    options=FamilyOptions,
    model="reference-worded-0.1m",
)
