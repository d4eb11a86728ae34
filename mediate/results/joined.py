"""Both sides of each item: what its answers did under edits of its chain, and what its activations carry."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from mediate.results.areas import area_over, normalised_area
from mediate.results.behaviour import WHOLE, Behaved, ReadAs
from mediate.results.cube import CHANNELS, Cube, corners, item_shares, total_effect
from mediate.results.edit_tests import curves_of, edits_read
from mediate.results.kinds import MIN_TE
from mediate.stats.estimate import Estimate
from mediate.stats.rank import rank_correlation_of

# The sides that are held against each other.
AREA, SHARE = "normalised", "mediated"
# A chain that filler can stand for, and what a chain carries beyond its words: a column each of the joined table.
FILLED, LATENT = f"same.filled.{ReadAs.AT_ONCE}", "latent"


@dataclass(frozen=True, slots=True)
class Agreed:
    """How far both sides agree over items.

    Args:
        correlation: Spearman's.
        undefined: Items of which one of the two is undefined.
    """

    correlation: Estimate
    undefined: int


def joined_table(cube: Cube, found: Sequence[Behaved], min_te: float = MIN_TE) -> pd.DataFrame:
    """A row an item that has both: its areas of early answering, and its effects on one outcome.

    Columns: `item`, `group`, `steps`; of the chain as it is `answer`, `right` and `logprob`; of early answering `area`
    and `normalised`; `same.EDIT.READING`, the share of the edit's places at which the answer stays; `te` and `tie` in
    the outcome's unit; and the item's own shares, `direct`, `text`, `latent` and `mediated`, NaN where |TE| is not
    above `min_te`.
    """
    whole = {each.item: each for each in found if each.edit == WHOLE and each.made}
    rows = {name: row for row, name in enumerate(cube.items) if name in whole}
    table = pd.DataFrame(
        {
            "item": [*rows],
            "group": [whole[item].group for item in rows],
            "steps": [whole[item].steps for item in rows],
            "answer": [whole[item].answer for item in rows],
            "right": [whole[item].right for item in rows],
            "logprob": [whole[item].logprob for item in rows],
        }
    )
    early = curves_of(found, "truncated", ReadAs.AT_ONCE)
    table["area"] = [area_over(early[item]) if item in early else np.nan for item in rows]
    table[AREA] = [normalised_area(early[item]) if item in early else np.nan for item in rows]
    stays: dict[tuple[str, str, str], list[bool]] = {}
    for each in found:
        if each.made:
            stays.setdefault((each.item, each.edit, each.reading), []).append(each.same)
    for edit, reading in edits_read(found):
        places = [stays.get((item, edit, reading)) for item in rows]
        table[f"same.{edit}.{reading}"] = [np.mean(same) if same else np.nan for same in places]
    picked = [*rows.values()]
    table["te"], table["tie"] = total_effect(cube.y)[picked], corners(cube.y).tie[picked]
    for name, column in zip((*CHANNELS, SHARE), item_shares(cube, min_te)[picked].T, strict=True):
        table[name] = column
    return table


def agreed(
    joined: pd.DataFrame, side: str = AREA, effect: str = SHARE, *, seed: int = 0, level: float = 0.95
) -> Agreed:
    """The rank correlation of two columns over the items of which both are defined.

    By default of the normalised area of early answering with the mediated share.
    """
    there = joined.dropna(subset=[side, effect])
    correlation = rank_correlation_of(
        there[side].to_numpy(float), there[effect].to_numpy(float), there["group"].tolist(), seed=seed, level=level
    )
    return Agreed(correlation, len(joined) - len(there))


def worst(joined: pd.DataFrame, most: int = 10) -> pd.DataFrame:
    """The items of which the two sides differ most, the largest difference first."""
    there = joined.dropna(subset=[AREA, SHARE])
    order = (there[AREA] - there[SHARE]).abs().sort_values(ascending=False, kind="stable").index
    return there.loc[order[:most]]
