"""Items by the conditions that their set puts them under, and what differs between two conditions.

A condition is what a set's maker varies, such as a question with and without a clause, told in other words or after
irrelevant sentences. Items of one group under several conditions are one problem told in several ways: a difference
then is within groups, because a resample has a group in all its conditions or in none. Groups that stand under one
condition alone are resampled likewise, so that a difference between sets of other problems has the interval that it
should.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float

from mediate.pairs.answers import same_answer, says
from mediate.results.cube import CHANNELS, MIN_TE, Cube, corners, select, shapley, total_effect
from mediate.results.outcomes import unit_of
from mediate.results.told import Measured
from mediate.stats import Estimate, bootstrap_mean, bootstrap_ratio, bounded_difference, bounded_mean
from mediate.stats.paired import paired_ratio_difference
from mediate.stats.studentised import named_runs

if TYPE_CHECKING:
    import pandas

TE, RIGHT, DEFAULT, PREFERS, MEDIATED = "te", "right", "default", "prefers", "mediated"
SHARES = (MEDIATED, "text", "latent", "direct")
RATES = (RIGHT, DEFAULT, PREFERS)
# In the order of a table: right answers, how much there is to share out and the chain's part of it, and the rest.
QUANTITIES = (RIGHT, TE, MEDIATED, DEFAULT, PREFERS, "text", "latent", "direct")
# What a reason calls the condition of items that name none.
UNNAMED = "no condition"


@dataclass(frozen=True, slots=True)
class OfCondition:
    """What was measured under one condition.

    Args:
        condition: Its name.
        estimates: By quantity: `right`, the part of items whose base question the model itself answers rightly after
            the chain, of those where it was asked; `default`, the part in which it gives the answer that is right under
            the first condition, of those whose group has one there that is wrong here; `prefers`, of outcomes of two
            answers, the part with Y[1,1,1] above 0; `te`, the mean total effect; and the shares. One that no item of
            the set has is absent.
        differences: The same, less that of the first condition; empty for the first itself. One of shares is undefined
            where either share is; its reason names the condition.
    """

    condition: str
    estimates: Mapping[str, Estimate]
    differences: Mapping[str, Estimate]


def conditions_of(items: Sequence[Measured]) -> tuple[str, ...]:
    """The conditions of a set in the order in which they come; none where no item names one."""
    found = tuple(dict.fromkeys(item.condition for item in items))
    return found if any(found) else ()


def under(cube: Cube, items: Sequence[Measured], condition: str) -> Cube:
    """The cube of the items that stand under a condition."""
    return select(cube, [item.id for item in items if item.condition == condition])


def by_condition(
    cube: Cube,
    items: Sequence[Measured],
    *,
    two_answers: bool,
    min_te: float = MIN_TE,
    seed: int = 0,
    level: float = 0.95,
) -> tuple[OfCondition, ...]:
    """Every quantity under each condition, and its difference from that under the first.

    Args:
        cube: One outcome of the items.
        items: What stood in them.
        two_answers: Whether the outcome is of two answers, so that its sign says which of them the model prefers.
        min_te: The size of the mean TE up to which shares are undefined, in the outcome's unit.
        seed: Seed of the bootstrap.
        level: Coverage of the intervals.
    """
    told = {item.id: item for item in items}
    standing = [told[item].condition for item in cube.items]
    names = conditions_of(items)
    ratios = _ratios(cube, [told[item] for item in cube.items], names, two_answers)
    found: list[OfCondition] = []
    for name in names:
        estimates, differences = {}, {}
        for quantity, (top, bottom) in ratios.items():
            least = min_te if quantity in SHARES else 0.0
            first, here = (
                np.array([each == wanted for each in standing], dtype=bool) & ~np.isnan(bottom)
                for wanted in (names[0], name)
            )
            if not here.any():
                continue
            own, groups = (top[here], bottom[here]), those_of(cube.groups, here)
            if quantity in SHARES:
                estimates[quantity] = bootstrap_ratio(*own, groups, min_mean_denominator=least, seed=seed, level=level)
            elif quantity in RATES:
                estimates[quantity] = bounded_mean(own[0], groups, level=level)
            else:
                estimates[quantity] = bootstrap_mean(own[0], groups, seed=seed, level=level)
            if not found or not first.any():
                continue
            if quantity in RATES:
                apart = _rates_apart((top, bottom), (first, here), cube.groups, level)
            else:
                apart = _difference((top, bottom), (first, here), cube.groups, least, seed, level)
            what = "total effect" if quantity in SHARES else "number of items"
            called = [f"{what} under {each or UNNAMED}" for each in (names[0], name)]
            differences[quantity] = named_runs(apart, called, unit_of(cube.outcome))
        found.append(OfCondition(name, estimates, differences))
    return tuple(found)


Ratio = tuple[Float[np.ndarray, " item"], Float[np.ndarray, " item"]]
"""What a quantity is a ratio of sums of; NaN where an item does not have it."""


def _ratios(cube: Cube, items: Sequence[Measured], names: Sequence[str], two_answers: bool) -> dict[str, Ratio]:
    one = np.ones(len(cube.items))
    right = np.array([right_of(item) for item in items])
    te, effects = total_effect(cube.y), dict(zip(CHANNELS, shapley(cube.y, cube.contrast).T, strict=True))
    effects[MEDIATED] = corners(cube.y).tie
    default = _defaults(items, names[0])
    found: dict[str, Ratio] = {
        name: (np.nan_to_num(values), np.where(np.isnan(values), np.nan, 1.0))
        for name, values in ((RIGHT, right), (DEFAULT, default))
    }
    if two_answers:
        found[PREFERS] = ((cube.y[:, 1, 1, 1] > 0).astype(float), one)
    found |= {TE: (te, one)} | {name: (effects[name], te) for name in SHARES}
    return {name: found[name] for name in QUANTITIES if name in found}


def right_of(item: Measured) -> float:
    """Whether the model itself answers the base question rightly; NaN where it was not asked."""
    said = item.base.said
    return float("nan") if said is None else float(says(said, _right_answer(item)))


def _defaults(items: Sequence[Measured], first: str) -> Float[np.ndarray, " item"]:
    """Whether each item's model gives the answer that is right under the first condition; NaN where that is none."""
    usual = {item.group: _right_answer(item) for item in items if item.condition == first}
    found = np.full(len(items), np.nan)
    for place, item in enumerate(items):
        said, answer = item.base.said, usual.get(item.group)
        if said is not None and answer is not None and not same_answer(answer, _right_answer(item)):
            found[place] = float(says(said, answer))
    return found


