"""The best length of a chain, of sets whose conditions are lengths of the chains of the same problems.

Two lengths must not be mixed: *granularity*, how many operations a step does, counts in steps, and how much is said of
each in tokens. Conditions whose names have two parts, such as `2 a step, terse`, vary both, and each is looked at while
the other stays. Beside the best number of steps stands N* of the formula of accumulating errors, fitted to the same
answers (`mediate.stats.accumulation`).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from math import comb
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float, Int, Num

from mediate.errors import InputError
from mediate.results.conditions import conditions_of, right_of, those_of
from mediate.results.told import Measured
from mediate.stats import Estimate, bounded_mean
from mediate.stats.accumulation import FEWEST, Accumulation, best_steps, fit_accumulation
from mediate.stats.bootstrap import PERCENTILES
from mediate.stats.paired import paired_ratio_difference
from mediate.stats.resampling import RESAMPLES, group_index, group_sums, resamples

if TYPE_CHECKING:
    import pandas

STEPS, TOKENS = "steps", "tokens"
# A condition's name, or a part of it, that is a length.
_LENGTH = re.compile(r"\d+ (?:(?P<steps>a step|steps?)|tokens?|words?|sentences?)")
# Fits of the formula take long.
FITS = 200


@dataclass(frozen=True, slots=True)
class LengthLine:
    """Conditions that differ in the length of their chains alone.

    Args:
        at: What all of them are besides; empty where there is nothing else.
        conditions: Their names.
        by: What length counts in: `steps` or `tokens`.
    """

    at: str
    conditions: tuple[str, ...]
    by: str


@dataclass(frozen=True, slots=True)
class Optimum:
    """The best length among a line's conditions.

    Args:
        line: The conditions.
        lengths: The mean length of the base chains under each, in the order of the line.
        right: The part of answers that are right under each; empty where none were asked.
        best: The length with the most right answers, the shorter of two that are alike; undefined, with the reason,
            where there is one length alone or where the answers do not differ between lengths.
        predicted: N* of the fitted formula, the mean over problems; None of lengths in tokens.
    """

    line: LengthLine
    lengths: tuple[float, ...]
    right: tuple[Estimate, ...]
    best: Estimate
    predicted: Estimate | None


def length_lines(names: Sequence[str]) -> tuple[LengthLine, ...]:
    """The lines of conditions whose names say lengths; none where they do not.

    Args:
        names: Such as `1 a step, plain`; the parts of names of two are varied in turn.
    """
    parts = [tuple(name.split(", ")) for name in names]
    if all(_LENGTH.fullmatch(each[0]) for each in parts) and {len(each) for each in parts} == {2}:
        found = []
        for varied, other in ((0, 1), (1, 0)):
            for at in dict.fromkeys(each[other] for each in parts):
                there = tuple(name for name, each in zip(names, parts, strict=True) if each[other] == at)
                found.append(LengthLine(at, there, _unit(there[0]) if varied == 0 else TOKENS))
        return tuple(each for each in found if len(each.conditions) > 1)
    if len(names) > 1 and all(_LENGTH.fullmatch(name) for name in names):
        return (LengthLine("", tuple(names), _unit(names[0])),)
    return ()


def _unit(name: str) -> str:
    found = _LENGTH.match(name)
    return STEPS if found and found["steps"] else TOKENS


def line_of(items: Sequence[Measured], conditions: Sequence[str], by: str) -> LengthLine:
    """A line of conditions that someone names.

    Raises:
        InputError: A condition that no item stands under, fewer than two, or no such unit.
    """
    have = conditions_of(items)
    unknown = next((each for each in conditions if each not in have), None)
    if unknown is not None or len(conditions) < 2:
        asked = f"no condition {unknown!r}" if unknown is not None else "give two conditions or more"
        raise InputError(f"optimum: {asked}; there are {', '.join(map(repr, have)) or 'none'}")
    if by not in (STEPS, TOKENS):
        raise InputError(f"optimum: no length in {by!r}; give {STEPS} or {TOKENS}")
    return LengthLine("", tuple(conditions), by)


def optimum_of(items: Sequence[Measured], line: LengthLine, *, seed: int = 0, level: float = 0.95) -> Optimum:
    """The best length among conditions that differ in length.

    The interval is of the percentiles of resampled groups. Where the best and the worst length do not differ by more
    than chance (the difference within groups, with an interval that holds for all two lengths together), there is none.

    Args:
        items: What stood in the items of a run.
        line: The conditions.
        seed: Seed of the bootstrap.
        level: Coverage of the intervals.
    """
    asked = [item for item in items if item.condition in line.conditions and not np.isnan(right_of(item))]
    seen = _Seen(
        groups=tuple(item.group for item in asked),
        right=np.array([right_of(item) for item in asked]),
        under=np.array([line.conditions.index(item.condition) for item in asked], dtype=np.int64),
        lengths=np.array([_length(item, line.by) for item in asked], dtype=float),
        seed=seed,
        level=level,
    )
    those = [seen.under == place for place in range(len(line.conditions))]
    lengths = tuple(float(seen.lengths[each].mean()) if each.any() else float("nan") for each in those)
    right: tuple[Estimate, ...] = ()
    reason = "the model's own answers were not asked for under each condition"
    if all(each.any() for each in those):
        right = tuple(bounded_mean(seen.right[each], those_of(seen.groups, each), level=level) for each in those)
        reason = _no_best(seen, those, lengths, right)
    best = seen.undefined(reason) if reason else _best(seen, those, lengths)
    predicted = None
    if line.by == STEPS:
        predicted = seen.undefined(reason) if reason else _predicted(seen)
    return Optimum(line, lengths, right, best, predicted)


@dataclass(frozen=True, slots=True)
class _Seen:
    """Answers under a line's conditions, and how intervals are made of them."""

    groups: tuple[str, ...]
    right: Float[np.ndarray, " item"]
    under: Int[np.ndarray, " item"]
    lengths: Float[np.ndarray, " item"]
    seed: int
    level: float

    def undefined(self, reason: str) -> Estimate:
        return self.estimate(float("nan"), np.empty(0), reason)

    def estimate(self, value: float, draws: Float[np.ndarray, " draw"], reason: str = "") -> Estimate:
        low, high = float("nan"), float("nan")
        if len(draws):
            low, high = np.quantile(draws, [(1 - self.level) / 2, (1 + self.level) / 2], method="nearest").tolist()
        count = len(set(self.groups))
        return Estimate(value, low, high, self.level, len(self.right), count, PERCENTILES, self.seed, reason)


