"""What changes along a ladder of models: a slope on log10 parameters, and a rank correlation."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import stats

from mediate.stats.estimate import Estimate
from mediate.stats.resampling import RESAMPLES, resamples
from mediate.stats.studentised import (
    METHOD,
    Estimand,
    contrast_of,
    resampled_ratios,
    studentised,
    unbounded_because,
    undefined_because,
)

FEWEST = 3
RANKS = "percentile bootstrap over groups"
PERMUTATIONS = 100_000


@dataclass(frozen=True, slots=True)
class RankCorrelation:
    """Spearman's rank correlation of the models' ratios with their sizes.

    Args:
        estimate: The correlation; its interval says what other items would do to it, not what other models would.
        p: Two-sided, over permutations of the models: what another ladder of as many models, in which size is nothing,
            would do. At its smallest it is 2 / 3! = 0.33 with three models, 0.083 with four, 0.017 with five.
        exact: Whether these were all permutations.
    """

    estimate: Estimate
    p: float
    exact: bool


def slope_weights(log10_sizes: Float[np.ndarray, " model"]) -> Float[np.ndarray, " model"]:
    """The weight of each model's value in the least-squares slope: `(x - mean) / sum (x - mean)^2`."""
    centred = log10_sizes - log10_sizes.mean()
    weights: Float[np.ndarray, " model"] = centred / (centred**2).sum()
    return weights


def no_ladder_because(log10_sizes: Float[np.ndarray, " model"]) -> str:
    """Why these models have no slope; empty where they have one."""
    if len(log10_sizes) < FEWEST:
        return f"{len(log10_sizes)} models; a slope over sizes needs {FEWEST}"
    return "" if np.ptp(log10_sizes) > 0 else "all models are of one size"


def ladder_slope(
    log10_sizes: Float[np.ndarray, " model"],
    numerators: Float[np.ndarray, "model item"],
    denominators: Float[np.ndarray, "model item"],
    groups: Sequence[str],
    *,
    min_mean_denominator: float = 0.0,
    seed: int = 0,
    level: float = 0.95,
) -> Estimate:
    """Least-squares slope of the models' ratios of sums on log10 of their parameters: change per tenfold size.

    The models are taken as they are and the items as a sample: groups are resampled for all models together, so what an
    item does to every model alike cancels. The interval says nothing of other models of these sizes; for that there are
    too few, and `ladder_rank_correlation` has the permutation test.

    Args:
        log10_sizes: log10 of each model's number of parameters.
        numerators: A row a model, a column an item.
        denominators: Likewise, in the same unit.
        groups: The group of each item.
        min_mean_denominator: Below this absolute mean denominator of any model the slope is undefined.
        seed: Seed of the resampling.
        level: Coverage of the interval.

    Returns:
        The estimate; undefined with fewer than three models or a denominator that is too small. It has no interval
        where `paired_ratio_difference` would have none.

    Raises:
        ValueError: A value is NaN or infinite, or there is not one group an item or one size a model.
    """
    contrast = ladder_contrast(log10_sizes, numerators, denominators, groups)
    why = no_ladder_because(log10_sizes)
    if why:
        return undefined(contrast, why, METHOD, seed=seed, level=level)
    return studentised(contrast, min_mean_denominator=min_mean_denominator, seed=seed, level=level, draws=RESAMPLES)


def ladder_mean_slope(
    log10_sizes: Float[np.ndarray, " model"],
    values: Float[np.ndarray, "model item"],
    groups: Sequence[str],
    *,
    seed: int = 0,
    level: float = 0.95,
) -> Estimate:
    """Least-squares slope of the models' means on log10 of their parameters; otherwise as `ladder_slope`."""
    return ladder_slope(log10_sizes, values, np.ones_like(values), groups, seed=seed, level=level)