def _right_answer(item: Measured) -> str:
    return item.base.given or item.base.answer


def those_of(groups: Sequence[str], chosen: Bool[np.ndarray, " item"]) -> tuple[str, ...]:
    """The groups of some of the items."""
    return tuple(group for group, there in zip(groups, chosen, strict=True) if there)


Chosen = tuple[Bool[np.ndarray, " item"], Bool[np.ndarray, " item"]]
"""The items under the first condition, and those under another."""


def _difference(ratio: Ratio, chosen: Chosen, groups: Sequence[str], least: float, seed: int, level: float) -> Estimate:
    """A quantity of the second choice of items less that of the first; both share their resamples of groups."""
    top, bottom, having = _of_both(ratio, chosen, groups)
    # The mean denominator of a choice is over the items of both.
    part = min(each.sum() for each in chosen) / len(having)
    found = paired_ratio_difference(top, bottom, having, min_mean_denominator=least * part, seed=seed, level=level)
    for run, each in enumerate(chosen):
        mean = ratio[1][each].mean()
        if abs(mean) <= least:
            why = f"the mean denominator of run {run}, {mean:.3g}, is within {least:g} of 0"
            return replace(found, value=np.nan, low=np.nan, high=np.nan, reason=why)
    return found


def _rates_apart(ratio: Ratio, chosen: Chosen, groups: Sequence[str], level: float) -> Estimate:
    """The same of a rate, whose difference stays between -1 and 1."""
    return bounded_difference(*_of_both(ratio, chosen, groups), level=level)


def _of_both(
    ratio: Ratio, chosen: Chosen, groups: Sequence[str]
) -> tuple[Float[np.ndarray, "2 chosen"], Float[np.ndarray, "2 chosen"], tuple[str, ...]]:
    """Numerators and denominators of both choices over the items of either, and their groups."""
    either = chosen[0] | chosen[1]
    top, bottom = (np.stack([np.where(each, values, 0.0)[either] for each in chosen]) for values in ratio)
    return top, bottom, those_of(groups, either)


def condition_table(found: Sequence[OfCondition], outcome: str) -> "pandas.DataFrame":
    """A row a condition and quantity: value and interval, n and groups, and the difference from the first condition.

    `reason` and `difference_reason` say why a number or its interval is not there; both are empty where all is.
    """
    import pandas as pd

    rows = [
        {"condition": each.condition, "outcome": outcome, "quantity": name}
        | {part: getattr(estimate, part) for part in ("value", "low", "high", "n", "groups", "reason")}
        | _told(each.differences.get(name))
        for each in found
        for name, estimate in each.estimates.items()
    ]
    return pd.DataFrame(rows)


def _told(difference: Estimate | None) -> dict[str, float | str]:
    parts = {"value": "", "low": "_low", "high": "_high"}
    told: dict[str, float | str] = {
        f"difference{end}": float("nan") if difference is None else getattr(difference, part)
        for part, end in parts.items()
    }
    return told | {"difference_reason": "" if difference is None else difference.reason}
