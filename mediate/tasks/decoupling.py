"""Decoupling: operations by their usual names, by names that the question defines, and usual names redefined.

The arithmetic and the chain stay; what the question calls an operation does not. A model that reads the question by
heart, rather than by what it says, goes wrong where `add` is defined as `take`.
"""

from mediate.pairs.pair import Pair
from mediate.tasks.factors import setting
from mediate.tasks.pair_families import Condition, FamilyOptions, family_pairs
from mediate.tasks.task import Task

CONDITIONS = (
    Condition("usual names"),
    Condition("defined names", setting("names", "defined")),
    Condition("redefined names", setting("names", "redefined")),
)


def decoupling_pairs(
    n: int, *, steps: int | tuple[int, int] | None = None, seed: int = 0, with_cot: bool = True
) -> tuple[Pair, ...]:
    """Pairs of decoupling; see `family_pairs`."""
    return family_pairs("decoupling", n, CONDITIONS, steps=steps, seed=seed, with_cot=with_cot)


DECOUPLING = Task(
    name="decoupling",
    help="a family: operations by usual, defined and redefined names",
    pairs=decoupling_pairs,
    options=FamilyOptions,
    model="reference-worded-0.1m",
)
