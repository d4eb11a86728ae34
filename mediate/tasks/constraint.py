"""Constraint: a question without and with a clause that makes another answer right.

With `Unless the start is odd, take 2.` of an even start, what is right without the clause is wrong. The *default rate*
is how often a model still gives that answer; a run's table of conditions has it.
"""

from dataclasses import replace

import numpy as np

from mediate.pairs.pair import Pair
from mediate.tasks.factors import operand_of
from mediate.tasks.modular import NAMES
from mediate.tasks.pair_families import Condition, FamilyOptions, family_pairs
from mediate.tasks.task import Task
from mediate.tasks.worded import PARITIES, Unless, Worded
from mediate.tasks.worded_pairs import same_parity


def _clause(problem: Worded, rng: np.random.Generator) -> Worded:
    """A clause whose operation is added in both worlds, and changes the base's answer."""
    parity = PARITIES[1 - problem.sums.start % 2]
    while True:
        operation = NAMES[rng.integers(len(NAMES))]
        found = replace(problem, unless=Unless(parity, operation, operand_of(operation, rng)))
        if found.answer != found.usual_answer:
            return found


CONDITIONS = (Condition("without clause"), Condition("with clause", _clause))


def constraint_pairs(
    n: int, *, steps: int | tuple[int, int] | None = None, seed: int = 0, with_cot: bool = True
) -> tuple[Pair, ...]:
    """Pairs of the constraint; see `family_pairs`. The starts of a pair are both odd or both even."""
    return family_pairs("constraint", n, CONDITIONS, steps=steps, seed=seed, with_cot=with_cot, fits=same_parity)


CONSTRAINT = Task(
    name="constraint",
    help="a family: without and with a clause that makes another answer right",
    pairs=constraint_pairs,
    options=FamilyOptions,
    model="reference-worded-0.1m",
)
