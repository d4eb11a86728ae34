"""The other items that an item is held against: of another group, with another answer, and nearest in length.

What is put in an item's place should differ from it in what it says and in little else. So the others are those whose
question and chain together have most nearly as many tokens, drawn from all items that are measured together.
"""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np

from mediate.errors import InputError, ItemError
from mediate.mediation.item import Encoded, EncodedItem
from mediate.pairs.answers import normalise
from mediate.results.kinds import OTHERS

Tokens = TypeVar("Tokens", bound=Encoded)


@dataclass(frozen=True, slots=True)
class Candidate(Generic[Tokens]):
    """An item among those that can be held against each other.

    Args:
        tokens: The item in tokens, or a pair, of which its base counts.
        answer: The answer that is measured of it.
    """

    tokens: Tokens
    answer: str


def any_other(item: Any, other: Any) -> bool:
    """Whatever the lengths are, one can stand in the other's place."""
    return True


def nearest_others(
    candidates: Sequence[Candidate[Tokens]],
    k: int = OTHERS,
    *,
    seed: int = 0,
    fits: Callable[[Tokens, Tokens], bool] = any_other,
) -> dict[str, tuple[Tokens, ...]]:
    """For each item, by its id, the `k` items of other groups and another answer that are nearest in length.

    Length is the tokens of question and chain together; of items as near, the seed decides, the same whatever order
    they are given in. Answers are the same where they are after `mediate.pairs.answers.normalise`.

    Args:
        candidates: All items that are measured together; their ids differ.
        k: How many, at most.
        seed: Of ties.
        fits: Whether the second item can stand in the place of the first.

    Returns:
        The others of each item, nearest first: fewer than `k` where there are no more, and none where there is none.

    Raises:
        InputError: `k` is below 1.
    """
    if k < 1:
        raise InputError(f"{k} other items; give at least 1")
    ordered = sorted(candidates, key=lambda each: each.tokens.id)
    lengths = np.array([len(each.tokens.whole) for each in ordered])
    groups, answers = (
        np.unique(labels, return_inverse=True)[1]
        for labels in ([each.tokens.group for each in ordered], [normalise(each.answer) for each in ordered])
    )
    found: dict[str, tuple[Tokens, ...]] = {}
    for place, each in enumerate(ordered):
        possible = np.flatnonzero((groups != groups[place]) & (answers != answers[place]))
        ties = np.random.default_rng([seed, zlib.crc32(_bytes(each.tokens.id))]).permutation(len(ordered))[possible]
        nearest = possible[np.lexsort((ties, abs(lengths[possible] - lengths[place])))]
        chosen: list[Tokens] = []
        for other in (ordered[where].tokens for where in nearest):
            if len(chosen) == k:
                break
            if fits(each.tokens, other):
                chosen.append(other)
        found[each.tokens.id] = tuple(chosen)
    return {each.tokens.id: found[each.tokens.id] for each in candidates}


def without_other(item: EncodedItem) -> ItemError:
    """Why an item cannot be held against others."""
    reason = (
        "no other item of another group has another answer and can stand in its place; give more items or other groups"
    )
    return ItemError(item.id, reason, code="no_other")


def check_others(found: dict[str, tuple[EncodedItem, ...]]) -> None:
    """Raises InputError where no item at all has another that it can be held against, with what to do.

    Args:
        found: From `nearest_others`.
    """
    if not any(found.values()):
        count = f"{len(found)} items" if len(found) != 1 else "1 item"
        raise InputError(
            f"none of {count} has another of another group and with another answer; give more items, give each a group "
            "of its own, or hold them against what is hidden of them (against hidden)"
        )


def _bytes(name: str) -> bytes:
    return name.encode("utf-8", "surrogatepass")
