"""The mediated share under each condition, with the total effect that it is a share of."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from mediate.errors import InputError
from mediate.figures.found import headed
from mediate.figures.shares import percent_words
from mediate.figures.style import FAINT, INK, canvas
from mediate.figures.text import label
from mediate.results.conditions import MEDIATED, TE, OfCondition
from mediate.showing import plural

ROW_HEIGHT, MARGIN = 0.26, 1.3


def conditions_size(rows: int) -> tuple[float, float]:
    """Width and height for so many conditions, in inches."""
    return 7.2, MARGIN + ROW_HEIGHT * rows


def plot_conditions(found: Sequence[OfCondition], *, unit: str = "nats", ax: Axes | None = None) -> Axes:
    """A dot a condition at the mediated share, with its interval, and TE in words at the right.

    A share without an interval is a hollow dot; where it is undefined, its row has TE alone.

    Args:
        found: From `mediate.results.conditions.by_condition`.
        unit: Of TE.
        ax: Where to draw.

    Raises:
        InputError: There are no conditions.
    """
    if not found:
        raise InputError("the items name no conditions; give each a 'condition' in the file")
    with canvas(ax, conditions_size(len(found))) as axes:
        for line in (0, 1):
            axes.axvline(line, color=FAINT, linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
        for row, each in enumerate(found):
            share, te = each.estimates[MEDIATED], each.estimates[TE]
            if share.defined:
                bounded = bool(np.isfinite(share.low))
                if bounded:
                    axes.hlines(row, share.low, share.high, color=INK, linewidth=2.0)
                axes.plot(share.value, row, "o", color=INK, markersize=6, markerfacecolor=INK if bounded else "white")
            size = f"TE {te.value:.2f}".replace("-", "−")
            axes.annotate(
                f"{size} {unit}, n = {te.n}",
                (1.01, row),
                xycoords=("axes fraction", "data"),
                va="center",
                fontsize="small",
            )
        axes.set_yticks(range(len(found)), [label(each.condition) for each in found], parse_math=False)
        axes.set_ylim(len(found) - 0.4, -0.6)
        axes.tick_params(axis="y", length=0)
        axes.xaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
        axes.set_xlabel("mediated share of TE")
        headed(axes, _title(found))
    return axes


def _title(found: Sequence[OfCondition]) -> str:
    """Between which conditions the share differs, where their intervals have nothing in common."""
    having = [each for each in found if np.isfinite(each.estimates[MEDIATED].low)]
    if len(having) > 1:
        least = min(having, key=lambda each: each.estimates[MEDIATED].value)
        most = max(having, key=lambda each: each.estimates[MEDIATED].value)
        low, high = least.estimates[MEDIATED], most.estimates[MEDIATED]
        if low.high < high.low:
            return (
                f"The chain mediates least under {label(least.condition, 40)}, {percent_words(low)}, and most under "
                f"{label(most.condition, 40)}, {percent_words(high)}"
            )
    return f"Mediated share under each of {plural(len(found), 'condition')}"


def conditions_data(found: Sequence[OfCondition]) -> pd.DataFrame:
    """What `plot_conditions` draws: a row a condition with its mediated `share`, `low`, `high`, `te` and `n`."""
    rows = []
    for each in found:
        share, te = each.estimates[MEDIATED], each.estimates[TE]
        rows.append((each.condition, share.value, share.low, share.high, te.value, te.n))
    return pd.DataFrame(rows, columns=["condition", "share", "low", "high", "te", "n"])
