"""How much it matters what the chain is replaced by: the effects of all replacements side by side, and paired."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
from jaxtyping import Float

from mediate.results.contrasts import HIDDEN
from mediate.results.cube import Cube, corners
from mediate.results.replacements import ALL, Replaced
from mediate.stats import Estimate, bootstrap_mean
from mediate.stats.signflip import sign_flip_max_t


@dataclass(frozen=True, slots=True)
class Sensitivity:
    """One replacement of the chain, over the items of which it was measured.

    Args:
        name: Of the replacement; of the first row, what the run's own contrast does to the chain.
        effect: The mean of Y(as it is) - Y(replaced), with its interval.
        left_out: Items of which it was not measured.
        distance: The median over items of how far the activations are off the distribution; NaN of an edit.
        norm_ratio: The median over items of their norm over that of what was there; NaN of an edit.
        reasons: Why it was left out, each reason once.
    """

    name: str
    effect: Estimate
    left_out: int = 0
    distance: float = float("nan")
    norm_ratio: float = float("nan")
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PairedEffect:
    """The difference of two replacements' effects, over the items that have both.

    Args:
        more: The replacement with the larger mean effect.
        less: The other one.
        mean: Its mean effect less the other's, in the outcome's unit; never below 0.
        low: The lower end of the interval that holds all differences of an outcome together; NaN where there is none.
        high: The upper end.
        p_adjusted: The p value for all of them together; NaN where it was not tested.
        n: Items that have both.
    """

    more: str
    less: str
    mean: float
    low: float
    high: float
    p_adjusted: float
    n: int

    @property
    def found(self) -> bool:
        """Whether the interval is without 0."""
        return bool(self.low > 0 or self.high < 0)


@dataclass(frozen=True, slots=True)
class PairedEffects:
    """All paired differences of one outcome.

    Args:
        differences: Every two replacements that some items have both.
        level: One less the chance that any difference is found that is not there.
        groups: Groups whose signs were flipped.
    """

    differences: tuple[PairedEffect, ...]
    level: float
    groups: int

    @property
    def found(self) -> tuple[PairedEffect, ...]:
        """Those with an interval without 0, the largest first."""
        return tuple(sorted((each for each in self.differences if each.found), key=lambda each: -each.mean))


def own_contrast(cube: Cube) -> str:
    """What the first row is called: what stands in for the chain where t = 0 and d = 1."""
    return cube.contrast.name if cube.contrast is HIDDEN else f"{cube.contrast} (t = 0)"


def effects_of(cube: Cube, found: Sequence[Replaced]) -> dict[str, Float[np.ndarray, " item"]]:
    """Each replacement's effect on the cube's items, NaN where it was left out; first `Y111 - Y100` of the cube."""
    effects = {own_contrast(cube): corners(cube.y).tie}
    rows = {item: row for row, item in enumerate(cube.items)}
    for each in (one for one in found if one.outcome == cube.outcome):
        values = effects.setdefault(each.replacement, np.full(len(cube.items), np.nan))
        if each.item in rows:
            values[rows[each.item]] = each.effect
    ordered = [own_contrast(cube), *(name for name in ALL if name in effects)]
    return {name: effects[name] for name in (*ordered, *effects)}


def sensitivity(
    cube: Cube, found: Sequence[Replaced], *, seed: int = 0, level: float = 0.95
) -> tuple[Sensitivity, ...]:
    """Each replacement's mean effect on the cube's outcome; none where nothing was replaced.

    Args:
        cube: One outcome of the run.
        found: What was found of every outcome.
        seed: Of the bootstrap over groups.
        level: Coverage of the intervals.
    """
    rows = [each for each in found if each.outcome == cube.outcome]
    groups = np.array(cube.groups)
    told: list[Sensitivity] = []
    for name, effects in effects_of(cube, rows).items() if rows else ():
        there = np.isfinite(effects)
        estimate = bootstrap_mean(effects[there], groups[there].tolist(), seed=seed, level=level)
        own = [each for each in rows if each.replacement == name]
        reasons = tuple(dict.fromkeys(each.reason for each in own if each.reason))
        left_out = sum(bool(each.reason) for each in own)
        far, long = (_median([getattr(each, number) for each in own]) for number in ("distance", "norm_ratio"))
        told.append(Sensitivity(name, estimate, left_out, far, long, reasons))
    return tuple(told)


def paired_effects(cube: Cube, found: Sequence[Replaced], *, seed: int = 0, level: float = 0.95) -> PairedEffects:
    """The paired difference of every two replacements, with the chance of any false finding held over all of them.

    Whole groups' signs are flipped and the largest |t| of all differences decides (`sign_flip_max_t`); the intervals
    hold all differences together. With fewer than six groups nothing can be found at 95 %.
    """
    effects = effects_of(cube, found) if any(each.outcome == cube.outcome for each in found) else {}
    pairs = [
        (one, other) for one, other in combinations(effects, 2) if np.isfinite(effects[one] - effects[other]).any()
    ]
    if not pairs:
        return PairedEffects((), level, 0)
    values = np.stack([effects[one] - effects[other] for one, other in pairs], axis=1)
    tested = sign_flip_max_t(values, cube.groups, seed=seed, level=level)
    differences = []
    for place, (one, other) in enumerate(pairs):
        mean, reach = float(tested.mean[place]), float(tested.reach[place])
        more, less = (one, other) if mean >= 0 else (other, one)
        p, n = float(tested.p_adjusted[place]), int(tested.n[place])
        differences.append(PairedEffect(more, less, abs(mean), abs(mean) - reach, abs(mean) + reach, p, n))
    return PairedEffects(tuple(differences), level, tested.groups)


def sensitivity_table(cube: Cube, found: Sequence[Replaced], *, seed: int = 0, level: float = 0.95) -> pd.DataFrame:
    """`sensitivity` as a data frame, a row a replacement."""
    told = sensitivity(cube, found, seed=seed, level=level)
    columns: dict[str, list[object]] = {
        "replacement": [each.name for each in told],
        "effect": [each.effect.value for each in told],
        "low": [each.effect.low for each in told],
        "high": [each.effect.high for each in told],
        "n": [each.effect.n for each in told],
        "left_out": [each.left_out for each in told],
        "distance": [each.distance for each in told],
        "norm_ratio": [each.norm_ratio for each in told],
    }
    return pd.DataFrame(columns)


def paired_table(compared: PairedEffects) -> pd.DataFrame:
    """`paired_effects` as a data frame, a row two replacements."""
    names = ("more", "less", "mean", "low", "high", "p_adjusted", "n")
    return pd.DataFrame([[getattr(each, name) for name in names] for each in compared.differences], columns=list(names))


def _median(values: Sequence[float]) -> float:
    there = [value for value in values if np.isfinite(value)]
    return float(np.median(there)) if there else float("nan")
