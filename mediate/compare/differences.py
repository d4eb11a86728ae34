"""What each run has, and in what it differs from the first: shares and effects, with a verdict on each difference."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from mediate.compare.pairing import Pairing
from mediate.compare.quantities import (
    EFFECT,
    EFFECTS,
    SHARE,
    SHARES,
    aligned,
    difference_of,
    effect_values,
    linearised,
    share_numerators,
)
from mediate.compare.runs import NamedRun, by_label
from mediate.compare.settings import Settings
from mediate.results import set_effects, set_shares
from mediate.stats import Estimate
from mediate.stats.equivalence import equivalence
from mediate.stats.paired import paired_difference, paired_ratio_difference
from mediate.stats.signflip import sign_flip_max_t


class Verdict(StrEnum):
    """What the data say of a difference, at the margin."""

    UNCHANGED = "unchanged"  # two one-sided tests show that it is smaller than the margin
    CHANGED = "changed"  # its interval leaves out 0, and it was not shown to be smaller than the margin
    UNCLEAR = "cannot tell"


class Flipped(NamedTuple):
    """What sign flips say of each cell: its mean difference, its p values, and half the width of the common band.

    All but the mean are NaN where a cell is not tested: nothing differs there, or there is one group.
    """

    mean: Float[np.ndarray, " cell"]
    p: Float[np.ndarray, " cell"]
    p_adjusted: Float[np.ndarray, " cell"]
    reach: Float[np.ndarray, " cell"]


@dataclass(frozen=True, slots=True)
class Level:
    """A quantity of one run, over the shared items.

    Args:
        outcome: What is read at the answer.
        run: The run's label.
        kind: `share`, of TE, or `effect`, in nats.
        quantity: Such as `mediated` or `te`.
        estimate: The value with its interval.
    """

    outcome: str
    run: str
    kind: str
    quantity: str
    estimate: Estimate


@dataclass(frozen=True, slots=True)
class Difference:
    """A quantity of one run less the same of the first.

    Args:
        outcome: What is read at the answer.
        run: The run's label.
        reference: The first run's label.
        kind: `share` or `effect`.
        quantity: Such as `mediated` or `te`.
        estimate: The paired difference with its interval.
        p: Of sign flips of whole groups, of this quantity by itself; NaN where it is not tested.
        p_adjusted: The same for all shares together, or for all effects.
        margin: The largest difference that does not matter; NaN where there is none.
        p_equivalent: Of the two one-sided tests against the margin, the larger p value.
        verdict: What follows at the margin.
    """

    outcome: str
    run: str
    reference: str
    kind: str
    quantity: str
    estimate: Estimate
    p: float
    p_adjusted: float
    margin: float
    p_equivalent: float
    verdict: Verdict


def levels(runs: Sequence[NamedRun], pairing: Pairing, outcome: str, how: Settings) -> tuple[Level, ...]:
    """The shares and effects of every run, as they are reported of a single one, but of the shared items alone."""
    found = []
    for run in runs:
        cube = aligned(run.results.cube(outcome), pairing.items)
        shares = set_shares(cube, min_te=how.min_te, seed=how.seed, level=how.level)
        effects = set_effects(cube, seed=how.seed, level=how.level)
        found += [Level(outcome, run.label, SHARE, name, shares[name]) for name in SHARES]
        found += [Level(outcome, run.label, EFFECT, name, effects[name]) for name in EFFECTS]
    return tuple(found)


def differences_from(
    reference: NamedRun, run: NamedRun, pairing: Pairing, outcome: str, how: Settings
) -> tuple[Difference, ...]:
    """The differences of every share and effect of one run from those of the first."""
    groups = pairing.groups
    cubes = [aligned(each.results.cube(outcome), pairing.items) for each in (reference, run)]
    effects = [effect_values(each) for each in cubes]
    te = np.stack([each[0] for each in effects])
    tops = np.stack([share_numerators(each) for each in cubes], axis=1)
    estimates = [
        by_label(
            paired_ratio_difference(
                top, te, groups, min_mean_denominator=how.min_te, seed=how.seed, level=how.level, draws=how.draws
            ),
            (reference, run),
            outcome,
        )
        for top in tops
    ]
    values = np.full(tops[:, 0].shape, np.nan)
    if all(each.defined for each in estimates):
        values = difference_of(linearised(tops[:, 0], te[0]), linearised(tops[:, 1], te[1]))
    labels = (outcome, run.label, reference.label)
    shares = _tested((*labels, SHARE), SHARES, estimates, values, groups, how.margin, how)
    moved = difference_of(*effects)
    nothing = np.zeros(len(groups))
    estimates = [
        paired_difference(nothing, each, groups, seed=how.seed, level=how.level, draws=how.draws) for each in moved
    ]
    margin = how.margin * abs(float(te[0].mean())) or float("nan")
    return shares + _tested((*labels, EFFECT), EFFECTS, estimates, moved, groups, margin, how)


def _tested(
    labels: tuple[str, str, str, str],
    names: Sequence[str],
    estimates: Sequence[Estimate],
    values: Float[np.ndarray, "quantity item"],
    groups: tuple[str, ...],
    margin: float,
    how: Settings,
) -> tuple[Difference, ...]:
    """Tests one family of quantities, item by item, and says what follows."""
    flips = flip_family(values.T, groups, how)
    found = []
    for place, (name, estimate) in enumerate(zip(names, estimates, strict=True)):
        p = float("nan")
        if estimate.defined and margin > 0:
            tested = equivalence(values[place], groups, margin=margin, alpha=how.alpha, seed=how.seed, draws=how.draws)
            p = tested.p
        found.append(
            Difference(
                *labels,
                name,
                estimate,
                float(flips.p[place]),
                float(flips.p_adjusted[place]),
                margin,
                p,
                verdict_of(estimate, p, how.alpha),
            )
        )
    return tuple(found)


def verdict_of(difference: Estimate, p_equivalent: float, alpha: float) -> Verdict:
    """Unchanged where it is shown to be smaller than the margin; else changed where the interval leaves out 0."""
    if p_equivalent <= alpha:
        return Verdict.UNCHANGED
    return Verdict.CHANGED if difference.low > 0 or difference.high < 0 else Verdict.UNCLEAR


def flip_family(values: Float[np.ndarray, "item cell"], groups: Sequence[str], how: Settings) -> Flipped:
    """Flips the signs of whole groups; see `mediate.stats.signflip.sign_flip_max_t`. NaN is a cell without a value."""
    moving = np.nan_to_num(values) != 0
    if len(set(groups)) < 2 or not moving.any():
        none = np.full(values.shape[1], np.nan)
        return Flipped(values.mean(axis=0), none, none, none)
    found = sign_flip_max_t(values, groups, seed=how.seed, draws=how.flips, level=how.level)
    return Flipped(found.mean, found.p, found.p_adjusted, found.reach)
