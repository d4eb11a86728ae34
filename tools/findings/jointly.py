"""Several models on the same items, resampled together: means, ratios, and how one number orders the models."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy.stats import rankdata

from mediate.stats import Estimate
from mediate.stats.bootstrap import PERCENTILES
from mediate.stats.resampling import RESAMPLES, group_index, group_sums, resamples

LEVEL = 0.95
SPLITS = 200


@dataclass(frozen=True, slots=True, eq=False)
class Jointly:
    """One number of several models on the same items, with the same resamples of groups for all.

    Args:
        value: On all items.
        drawn: On each resample; NaN where it is undefined.
        n: Items of each model that went in.
        groups: Groups that were resampled.
        seed: Of the resampling.
    """

    value: Float[np.ndarray, " model"]
    drawn: Float[np.ndarray, "draw model"]
    n: tuple[int, ...]
    groups: int
    seed: int

    def of(self, model: int) -> Estimate:
        """The number of one model with its percentile interval."""
        value, drawn = float(self.value[model]), self.drawn[:, model]
        if np.isnan(value):
            return self._estimate(value, np.array([]), self.n[model], "no items")
        return self._estimate(value, drawn, self.n[model])

    def order(self, other: "Jointly") -> Estimate:
        """Spearman's correlation over the models with another number of theirs, resampled together; n is the models'.

        Undefined where one of the two is the same for all models.
        """
        models = len(self.value)
        value = float(spearman(self.value[None], other.value[None])[0])
        if np.isnan(value):
            return self._estimate(value, np.array([]), models, "one side is the same for all models")
        return self._estimate(value, spearman(self.drawn, other.drawn), models)

    def _estimate(self, value: float, drawn: Float[np.ndarray, " draw"], n: int, reason: str = "") -> Estimate:
        there = drawn[np.isfinite(drawn)]
        if len(there) < LEVEL * len(self.drawn):
            why = reason or "undefined in too many resamples"
            return Estimate(value, np.nan, np.nan, LEVEL, n, self.groups, PERCENTILES, self.seed, why)
        low, high = (float(each) for each in np.quantile(there, [(1 - LEVEL) / 2, (1 + LEVEL) / 2]))
        return Estimate(value, low, high, LEVEL, n, self.groups, PERCENTILES, self.seed)


def ratios(
    over: Float[np.ndarray, "model item"], under: Float[np.ndarray, "model item"], groups: Sequence[str], seed: int = 0
) -> Jointly:
    """sum(over) / sum(under) of each model, over the items of which both are numbers."""
    there = np.isfinite(over) & np.isfinite(under)
    index, count = group_index(groups), len(set(groups))
    weights = resamples(count, RESAMPLES, seed)
    sums = [group_sums(np.where(there, each, 0.0).T, index, count) for each in (over, under)]
    with np.errstate(invalid="ignore", divide="ignore"):
        value = sums[0].sum(axis=0) / sums[1].sum(axis=0)
        drawn = (weights @ sums[0]) / (weights @ sums[1])
    return Jointly(value, drawn, tuple(map(int, there.sum(axis=1))), count, seed)


def means(values: Float[np.ndarray, "model item"], groups: Sequence[str], seed: int = 0) -> Jointly:
    """The mean of each model over the items of which there is one; NaN items are left out."""
    return ratios(values, np.ones_like(values), groups, seed)


def spearman(one: Float[np.ndarray, "row model"], other: Float[np.ndarray, "row model"]) -> Float[np.ndarray, " row"]:
    """Spearman's correlation of each row; ties share their rank, NaN where one side is all alike or has a NaN."""
    ranks = [rankdata(each, axis=1, nan_policy="propagate") - (each.shape[1] + 1) / 2 for each in (one, other)]
    size = np.sqrt((ranks[0] ** 2).sum(axis=1) * (ranks[1] ** 2).sum(axis=1))
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Float[np.ndarray, " row"] = np.where(size > 0, (ranks[0] * ranks[1]).sum(axis=1) / size, np.nan)
    return found


def halves(over: Float[np.ndarray, "model item"], under: Float[np.ndarray, "model item"], seed: int = 0) -> float:
    """How far a ratio orders the models alike on two halves of the items, averaged over random splits."""
    rng, items = np.random.default_rng(seed), over.shape[1]
    found = []
    for _ in range(SPLITS):
        half: Bool[np.ndarray, " item"] = rng.permutation(items) < items // 2
        shares = [over[:, part].sum(axis=1) / under[:, part].sum(axis=1) for part in (half, ~half)]
        found.append(spearman(shares[0][None], shares[1][None])[0])
    return float(np.mean(found))


def told_apart(value: Float[np.ndarray, " model"], low: Bool[np.ndarray, " model"]) -> float:
    """The share of couples of a model of `low` and one of the others in which the first has less; ties count half."""
    less = value[low][:, None] - value[~low][None]
    return float((less < 0).mean() + (less == 0).mean() / 2)
