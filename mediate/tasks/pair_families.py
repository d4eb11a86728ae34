"""Families of pairs: the same problems under conditions that differ in one thing.

Every problem is a group that stands under all conditions of its family, so that what differs between two conditions
differs within groups. The problems are those of `worded_pairs`, kept out of training unless a condition says otherwise.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from pydantic import BaseModel

from mediate.errors import InputError
from mediate.pairs.pair import Item, Pair
from mediate.tasks.factors import Put
from mediate.tasks.modular import MODULUS, Chained, Hint, Worlds, worlds
from mediate.tasks.task import Steps
from mediate.tasks.worded import Worded
from mediate.tasks.worded_pairs import hinted_alike, item_of

Fits = Callable[[Chained, Chained], bool]
# Tells what a condition draws from what a problem is drawn with.
DRAWN = 1


def as_usual(problem: Worded, rng: np.random.Generator) -> Worded:
    """The problem as it is."""
    return problem


@dataclass(frozen=True, slots=True)
class Condition:
    """One of a family's conditions: how a problem is asked and its chain told.

    Args:
        name: As it is stored.
        put: Makes it of a problem that is as usual; what is random about it is drawn.
        hint: What the hint says; None for no hint.
        own: Whether the model writes the chain, even where chains are given.
        away: By how much the answer that follows the chain differs from the right one, modulo 10; 0 for the right one.
    """

    name: str
    put: Put = as_usual
    hint: Hint | None = None
    own: bool = False
    away: int = 0


class FamilyOptions(BaseModel):
    """The choices of a family at the command line."""

    steps: Steps = None


def family_pairs(
    family: str,
    n: int,
    conditions: Sequence[Condition],
    *,
    steps: int | tuple[int, int] | None = None,
    seed: int = 0,
    with_cot: bool = True,
    fits: Fits = lambda *_: True,
) -> tuple[Pair, ...]:
    """Pairs of a family: problem by problem, each under every condition.

    Ids are such as `distance-3-0007-4 before` (operations, problem, condition); the group is the problem. A larger `n`
    only appends.

    Args:
        family: Its name.
        n: Number of pairs, so of problems that many over the number of conditions.
        conditions: The first is what the others are held beside.
        steps: Number of operations, or its lowest and highest; 2 to 5 by default, as the reference reasoners were
            trained on.
        seed: Seed of the drawing.
        with_cot: Whether to give the chains; without, the model writes them.
        fits: Whether two problems can be a pair.

    Raises:
        InputError: An argument out of its range, or more pairs than there are.
    """
    if n < 1:
        raise InputError(f"{family}: n is {n}; give 1 or more")
    problems = worlds(family, -(-n // len(conditions)), steps=steps or (2, 5), seed=seed, held_out=True, fits=fits)
    return tuple(_pair(family, drawn, condition, seed, with_cot) for drawn in problems for condition in conditions)[:n]


def _pair(family: str, drawn: Worlds, condition: Condition, seed: int, with_cot: bool) -> Pair:
    # The same draws under every condition: of eight sentences beside the point the first two are those of two.
    rng = np.random.default_rng([seed, drawn.place, DRAWN])
    base = condition.put(Worded(drawn.base), rng)
    source = replace(base, sums=drawn.source)
    if condition.hint is not None:
        base, source = hinted_alike(condition.hint, base, source, rng)
    group = f"{family}-{drawn.steps}-{drawn.place:04d}"
    given = with_cot and not condition.own
    base_item, source_item = (_item(each, given, condition.away) for each in (base, source))
    return Pair(f"{group}-{condition.name}", group, base_item, source_item, condition=condition.name)


def _item(problem: Worded, given: bool, away: int) -> Item:
    item = item_of(problem, given)
    return replace(item, answer=str((int(item.answer) + away) % MODULUS)) if away else item