def _length(item: Measured, by: str) -> int:
    return len(item.base.tokens) if by == TOKENS else len(set(item.base.steps))


def _no_best(
    seen: _Seen,
    those: Sequence[Bool[np.ndarray, " item"]],
    lengths: Sequence[float],
    right: Sequence[Estimate],
) -> str:
    """Why no length is the best; empty where one is."""
    if len(set(lengths)) < 2:
        return f"the chains are of one length under all conditions ({lengths[0]:.3g})"
    rates = [each.value for each in right]
    told = f"{min(rates):.0%} to {max(rates):.0%} right"
    if min(rates) == max(rates):
        return f"as many answers are right at each length ({rates[0]:.0%})"
    worst, best = those[rates.index(min(rates))], those[rates.index(max(rates))]
    either = worst | best
    chosen = np.stack([worst, best])[:, either].astype(float)
    apart = paired_ratio_difference(
        chosen * seen.right[either],
        chosen,
        those_of(seen.groups, either),
        seed=seen.seed,
        level=1 - (1 - seen.level) / comb(len(those), 2),
    )
    if np.isnan(apart.low):
        return f"there are too few groups to tell lengths apart ({told})"
    return f"the lengths do not differ by more than chance ({told})" if apart.low <= 0 else ""


def _best(seen: _Seen, those: Sequence[Bool[np.ndarray, " item"]], lengths: Sequence[float]) -> Estimate:
    """The length with the most right answers, in all and in each resample."""
    order = np.argsort(lengths, kind="stable")
    index, count = group_index(seen.groups), len(set(seen.groups))
    columns = np.stack([part for place in order for part in (those[place] * seen.right, those[place])], axis=1)
    sums = group_sums(columns.astype(float), index, count)

    def longest(weights: Num[np.ndarray, "draw group"]) -> Float[np.ndarray, " draw"]:
        total = weights @ sums
        with np.errstate(invalid="ignore", divide="ignore"):
            rates = np.nan_to_num(total[:, ::2] / total[:, 1::2], nan=-1.0)
        found: Float[np.ndarray, " draw"] = np.array(lengths)[order][rates.argmax(axis=1)]
        return found

    value = float(longest(np.ones((1, count)))[0])
    return seen.estimate(value, longest(resamples(count, RESAMPLES, seen.seed)))


def _predicted(seen: _Seen) -> Estimate:
    """N* of the formula, the mean over problems; a problem's operations are the steps of its longest chain."""
    index, count = group_index(seen.groups), len(set(seen.groups))
    most = np.zeros(count)
    np.maximum.at(most, index, seen.lengths)
    cells, place = np.unique(np.stack([most[index], seen.lengths], axis=1), axis=0, return_inverse=True)
    operations, steps = cells.T
    if len(cells) < FEWEST:
        return seen.undefined(f"the formula has {FEWEST} parameters, and there are {len(cells)} lengths of problems")
    if np.array_equal(operations, steps):
        return seen.undefined("no problem stands under two lengths, so that content and length cannot be told apart")
    counted = np.zeros((count, 2, len(cells)))
    np.add.at(counted, (index, 1 - seen.right.astype(int), place.ravel()), 1.0)

    def star(weights: Num[np.ndarray, " group"], near: Accumulation | None = None) -> tuple[Accumulation, float]:
        right, wrong = np.tensordot(weights, counted, axes=1)
        found = fit_accumulation(operations, steps, right, wrong, near)
        return found, float((weights * best_steps(found, most)).sum() / weights.sum())

    found, value = star(np.ones(count))
    if not np.isfinite(value):
        return seen.undefined("the fitted formula has no best length: each further step helps")
    drawn = [star(weights, found)[1] for weights in resamples(count, FITS, seen.seed)]
    return seen.estimate(value, np.array(drawn))


def optimum_table(found: Sequence[Optimum]) -> "pandas.DataFrame":
    """A row a line: what stands, in what length counts, the lengths, the best one and N*, each with its interval."""
    import pandas as pd

    return pd.DataFrame([_row(each) for each in found])


def _row(each: Optimum) -> dict[str, object]:
    row: dict[str, object] = {
        "at": each.line.at,
        "conditions": each.line.conditions,
        "by": each.line.by,
        "lengths": each.lengths,
        "right": tuple(one.value for one in each.right),
    }
    for name, estimate in (("best", each.best), ("predicted", each.predicted)):
        for part in ("value", "low", "high"):
            column = name if part == "value" else f"{name}_{part}"
            row[column] = float("nan") if estimate is None else getattr(estimate, part)
        row[f"{name}_reason"] = "" if estimate is None else estimate.reason
    return row | {"n": each.best.n, "groups": each.best.groups}
