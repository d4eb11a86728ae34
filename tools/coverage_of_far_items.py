"""Writes the tables of coverage with far items in `docs/trust.md`: `python -m tools.coverage_of_far_items`.

How often intervals of simulated data sets hold the truth, which is known, where some items are far from all others or
effects are very skewed: ours, whose t is bounded (`mediate.stats.studentised.most_t`), the same without that bound, and
Student's. Some minutes on one core; the seeds are fixed.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from tests.stats.populations import DRAWS, LEVEL, POPULATIONS, Covered, covered
from tools.marked import Part

PAGE = Path(__file__).parents[1] / "docs" / "trust.md"
PART = Part("coverage with far items", "python -m tools.coverage_of_far_items")
DATA_SETS = 2000
GROUPS = (5, 8, 16, 26, 60)
QUANTILES = (0.5, 0.95)


def column(groups: int, data_sets: int) -> dict[str, Covered]:
    """Of so many groups: by population, over so many data sets."""
    return {name: covered(name, groups, data_sets) for name in POPULATIONS}


def tables(found: Sequence[Mapping[str, Covered]], data_sets: int) -> str:
    """A row a population, a column a number of groups: first how often the truth is held, then how wide intervals are.

    Args:
        found: Of each number of groups.
        data_sets: Of each cell.
    """
    without = sum(round(each.without * data_sets) for cells in found for each in cells.values())
    error = 100 * np.sqrt(LEVEL * (1 - LEVEL) / data_sets)
    return "\n".join(
        [
            *_table(found, held),
            "",
            f"How often, in percent, {100 * LEVEL:g} % intervals hold the truth; in brackets those without the bound "
            "on t, and Student's.",
            f"{data_sets} data sets a cell, {DRAWS} resamples; the standard error is {error:.1f} points at "
            f"{100 * LEVEL:g} %. Data sets",
            f"without an interval, which count as misses but for Student's: {without} of "
            f"{data_sets * sum(map(len, found))}.",
            "",
            *_table(found, wide),
            "",
            "How many times as wide as Student's of the same data: the median, and what one data set in twenty passes;",
            "in brackets without the bound on t.",
        ]
    )


def _table(found: Sequence[Mapping[str, Covered]], cell: Callable[[Covered], str]) -> list[str]:
    lines = [
        f"| population | {' | '.join(f'{groups} groups' for groups in GROUPS)} |",
        f"| --- |{' --- |' * len(GROUPS)}",
    ]
    return lines + [f"| {name} | {' | '.join(cell(each[name]) for each in found)} |" for name in found[0]]


def held(each: Covered) -> str:
    """The cell of the first table."""
    return f"{100 * each.ours:.1f} ({100 * each.unbounded:.1f}; {100 * each.student:.1f})"


def wide(each: Covered) -> str:
    """The cell of the second table."""
    if not len(each.times):
        return "none"
    ours, unbounded = (
        ", ".join(_short(end) for end in np.quantile(times, QUANTILES)) for times in (each.times, each.unbounded_times)
    )
    return f"{ours} ({unbounded})"


def _short(times: float) -> str:
    return f"{times:.1f}" if times < 10 else f"{times:.0f}"


if __name__ == "__main__":
    PART.check(PAGE)
    PART.write(PAGE, tables([column(groups, DATA_SETS) for groups in GROUPS], DATA_SETS))
