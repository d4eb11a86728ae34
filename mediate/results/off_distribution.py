"""How far from other chains the states are that a state map of pairs puts in place: the other world's, at the chain."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import numpy as np

from mediate.results.kinds import Direction

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True, slots=True)
class OffDistribution:
    """How far off the distribution the other world's chain is, of one pair.

    Args:
        item: The pair's id.
        group: The pair's group.
        direction: Into which run the other's states are put.
        distance: Of their values to those of other items' chains, which are near 1; see
            `mediate.mediation.contrasts.chain_pool`. NaN where there is nothing to hold them against.
        norm_ratio: The norm of what is put in place over that of what was there, averaged over positions, layers, keys
            and values.
        reason: Why there is no distance; else empty.
    """

    item: str
    group: str
    direction: str
    distance: float
    norm_ratio: float
    reason: str = ""

    def __post_init__(self) -> None:
        if self.direction not in tuple(Direction) or np.isfinite(self.distance) == bool(self.reason):
            raise ValueError(f"item {self.item!r}: {self.direction} needs either a distance or a reason for none")


def off_table(found: Sequence[OffDistribution]) -> "pandas.DataFrame":
    """A row a pair and direction."""
    import pandas as pd

    names = [each.name for each in fields(OffDistribution)]
    return pd.DataFrame([{name: getattr(each, name) for name in names} for each in found], columns=names)


def off_from_table(table: "pandas.DataFrame") -> tuple[OffDistribution, ...]:
    """The inverse of `off_table`."""
    rows = table[[each.name for each in fields(OffDistribution)]].to_dict("records")
    return tuple(OffDistribution(**{str(name): value for name, value in row.items()}) for row in rows)
