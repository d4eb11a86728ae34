"""Intervals of many means at once, such as those of a map's cells, which share their resamples."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Num

from mediate.stats.resampling import RESAMPLES, group_sums, resamples
from mediate.stats.studentised import ROUNDING, Estimand, critical_values, jackknife_errors, numbered_groups, t_values

# A variance that is below this part of its largest term has lost half of its digits.
LOST = 1e-8


def mean_errors(
    sums: Float[np.ndarray, "group column"],
    sizes: Num[np.ndarray, " group"],
    counts: Float[np.ndarray, "draw group"],
) -> Float[np.ndarray, "draw column"]:
    """Jackknife standard error of each column's mean in each resample: `jackknife_errors` in five matrix products.

    Of a resample with the mean m, leaving out the group g moves the mean by `-e_g / (N - n_g)`, where `e_g = s_g - m
    n_g` is what the group's sum is beyond its part. The squares of these, summed over the drawn groups, are a
    polynomial in m. Where the terms cancel (groups that are all alike), it is done group by group.

    Args:
        sums: Sum of each column over the items of each group; least rounding where the columns' means are near 0.
        sizes: Items in each group.
        counts: How often each group is drawn.
    """
    groups = len(sizes)
    total = counts @ sizes
    mean = (counts @ sums) / total[:, None]
    once = np.divide(counts, total[:, None] - sizes, out=np.zeros_like(counts), where=counts > 0)
    twice = np.divide(once, total[:, None] - sizes, out=np.zeros_like(counts), where=counts > 0)
    moved = once @ sums - mean * (once @ sizes)[:, None]
    squares, parts = twice @ sums**2, mean**2 * (twice @ sizes**2)[:, None]
    variance = squares - 2 * mean * (twice @ (sums * sizes[:, None])) + parts - moved**2 / groups
    errors: Float[np.ndarray, "draw column"] = np.sqrt((groups - 1) / groups * np.maximum(variance, 0))
    lost = variance <= LOST * (squares + parts)
    for column in np.flatnonzero(lost.any(axis=0)):
        rows = lost[:, column]
        alone = Estimand(np.ones(1), sums[None, :, column], sizes[None].astype(float), sizes)
        errors[rows, column] = jackknife_errors(alone, counts[rows])
    return errors


def interval_of_means(
    values: Float[np.ndarray, "item column"], groups: Sequence[str], *, seed: int, level: float
) -> tuple[Float[np.ndarray, " column"], Float[np.ndarray, " column"]]:
    """Bootstrap-t interval of each column's mean over resampled groups, as `bootstrap_mean` one by one.

    NaN where that has none. All columns share their resamples, so a whole map costs one draw.

    Raises:
        ValueError: There is not one group an item.
    """
    index, mean = numbered_groups(groups, len(values)), values.mean(axis=0)
    sizes = np.bincount(index)
    count = len(sizes)
    reach = np.full(values.shape[1], np.nan)
    if count > 1:
        sums = group_sums(values - mean, index, count)
        error = mean_errors(sums, sizes, np.ones((1, count)))[0]
        same = error <= ROUNDING * abs(mean)
        reach[same] = 0.0
        sums, error, counts = sums[:, ~same], error[~same], resamples(count, RESAMPLES, seed)
        shift = (counts @ sums) / (counts @ sizes)[:, None]
        critical = critical_values(t_values(shift, mean_errors(sums, sizes, counts), error), count, level)
        reach[~same] = np.where(np.isfinite(critical), critical, np.nan) * error
    return mean - reach, mean + reach
