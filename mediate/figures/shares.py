"""The shares of a set of items."""

import textwrap
from collections.abc import Iterable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from mediate.figures.cut import cut_axis, cut_of
from mediate.figures.found import clear, headed
from mediate.figures.style import CHANNEL_COLOURS, FAINT, INK, canvas
from mediate.figures.text import label
from mediate.results import CHANNELS, MIN_TE, Cube, set_shares
from mediate.showing import plural
from mediate.stats import Estimate
from mediate.stats.digits import percent_digits

ROWS = dict(zip((*CHANNELS, "mediated"), (0.0, 1.0, 2.0, 3.4), strict=True))
SHARES_SIZE = (7.2, 2.3)
# Of an axis that is cut, each part shows at least a point: less is rounding.
LEAST_RANGE = 0.01


def plot_shares(
    cube: Cube, *, min_te: float = MIN_TE, seed: int = 0, level: float = 0.95, ax: Axes | None = None
) -> Axes:
    """Direct, text, latent and mediated share of the set's total effect, with their intervals.

    The first three are Shapley values over TE and sum to 100 %; the mediated share is TIE / TE. A share that is
    undefined is no point but the word, with the reason; a share without an interval is a hollow point. Where all lie
    near 0 and 100 %, with intervals too narrow to be seen, the axis is cut between them, and says so.
    """
    shares = set_shares(cube, min_te=min_te, seed=seed, level=level)
    with canvas(ax, SHARES_SIZE) as axes:
        for edge in (0, 1):
            axes.axvline(edge, color=FAINT, linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
        cut = cut_of(shares.values(), (0.0, 1.0), least=LEAST_RANGE)
        for name, row in ROWS.items():
            _draw_share(axes, shares[name], row, CHANNEL_COLOURS.get(name, INK), size=6.5 if cut is None else 4.5)
        axes.set_yticks(list(ROWS.values()), list(ROWS))
        axes.set_ylim(max(ROWS.values()) + 0.6, -0.6)
        axes.tick_params(axis="y", length=0)
        told = _whole_axis(axes, shares.values()) if cut is None else f"; axis {cut_axis(axes.xaxis, cut)}"
        intervals = f", {level * 100:g} % intervals" if any(np.isfinite(each.low) for each in shares.values()) else ""
        axes.set_xlabel(_axis_label(cube, min_te) + intervals + told, parse_math=False)
        headed(axes, _title(shares["mediated"]))
    return axes


def shares_data(cube: Cube, *, min_te: float = MIN_TE, seed: int = 0, level: float = 0.95) -> pd.DataFrame:
    """What `plot_shares` draws: a row a share with `value`, `low`, `high`, `n`, `groups` and the `reason` for a gap."""
    shares = set_shares(cube, min_te=min_te, seed=seed, level=level)
    rows = [(name, each.value, each.low, each.high, each.n, each.groups, each.reason) for name, each in shares.items()]
    return pd.DataFrame(rows, columns=["share", "value", "low", "high", "n", "groups", "reason"])


def _title(mediated: Estimate) -> str:
    if not clear(mediated):
        return "Shares of the total effect"
    return f"The chain mediates {percent_words(mediated)} of the effect on the answer"


def _whole_axis(axes: Axes, shares: Iterable[Estimate]) -> str:
    """From 0 to 100 % and as far as the shares reach; there is nothing to say of it."""
    axes.xaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
    ends = [end for each in shares for end in (each.value, each.low, each.high) if np.isfinite(end)]
    low, high = min([0.0, *ends]), max([1.0, *ends])
    axes.set_xlim(low - 0.06 * (high - low), high + 0.06 * (high - low))
    return ""


def _draw_share(axes: Axes, share: Estimate, row: float, colour: str, *, size: float) -> None:
    if not share.defined:
        axes.annotate(
            textwrap.fill(f"undefined: {share.reason}", 78),
            (0.5, row),
            xycoords=("axes fraction", "data"),
            ha="center",
            va="center",
            fontsize="small",
            parse_math=False,
        )
        return
    has_interval = bool(np.isfinite(share.low))
    if has_interval:
        axes.hlines(row, share.low, share.high, color=colour, linewidth=2.2)
    axes.plot(share.value, row, "o", color=colour, markersize=size, markerfacecolor=colour if has_interval else "white")
    axes.annotate(
        percent_words(share), (1.02, row), xycoords=("axes fraction", "data"), va="center", annotation_clip=False
    )


def percent_words(share: Estimate) -> str:
    """A share in percent with its interval, in so many digits that the ends of the interval are told apart."""
    if not share.defined:
        return "undefined"
    digits = percent_digits(100 * share.value, 100 * share.low, 100 * share.high)
    if np.isnan(share.low):
        return f"{_percent(share.value, digits)} %, no interval"
    return f"{_percent(share.value, digits)} % [{_percent(share.low, digits)}, {_percent(share.high, digits)}]"


def _percent(share: float, digits: int) -> str:
    return f"{round(100 * share, digits) + 0:.{digits}f}".replace("-", "−")


def _axis_label(cube: Cube, min_te: float) -> str:
    items, groups, small = len(cube.items), len(set(cube.groups)), cube.undefined(min_te)
    counts = f"n = {plural(items, 'item')} in {plural(groups, 'group')}"
    if small:
        counts += f" (|TE| ≤ {min_te:g} in {small} of them)"
    return f"share of the total effect on {label(cube.outcome)}\n{counts}"
