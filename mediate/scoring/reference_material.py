"""What the reference values of a run's maps are made from: the other items that are measured with each."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from mediate.errors import InputError
from mediate.mediation.maps import MapSpec, Material
from mediate.mediation.others import Candidate, nearest_others
from mediate.mediation.prepared_item import PreparedItem
from mediate.results.reference_words import MEAN, OTHER

# The most chains that a mean is over: those of a seeded draw from the whole set, the same for all but an item's group.
MEAN_CHAINS = 64


def with_material(items: Sequence[PreparedItem], maps: Sequence[MapSpec], seed: int) -> tuple[PreparedItem, ...]:
    """The items, each with the others that reference values of its maps are made from.

    Args:
        items: All that are measured together.
        maps: That they are asked for.
        seed: Of the run: which chains a mean is over, and which of the equally near others stands in place.

    Raises:
        InputError: A map takes other items, and no item has one.
    """
    wanted = {each.name.by: each for each in maps if each.name.by in (MEAN, OTHER)}
    if not wanted:
        return tuple(items)
    ordered = sorted(items, key=lambda each: each.id)
    drawn = [ordered[place] for place in np.random.default_rng(seed).permutation(len(ordered))]
    nearest = nearest_others([Candidate(each.tokens, each.answer) for each in items], 1, seed=seed)
    sums = Material().sums
    found = []
    for item in items:
        others = [each.tokens for each in drawn if each.tokens.group != item.tokens.group][:MEAN_CHAINS]
        one = next(iter(nearest[item.id]), None)
        found.append(replace(item, material=Material(others, seed=item.seed, nearest=one, sums=sums)))
    for by, spec in wanted.items():
        if not any(each.material.nearest if by == OTHER else each.material.others for each in found):
            also = " with another answer" if by == OTHER else ""
            raise InputError(
                f"map {str(spec)!r} takes other items of another group{also}, and there is none; give more items, give "
                "each a group of its own, or ablate by zero, noise or shuffled"
            )
    return tuple(found)


def taken_from(item: PreparedItem) -> dict[str, Any]:
    """What stored maps of an item depend on beside the item: the chains that reference values were made from."""
    named = {each.name.by for each in item.maps}
    parts: dict[str, Any] = {}
    if MEAN in named:
        parts["mean"] = [[*each.whole, len(each.question)] for each in item.material.others]
    if OTHER in named and item.material.nearest is not None:
        parts["other"] = [*item.material.nearest.whole, len(item.material.nearest.question)]
    return {"references": hashlib.sha256(json.dumps(parts).encode()).hexdigest()} if parts else {}
