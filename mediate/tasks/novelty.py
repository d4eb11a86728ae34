"""Novelty: problems that reference reasoners were trained on, held-out ones of the same lengths, and unseen lengths.

It is of models whose training is known: the reference reasoners, whose family each pair names, so that no other model
is measured on it. Problems differ between these conditions, so that differences are between groups.
"""

from dataclasses import replace
from functools import partial
from itertools import chain, islice, zip_longest

from mediate.errors import InputError
from mediate.pairs.pair import Pair
from mediate.tasks.modular import Hint, modular_pairs
from mediate.tasks.pair_families import MODELS, WORDINGS, FamilyOptions, wording_named
from mediate.tasks.task import Task
from mediate.tasks.worded_pairs import worded_pairs

SEEN, HELD_OUT, LONGER = "seen", "held out", "unseen length"
# The reference reasoners were trained on 2 to 5 operations.
UNSEEN = (6, 8)
MAKERS = {"worded": worded_pairs, "modular": modular_pairs}


def novelty_pairs(
    n: int,
    *,
    steps: int | tuple[int, int] | None = None,
    seed: int = 0,
    with_cot: bool = True,
    wording: str | None = None,
) -> tuple[Pair, ...]:
    """Pairs of novelty, which take turns under the three conditions.

    Args:
        n: Number of pairs.
        steps: Number of operations, or its lowest and highest, of those seen and held out; 2 to 5 by default.
        seed: Seed of the drawing.
        with_cot: Whether to give the chains; without, the model writes them.
        wording: As in `mediate.tasks.families.family_pairs`.

    Raises:
        InputError: An argument out of its range, more pairs than there are, or a wording that no model with a known
            training reads.
    """
    if n < 1:
        raise InputError(f"novelty: n is {n}; give 1 or more")
    telling = wording_named("novelty", wording)
    if telling.name not in MAKERS:
        able = " or ".join(each.name for each in WORDINGS if each.name in MAKERS)
        raise InputError(
            f"novelty: of no model is it known that it was trained on these problems ({telling.words}); give the "
            f"wording {able}, whose models are trained by this package"
        )
    make = partial(MAKERS[telling.name], seed=seed, hint=Hint.RANDOM, with_cot=with_cot)
    each, known = -(-n // 3), steps or (2, 5)
    made = {
        SEEN: make(each, steps=known, held_out=False),
        HELD_OUT: make(each, steps=known),
        LONGER: make(each, steps=UNSEEN),
    }
    named = [
        [
            replace(pair, id=f"{pair.id}-{name}", group=f"{pair.id}-{name}", condition=name, training=telling.trained)
            for pair in pairs
        ]
        for name, pairs in made.items()
    ]
    return tuple(islice((pair for pair in chain.from_iterable(zip_longest(*named)) if pair), n))


NOVELTY = Task(
    name="novelty",
    help="a family: problems seen in training, held-out ones, unseen lengths",
    pairs=novelty_pairs,
    options=FamilyOptions,
    model="reference-worded-0.1m",
    models=MODELS,
)
