"""Items held against other items: the cube against each of them, and how far these differ.

The cube of an item is the mean over its others. What stands here says of how many that is the mean, and how much it
would be another with others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from mediate.results.contrasts import OTHER
from mediate.results.cube import CELL_COLUMNS, CELLS, CHANNELS, Cube, item_shares, total_effect
from mediate.results.kinds import MIN_TE

if TYPE_CHECKING:
    import pandas

SHARES = (*CHANNELS, "mediated")


@dataclass(frozen=True, slots=True)
class AgainstOthers:
    """One outcome of an item, held against each of its others.

    Args:
        item: The item's id.
        group: The item's group.
        outcome: The name of the outcome.
        others: The ids of the others, nearest first.
        y: The cube against each of them: axes other, d, t, h.

    Raises:
        ValueError: Labels and values disagree, or a value is not finite.
    """

    item: str
    group: str
    outcome: str
    others: tuple[str, ...]
    y: Float[np.ndarray, "other 2 2 2"]

    def __post_init__(self) -> None:
        if self.y.shape != (len(self.others), 2, 2, 2) or not self.others:
            raise ValueError(f"item {self.item!r}: cubes {self.y.shape} against {len(self.others)} others")
        if not np.isfinite(self.y).all():
            raise ValueError(f"item {self.item!r}: a cell of {self.outcome!r} is NaN or infinite")


@dataclass(frozen=True, slots=True)
class Spread:
    """How far an item's numbers differ between its others: standard deviations, with one degree of freedom taken off.

    Args:
        te: Of the total effect, in the outcome's unit; NaN with one other.
        shares: Of the shares of direct, text, latent and mediated, over the others whose |TE| is large enough for a
            share; NaN where there are fewer than two of them.
        defined: How many others that is.
    """

    te: float
    shares: tuple[float, float, float, float]
    defined: int


def spread(against: AgainstOthers, min_te: float = MIN_TE) -> Spread:
    """The spread of an item's total effect and shares between its others."""
    shares = item_shares(_as_cube(against), min_te)
    there = shares[~np.isnan(shares[:, 0])]
    direct, text, latent, mediated = (deviation(there[:, column]) for column in range(len(SHARES)))
    return Spread(deviation(total_effect(against.y)), (direct, text, latent, mediated), len(there))


def median_spread(found: Sequence[AgainstOthers], min_te: float = MIN_TE) -> tuple[float, float]:
    """The spread of the total effect and of the mediated share, each its median over the items that have one.

    NaN where no item has.
    """
    own = [spread(each, min_te) for each in found]
    return _median([each.te for each in own]), _median([each.shares[-1] for each in own])


def _median(values: Sequence[float]) -> float:
    there = [value for value in values if np.isfinite(value)]
    return float(np.median(there)) if there else float("nan")


def deviation(values: Float[np.ndarray, " value"]) -> float:
    """The standard deviation with one degree of freedom taken off; NaN of fewer than two values."""
    return float(np.std(values, ddof=1)) if len(values) > 1 else float("nan")


def _as_cube(against: AgainstOthers) -> Cube:
    return Cube(against.y, against.others, (against.group,) * len(against.others), against.outcome, OTHER)


def spread_table(found: Sequence[AgainstOthers], min_te: float = MIN_TE) -> "pandas.DataFrame":
    """A row an item and outcome: its others, the mean over them of TE, and the standard deviations between them.

    `te_sd` is in the outcome's unit; `direct_share_sd` and so on are of shares, over the `defined` others of which they
    are.
    """
    import pandas as pd

    rows = []
    for each in found:
        own = spread(each, min_te)
        row = {"item": each.item, "group": each.group, "outcome": each.outcome, "n_others": len(each.others)}
        row |= {"others": list(each.others), "te": float(total_effect(each.y).mean()), "te_sd": own.te}
        row |= {f"{name}_share_sd": value for name, value in zip(SHARES, own.shares, strict=True)}
        rows.append(row | {"defined": own.defined})
    heads = ["item", "group", "outcome", "n_others", "others", "te", "te_sd", *(f"{name}_share_sd" for name in SHARES)]
    return pd.DataFrame(rows, columns=[*heads, "defined"])


def others_table(found: Sequence[AgainstOthers]) -> "pandas.DataFrame":
    """A row an item, outcome and other, nearest first, with columns `y000` ... `y111`."""
    import pandas as pd

    rows = [
        {"item": each.item, "group": each.group, "outcome": each.outcome, "other": other}
        | {name: float(y[cell]) for name, cell in zip(CELL_COLUMNS, CELLS, strict=True)}
        for each in found
        for other, y in zip(each.others, each.y, strict=True)
    ]
    return pd.DataFrame(rows, columns=["item", "group", "outcome", "other", *CELL_COLUMNS])


def others_from_table(table: "pandas.DataFrame") -> tuple[AgainstOthers, ...]:
    """The inverse of `others_table`."""
    found = []
    for (item, group, outcome), rows in table.groupby(["item", "group", "outcome"], sort=False):
        y = rows[list(CELL_COLUMNS)].to_numpy(dtype=np.float64).reshape(-1, 2, 2, 2)
        found.append(AgainstOthers(str(item), str(group), str(outcome), tuple(map(str, rows["other"])), y))
    return tuple(found)
