"""The door to what replaces an item's chain alone, with the question as it is; `kinds` stays this room's own."""

from collections.abc import Sequence
from functools import cache

import numpy as np

from mediate.errors import InputError
from mediate.mediation.contrasts.chain_pool import gather_chains
from mediate.mediation.contrasts.hidden import Sights
from mediate.mediation.contrasts.replaced import DrawnFrom, Worth, measure_replaced
from mediate.mediation.item import EncodedItem
from mediate.mediation.others import Candidate, nearest_others
from mediate.mediation.outcomes import Outcome
from mediate.models.model import Model
from mediate.results.replacements import Replaced, replacement_named

__all__ = [
    "DrawnFrom",
    "Sights",
    "Worth",
    "gather_chains",
    "measure_replaced",
    "replaced_among",
    "replaced_rows",
]

NO_OUTCOME, NO_NUMBER = "the item has no such outcome", "the logits are NaN or infinite"


def replaced_among(
    model: Model,
    sights: Sights,
    names: Sequence[str],
    outcomes: Sequence[Outcome],
    own: Sequence[float],
    among: Sequence[Candidate[EncodedItem]],
    seed: int,
) -> tuple[Replaced, ...]:
    """What an item's outcomes are worth when its chain alone is replaced: a row a replacement and outcome.

    Args:
        model: The hooked model.
        sights: Of the item.
        names: The replacements.
        outcomes: What to read off.
        own: Each outcome of the item as it is.
        among: The item, and others: of their chains the mean is, and the nearest one stands in for it.
        seed: Of what is drawn.

    Raises:
        InputError: No such replacement, or two items of one id.
    """
    wanted, item = [replacement_named(name) for name in names], sights.item
    if len({each.tokens.id for each in among}) < len(among):
        raise InputError(f"replaced: two of {len(among)} items have one id; give each an id of its own")
    nearest = nearest_others(among, 1, seed=seed)[item.id]
    chains = cache(lambda: gather_chains(model, [each.tokens for each in among], seed=seed))
    found = measure_replaced(model, sights, wanted, outcomes, DrawnFrom(chains, next(iter(nearest), None), seed))
    return tuple(row for each in wanted for row in replaced_rows(item, each.name, found[each.name], outcomes, own))


def replaced_rows(
    item: EncodedItem, name: str, worth: Worth, outcomes: Sequence[Outcome], own: Sequence[float]
) -> list[Replaced]:
    """A row an outcome of one replacement, with the reason where there is no effect."""
    rows = []
    for place, (outcome, here) in enumerate(zip(outcomes, map(float, own), strict=True)):
        value = float("nan") if worth.reason else worth.values[place]
        reason = worth.reason or (NO_OUTCOME if not np.isfinite(here) else "" if np.isfinite(value) else NO_NUMBER)
        rows.append(
            Replaced(
                item=item.id,
                group=item.group,
                replacement=name,
                outcome=str(outcome),
                own=here,
                value=value,
                distance=worth.distance,
                norm_ratio=worth.norm_ratio,
                reason=reason,
            )
        )
    return rows
