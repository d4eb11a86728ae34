"""Equivalence: is a difference too small to matter, rather than too small to see?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy import stats

from mediate.stats.contrasts import contrast_of, jackknife_errors
from mediate.stats.estimate import Estimate

METHOD = "t over groups"


@dataclass(frozen=True, slots=True)
class Equivalence:
    """Two one-sided tests of a mean difference against a margin (Schuirmann 1987).

    Args:
        difference: The mean difference; its interval is of level 1 - 2 alpha, and lies within the margin just where the
            runs are equivalent.
        margin: The largest difference that does not matter, in the values' unit; chosen before looking.
        alpha: Chance of saying `equivalent` where the true difference is at the margin.
        error: Standard error of the mean difference, over groups.
        p_above: Of the test that the difference is at most -margin; small where it is above.
        p_below: Of the test that the difference is at least margin; small where it is below.
        equivalent: Both p values are at most alpha. False where they are undefined: nothing was shown.
    """

    difference: Estimate
    margin: float
    alpha: float
    error: float
    p_above: float
    p_below: float
    equivalent: bool

    def __post_init__(self) -> None:
        if self.equivalent != (max(self.p_above, self.p_below) <= self.alpha):
            raise ValueError(f"equivalent is {self.equivalent}, and p is {self.p_above:.3g} and {self.p_below:.3g}")

    @property
    def p(self) -> float:
        """The larger of the two p values: that of the whole test."""
        return max(self.p_above, self.p_below)


def equivalence(
    values: Float[np.ndarray, " item"], groups: Sequence[str], *, margin: float, alpha: float = 0.05
) -> Equivalence:
    """Tests whether the mean of paired differences lies within ±margin: TOST with a standard error over groups.

    The standard error is the jackknife's over groups: items of a group are alike, and counting them as independent
    would find equivalence too often. With each item its own group it is the usual error, and this is scipy's
    `ttest_1samp` twice; with groups of one size it is the cluster-robust error of OLS, and with unequal ones a little
    larger for the most part. Student's t has G - 1 degrees of freedom. Nothing is resampled.

    Measured in 2,000 simulated data sets whose true difference is at the margin, with alpha 5 % and groups of one to
    four items: found equivalent in 4.8 to 5.9 % with 10 to 100 normal groups, and in 6.0 and 7.2 % with 5. Skewed
    groups err unevenly: with a skewness of 1, in 2.9 to 4.3 % at the margin on the short tail's side, and on the long
    tail's in 8.6 (10 groups), 7.6 (40) and 7.1 % (100).

    Raises:
        ValueError: A value is NaN or infinite, the margin is not positive, alpha is not in (0, 0.5), or there is not
            one group an item.
    """
    if not 0 < margin < math.inf:
        raise ValueError(f"margin is {margin}; it is the largest difference that does not matter, such as 0.05")
    if not 0 < alpha < 0.5:
        raise ValueError(f"alpha is {alpha}; it is the level of each one-sided test, such as 0.05")
    contrast = contrast_of(np.ones(1), values[None], np.ones((1, len(values))), groups)
    count, level = len(contrast.sizes), 1 - 2 * alpha

    def decided(value: float, error: float, p: tuple[float, float], reach: float, reason: str = "") -> Equivalence:
        low, high = value - reach, value + reach
        difference = Estimate(value, low, high, level, len(values), count, METHOD, 0, reason)
        return Equivalence(difference, margin, alpha, error, *p, max(p) <= alpha)

    if count < 2:
        value, why = (contrast.value, "one group: no error over groups") if count else (math.nan, "no items")
        return decided(value, math.nan, (math.nan, math.nan), math.nan, why)
    value = contrast.value
    error = float(jackknife_errors(contrast, np.ones((1, count)))[0])
    above, below = (gap / error if error else math.copysign(math.inf, gap) for gap in (value + margin, value - margin))
    p = (float(stats.t.sf(above, count - 1)), float(stats.t.cdf(below, count - 1)))
    return decided(value, error, p, float(stats.t.ppf(1 - alpha, count - 1)) * error)
