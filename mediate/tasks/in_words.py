"""The wording of the worded reference reasoners: chains modulo 10 that are told in several ways."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from mediate.pairs.item import Item
from mediate.tasks.factors import counted, operand_of, setting
from mediate.tasks.modular import MODULUS, NAMES, Worlds, worlds
from mediate.tasks.worded import PARITIES, Unless, Worded
from mediate.tasks.worded_pairs import hinted_alike, item_of, same_parity
from mediate.tasks.wording import IN_SENTENCES, Condition, Drawn, Names, ProblemWording, Wrong


def drawn_worlds(
    asking: str, n: int, steps: tuple[int, int] | int, seed: int, fits: Callable[..., bool]
) -> Iterator[Drawn]:
    """Problems modulo 10 that were kept out of training, with their twins."""
    for each in worlds(asking, n, steps=steps, seed=seed, held_out=True, fits=fits):
        yield Drawn(each.steps, each.place, each)


def _draw(asking: str, n: int, steps: tuple[int, int] | int, seed: int, alike: bool) -> Iterator[Drawn]:
    return drawn_worlds(asking, n, steps, seed, same_parity if alike else lambda *_: True)


def _tell(drawn: Worlds, condition: Condition, rng: np.random.Generator) -> tuple[Item, Item]:
    base = Worded(drawn.base).told(together=condition.together, verbosity=condition.verbosity, filled=condition.filled)
    if condition.names is not Names.USUAL:
        base = setting("names", condition.names)(base, rng)
    if condition.clause:
        base = _with_clause(base, rng)
    for where in ("before", "after"):
        if count := getattr(condition, where):
            base = counted(where, count)(base, rng)
    if condition.wrong is not None:
        base = base.told(wrong=wrong_at(condition.wrong, len(base.sums.operations), rng))
    source = replace(base, sums=drawn.source)
    if condition.hint is not None:
        base, source = hinted_alike(condition.hint, base, source, rng)
    return moved(item_of(base, True), condition.away), moved(item_of(source, True), condition.away)


def wrong_at(wrong: Wrong, steps: int, rng: np.random.Generator) -> tuple[int, int]:
    """The step whose result is wrong, and by how much modulo 10."""
    return 0 if wrong is Wrong.FIRST else steps - 1, int(rng.integers(1, MODULUS))


def moved(item: Item, away: int) -> Item:
    """The item with an answer that is so far from the right one, modulo 10."""
    return replace(item, answer=str((int(item.answer) + away) % MODULUS)) if away else item


def _with_clause(problem: Worded, rng: np.random.Generator) -> Worded:
    """A clause whose operation is added in both worlds, and changes the base's answer."""
    parity = PARITIES[1 - problem.sums.start % 2]
    while True:
        operation = NAMES[rng.integers(len(NAMES))]
        found = replace(problem, unless=Unless(parity, operation, operand_of(operation, rng)))
        if found.answer != found.usual_answer:
            return found


IN_WORDS = ProblemWording(
    name="worded",
    words="chains modulo 10 in words, of the worded reference reasoners",
    model="reference-worded-0.1m",
    draw=_draw,
    tell=_tell,
    says={"names": (Names.DEFINED, Names.REDEFINED), **IN_SENTENCES},
    trained="worded",
)
