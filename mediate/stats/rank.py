"""Spearman's rank correlation of two numbers of the same items, with an interval over groups."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from scipy import stats

from mediate.stats.estimate import Estimate
from mediate.stats.resampling import resamples
from mediate.stats.studentised import ONE_GROUP, numbered_groups

METHOD = "percentile bootstrap over groups"
DRAWS = 2000
FEWEST = 3


def rank_correlation_of(
    x: Float[np.ndarray, " item"],
    y: Float[np.ndarray, " item"],
    groups: Sequence[str],
    *,
    seed: int = 0,
    level: float = 0.95,
) -> Estimate:
    """Spearman's correlation over items, with the percentile interval of resampled groups; ties share their rank.

    Undefined with fewer than three items, or where one side is the same for all. There is no interval where that is so
    in more than 1 - level of the resamples.

    Raises:
        ValueError: A value is NaN, or there is not one group an item.
    """
    if np.isnan(x).any() or np.isnan(y).any():
        raise ValueError("a rank correlation is of numbers; leave out what is NaN and count it")
    index = numbered_groups(groups, len(x))
    count = len(set(groups))

    def estimate(value: float, low: float, high: float, reason: str = "") -> Estimate:
        return Estimate(value, low, high, level, len(x), count, METHOD, seed, reason)

    value = spearman(x, y) if len(x) >= FEWEST else np.nan
    if np.isnan(value):
        few = f"{len(x)} {'item' if len(x) == 1 else 'items'}; it needs {FEWEST}"
        why = few if len(x) < FEWEST else "one side is the same for all items"
        return estimate(np.nan, np.nan, np.nan, why)
    if count < 2:
        return estimate(value, np.nan, np.nan, ONE_GROUP)
    order = np.arange(len(x))
    drawn = [np.repeat(order, times[index].astype(int)) for times in resamples(count, DRAWS, seed)]
    found = np.array([spearman(x[each], y[each]) for each in drawn])
    undefined = float(np.isnan(found).mean())
    if undefined > 1 - level:
        return estimate(value, np.nan, np.nan, f"in {undefined:.1%} of resamples one side is the same for all")
    low, high = np.nanquantile(found, [(1 - level) / 2, (1 + level) / 2])
    return estimate(value, float(low), float(high))


def spearman(x: Float[np.ndarray, " item"], y: Float[np.ndarray, " item"]) -> float:
    """Spearman's correlation; ties share their rank. NaN where one side is the same for all."""
    one, other = (stats.rankdata(each) - (len(each) + 1) / 2 for each in (x, y))
    size = np.sqrt((one @ one) * (other @ other))
    return float(one @ other / size) if size > 0 else float("nan")


def spearman_of_each(rows: Float[np.ndarray, "row item"], y: Float[np.ndarray, " item"]) -> Float[np.ndarray, " row"]:
    """`spearman` of each row with the same numbers, their ranks found together."""
    middle = (len(y) + 1) / 2
    ranks, other = stats.rankdata(rows, axis=1) - middle, stats.rankdata(y) - middle
    sizes = np.sqrt((ranks**2).sum(axis=1) * (other @ other))
    found = np.full(len(rows), np.nan)
    np.divide(ranks @ other, sizes, out=found, where=sizes > 0)
    return found
