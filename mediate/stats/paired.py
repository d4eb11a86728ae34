"""Two runs on the same items: the difference of their means, and of their ratios of sums."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from mediate.stats.estimate import Estimate
from mediate.stats.resampling import RESAMPLES
from mediate.stats.studentised import contrast_of, studentised


def paired_difference(
    a: Float[np.ndarray, " item"],
    b: Float[np.ndarray, " item"],
    groups: Sequence[str],
    *,
    seed: int = 0,
    level: float = 0.95,
    draws: int = RESAMPLES,
) -> Estimate:
    """Mean over items of b - a, with a bootstrap-t interval over groups; positive where the second run has more.

    Its coverage, as measured, is in `mediate.stats.studentised.studentised`.

    Raises:
        ValueError: A value is NaN or infinite, or the runs and groups are not of the same items.
    """
    if a.shape != b.shape:
        raise ValueError(f"paired: {len(a)} and {len(b)} items; compare the items that both runs have")
    contrast = contrast_of(np.ones(1), (b - a)[None], np.ones((1, len(a))), groups)
    return studentised(contrast, min_mean_denominator=0.0, seed=seed, level=level, draws=draws)


def paired_ratio_difference(
    numerators: Float[np.ndarray, "2 item"],
    denominators: Float[np.ndarray, "2 item"],
    groups: Sequence[str],
    *,
    min_mean_denominator: float = 0.0,
    seed: int = 0,
    level: float = 0.95,
    draws: int = RESAMPLES,
) -> Estimate:
    """Ratio of sums of the second run less that of the first, such as a change of mediated share.

    Both runs share their resamples, so what the items have in common cancels. Each ratio is over its own run's
    denominator. The interval's coverage, as measured, is in `mediate.stats.studentised.studentised`.

    Args:
        numerators: A row a run, a column an item.
        denominators: Likewise, in the same unit.
        groups: The group of each item.
        min_mean_denominator: Below this absolute mean denominator a run's ratio is undefined.
        seed: Seed of the resampling.
        level: Coverage of the interval.
        draws: Number of resamples.

    Returns:
        The estimate. Its value is NaN where a run's mean denominator is not above `min_mean_denominator` in size. Its
        interval is NaN with fewer than two groups, where a denominator's sign or definedness differs between resamples
        (as in `bootstrap_ratio`), and where more than 1 - level of the resamples are of groups that are all alike, as
        always with two or three groups.

    Raises:
        ValueError: A value is NaN or infinite, or there is not one group an item.
    """
    contrast = contrast_of(np.array([-1.0, 1.0]), numerators, denominators, groups)
    return studentised(contrast, min_mean_denominator=min_mean_denominator, seed=seed, level=level, draws=draws)
