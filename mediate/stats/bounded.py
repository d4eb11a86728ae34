"""Means that have bounds, such as rates: their intervals stay between these, and hold up near them.

Near a bound a bootstrap fails: the few items that differ are missing from many resamples, so that percentiles are far
too short, and a bootstrap-t has no interval or one that reaches past the bound.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from scipy import stats

from mediate.stats.estimate import Estimate
from mediate.stats.studentised import (
    ONE_GROUP,
    ROUNDING,
    Estimand,
    contrast_of,
    jackknife_errors,
    undefined_because,
)

METHOD = "Clopper-Pearson, of effective items"
# How far past a bound a value may be by rounding, in parts of the range.
BEYOND = 1e-5


def bounded_mean(
    values: Float[np.ndarray, " item"],
    groups: Sequence[str],
    *,
    bounds: tuple[float, float] = (0.0, 1.0),
    level: float = 0.95,
) -> Estimate:
    """Mean over items of values that have bounds, with an interval within these: of rates, shares of places, areas.

    The interval is that of `bounded`, which says where its coverage is.

    Args:
        values: One value an item; of a rate 0 or 1.
        groups: The group of each item.
        bounds: The least and the most that a value can be.
        level: Coverage of the interval.

    Raises:
        ValueError: A value is NaN or out of the bounds, or there is not one group an item.
    """
    low, high = bounds
    beyond = BEYOND * (high - low)
    if not ((values >= low - beyond) & (values <= high + beyond)).all():
        raise ValueError(f"a value is NaN or not between {low:g} and {high:g}; leave such items out, and count them")
    contrast = contrast_of(np.ones(1), values[None], np.ones((1, len(values))), groups)
    most = float(len(values)) if np.isin(values, bounds).all() else np.inf
    return bounded(contrast, bounds, most=most, level=level)


def bounded_difference(
    numerators: Float[np.ndarray, "2 item"],
    denominators: Float[np.ndarray, "2 item"],
    groups: Sequence[str],
    *,
    level: float = 0.95,
) -> Estimate:
    """The second of two rates less the first, between -1 and 1; otherwise as `paired_ratio_difference`.

    Args:
        numerators: A row a rate, a column an item: 1 where it is a hit.
        denominators: Likewise, 1 where it counts.
        groups: The group of each item.
        level: Coverage of the interval.

    Raises:
        ValueError: There is not one group an item.
    """
    contrast = contrast_of(np.array([-1.0, 1.0]), numerators, denominators, groups)
    return bounded(contrast, (-1.0, 1.0), level=level)


def bounded(contrast: Estimand, bounds: tuple[float, float], *, most: float = np.inf, level: float = 0.95) -> Estimate:
    """A contrast between two bounds with an interval of Clopper and Pearson for as many items as it is worth.

    Of Korn and Graubard (1998, *Survey Methodology* 24, 193). With p the contrast as a part of its range, and SE its
    jackknife error over groups, `m = p (1 - p) / SE^2` is how many independent hits and misses would say as much; it is
    then multiplied by `(t_m / t_(G-1))^2`, quantiles of Student's t, where that is below 1, because SE itself is of G
    groups. The ends are those of p m hits in m. At a bound, where SE is 0, m is the number of groups: all of them are
    there with a probability of at most p^G. Of groups that say the same between the bounds, both ends are the value.

    As Clopper and Pearson's, it is on the side of wide where hits or misses are few. docs/trust.md has its coverage.

    Args:
        contrast: What is estimated.
        bounds: The least and the most that it can be.
        most: What m cannot pass: the number of items, where each is a hit or a miss.
        level: Coverage of the interval.
    """
    groups, n = len(contrast.sizes), int(contrast.sizes.sum())

    def estimate(value: float, low: float, high: float, reason: str = "") -> Estimate:
        return Estimate(value, low, high, level, n, groups, METHOD, 0, reason)

    why = undefined_because(contrast, 0.0)
    if why:
        return estimate(np.nan, np.nan, np.nan, why)
    value, least, size = contrast.value, bounds[0], bounds[1] - bounds[0]
    if groups < 2:
        return estimate(value, np.nan, np.nan, ONE_GROUP)
    error = float(jackknife_errors(contrast, np.ones((1, groups)))[0]) / size
    if not np.isfinite(error):
        return estimate(value, np.nan, np.nan, "all items of one side are in one group: nothing to resample")
    part = min(max((value - least) / size, 0.0), 1.0)
    # What is at a bound but for rounding is at the bound.
    part = 0.0 if part <= ROUNDING else 1.0 if part >= 1 - ROUNDING else part
    if error > ROUNDING:
        items = min(part * (1 - part) / error**2, most)
        items *= min(1.0, _t(items, level) / _t(float(groups - 1), level)) ** 2
    elif part in (0.0, 1.0):
        items = float(groups)
    else:
        return estimate(value, value, value)
    tail, hits, misses = (1 - level) / 2, part * items, (1 - part) * items
    low = float(stats.beta.ppf(tail, hits, misses + 1)) if part > 0 else 0.0
    high = float(stats.beta.ppf(1 - tail, hits + 1, misses)) if part < 1 else 1.0
    return estimate(value, least + size * low, least + size * high)


def _t(freedom: float, level: float) -> float:
    """The critical value of Student's t, of one degree of freedom or more."""
    return float(stats.t.ppf((1 + level) / 2, max(freedom, 1.0)))