def ladder_rank_correlation(
    log10_sizes: Float[np.ndarray, " model"],
    numerators: Float[np.ndarray, "model item"],
    denominators: Float[np.ndarray, "model item"],
    groups: Sequence[str],
    *,
    min_mean_denominator: float = 0.0,
    seed: int = 0,
    level: float = 0.95,
) -> RankCorrelation:
    """Spearman's correlation of the models' ratios of sums with their sizes, for what grows but not in a line.

    The p value is scipy's `permutation_test` over the models: of all orders up to eight models, else of 100,000 drawn
    ones. The interval is the plain percentile bootstrap's, as ranks have no standard error: it is too short with few
    groups. For means in place of ratios, give ones as denominators. Arguments are those of `ladder_slope`.

    Returns:
        The correlation; undefined (with a p value of NaN) where `ladder_slope` is, and where all ratios are equal.

    Raises:
        ValueError: A value is NaN or infinite, or there is not one group an item or one size a model.
    """
    contrast = ladder_contrast(log10_sizes, numerators, denominators, groups)
    why = no_ladder_because(log10_sizes) or undefined_because(contrast, min_mean_denominator)
    ratios = np.zeros(0) if why else contrast.top.sum(axis=1) / contrast.bottom.sum(axis=1)
    if not why and np.ptp(ratios) == 0:
        why = "all models have the same ratio"
    if why:
        return RankCorrelation(undefined(contrast, why, RANKS, seed=seed, level=level), np.nan, False)
    value = float(rank_correlation(log10_sizes, ratios))
    test = stats.permutation_test(
        (ratios,),
        lambda shuffled, axis: rank_correlation(log10_sizes, shuffled),
        permutation_type="pairings",
        vectorized=True,
        n_resamples=PERMUTATIONS,
        rng=np.random.default_rng(seed),
    )
    low, high, why = rank_interval(log10_sizes, contrast, min_mean_denominator, seed=seed, level=level)
    n, count = int(contrast.sizes.sum()), len(contrast.sizes)
    estimate = Estimate(value, low, high, level, n, count, RANKS, seed, why)
    return RankCorrelation(estimate, float(test.pvalue), math.factorial(len(ratios)) <= PERMUTATIONS)


def rank_correlation(
    sizes: Float[np.ndarray, " model"], ratios: Float[np.ndarray, "*draw model"]
) -> Float[np.ndarray, "*draw"]:
    """Spearman's correlation of each row with the sizes: Pearson's of the ranks, ties sharing theirs."""
    x, y = stats.rankdata(sizes), stats.rankdata(ratios, axis=-1)
    x, y = x - x.mean(), y - y.mean(axis=-1, keepdims=True)
    with np.errstate(invalid="ignore"):
        return np.asarray((y @ x) / np.sqrt((x @ x) * (y**2).sum(axis=-1)))


def rank_interval(
    log10_sizes: Float[np.ndarray, " model"],
    contrast: Estimand,
    min_mean_denominator: float,
    *,
    seed: int,
    level: float,
) -> tuple[float, float, str]:
    """Ends of the percentile interval of the rank correlation, or NaN and the reason."""
    if len(contrast.sizes) < 2:
        return np.nan, np.nan, "one group: nothing to resample"
    counts = resamples(len(contrast.sizes), RESAMPLES, seed)
    why = unbounded_because(contrast, counts, min_mean_denominator)
    if why:
        return np.nan, np.nan, why
    found = rank_correlation(log10_sizes, resampled_ratios(contrast, counts)[0])
    if np.isnan(found).any():
        return np.nan, np.nan, f"in {np.isnan(found).mean():.1%} of resamples all models have the same ratio"
    # An end is a correlation that ranks can have, not a number between two of them.
    low, high = np.quantile(found, [(1 - level) / 2, (1 + level) / 2], method="inverted_cdf")
    return float(low), float(high), ""


def ladder_contrast(
    log10_sizes: Float[np.ndarray, " model"],
    numerators: Float[np.ndarray, "model item"],
    denominators: Float[np.ndarray, "model item"],
    groups: Sequence[str],
) -> Estimand:
    """The slope as a contrast of the models' ratios; its weights are 0 where there is no slope."""
    weights = np.zeros(len(log10_sizes)) if no_ladder_because(log10_sizes) else slope_weights(log10_sizes)
    return contrast_of(weights, numerators, denominators, groups)


def undefined(contrast: Estimand, reason: str, method: str, *, seed: int, level: float) -> Estimate:
    """An estimate without a value, that still says of how many items."""
    return Estimate(np.nan, np.nan, np.nan, level, int(contrast.sizes.sum()), len(contrast.sizes), method, seed, reason)
