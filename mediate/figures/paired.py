"""The same groups in several runs: one thin line a group, with each run's estimate over them."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import PercentFormatter

from mediate.errors import InputError
from mediate.figures.found import headed
from mediate.figures.style import FAINT, FALLING, INK, RISING, canvas
from mediate.figures.text import in_lines, label
from mediate.showing import plural
from mediate.stats import Estimate
from mediate.stats.resampling import group_index

PAIRED_SIZE = (7.2, 3.4)
CENTRAL = 0.98
MOST_FLAT_NAMES = 4


def group_ratios(
    numerators: Float[np.ndarray, "run item"],
    denominators: Float[np.ndarray, "run item"],
    groups: Sequence[str],
    *,
    min_mean_denominator: float = 0.0,
) -> Float[np.ndarray, "group run"]:
    """Each group's ratio of sums in each run, groups in order of first appearance; ones below give the group's means.

    NaN where the size of the group's mean denominator is not above `min_mean_denominator`.
    """
    index = group_index(groups)
    count = int(index.max()) + 1 if len(index) else 0
    top, bottom = (
        np.array([np.bincount(index, row, count) for row in rows]).reshape(len(rows), count).T
        for rows in (numerators, denominators)
    )
    ratios = np.full(top.shape, np.nan)
    large = abs(bottom) > min_mean_denominator * np.bincount(index, minlength=count)[:, None]
    np.divide(top, bottom, out=ratios, where=large)
    return ratios


def plot_paired(
    runs: Sequence[str],
    lines: Float[np.ndarray, "line run"],
    estimates: Sequence[Estimate],
    *,
    quantity: str,
    line: str = "group",
    percent: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """Each group's value in every run, joined by a thin line, under each run's estimate with its interval.

    Of two runs, lines that rise and lines that fall have colours of their own and are counted. The axis shows all
    estimates and the middle 98 % of the points; how many lie outside is said. A line has a gap where its value is NaN.

    Args:
        runs: What each run is called, in the order in which they are joined.
        lines: A row a group (or an item), a column a run; `group_ratios` makes them.
        estimates: Of each run.
        quantity: What the axis shows, with its unit.
        line: What a line is.
        percent: Whether values are shares, to be written in percent.
        ax: Where to draw.

    Raises:
        InputError: Fewer than two runs, not one estimate a run, or nothing that is defined.
    """
    if len(runs) < 2 or len(estimates) != len(runs) or lines.shape[1] != len(runs):
        raise InputError(
            f"{len(runs)} runs, {len(estimates)} estimates and {lines.shape[1]} columns; "
            "give two runs or more, and one of each for every run"
        )
    ends = [end for each in estimates for end in (each.value, each.low, each.high) if np.isfinite(end)]
    if not ends and not np.isfinite(lines).any():
        raise InputError(f"no run has a defined value of {quantity}, so there is nothing to draw")
    with canvas(ax, PAIRED_SIZE) as axes:
        handles = _draw_lines(axes, lines, line)
        handles.append(_draw_estimates(axes, estimates))
        outside = _limit(axes, lines, ends)
        axes.set_xlim(-0.4, len(runs) - 0.6)
        names = [_tick(name, each) for name, each in zip(runs, estimates, strict=True)]
        axes.set_xticks(range(len(runs)), names, parse_math=False)
        if len(runs) > MOST_FLAT_NAMES:
            axes.tick_params(axis="x", rotation=30)
            for text in axes.get_xticklabels():
                text.set(ha="right", rotation_mode="anchor")
        if percent:
            axes.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
        axes.set_ylabel(in_lines(quantity), parse_math=False)
        if outside:
            points = int(np.isfinite(lines).sum())
            axes.set_xlabel(f"{outside} of {points} points lie outside", fontsize="small")
        axes.grid(axis="y", color="0.9", linewidth=0.6)
        axes.set_axisbelow(True)
        axes.legend(handles=handles, loc="lower left", bbox_to_anchor=(0, 1), ncols=len(handles), borderaxespad=0.2)
        headed(axes, f"{quantity.partition(chr(10))[0].capitalize()} in {plural(len(runs), 'run')}", over=1)
    return axes


def paired_data(
    runs: Sequence[str], lines: Float[np.ndarray, "line run"], estimates: Sequence[Estimate]
) -> pd.DataFrame:
    """What `plot_paired` draws: a row a line and run with its `value`, and one a run of all, whose line is NaN."""
    rows: list[tuple[float, str, float, float, float]] = [
        (line, run, values[place], np.nan, np.nan)
        for line, values in enumerate(lines)
        for place, run in enumerate(runs)
    ]
    rows += [(np.nan, run, each.value, each.low, each.high) for run, each in zip(runs, estimates, strict=True)]
    return pd.DataFrame(rows, columns=["line", "run", "value", "low", "high"])


def _tick(name: str, estimate: Estimate) -> str:
    return label(name) if estimate.defined else f"{label(name)}\n(undefined)"


def _draw_lines(axes: Axes, lines: Float[np.ndarray, "line run"], line: str) -> list[Line2D]:
    """Thin lines, the fainter the more there are; a key for each colour."""
    alpha = float(np.clip(12 / max(len(lines), 1), 0.12, 0.6))
    places, whole = np.arange(lines.shape[1]), np.isfinite(lines).all(axis=1)
    if lines.shape[1] > 2:
        axes.plot(places, lines.T, color=FAINT, alpha=alpha, linewidth=0.8, zorder=2)
        return [Line2D([], [], color=FAINT, linewidth=0.8, label=plural(len(lines), line))]
    rises, count = lines[:, 1] > lines[:, 0], int(whole.sum())
    handles = []
    for chosen, colour, text in ((whole & rises, RISING, "rises"), (whole & ~rises, FALLING, "does not rise")):
        if chosen.any():
            axes.plot(places, lines[chosen].T, color=colour, alpha=alpha, linewidth=0.9, zorder=2)
        text = f"{text} in {chosen.sum()} of {plural(count, line)}"
        handles.append(Line2D([], [], color=colour, linewidth=1.2, label=text))
    return handles


def _draw_estimates(axes: Axes, estimates: Sequence[Estimate]) -> Line2D:
    axes.plot(range(len(estimates)), [each.value for each in estimates], color=INK, linewidth=1.8, zorder=3)
    defined = [(place, each) for place, each in enumerate(estimates) if each.defined]
    for place, each in defined:
        bounded = bool(np.isfinite(each.low))
        if bounded:
            axes.vlines(place, each.low, each.high, color=INK, linewidth=3, zorder=4)
        fill, edge = (INK, "white") if bounded else ("white", INK)
        axes.plot(place, each.value, "o", markersize=7, color=INK, markerfacecolor=fill, markeredgecolor=edge, zorder=5)
    level = next((each.level for _, each in defined if np.isfinite(each.low)), None)
    text = "all" + (f", {level * 100:g} % interval" if level else ", no interval")
    return Line2D([], [], color=INK, linewidth=1.8, marker="o", markersize=6, label=text)


def _limit(axes: Axes, lines: Float[np.ndarray, "line run"], ends: Sequence[float]) -> int:
    """Sets the vertical range, and returns how many points lie outside."""
    points = lines[np.isfinite(lines)]
    inner = np.quantile(points, [(1 - CENTRAL) / 2, (1 + CENTRAL) / 2]) if len(points) else []
    shown = [*ends, *inner]
    low, high = min(shown), max(shown)
    pad = 0.06 * (high - low) or 0.5
    # Where the outermost points hardly widen the axis they are all shown.
    if len(points) and points.max() - points.min() < 1.3 * (high - low):
        low, high = min(low, points.min()), max(high, points.max())
    axes.set_ylim(low - pad, high + pad)
    return int(((points < low - pad) | (points > high + pad)).sum())
