"""Families of pairs: the same problems under conditions that differ in one thing.

Every problem is a group that stands under all conditions of its family, so that what differs between two conditions
differs within groups. A family lists its conditions; a wording tells those that it has words for.
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Literal

import numpy as np
from pydantic import BaseModel, Field

from mediate.errors import InputError
from mediate.pairs.pair import Pair
from mediate.tasks.in_signs import IN_SIGNS
from mediate.tasks.in_stories import IN_STORIES
from mediate.tasks.in_words import IN_WORDS
from mediate.tasks.task import Steps, Task
from mediate.tasks.wording import Condition, Drawn, ProblemWording

# The first is what a family is told in by default.
WORDINGS = (IN_WORDS, IN_STORIES, IN_SIGNS)
MODELS = {each.name: each.model for each in WORDINGS}
# Tells what a condition draws from what a problem is drawn with.
DRAWN = 1


class FamilyOptions(BaseModel):
    """The choices of a family at the command line."""

    steps: Steps = None
    wording: Literal["worded", "problems", "modular"] | None = Field(
        default=None,
        description="Of a family: told in words for the worded reference reasoners (`worded`, the default), as word "
        "problems (`problems`), or in the signs of the first reference reasoners (`modular`).",
    )


def family(name: str, words: str, conditions: Sequence[Condition]) -> Task:
    """The task of a family.

    Args:
        name: What `--task` calls it.
        words: What it varies, in a few words.
        conditions: The first is what the others are held beside.
    """
    return Task(
        name=name,
        help=f"a family: {words}",
        pairs=partial(pairs_under, name, conditions),
        options=FamilyOptions,
        model=WORDINGS[0].model,
        models=MODELS,
    )


def pairs_under(
    family: str,
    conditions: Sequence[Condition],
    n: int,
    *,
    steps: int | tuple[int, int] | None = None,
    seed: int = 0,
    with_cot: bool = True,
    wording: str | None = None,
) -> tuple[Pair, ...]:
    """Pairs of a family: problem by problem, each under every condition.

    Ids are such as `distance-3-0007-4 before` (operations, problem, condition); the group is the problem. A larger `n`
    only appends.

    Args:
        family: Its name.
        conditions: Those of the family; a wording leaves out what it has no words for.
        n: Number of pairs, so of problems that many over the number of conditions.
        steps: Number of operations, or its lowest and highest; 2 to 5 by default, as the reference reasoners were
            trained on.
        seed: Seed of the drawing.
        with_cot: Whether to give the chains; without, the model writes them.
        wording: The wording that tells it, one of `WORDINGS` by name; None for the first.

    Raises:
        InputError: An argument out of its range, more pairs than there are, or a wording that cannot say the family.
    """
    if n < 1:
        raise InputError(f"{family}: n is {n}; give 1 or more")
    telling = wording_named(family, wording)
    said = _sayable(family, conditions, telling)
    clause = any(each.clause for each in said)
    problems = telling.draw(family, -(-n // len(said)), steps or (2, 5), seed, clause)
    return tuple(_pair(family, telling, drawn, each, seed, with_cot) for drawn in problems for each in said)[:n]


def wording_named(asking: str, name: str | None) -> ProblemWording:
    """The wording of a name; the first for None.

    Raises:
        InputError: There is none of that name.
    """
    found = next((each for each in WORDINGS if name in (None, each.name)), None)
    if found is None:
        raise InputError(f"{asking}: no wording {name!r}; give one of {', '.join(MODELS)}")
    return found


def _sayable(family: str, conditions: Sequence[Condition], wording: ProblemWording) -> tuple[Condition, ...]:
    """The conditions that a wording has words for, as it calls them; the first and another one are needed."""
    said = [each for each in conditions if not wording.lacks(each)]
    if len(said) < 2 or said[0] is not conditions[0]:
        lacking = dict.fromkeys(phrase for each in conditions for phrase in wording.lacks(each))
        able = [each.name for each in WORDINGS if sum(not each.lacks(one) for one in conditions) > 1]
        raise InputError(
            f"{family}: the wording {wording.name} ({wording.words}) has no words for {', '.join(lacking)}; it "
            f"can vary {', '.join(wording.varies)}; {family} can be told in {' or '.join(able)}"
        )
    return tuple(replace(each, name=wording.calls.get(each.name, each.name)) for each in said)


def _pair(family: str, wording: ProblemWording, drawn: Drawn, condition: Condition, seed: int, with_cot: bool) -> Pair:
    # The same draws under every condition: of eight sentences beside the point the first two are those of two.
    rng = np.random.default_rng([seed, drawn.place, DRAWN])
    base, source = wording.tell(drawn.worlds, condition, rng)
    if not with_cot or condition.own:
        base, source = replace(base, cot=None), replace(source, cot=None)
    group = f"{family}-{drawn.steps}-{drawn.place:04d}"
    return Pair(f"{group}-{condition.name}", group, base, source, condition=condition.name)
