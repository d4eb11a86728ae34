"""Intervals of many ratios at once, such as the shares of a set or the means of a map's cells: one draw for all.

A column is a numerator; all columns have one denominator, which of means is the number of items.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Num

from mediate.stats.estimate import Estimate
from mediate.stats.resampling import RESAMPLES, drawn_sums, group_sums, resamples, stretches
from mediate.stats.studentised import (
    METHOD,
    ONE_GROUP,
    ROUNDING,
    Estimand,
    alike_because,
    contrast_of,
    critical_values,
    jackknife_errors,
    most_t,
    numbered_groups,
    t_values,
    unbounded_because,
    undefined_because,
)

# A variance that is below this part of its largest term has lost half of its digits.
LOST = 1e-8

# Answers that are kept: a terminal, a page and each of its figures ask for the same ones of a run.
KEPT = 64
_known: OrderedDict[tuple[bytes, float, int, float, int], tuple[Estimate, ...]] = OrderedDict()


def ratio_errors(
    sums: Float[np.ndarray, "group column"],
    bottom: Num[np.ndarray, " group"],
    counts: Num[np.ndarray, "draw group"],
) -> Float[np.ndarray, "draw column"]:
    """Jackknife standard error of each column's ratio in each resample: `jackknife_errors` in five matrix products.

    Of a resample with the ratio m and the denominator N, leaving out the group g moves the ratio by `-e_g / (N - n_g)`,
    where `e_g = s_g - m n_g` is what the group's sum is beyond its part. The squares of these, summed over the drawn
    groups, are a polynomial in m. Where the terms cancel (groups that are all alike), it is done group by group.

    Args:
        sums: Sum of each column over the items of each group; least rounding where the columns' ratios are near 0.
        bottom: Each group's denominator; of means its number of items.
        counts: How often each group is drawn.
    """
    groups, columns = sums.shape
    firsts, seconds = (np.column_stack(each) for each in ((sums, bottom), (sums**2, sums * bottom[:, None], bottom**2)))
    errors = np.empty((len(counts), columns))
    for these, drawn in stretches(counts):
        once, twice = _over_the_rest(drawn, bottom, firsts, seconds)
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = (drawn @ sums) / (drawn @ bottom)[:, None]
        moved = once[:, :-1] - ratio * once[:, -1:]
        squares, crossed, parts = twice[:, :columns], twice[:, columns:-1], ratio**2 * twice[:, -1:]
        variance = squares - 2 * ratio * crossed + parts - moved**2 / groups
        errors[these] = np.sqrt((groups - 1) / groups * np.maximum(variance, 0))
        lost = variance <= LOST * (squares + parts)
        for column in np.flatnonzero(lost.any(axis=0)):
            rows = lost[:, column]
            alone = Estimand(np.ones(1), sums[None, :, column], bottom[None].astype(float), np.ones(groups, dtype=int))
            errors[these][rows, column] = jackknife_errors(alone, drawn[rows])
    return errors


def _over_the_rest(
    drawn: Float[np.ndarray, "draw group"],
    bottom: Num[np.ndarray, " group"],
    firsts: Float[np.ndarray, "group first"],
    seconds: Float[np.ndarray, "group second"],
) -> tuple[Float[np.ndarray, "draw first"], Float[np.ndarray, "draw second"]]:
    """Sums over the drawn groups of some columns over what their denominators leave, and of others over its square."""
    rest = (drawn @ bottom)[:, None] - (bottom[:1] if (bottom == bottom[0]).all() else bottom)
    with np.errstate(divide="ignore", invalid="ignore"):
        if rest.shape[1] == 1:  # groups of one size leave the same
            return (drawn @ firsts) / rest, (drawn @ seconds) / rest**2
        once = np.divide(drawn, rest, out=np.zeros_like(drawn), where=drawn > 0)
        twice = np.divide(once, rest, out=np.zeros_like(drawn), where=drawn > 0)
        return once @ firsts, twice @ seconds


def _reaches(
    sums: Float[np.ndarray, "group column"],
    bottom: Num[np.ndarray, " group"],
    value: Float[np.ndarray, " column"],
    counts: Num[np.ndarray, "draw group"],
    level: float,
) -> tuple[Float[np.ndarray, " column"], Float[np.ndarray, " column"]]:
    """Half of each column's interval; and the part of the resamples that have no t, where it is infinite.

    Args:
        sums: Of what each item's numerator is beyond its part: its denominator times the ratio of all.
        bottom: Each group's denominator.
        value: The ratio of all.
        counts: How often each group is drawn.
        level: Coverage of the interval.
    """
    groups = len(bottom)
    error = ratio_errors(sums, bottom, np.ones((1, groups)))[0]
    reach, alike = np.zeros(len(value)), np.zeros(len(value))
    apart = ~(error <= ROUNDING * abs(value))  # of the others every group says the same
    sums, error = sums[:, apart], error[apart]
    if apart.any():
        drawn = drawn_sums(counts, np.column_stack([sums, bottom]))
        shift, errors = drawn[:, :-1] / drawn[:, -1:], ratio_errors(sums, bottom, counts)
        t = t_values(shift, errors, error, most_t(groups, level))
        reach[apart], alike[apart] = critical_values(t, groups, level) * error, np.isinf(t).mean(axis=0)
    return reach, alike


def ratios_of(
    numerators: Float[np.ndarray, "column item"],
    denominator: Float[np.ndarray, " item"],
    groups: Sequence[str],
    *,
    min_mean_denominator: float,
    seed: int,
    level: float,
    draws: int = RESAMPLES,
) -> list[Estimate]:
    """Ratios of sums over one denominator with bootstrap-t intervals, each as `studentised` has it by itself.

    Args:
        numerators: A row a ratio, one value an item.
        denominator: One value an item.
        groups: The group of each item.
        min_mean_denominator: Below this absolute mean denominator the ratios are undefined.
        seed: Seed of the resampling.
        level: Coverage of the intervals.
        draws: Number of resamples.

    Raises:
        ValueError: A value is NaN or infinite, or there is not one group an item.
    """
    told = hashlib.sha256(repr((numerators.shape, len(denominator), list(groups))).encode("utf-8", "backslashreplace"))
    for each in (numerators, denominator):
        told.update(np.ascontiguousarray(each, dtype=float).tobytes())
    key = told.digest(), min_mean_denominator, seed, level, draws
    if key not in _known:
        whole = contrast_of(np.ones(len(numerators)), numerators, np.stack([denominator] * len(numerators)), groups)
        _known[key] = tuple(_ratios(whole, min_mean_denominator, seed, level, draws))
    _known.move_to_end(key)
    while len(_known) > KEPT:
        _known.popitem(last=False)
    return list(_known[key])


def _ratios(whole: Estimand, min_mean_denominator: float, seed: int, level: float, draws: int) -> list[Estimate]:
    """Each run's ratio by itself; all have one denominator."""
    one = Estimand(np.ones(1), whole.top[:1], whole.bottom[:1], whole.sizes)
    count, n = len(whole.sizes), int(whole.sizes.sum())

    def estimate(value: float, low: float, high: float, reason: str = "") -> Estimate:
        return Estimate(value, low, high, level, n, count, METHOD, seed, reason)

    why = undefined_because(one, min_mean_denominator)
    if why:
        return [estimate(np.nan, np.nan, np.nan, why)] * len(whole.top)
    value, bottom = whole.top.sum(axis=1) / whole.bottom.sum(axis=1), whole.bottom[0]
    why = ONE_GROUP
    if count > 1:
        counts = resamples(count, draws, seed)
        why = unbounded_because(one, counts, min_mean_denominator)
    if why:
        return [estimate(float(each), np.nan, np.nan, why) for each in value]
    reach, alike = _reaches(whole.top.T - np.outer(bottom, value), bottom, value, counts, level)
    return [
        estimate(float(each), float(each - far), float(each + far))
        if np.isfinite(far)
        else estimate(float(each), np.nan, np.nan, alike_because(float(part), count))
        for each, far, part in zip(value, reach, alike, strict=True)
    ]


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
        found, _ = _reaches(sums, sizes, mean, resamples(count, RESAMPLES, seed), level)
        reach = np.where(np.isfinite(found), found, np.nan)
    return mean - reach, mean + reach
