"""Writes the table of coverage of rates in `docs/trust.md`: `python -m tools.coverage_of_rates`.

How often intervals of simulated rates hold the truth, which is known: those of this package, and beside them the
percentile bootstrap and the bootstrap-t of the same data. Some minutes on one core; the seeds are fixed.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy import stats

from mediate.stats import Estimate, bounded_mean
from mediate.stats.studentised import contrast_of, studentised
from tests.stats.simulated import members, named, percentiles
from tools.marked import Part

PAGE = Path(__file__).parents[1] / "docs" / "trust.md"
PART = Part("coverage of rates", "python -m tools.coverage_of_rates")
LEVEL = 0.95
DATA_SETS = 1000
DRAWS = 499
GROUPS = (5, 10, 20, 40)
RATES = (0.5, 0.9, 0.98, 1.0)
PLACES = (2, 6)
Drawn = tuple[np.ndarray, list[str]]


class Covered(NamedTuple):
    """In how many data sets the truth lay in the interval, by its method; and the sum of our intervals' widths."""

    ours: int
    percentile: int
    studentised: int
    width: float


def single(rng: np.random.Generator, groups: int, rate: float) -> Drawn:
    """A group is an item, which is right or wrong."""
    return (rng.random(groups) < rate).astype(float), named(np.arange(groups))


def grouped(rng: np.random.Generator, groups: int, rate: float) -> Drawn:
    """Groups of one to four items, whose rates have a beta distribution: two items of one are correlated by a half."""
    index, rates = _members(rng, groups, rate)
    return (rng.random(len(index)) < rates).astype(float), named(index)


def places(rng: np.random.Generator, groups: int, rate: float) -> Drawn:
    """The same, and of each item the share of two to five places at which it is right."""
    index, rates = _members(rng, groups, rate)
    count = rng.integers(*PLACES, len(index))
    return rng.binomial(count, rates) / count, named(index)


def _members(rng: np.random.Generator, groups: int, rate: float) -> tuple[np.ndarray, np.ndarray]:
    """The group of each item, and the rate of that group."""
    index = members(rng, groups)
    return index, (np.ones(groups) if rate == 1 else rng.beta(rate, 1 - rate, groups))[index]


KINDS: Mapping[str, Callable[[np.random.Generator, int, float], Drawn]] = {
    "groups of one item": single,
    "groups of one to four": grouped,
    "shares of places, groups of one to four": places,
}


def covered(groups: int, data_sets: int) -> dict[tuple[str, float], Covered]:
    """By kind of data and rate, over so many data sets."""
    return {(kind, rate): _covered(kind, rate, groups, data_sets) for kind in KINDS for rate in RATES}


def _covered(kind: str, rate: float, groups: int, data_sets: int) -> Covered:
    held, width = np.zeros(3, dtype=int), 0.0
    for number in range(data_sets):
        rng = np.random.default_rng([groups, number, list(KINDS).index(kind), int(100 * rate)])
        values, names = KINDS[kind](rng, groups, rate)
        contrast = contrast_of(np.ones(1), values[None], np.ones((1, len(values))), names)
        found = (
            bounded_mean(values, names, level=LEVEL),
            percentiles(contrast, seed=number, level=LEVEL, draws=DRAWS),
            studentised(contrast, min_mean_denominator=0.0, seed=number, level=LEVEL, draws=DRAWS),
        )
        held += [_holds(each, rate) for each in found]
        width += found[0].high - found[0].low
    ours, percentile, other = map(int, held)
    return Covered(ours, percentile, other, width)


def _holds(found: Estimate, truth: float) -> bool:
    # A share of places is a sum of fractions, which may be 1 but for rounding.
    return found.low <= truth + 1e-12 and truth - 1e-12 <= found.high


def table(found: Sequence[Mapping[tuple[str, float], Covered]], data_sets: int) -> str:
    """A row a kind of data and rate, a column a number of groups: ours, the two bootstraps in brackets, the width."""
    lines = [
        f"| of | rate | {' | '.join(f'{groups} groups' for groups in GROUPS)} |",
        f"| --- | --- |{' --- |' * len(GROUPS)}",
    ]
    for kind, rate in found[0]:
        cells = [_cell(each[kind, rate], data_sets) for each in found]
        lines.append(f"| {kind} | {rate:g} | {' | '.join(cells)} |")
    low, high = (100 * end for end in stats.binom.interval(0.95, data_sets, LEVEL))
    lines += [
        "",
        f"How often, in percent, {100 * LEVEL:g} % intervals of rates hold the truth, and their mean width in points;",
        "in brackets the percentile bootstrap and the bootstrap-t of the same data, where none is a miss.",
        f"{data_sets} data sets a cell, {DRAWS} resamples; of a true 95 % a cell says {low / data_sets:.1f} to "
        f"{high / data_sets:.1f}.",
    ]
    return "\n".join(lines)


def _cell(each: Covered, data_sets: int) -> str:
    ours, percentile, other = (100 * count / data_sets for count in each[:3])
    return f"{ours:.1f}, {100 * each.width / data_sets:.0f} ({percentile:.1f}; {other:.1f})"


if __name__ == "__main__":
    PART.check(PAGE)
    PART.write(PAGE, table([covered(groups, DATA_SETS) for groups in GROUPS], DATA_SETS))
