"""What the chain alone is replaced by while the question stays: which replacements there are, and what each found.

A replacement has two halves, as a kind of map has. The one here needs no torch, so that a mistyped name costs nothing
and a page is written without the model; of activations it names where the other half lives, which makes them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from mediate.errors import InputError, meant, shortened
from mediate.traces.edits import EDITS

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True, slots=True)
class ReplacementFacts:
    """What is known of a replacement of the chain without measuring it.

    Args:
        name: As it is asked for and stored.
        words: What is put in the chain's place, in a phrase.
        home: Of activations, where they are made, as `module:NAME`; empty of an edit of the text.
    """

    name: str
    words: str
    home: str = ""

    @property
    def of_text(self) -> bool:
        """Whether other tokens are put in place, which the model then computes; else keys and values are."""
        return not self.home


_HOME = "mediate.mediation.contrasts.replaced"
REPLACEMENTS = (
    *(ReplacementFacts(each.name, each.words) for each in EDITS),
    ReplacementFacts("zero", "keys and values of 0", f"{_HOME}:ZERO"),
    ReplacementFacts("mean", "the mean key and value of the chains of other groups", f"{_HOME}:MEAN"),
    ReplacementFacts("other", "the keys and values of the nearest other item's chain", f"{_HOME}:OTHER"),
    ReplacementFacts("noise", "keys and values of random directions, as long as they were", f"{_HOME}:NOISE"),
)
ALL = tuple(each.name for each in REPLACEMENTS)


def replacement_named(name: str) -> ReplacementFacts:
    """The replacement of that name.

    Raises:
        InputError: There is none.
    """
    found = next((each for each in REPLACEMENTS if each.name == name), None)
    if found is None:
        there = f"{meant(name, ALL)}there are {', '.join(ALL)}, and none for no replacement"
        raise InputError(f"no replacement {shortened(name)!r}; {there}")
    return found


@dataclass(frozen=True, slots=True)
class Replaced:
    """What one outcome of an item is worth when its chain is replaced and its question stays.

    Args:
        item: The item's id.
        group: The item's group.
        replacement: The name of what is put in the chain's place.
        outcome: The name of the outcome.
        own: The outcome of the item as it is, Y[1, 1, 1]; NaN where it has none.
        value: The outcome under the replacement; NaN where it was left out.
        distance: Of activations, how far they are off the distribution, where chains of other items are near 1; see
            `mediate.mediation.contrasts.chain_pool`. NaN of an edit of the text, and where there is nothing to hold
            them against.
        norm_ratio: Of activations, the norm of what is put in place over that of what was there, averaged over
            positions, layers, keys and values. NaN of an edit of the text.
        reason: Why it was left out; else empty.
    """

    item: str
    group: str
    replacement: str
    outcome: str
    own: float
    value: float = float("nan")
    distance: float = float("nan")
    norm_ratio: float = float("nan")
    reason: str = ""

    def __post_init__(self) -> None:
        if np.isfinite(self.effect) == bool(self.reason):
            raise ValueError(f"item {self.item!r}: {self.replacement} needs either an effect or a reason for none")

    @property
    def effect(self) -> float:
        """Own less replaced, in the outcome's unit: positive where the chain as it is speaks for the answer."""
        return self.own - self.value


def replaced_table(found: Sequence[Replaced]) -> "pandas.DataFrame":
    """A row an item, replacement and outcome, with `effect` before `distance`."""
    import pandas as pd

    names = [each.name for each in fields(Replaced)]
    names.insert(names.index("distance"), "effect")
    return pd.DataFrame([{name: getattr(each, name) for name in names} for each in found], columns=names)


def replaced_from_table(table: "pandas.DataFrame") -> tuple[Replaced, ...]:
    """The inverse of `replaced_table`."""
    names = [each.name for each in fields(Replaced)]
    rows = table[names].to_dict("records")
    return tuple(Replaced(**{str(name): value for name, value in row.items()}) for row in rows)
