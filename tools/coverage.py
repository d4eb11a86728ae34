"""Writes the table of coverage in `docs/trust.md`, between its two markers: `python -m tools.coverage`.

How often intervals of simulated data sets hold the truth, which is known: the bootstrap-t of this package, and beside
it the percentile bootstrap of the same resamples. Some minutes on one core; the seeds are fixed.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from mediate.stats import Estimate
from mediate.stats.resampling import RESAMPLES
from mediate.stats.studentised import Estimand, contrast_of, studentised
from tests.stats.simulated import ONE, SAME, Shares, differences, percentiles

PAGE = Path(__file__).parents[1] / "docs" / "trust.md"
START, END = "<!-- coverage: written by python -m tools.coverage -->", "<!-- end of coverage -->"
LEVEL = 0.95
DATA_SETS = 2000
GROUPS = (5, 10, 20, 40)
EFFECTS: Mapping[str, float] = {"normal": 0.0, "skewness 1": 1.0, "skewness 2": 2.0, "skewness 4": 4.0}
Drawn = tuple[Estimand, float]


class Covered(NamedTuple):
    """In how many data sets the truth lay in the interval; and how many had none, which count as misses."""

    studentised: int
    percentile: int
    without: int


def mean(rng: np.random.Generator, groups: int, skewness: float) -> Drawn:
    """A mean of effects, of which four fifths of the variance are the group's; a paired difference is one, too."""
    values, names = differences(rng, groups, skewness)
    return contrast_of(np.ones(1), values[None], np.ones((1, len(values))), names), 0.0


def share(rng: np.random.Generator, groups: int, skewness: float) -> Drawn:
    """A share of about 70 % that rises with the total effect, and a group's effect on it."""
    return _shares(ONE, np.ones(1), rng, groups, skewness)


def shares_apart(rng: np.random.Generator, groups: int, skewness: float) -> Drawn:
    """The difference of two runs' shares of the same items."""
    return _shares(SAME, np.array([-1.0, 1.0]), rng, groups, skewness)


def _shares(made: Shares, weights: np.ndarray, rng: np.random.Generator, groups: int, skewness: float) -> Drawn:
    top, bottom, names = made.draw(rng, groups, skewness)
    return contrast_of(weights, top, bottom, names), float(weights @ made.truth)


STATISTICS: Mapping[str, Callable[[np.random.Generator, int, float], Drawn]] = {
    "mean, paired difference": mean,
    "share": share,
    "difference of two shares": shares_apart,
}


def covered(groups: int, data_sets: int) -> dict[tuple[str, str], Covered]:
    """By statistic and effects, over so many data sets; those of one number share their resamples."""
    counts = {(what, which): np.zeros(3, dtype=int) for what in STATISTICS for which in EFFECTS}
    for number in range(data_sets):
        for place, (what, drawn) in enumerate(STATISTICS.items()):
            for which, skewness in EFFECTS.items():
                rng = np.random.default_rng([groups, number, place, int(10 * skewness)])
                contrast, truth = drawn(rng, groups, skewness)
                new = studentised(contrast, min_mean_denominator=0.0, seed=number, level=LEVEL, draws=RESAMPLES)
                old = percentiles(contrast, seed=number, level=LEVEL, draws=RESAMPLES)
                counts[what, which] += [_holds(new, truth), _holds(old, truth), np.isnan(new.low)]
    return {key: Covered(*map(int, found)) for key, found in counts.items()}


def _holds(found: Estimate, truth: float) -> bool:
    return found.low <= truth <= found.high


def table(found: Sequence[Mapping[tuple[str, str], Covered]], data_sets: int) -> str:
    """A row a statistic and distribution, a column a number of groups; the percentile bootstrap in brackets."""
    lines = [
        f"| of | effects of a group | {' | '.join(f'{groups} groups' for groups in GROUPS)} |",
        f"| --- | --- |{' --- |' * len(GROUPS)}",
    ]
    for what in STATISTICS:
        for which in EFFECTS:
            cells = [_cell(each[what, which], data_sets) for each in found]
            lines.append(f"| {what} | {which} | {' | '.join(cells)} |")
    without = sum(each.without for column in found for each in column.values())
    level, error = f"{100 * LEVEL:g} %", 100 * np.sqrt(LEVEL * (1 - LEVEL) / data_sets)
    lines += [
        "",
        f"How often, in percent, {level} intervals hold the truth: bootstrap-t, and in brackets the percentile "
        "bootstrap.",
        f"{data_sets} data sets a cell, groups of one to four items, {RESAMPLES} resamples; the standard error is "
        f"{error:.1f} points",
        f"at {level}. Data sets without an interval, which count as misses: {without} of {_cells(found) * data_sets}.",
    ]
    return "\n".join(lines)


def _cells(found: Sequence[Mapping[tuple[str, str], Covered]]) -> int:
    return sum(map(len, found))


def _cell(each: Covered, data_sets: int) -> str:
    return f"{100 * each.studentised / data_sets:.1f} ({100 * each.percentile / data_sets:.1f})"


def page(before: str, written: str) -> str:
    """The page with its table written anew."""
    start, end = before.index(START) + len(START), before.index(END)
    return f"{before[:start]}\n\n{written}\n\n{before[end:]}"


if __name__ == "__main__":
    made = table([covered(groups, DATA_SETS) for groups in GROUPS], DATA_SETS)
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8"), made), encoding="utf-8")
