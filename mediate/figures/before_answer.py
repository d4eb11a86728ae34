"""Shares with the whole chain, and with the chain cut before it states its answer, on the same items."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from mediate.errors import InputError
from mediate.figures.cut import cut_axis, cut_of
from mediate.figures.found import clear, headed
from mediate.figures.shares import LEAST_RANGE, percent_words
from mediate.figures.style import CHANNEL_COLOURS, FAINT, INK, canvas
from mediate.figures.text import label
from mediate.results import CHANNELS, MIN_TE, Cube, set_shares
from mediate.showing import plural
from mediate.stats import Estimate

BEFORE_ANSWER_SIZE, BEFORE_ANSWER_NARROW = (7.2, 2.9), (3.6, 3.5)
NAMES = (*CHANNELS, "mediated")


def plot_before_answer(
    whole: Cube, cut: Cube, *, min_te: float = MIN_TE, seed: int = 0, level: float = 0.95, ax: Axes | None = None
) -> Axes:
    """Each share twice: read at the answer (a ring), and where the chain is about to state it (full).

    A chain that states its answer can be copied, which the first counts and the second cannot. The axis may be cut as
    that of `plot_shares`.

    Args:
        whole: The items with their whole chains.
        cut: The same items, each chain cut before the statement.
        min_te: The least mean |TE| of which a share is defined.
        seed: Of the bootstrap.
        level: Coverage of the intervals.
        ax: Where to draw.

    Raises:
        InputError: No chain could be cut, or the items are not the same.
    """
    if not cut.items or whole.items != cut.items:
        raise InputError("no chain could be cut before its answer" if not cut.items else "the items are not the same")
    both = [set_shares(each, min_te=min_te, seed=seed, level=level) for each in (whole, cut)]
    with canvas(ax, BEFORE_ANSWER_SIZE) as axes:
        for edge in (0, 1):
            axes.axvline(edge, color=FAINT, linewidth=0.8, linestyle=(0, (4, 3)), zorder=1)
        for row, name in enumerate(NAMES):
            colour = CHANNEL_COLOURS.get(name, INK)
            _draw(axes, both[0][name], row - 0.17, colour, full=False)
            _draw(axes, both[1][name], row + 0.17, colour, full=True)
        axes.set_yticks(range(len(NAMES)), NAMES)
        axes.set_ylim(len(NAMES) - 0.5, -0.5)
        axes.tick_params(axis="y", length=0)
        gap = cut_of((each for shares in both for each in shares.values()), (0.0, 1.0), least=LEAST_RANGE)
        told = ""
        if gap is None:
            axes.xaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %", decimals=0))
            axes.margins(x=0.07)
        else:
            told = f"; axis {cut_axis(axes.xaxis, gap)}"
        n, groups = len(cut.items), len(set(cut.groups))
        counts = f"n = {plural(n, 'item')} in {plural(groups, 'group')}"
        if any(np.isfinite(each.low) for shares in both for each in shares.values()):
            counts += f", {level * 100:g} % intervals"
        else:
            counts += f", {'one group: ' * (groups == 1)}no interval"
        axes.set_xlabel(
            f"share of the total effect on {label(cut.outcome)}; {counts}\n"
            f"rings: at the answer; full: where the chain is about to state it{told}",
            parse_math=False,
        )
        headed(axes, _title(both[1], n))
    return axes


def before_answer_data(
    whole: Cube, cut: Cube, *, min_te: float = MIN_TE, seed: int = 0, level: float = 0.95
) -> pd.DataFrame:
    """What `plot_before_answer` draws: a row a share and chain (`whole` or `cut`), with its interval and `n`."""
    rows = [
        (chain, name, each.value, each.low, each.high, each.n)
        for chain, cube in (("whole", whole), ("cut", cut))
        for name, each in set_shares(cube, min_te=min_te, seed=seed, level=level).items()
    ]
    return pd.DataFrame(rows, columns=["chain", "share", "value", "low", "high", "n"])


def _draw(axes: Axes, share: Estimate, row: float, colour: str, *, full: bool) -> None:
    if not share.defined:
        axes.annotate(
            "undefined: TE is too small", (0.02, row), xycoords=("axes fraction", "data"), va="center", fontsize=7
        )
        return
    if np.isfinite(share.low):
        axes.hlines(row, share.low, share.high, color=colour, linewidth=2.2 if full else 1.2)
    axes.plot(share.value, row, "o", color=colour, markersize=6, markerfacecolor=colour if full else "white")
    axes.annotate(
        percent_words(share), (1.02, row), xycoords=("axes fraction", "data"), va="center", fontsize=7.5, color="0.25"
    )


def _title(cut: dict[str, Estimate], n: int) -> str:
    mediated = cut["mediated"]
    if not clear(mediated):
        return f"Before the answer is stated, n = {n}"
    return f"Before the answer is stated, the chain mediates {percent_words(mediated)}, n = {n}"
