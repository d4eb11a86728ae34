"""The wording of the first reference reasoners: chains modulo 10 in 52 tokens, every question with a hint.

Their questions always have one, and without it they write no chain that is right; where a condition says nothing of it,
the hint is a digit beside the point. Results that are filled in have no mark.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from mediate.pairs.item import Item
from mediate.tasks.in_words import drawn_worlds, moved, wrong_at
from mediate.tasks.modular import Chained, Hint, Worlds, hints_of
from mediate.tasks.worded import Telling, Verbosity, Worded
from mediate.tasks.wording import Condition, Drawn, ProblemWording, Wrong


def _draw(asking: str, n: int, steps: tuple[int, int] | int, seed: int, alike: bool) -> Iterator[Drawn]:
    return drawn_worlds(asking, n, steps, seed, lambda *_: True)


def _tell(drawn: Worlds, condition: Condition, rng: np.random.Generator) -> tuple[Item, Item]:
    # Drawn first, so that it is the same under all conditions that say nothing of it.
    hints = hints_of(condition.hint or Hint.RANDOM, drawn.base, drawn.source, rng)
    wrong = wrong_at(condition.wrong, drawn.steps, rng) if condition.wrong is not None else None
    telling = Telling(verbosity=condition.verbosity, wrong=wrong)
    base, source = (_item(*each, telling) for each in zip((drawn.base, drawn.source), hints, strict=True))
    return moved(base, condition.away), moved(source, condition.away)


def _item(problem: Chained, hint: int, telling: Telling) -> Item:
    told = replace(Worded(problem), telling=telling)
    values = tuple(each.value for each in told.sentences() if each.value is not None)
    return Item(problem.question(hint), str(problem.answer), told.chain(), values)


IN_SIGNS = ProblemWording(
    name="modular",
    words="chains modulo 10 in signs, of the first reference reasoners",
    model="reference-0.1m",
    draw=_draw,
    tell=_tell,
    says={"hint": tuple(Hint), "verbosity": (Verbosity.TERSE,), "filled": (True,), "wrong": tuple(Wrong)},
    calls={"no hint": "random hint"},
    trained="modular",
)
