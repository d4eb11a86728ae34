"""What changed from the first run to each other one: paired differences, a dot a group, beside the margin."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes

from mediate.errors import InputError
from mediate.figures.found import headed
from mediate.figures.heat import signed
from mediate.figures.style import FAINT, INK, canvas
from mediate.figures.text import in_lines, label
from mediate.showing import plural
from mediate.stats import Estimate
from mediate.stats.digits import percent_digits

ROW, MARGINS = 0.42, 1.35
# The axis shows the middle 98 % of the dots; the rest are counted.
CENTRAL = 0.98
NAME_WIDTH = 30


@dataclass(frozen=True, slots=True)
class RunChange:
    """One run's change from the first.

    Args:
        name: The run.
        groups: Each group's change; NaN where it has none.
        estimate: That of all, paired on items.
        verdict: What follows at the margin.
    """

    name: str
    groups: Float[np.ndarray, " group"]
    estimate: Estimate
    verdict: str


def changes_size(rows: int, *, narrow: bool = False) -> tuple[float, float]:
    """Inches that `plot_changes` needs for so many runs; on a phone names are of more lines."""
    return 7.2, MARGINS + (ROW + narrow * 0.2) * rows


def plot_changes(
    changes: Sequence[RunChange], *, quantity: str, reference: str, margin: float, ax: Axes | None = None
) -> Axes:
    """A row a run: what it has more of a share than the first run, over groups (dots) and of all, with its interval.

    The shaded band is the margin: what lies within does not matter. Beside each row stand its number and its verdict.

    Args:
        changes: Of the runs, in shares.
        quantity: What changed.
        reference: The first run.
        margin: The largest change that does not matter, as a share.
        ax: Where to draw.

    Raises:
        InputError: No run has a defined change.
    """
    if not any(each.estimate.defined for each in changes):
        raise InputError(f"no run has a defined change of {quantity}, so there is nothing to draw")
    rng = np.random.default_rng(0)
    with canvas(ax, changes_size(len(changes))) as axes:
        axes.axvspan(-100 * margin, 100 * margin, color="0.93", zorder=0)
        axes.axvline(0, color=INK, linewidth=0.8, zorder=1)
        for row, each in enumerate(changes):
            there = 100 * each.groups[np.isfinite(each.groups)]
            alpha = float(np.clip(14 / max(len(there), 1), 0.1, 0.6))
            heights = row + rng.uniform(-0.24, 0.24, len(there))
            axes.plot(there, heights, ".", color=FAINT, alpha=alpha, markersize=6, markeredgewidth=0)
            _draw_estimate(axes, each, row)
        outside = _limit(axes, changes, margin)
        names = [in_lines(label(each.name, 2 * NAME_WIDTH), NAME_WIDTH) for each in changes]
        axes.set_yticks(range(len(changes)), names, parse_math=False)
        axes.set_ylim(len(changes) - 0.5, -0.5)
        axes.tick_params(axis="y", length=0)
        first = next(each.estimate for each in changes if each.estimate.defined)
        counts = f"n = {plural(first.n, 'item')} in {plural(first.groups, 'group')}"
        far = f"; {plural(outside, 'group')} outside" if outside else ""
        words = f"{quantity}, less {label(reference, 2 * NAME_WIDTH)}, in points of TE"
        axes.set_xlabel(
            f"{in_lines(words, 80)}\n{counts}{far}; shaded: the margin of {100 * margin:g}", parse_math=False
        )
        headed(axes, _title(changes, reference))
    return axes


def changes_data(changes: Sequence[RunChange]) -> pd.DataFrame:
    """What `plot_changes` draws: a row a run with its `change`, `low`, `high` (shares of TE), `n` and `verdict`."""
    rows = [
        (each.name, each.estimate.value, each.estimate.low, each.estimate.high, each.estimate.n, each.verdict)
        for each in changes
    ]
    return pd.DataFrame(rows, columns=["run", "change", "low", "high", "n", "verdict"])


def _draw_estimate(axes: Axes, each: RunChange, row: int) -> None:
    estimate = each.estimate
    if not estimate.defined:
        axes.annotate("undefined", (1.02, row), xycoords=("axes fraction", "data"), va="center", fontsize=8)
        return
    bounded = bool(np.isfinite(estimate.low))
    said, digits = "no interval", 1
    if bounded:
        axes.hlines(row, 100 * estimate.low, 100 * estimate.high, color=INK, linewidth=2.4, zorder=3)
        digits = max(1, percent_digits(100 * estimate.value, 100 * estimate.low, 100 * estimate.high))
        said = f"[{signed(100 * estimate.low, digits)}, {signed(100 * estimate.high, digits)}]"
    fill = INK if bounded else "white"
    axes.plot(100 * estimate.value, row, "o", color=INK, markersize=6, markerfacecolor=fill, zorder=4)
    axes.annotate(
        f"{signed(100 * estimate.value, digits)} {said}\n{each.verdict}",
        (1.02, row),
        xycoords=("axes fraction", "data"),
        va="center",
        fontsize=7.5,
    )


def _limit(axes: Axes, changes: Sequence[RunChange], margin: float) -> int:
    """Sets the range of the axis, and returns how many groups lie outside."""
    every = 100 * np.concatenate([each.groups[np.isfinite(each.groups)] for each in changes])
    ends = [
        100 * end
        for each in changes
        for end in (each.estimate.value, each.estimate.low, each.estimate.high)
        if np.isfinite(end)
    ]
    inner = np.quantile(every, [(1 - CENTRAL) / 2, (1 + CENTRAL) / 2]).tolist() if len(every) else []
    shown = [*ends, *inner, -130 * margin, 130 * margin]
    pad = 0.04 * (max(shown) - min(shown))
    low, high = min(shown) - pad, max(shown) + pad
    axes.set_xlim(low, high)
    return int(((every < low) | (every > high)).sum())


def _title(changes: Sequence[RunChange], reference: str) -> str:
    counts = {word: sum(each.verdict == word for each in changes) for word in dict.fromkeys(e.verdict for e in changes)}
    if len(changes) == 1:
        (only,) = changes
        return f"{label(only.name, 40)} against {label(reference, 40)}: {only.verdict}"
    told = ", ".join(f"{word} in {count}" for word, count in counts.items())
    return f"Against {label(reference, 40)}: {told} of {plural(len(changes), 'run')}"
