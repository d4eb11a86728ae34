"""Single means, ratios of sums and rates, with bootstrap intervals that resample groups."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from mediate.stats.columnwise import ratios_of
from mediate.stats.estimate import Estimate
from mediate.stats.resampling import RESAMPLES, resampled_sums, resamples
from mediate.stats.studentised import ONE_GROUP, numbered_groups

PERCENTILES = "percentile bootstrap over groups"


def bootstrap_mean(
    values: Float[np.ndarray, " item"],
    groups: Sequence[str],
    *,
    seed: int = 0,
    level: float = 0.95,
    draws: int = RESAMPLES,
) -> Estimate:
    """Mean over items with a bootstrap-t interval over groups.

    Groups of different sizes keep their weight: each resample's mean is its sum over its number of items. NaN items are
    refused: leave them out and count them first. There is an interval where `bootstrap_ratio` has one.
    """
    return bootstrap_ratio(values, np.ones_like(values), groups, seed=seed, level=level, draws=draws)


def bootstrap_ratio(
    numerator: Float[np.ndarray, " item"],
    denominator: Float[np.ndarray, " item"],
    groups: Sequence[str],
    *,
    min_mean_denominator: float = 0.0,
    seed: int = 0,
    level: float = 0.95,
    draws: int = RESAMPLES,
) -> Estimate:
    """Ratio of sums, sum(numerator) / sum(denominator), with a bootstrap-t interval over groups.

    The interval is that of `mediate.stats.studentised.studentised`, where its coverage is. It is symmetric about the
    ratio, so it may reach past what the ratio itself can be, such as below 0 of a mean size.

    Args:
        numerator: One value an item.
        denominator: One value an item, in the same unit.
        groups: The group of each item.
        min_mean_denominator: Below this absolute mean denominator the ratio is undefined.
        seed: Seed of the resampling.
        level: Coverage of the interval.
        draws: Number of resamples.

    Returns:
        The estimate. Its value is NaN where the mean denominator is not above `min_mean_denominator` in size. Its
        interval is NaN with fewer than two groups; where the denominator's sign or definedness differs between
        resamples, as the set of ratios that the data allow is then unbounded (Fieller); and where more than 1 - level
        of the resamples are of groups that are all alike, as with two or three groups at 95 %. Where every group says
        the same, both ends are the value.

    Raises:
        ValueError: A value is NaN or infinite, or there is not one group an item.
    """
    (found,) = ratios_of(
        np.stack([numerator]),
        denominator,
        groups,
        min_mean_denominator=min_mean_denominator,
        seed=seed,
        level=level,
        draws=draws,
    )
    return found


def bootstrap_rate(
    hits: Float[np.ndarray, " item"],
    groups: Sequence[str],
    *,
    seed: int = 0,
    level: float = 0.95,
    draws: int = RESAMPLES,
) -> Estimate:
    """Share of the items that are 1 rather than 0, with a percentile interval over resampled groups.

    Not studentised: near 0 or 1 the few items that differ are missing from many resamples, whose groups are then all
    alike and have no standard error. The interval is too short with few groups and near 0 or 1: `bounded_mean` is for
    all that is not stored already.

    Raises:
        ValueError: A value is neither 0 nor 1, or there is not one group an item.
    """
    if not np.isin(hits, (0.0, 1.0)).all():
        raise ValueError("a rate is of items that are 0 or 1; for a mean of other values there is bootstrap_mean")
    index = numbered_groups(groups, len(hits))
    count = len(set(groups))

    def estimate(value: float, low: float, high: float, reason: str = "") -> Estimate:
        return Estimate(value, low, high, level, len(hits), count, PERCENTILES, seed, reason)

    if not len(hits):
        return estimate(np.nan, np.nan, np.nan, "no items")
    value = float(hits.mean())
    if count < 2:
        return estimate(value, np.nan, np.nan, ONE_GROUP)
    both = np.stack([hits, np.ones(len(hits))], axis=1)
    top, sizes = resampled_sums(both, index, resamples(count, draws, seed)).T
    low, high = np.quantile(top / sizes, [(1 - level) / 2, (1 + level) / 2])
    return estimate(value, float(low), float(high))
