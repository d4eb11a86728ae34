"""Length: how many operations a step has, and how much is said of each, crossed, at the same content.

Longer chains do more work or only say more; the two are told apart. *Granularity* is 1 or 2 operations a step,
*verbosity* is terse, plain, restated or checked.
"""

from collections.abc import Callable
from itertools import product

import numpy as np

from mediate.pairs.pair import Pair
from mediate.tasks.pair_families import Condition, FamilyOptions, family_pairs
from mediate.tasks.task import Task
from mediate.tasks.worded import Verbosity, Worded

# Mended chains go wrong on the way, which is more than a way of telling.
VERBOSITIES = (Verbosity.PLAIN, Verbosity.TERSE, Verbosity.RESTATED, Verbosity.CHECKED)


def _told(together: int, verbosity: Verbosity) -> Callable[[Worded, np.random.Generator], Worded]:
    return lambda problem, rng: problem.told(together=together, verbosity=verbosity)


CONDITIONS = tuple(
    Condition(f"{together} a step, {verbosity}", _told(together, verbosity))
    for together, verbosity in product((1, 2), VERBOSITIES)
)


def length_pairs(
    n: int, *, steps: int | tuple[int, int] | None = None, seed: int = 0, with_cot: bool = True
) -> tuple[Pair, ...]:
    """Pairs of length; see `family_pairs`. The chains are given: a model writes in its own way."""
    return family_pairs("length", n, CONDITIONS, steps=steps, seed=seed, with_cot=with_cot)


LENGTH = Task(
    name="length",
    help="a family: operations a step crossed with how much is said of each",
    pairs=length_pairs,
    options=FamilyOptions,
    model="reference-worded-0.1m",
)
