"""Which of many cells differ: sign flips of whole groups, with the family-wise error held by the largest |t|.

Or, of cells that have p values, with the share of false ones among those found held.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy import stats

from mediate.stats.studentised import numbered_groups

FLIPS = 10_000
CHUNK = 4_000_000  # numbers at once: 32 MB an array
TIE = 1e-9  # sizes of t that differ by a smaller part are the same but for rounding
ONE = 1 - 1e-12  # above this, all groups say the same but for rounding


@dataclass(frozen=True, slots=True)
class MaxT:
    """What sign flips say of every cell; arrays have one entry a cell.

    Args:
        mean: Mean over the items that have the cell; NaN where none has.
        error: Its standard error over groups (that of the sum of the groups' sums, over the number of items).
        t: mean / error: infinite where every group says the same, NaN where the cell is not tested.
        p: Of each cell by itself.
        p_adjusted: For all cells together: the chance that the largest |t| of any cell is as large.
        n: Items that have the cell.
        reasons: Why a cell is not tested, by cell; its error, t and p values are NaN.
        critical: At this |t| and above a cell is found; infinite where no pattern of signs is rare enough.
        level: One less the family-wise error.
        groups: Groups that were flipped.
        flips: Patterns of signs that were counted, the data's own among them.
        exact: Whether these were all there are (up to an exchange of all signs, which changes no |t|).
        seed: Seed of the flips, where they were drawn.
    """

    mean: Float[np.ndarray, " cell"]
    error: Float[np.ndarray, " cell"]
    t: Float[np.ndarray, " cell"]
    p: Float[np.ndarray, " cell"]
    p_adjusted: Float[np.ndarray, " cell"]
    n: Int[np.ndarray, " cell"]
    reasons: dict[int, str]
    critical: float
    level: float
    groups: int
    flips: int
    exact: bool
    seed: int

    def __post_init__(self) -> None:
        if not 0 < self.level < 1:
            raise ValueError(f"level is {self.level}; it is one less the family-wise error, such as 0.95")
        if set(self.reasons) != set(np.flatnonzero(np.isnan(self.p_adjusted)).tolist()):
            raise ValueError("a cell is not tested (NaN) just where it has a reason")

    @property
    def found(self) -> Bool[np.ndarray, " cell"]:
        """Cells that differ; the chance that any of them is false is at most 1 - level."""
        found: Bool[np.ndarray, " cell"] = self.p_adjusted <= 1 - self.level + TIE
        return found

    @property
    def reach(self) -> Float[np.ndarray, " cell"]:
        """Half the width of the simultaneous band around the means; NaN where no |t| would be found."""
        return self.error * (self.critical if np.isfinite(self.critical) else np.nan)


@dataclass(frozen=True, slots=True)
class GroupSums:
    """What flips act on.

    Args:
        sums: Of each group's items, in the cells that are tested.
        squares: Sum of the squares of these, which no flip changes.
        having: Groups with an item that has the cell.
    """

    sums: Float[np.ndarray, "group cell"]
    squares: Float[np.ndarray, " cell"]
    having: Int[np.ndarray, " cell"]

    def t(self, signs: Float[np.ndarray, "flip group"]) -> Float[np.ndarray, "flip cell"]:
        """|t| of the groups' sums under each pattern of signs: `(G - 1) u / (1 - u)`, u = (sum s)^2 / (G sum s^2)."""
        part = (signs @ self.sums) ** 2 / (self.having * self.squares)
        part[part > ONE] = 1.0
        with np.errstate(divide="ignore"):
            size: Float[np.ndarray, "flip cell"] = np.sqrt((self.having - 1) * part / (1 - part))
        return size


def sign_patterns(
    groups: int, draws: int, rng: np.random.Generator, rows: int
) -> Iterator[Float[np.ndarray, "flip group"]]:
    """All patterns of signs where these are no more than `draws`, else so many at random; `rows` of them at a time.

    Of all patterns, only those with the last group's sign as it is: exchanging every sign changes no |t|.
    """
    every = 2 ** (groups - 1)
    for start in range(0, min(every, draws), rows):
        stop = min(start + rows, every, draws)
        if every <= draws:
            bits = np.arange(start, stop)[:, None] >> np.arange(groups) & 1
        else:
            bits = rng.integers(0, 2, size=(stop - start, groups), dtype=np.int8)
        yield 1.0 - 2.0 * bits


def flip_counts(
    cells: GroupSums, draws: int, seed: int
) -> tuple[Int[np.ndarray, " cell"], Float[np.ndarray, " flip"], bool]:
    """How many patterns have as large a |t| in each cell, each pattern's largest |t|, and whether those were all."""
    groups, tested = cells.sums.shape
    own = cells.t(np.ones((1, groups)))
    exact = 2 ** (groups - 1) <= draws
    # Drawn patterns leave out the data's own, which is one of those that could have been.
    larger, largest = np.full(tested, 0 if exact else 1), [] if exact else [own.max(axis=1, initial=0.0)]
    rows = max(1, CHUNK // max(groups, tested))
    for signs in sign_patterns(groups, draws, np.random.default_rng(seed), rows):
        size = cells.t(signs)
        larger += (size >= own * (1 - TIE)).sum(axis=0)
        largest.append(size.max(axis=1, initial=0.0))
    return larger, np.concatenate(largest), exact


def critical_value(largest: Float[np.ndarray, " flip"], error: float) -> float:
    """The smallest of these sizes that at most the part `error` of them reaches; infinite where none is so rare."""
    ordered = np.sort(largest)
    reached = len(ordered) - np.searchsorted(ordered, ordered * (1 - TIE))
    rare = reached <= error * len(ordered) + TIE
    return float(ordered[rare][0]) if rare.any() else np.inf


def reasons_not_to_test(
    sums: Float[np.ndarray, "group cell"], having: Int[np.ndarray, " cell"], n: Int[np.ndarray, " cell"]
) -> dict[int, str]:
    """Cells without a t, each with the reason."""
    reasons = {int(cell): "every difference is 0" for cell in np.flatnonzero(~sums.any(axis=0))}
    reasons |= {int(cell): "one group: nothing to flip" for cell in np.flatnonzero(having == 1)}
    return reasons | {int(cell): "no item has it" for cell in np.flatnonzero(n == 0)}


def sign_flip_max_t(
    values: Float[np.ndarray, "item cell"],
    groups: Sequence[str],
    *,
    seed: int = 0,
    draws: int = FLIPS,
    level: float = 0.95,
) -> MaxT:
    """Tests every cell's mean difference against 0, with the chance of any false finding held at 1 - level.

    If two runs do not differ, a group's differences are as likely with one sign as with the other: all its items and
    cells are flipped together, which keeps what they have in common. t is over the groups' sums. The adjusted p value
    is the share of flips whose largest |t| over the cells is as large (Westfall and Young 1993): unlike Bonferroni's it
    does not pay twice for two cells that move together. The test is of symmetry about 0.

    Measured in 1,000 to 2,000 simulated data sets of 30 cells that correlate at 0.8 and do not differ: some cell found
    in 4.5 to 5.5 % with 10 to 100 normal groups (of each cell by itself: 28 to 30 %), in 4.8 to 6.2 % with a skewness
    of 1, and in 7.3 to 8.9 % with one of 2. With 5 groups or fewer nothing can be found at 95 %.

    Args:
        values: Paired differences. NaN is an item that lacks the cell, such as a step that its chain has not: it is
            left out of that cell, and `n` counts those that stay.
        groups: The group of each item.
        seed: Seed of the flips.
        draws: Flips that are drawn. Where all patterns are no more (14 groups for 10,000), all are taken.
        level: One less the family-wise error.

    Raises:
        ValueError: A value is infinite, there are no items or cells, or there is not one group an item.
    """
    if not values.size or np.isinf(values).any():
        raise ValueError(f"sign flips: values {values.shape}; there must be some, and none infinite")
    index, present = numbered_groups(groups, len(values)), ~np.isnan(values)
    sums = np.zeros((int(index.max()) + 1, values.shape[1]))
    items = np.zeros(sums.shape, dtype=np.int64)
    np.add.at(sums, index, np.where(present, values, 0.0))
    np.add.at(items, index, present)
    having, n = (items > 0).sum(axis=0), items.sum(axis=0)
    reasons = reasons_not_to_test(sums, having, n)
    tested = np.setdiff1d(np.arange(values.shape[1]), list(reasons))
    cells = GroupSums(sums[:, tested], (sums[:, tested] ** 2).sum(axis=0), having[tested])
    mean = np.divide(sums.sum(axis=0), n, out=np.full(len(n), np.nan), where=n > 0)
    error, t, p, adjusted = (np.full(len(n), np.nan) for _ in range(4))
    larger, largest, exact = flip_counts(cells, draws, seed)
    spread = np.maximum(cells.squares - sums[:, tested].sum(axis=0) ** 2 / cells.having, 0.0)
    size = cells.t(np.ones((1, len(sums))))[0]
    error[tested] = np.where(np.isinf(size), 0.0, np.sqrt(cells.having / (cells.having - 1) * spread) / n[tested])
    t[tested], p[tested] = np.copysign(size, mean[tested]), larger / len(largest)
    smaller = np.searchsorted(np.sort(largest), size * (1 - TIE))
    adjusted[tested] = (len(largest) - smaller) / len(largest)
    critical = critical_value(largest, 1 - level)
    return MaxT(mean, error, t, p, adjusted, n, reasons, critical, level, len(sums), len(largest), exact, seed)


def false_discovery(p: Float[np.ndarray, "..."], *, method: Literal["bh", "by"] = "bh") -> Float[np.ndarray, "..."]:
    """Adjusted p values: cells at most q are found with an expected share of at most q false ones among them.

    By scipy's `false_discovery_control`:
    `bh` (Benjamini and Hochberg 1995) holds for independent or positively dependent cells, `by` (Benjamini and
    Yekutieli 2001) for any. A cell whose p value is NaN is no test: it stays NaN and does not count among the others.

    Raises:
        ValueError: A p value is outside [0, 1].
    """
    adjusted = np.full(p.shape, np.nan)
    tested = ~np.isnan(p)
    if tested.any():
        adjusted[tested] = stats.false_discovery_control(p[tested], method=method)
    return adjusted
