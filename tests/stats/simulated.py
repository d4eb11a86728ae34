"""Simulated runs with known truths: items in groups of one to four, with skewed effects that a group shares."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mediate.stats import Estimate, bootstrap_ratio, ladder_slope, paired_difference, paired_ratio_difference
from mediate.stats.bootstrap import PERCENTILES
from mediate.stats.resampling import resamples
from mediate.stats.studentised import Estimand, contrast_of, resampled_ratios

DRAWS = 499
SIZES = np.arange(7, 9.1, 0.5)


def skewed(rng: np.random.Generator, shape: int | tuple[int, ...], skewness: float) -> np.ndarray:
    """Mean 0, variance 1: normal without skewness, else a gamma distribution's (exponential at 2)."""
    if not skewness:
        return rng.normal(size=shape)
    k = 4 / skewness**2
    return (rng.gamma(k, size=shape) - k) / np.sqrt(k)


def members(rng: np.random.Generator, groups: int) -> np.ndarray:
    """The group of each item."""
    return np.repeat(np.arange(groups), rng.integers(1, 5, size=groups))


def named(index: np.ndarray) -> list[str]:
    return [f"g{number}" for number in index]


def differences(rng: np.random.Generator, groups: int, skewness: float) -> tuple[np.ndarray, list[str]]:
    """Paired differences of mean 0; four fifths of their variance are the group's."""
    index = members(rng, groups)
    return skewed(rng, groups, skewness)[index] + 0.5 * rng.normal(size=len(index)), named(index)


@dataclass(frozen=True, slots=True)
class Shares:
    """Runs of total effects of mean 4, and shares that rise with the total effect by as much as `rise` says.

    Args:
        mean: Each run's mean share.
        rise: What a standard deviation of the group's total effect, 2 nats, adds to the share, by run.
        own: What a standard deviation of the group's own effect, which is skewed, adds.
    """

    mean: np.ndarray
    rise: np.ndarray
    own: np.ndarray

    @property
    def truth(self) -> np.ndarray:
        """E[TE share] / E[TE] = mean + rise E[TE u] / E[TE], with TE = 4 + 2 u."""
        return self.mean + self.rise * 2 / 4

    def draw(self, rng: np.random.Generator, groups: int, skewness: float) -> tuple[np.ndarray, np.ndarray, list[str]]:
        index, runs = members(rng, groups), len(self.mean)
        u, v = skewed(rng, groups, 1.0)[index], skewed(rng, groups, skewness)[index]
        te = (4 + 2 * u) * rng.gamma(8, 1 / 8, (runs, len(index)))
        share = self.mean[:, None] + np.outer(self.rise, u) + np.outer(self.own, v)
        return te * (share + 0.1 * rng.normal(size=te.shape)), te, named(index)


LADDER = SIZES - SIZES.mean()
# The same share and no slope, though single items say otherwise: what the intervals leave out is an error of type I.
SAME = Shares(np.array([0.7, 0.675]), np.array([0.1, 0.15]), np.array([0.0, 0.2]))
# One run's share, which rises with the total effect and is skewed besides.
ONE = Shares(np.array([0.7]), np.array([0.1]), np.array([0.2]))
FLAT = Shares(0.5 - 0.025 * LADDER, 0.05 + 0.05 * LADDER, 0.1 * LADDER)


def of_differences(rng: np.random.Generator, groups: int, skewness: float, seed: int) -> tuple[Estimate, float]:
    values, names = differences(rng, groups, skewness)
    a = rng.normal(size=len(values))
    return paired_difference(a, a + values, names, seed=seed, draws=DRAWS), 0.0


def of_one_share(rng: np.random.Generator, groups: int, skewness: float, seed: int) -> tuple[Estimate, float]:
    (top,), (bottom,), names = ONE.draw(rng, groups, skewness)
    return bootstrap_ratio(top, bottom, names, seed=seed, draws=DRAWS), float(ONE.truth[0])


def of_shares(rng: np.random.Generator, groups: int, skewness: float, seed: int) -> tuple[Estimate, float]:
    top, bottom, names = SAME.draw(rng, groups, skewness)
    return paired_ratio_difference(top, bottom, names, seed=seed, draws=DRAWS), float(np.diff(SAME.truth)[0])


def of_slopes(rng: np.random.Generator, groups: int, skewness: float, seed: int) -> tuple[Estimate, float]:
    top, bottom, names = FLAT.draw(rng, groups, skewness)
    return ladder_slope(SIZES, top, bottom, names, seed=seed), float(np.polyfit(SIZES, FLAT.truth, 1)[0])


def percentiles(contrast: Estimand, *, seed: int, level: float, draws: int) -> Estimate:
    """The plain percentile bootstrap, which studentising is held against: the quantiles of resampled contrasts."""
    n, groups = int(contrast.sizes.sum()), len(contrast.sizes)
    found = resampled_ratios(contrast, resamples(groups, draws, seed))[0] @ contrast.weights
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2])
    return Estimate(contrast.value, float(low), float(high), level, n, groups, PERCENTILES, seed)


def by_percentiles(rng: np.random.Generator, groups: int, skewness: float, seed: int) -> tuple[Estimate, float]:
    values, names = differences(rng, groups, skewness)
    contrast = contrast_of(np.ones(1), values[None], np.ones((1, len(values))), names)
    return percentiles(contrast, seed=seed, level=0.95, draws=DRAWS), 0.0


def cells(rng: np.random.Generator, groups: int, skewness: float, count: int = 30) -> tuple[np.ndarray, list[str]]:
    """Differences of mean 0 in cells that are alike: a correlation of 0.8 between any two in a group's effect."""
    index = members(rng, groups)
    effects = skewed(rng, (groups, 1), skewness) + 0.5 * skewed(rng, (groups, count), skewness)
    return effects[index] + 0.3 * rng.normal(size=(len(index), count)), named(index)


def coverage(interval: Callable[..., tuple[Estimate, float]], groups: int, skewness: float, simulations: int) -> float:
    """Share of simulated data sets whose interval holds the truth; one without an interval does not."""
    rng, hits = np.random.default_rng([groups, int(10 * skewness)]), 0
    for seed in range(simulations):
        found, truth = interval(rng, groups, skewness, seed)
        hits += found.low <= truth <= found.high
    return hits / simulations
