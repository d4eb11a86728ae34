"""Populations with known ratios, of which some have rare items far from all others: of each group its two sums."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

from mediate.stats.columnwise import ratio_errors
from mediate.stats.resampling import resamples
from mediate.stats.studentised import critical_values, most_t, t_values

LEVEL = 0.95
DRAWS = 999
SEEDS = 50  # each fiftieth data set has the same resamples: of means, all of these are done at once


class Drawn(NamedTuple):
    """A data set: of each group the sums of numerator and denominator, and the ratio of the population."""

    top: np.ndarray
    bottom: np.ndarray
    truth: float


class Reaches(NamedTuple):
    """Half of the interval, in standard errors: with the bound on t, without it, and Student's; NaN where none is."""

    ours: float
    unbounded: float
    student: float


class Reached(NamedTuple):
    """Half of each interval, the standard error, and how far the truth is, in standard errors."""

    reaches: Reaches
    error: float
    off: float


Population = Callable[[np.random.Generator, int], Drawn]


def mean_of(values: np.ndarray, truth: float) -> Drawn:
    """Of a mean: a group is an item."""
    return Drawn(values, np.ones(len(values)), truth)


def lognormal(sigma: float) -> Population:
    return lambda rng, groups: mean_of(rng.lognormal(0, sigma, groups), float(np.exp(sigma**2 / 2)))


def far(part: float, distance: float) -> Population:
    """Normal but for a part of the items, which are so many standard deviations away on one side."""
    return lambda rng, groups: mean_of(
        rng.normal(size=groups) + distance * (rng.random(groups) < part), part * distance
    )


def contaminated(rng: np.random.Generator, groups: int) -> Drawn:
    """Normal, with twenty times the standard deviation in 5 % of the items."""
    return mean_of(rng.normal(size=groups) * np.where(rng.random(groups) < 0.05, 20, 1), 0.0)


def rising(rng: np.random.Generator, groups: int) -> Drawn:
    """A share that rises with its denominator and is skewed besides."""
    bottom = rng.gamma(2, 0.5, groups)
    share = 0.3 + 0.3 * bottom + 0.2 * (rng.exponential(size=groups) - 1)
    return Drawn(bottom * share, bottom, 0.75)


def unequal(rng: np.random.Generator, groups: int) -> Drawn:
    """A share of lognormal denominators, of which a few are most of the sum."""
    bottom = rng.lognormal(0, 1, groups)
    return Drawn(bottom * (0.3 + 0.3 * rng.normal(size=groups)), bottom, 0.3)


def clustered(*, skewed: bool) -> Population:
    """A mean of groups of two items and more, six on average, with an effect of the group's own."""

    def drawn(rng: np.random.Generator, groups: int) -> Drawn:
        sizes = 1.0 + rng.geometric(0.2, groups)
        effects = rng.exponential(size=groups) - 1 if skewed else rng.normal(size=groups)
        return Drawn(sizes * effects + 0.5 * np.sqrt(sizes) * rng.normal(size=groups), sizes, 0.0)

    return drawn


POPULATIONS: Mapping[str, Population] = {
    "normal": lambda rng, groups: mean_of(rng.normal(size=groups), 0.0),
    "Student's t, 3 degrees": lambda rng, groups: mean_of(rng.standard_t(3, groups), 0.0),
    "exponential": lambda rng, groups: mean_of(rng.exponential(size=groups), 1.0),
    "lognormal, sigma 1": lognormal(1.0),
    "lognormal, sigma 1.5": lognormal(1.5),
    "5 % with 20 times the SD": contaminated,
    "5 % 20 SD away": far(0.05, 20),
    "1 of 26 25 SD away": far(1 / 26, 25),
    "1 of 26 280 SD away": far(1 / 26, 280),
    "share, rises with its denominator": rising,
    "share, unequal denominators": unequal,
    "0 or 1, rate 5 %": lambda rng, groups: mean_of((rng.random(groups) < 0.05).astype(float), 0.05),
    "unequal groups, normal": clustered(skewed=False),
    "unequal groups, exponential": clustered(skewed=True),
}


def drawn_of(name: str, groups: int, number: int) -> Drawn:
    """The data set of this number, the same each time."""
    return POPULATIONS[name](np.random.default_rng([groups, number, list(POPULATIONS).index(name)]), groups)


def reached(drawn: Sequence[Drawn], seed: int) -> list[Reached]:
    """Half of each interval, and how far the truth is, of data sets that have the same denominators.

    Of groups that all say the same, whose standard error is 0, the distance is infinite unless they say the truth.
    """
    bottom, groups = drawn[0].bottom, len(drawn[0].bottom)
    tops = np.column_stack([each.top for each in drawn])
    value = tops.sum(axis=0) / bottom.sum()
    beyond, off = tops - np.outer(bottom, value), abs(value - [each.truth for each in drawn])
    counts = resamples(groups, DRAWS, seed).astype(float)
    error = ratio_errors(beyond, bottom, np.ones((1, groups)))[0]
    same = error <= 1e-12
    error[same] = 1.0
    shift, errors = (counts @ beyond) / (counts @ bottom)[:, None], ratio_errors(beyond, bottom, counts)
    found = np.array(
        [
            critical_values(t_values(shift, errors, error, most), groups, LEVEL)
            for most in (most_t(groups, LEVEL), np.inf)
        ]
    )
    found[np.isinf(found)] = np.nan
    found[:, same], error[same] = 0.0, 0.0
    off = np.where(same, np.where(off <= 1e-12, 0.0, np.inf), off / np.where(same, 1.0, error))
    student = np.where(same, 0.0, stats.t.ppf((1 + LEVEL) / 2, groups - 1))
    ends = zip(*found.tolist(), student.tolist(), error.tolist(), off.tolist(), strict=True)
    return [Reached(Reaches(*three), own, far) for *three, own, far in ends]


class Covered(NamedTuple):
    """Of many data sets: how often each interval holds the truth, what part has none, how many times Student's it is.

    An interval of groups that all say the same, whose ends are the value, is no number of times as wide as another.
    """

    ours: float
    unbounded: float
    student: float
    without: float
    times: np.ndarray
    unbounded_times: np.ndarray


def covered(name: str, groups: int, data_sets: int) -> Covered:
    """The coverage of each interval; a data set without an interval counts as a miss."""
    found: list[Reached] = []
    for seed in range(min(SEEDS, data_sets)):
        drawn = [drawn_of(name, groups, number) for number in range(seed, data_sets, SEEDS)]
        if all((each.bottom == 1).all() for each in drawn):
            found += reached(drawn, seed)
        else:
            found += [each for one in drawn for each in reached([one], seed)]
    reaches = np.array([each.reaches for each in found])
    held = np.array([each.off for each in found])[:, None] <= reaches
    ours, unbounded, student = map(float, held.mean(axis=0))
    without = np.isnan(reaches[:, 0])
    wide = reaches[~without & (reaches[:, 2] > 0)]
    times, unbounded_times = wide[:, 0] / wide[:, 2], wide[:, 1] / wide[:, 2]
    return Covered(ours, unbounded, student, float(without.mean()), times, unbounded_times)
