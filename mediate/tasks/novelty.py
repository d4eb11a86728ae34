"""Novelty: problems that reference reasoners were trained on, held-out ones of the same lengths, and unseen lengths.

It is of models whose training is known: the reference reasoners. Problems differ between these conditions, so that
differences are between groups.
"""

from dataclasses import replace
from itertools import chain, islice, zip_longest

from mediate.errors import InputError
from mediate.pairs.pair import Pair
from mediate.tasks.modular import Hint
from mediate.tasks.pair_families import FamilyOptions
from mediate.tasks.task import Task
from mediate.tasks.worded_pairs import worded_pairs

SEEN, HELD_OUT, LONGER = "seen", "held out", "unseen length"
# The reference reasoners were trained on 2 to 5 operations.
UNSEEN = (6, 8)


def novelty_pairs(
    n: int, *, steps: int | tuple[int, int] | None = None, seed: int = 0, with_cot: bool = True
) -> tuple[Pair, ...]:
    """Pairs of novelty, which take turns under the three conditions.

    Args:
        n: Number of pairs.
        steps: Number of operations, or its lowest and highest, of those seen and held out; 2 to 5 by default.
        seed: Seed of the drawing.
        with_cot: Whether to give the chains; without, the model writes them.

    Raises:
        InputError: An argument out of its range, or more pairs than there are.
    """
    if n < 1:
        raise InputError(f"novelty: n is {n}; give 1 or more")
    each, known = -(-n // 3), steps or (2, 5)
    made = {
        SEEN: worded_pairs(each, steps=known, seed=seed, hint=Hint.RANDOM, with_cot=with_cot, held_out=False),
        HELD_OUT: worded_pairs(each, steps=known, seed=seed, hint=Hint.RANDOM, with_cot=with_cot),
        LONGER: worded_pairs(each, steps=UNSEEN, seed=seed, hint=Hint.RANDOM, with_cot=with_cot),
    }
    named = [
        [replace(pair, id=f"{pair.id}-{name}", group=f"{pair.id}-{name}", condition=name) for pair in pairs]
        for name, pairs in made.items()
    ]
    return tuple(islice((pair for pair in chain.from_iterable(zip_longest(*named)) if pair), n))


NOVELTY = Task(
    name="novelty",
    help="a family: problems seen in training, held-out ones, unseen lengths",
    pairs=novelty_pairs,
    options=FamilyOptions,
    model="reference-worded-0.1m",
    only="reference-worded-",
)
