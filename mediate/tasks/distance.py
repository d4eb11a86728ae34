"""Distance: sentences beside the point between question and chain, and between chain and answer."""

from mediate.pairs.pair import Pair
from mediate.tasks.factors import counted
from mediate.tasks.pair_families import Condition, FamilyOptions, family_pairs
from mediate.tasks.task import Task

COUNTS = (1, 2, 4, 8)
CONDITIONS = (
    Condition("none"),
    *(Condition(f"{count} before", counted("before", count)) for count in COUNTS),
    *(Condition(f"{count} after", counted("after", count)) for count in COUNTS),
)


def distance_pairs(
    n: int, *, steps: int | tuple[int, int] | None = None, seed: int = 0, with_cot: bool = True
) -> tuple[Pair, ...]:
    """Pairs of distance; see `family_pairs`.

    Sentences after the chain are the end of a given chain; where the model writes its chain there are none.
    """
    return family_pairs("distance", n, CONDITIONS, steps=steps, seed=seed, with_cot=with_cot)


DISTANCE = Task(
    name="distance",
    help="a family: 0 to 8 irrelevant sentences before the chain or after it",
    pairs=distance_pairs,
    options=FamilyOptions,
    model="reference-worded-0.1m",
)
