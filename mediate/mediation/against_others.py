"""Prepared items, each with the other items that it is held against."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from mediate.mediation.contrasts.other import stands_in
from mediate.mediation.others import Candidate, check_others, nearest_others
from mediate.mediation.prepared_item import PreparedItem
from mediate.models.model import Model
from mediate.results.kinds import OTHERS


def against_others(
    model: Model, items: Sequence[PreparedItem], k: int = OTHERS, *, seed: int = 0
) -> tuple[PreparedItem, ...]:
    """The items, each with up to `k` others out of all of them; one that has none comes with none.

    Args:
        model: The hooked model.
        items: Prepared; what they are held against by now does not matter.
        k: How many others, at most.
        seed: Of ties.

    Raises:
        InputError: No item at all has another.
    """
    plain = {each.id: replace(each, others=()) for each in items}
    candidates = [Candidate(each.tokens, each.answer) for each in items]
    found = nearest_others(candidates, k, seed=seed, fits=partial(stands_in, model))
    check_others(found)
    return tuple(replace(each, others=tuple(plain[other.id] for other in found[name])) for name, each in plain.items())
