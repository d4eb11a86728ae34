"""The families of pairs: the same problems under conditions that differ in one thing."""

from mediate.errors import InputError
from mediate.pairs.pair import Pair
from mediate.tasks.constraint import CONSTRAINT
from mediate.tasks.decoupling import DECOUPLING
from mediate.tasks.distance import DISTANCE
from mediate.tasks.execution import EXECUTION
from mediate.tasks.leaky import LEAKY
from mediate.tasks.length import LENGTH
from mediate.tasks.novelty import NOVELTY

FAMILIES = (DECOUPLING, CONSTRAINT, LENGTH, DISTANCE, EXECUTION, NOVELTY, LEAKY)


def family_pairs(
    family: str,
    n: int,
    *,
    wording: str | None = None,
    steps: int | tuple[int, int] | None = None,
    seed: int = 0,
    with_cot: bool = True,
) -> tuple[Pair, ...]:
    """Pairs of a family, problem by problem, each under every condition that the wording can say.

    Args:
        family: Its name, such as `distance`; see `FAMILIES`.
        n: Number of pairs, so of problems that many over the number of conditions.
        wording: `worded`, for the worded reference reasoners (the default), `problems`, word problems for models of
            natural language, or `modular`, for the first reference reasoners.
        steps: Number of operations, or its lowest and highest; 2 to 5 by default.
        seed: Seed of the drawing.
        with_cot: Whether to give the chains; without, the model writes them.

    Returns:
        The pairs, `n` under each condition, which `condition` names.

    Raises:
        InputError: No such family, a wording that cannot say it, an argument out of its range, or more pairs than
            there are.

    Example:
        >>> found = md.family_pairs("constraint", 2)
        >>> len({pair.condition for pair in found})
        2
    """
    found = next((each for each in FAMILIES if each.name == family), None)
    if found is None:
        raise InputError(f"no family {family!r}; give one of {', '.join(each.name for each in FAMILIES)}")
    return found.pairs(n, wording=wording, steps=steps, seed=seed, with_cot=with_cot)
