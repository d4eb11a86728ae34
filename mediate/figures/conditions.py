"""The mediated share under each condition, with the total effect that it is a share of."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from mediate.errors import InputError
from mediate.figures.style import FAINT, INK, canvas
from mediate.figures.text import label
from mediate.results.conditions import MEDIATED, TE, OfCondition

ROW_HEIGHT, MARGIN = 0.26, 0.9


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
    return axes
