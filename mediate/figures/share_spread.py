"""How far the items of a run are from each other: the mediated share of each, in order."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from mediate.errors import InputError
from mediate.figures.found import headed
from mediate.figures.moved_apart import moved_apart
from mediate.figures.style import INK, canvas
from mediate.figures.text import label
from mediate.results import MIN_TE, Cube, item_shares, set_shares, total_effect
from mediate.showing import plural

SPREAD_SIZE = (7.2, 2.8)
# Up to so many items each is a dot; of more, the line alone is drawn.
MOST_DOTS = 400
# Outliers are farther from the quartiles than so many times their distance; so many of them are named.
TUKEY, MOST_NAMES = 1.5, 6
# Of the axis' height, between two names; characters of one.
APART, NAME_WIDTH = 0.075, 24
# The axis holds all items, unless these reach farther than so many times the middle 90 %.
MOST_REACH = 4


def plot_share_spread(
    cube: Cube, *, min_te: float = MIN_TE, seed: int = 0, level: float = 0.95, ax: Axes | None = None
) -> Axes:
    """The mediated share of each item, from the least to the largest, beside that of the set; outliers by name.

    A share is not clipped; what lies outside of the axis is counted. Items with |TE| of at most `min_te` have no share
    of their own, and are counted. An outlier is more than 1.5 times the distance of the quartiles beyond them.

    Args:
        cube: The items.
        min_te: The least |TE| of which a share is defined.
        seed: Of the bootstrap of the set's share.
        level: Coverage of its interval.
        ax: Where to draw.

    Raises:
        InputError: No item has a share.
    """
    found = share_spread_data(cube, min_te=min_te)
    there = found[found["share"].notna()].reset_index(drop=True)
    if there.empty:
        raise InputError(f"no item has a mediated share: |TE| is at most {min_te:g} in all of them")
    shares, places = there["share"].to_numpy(), (there.index.to_numpy() + 0.5) / len(there)
    whole = set_shares(cube, min_te=min_te, seed=seed, level=level)["mediated"]
    with canvas(ax, SPREAD_SIZE) as axes:
        if whole.defined:
            axes.axvline(whole.value, color=INK, linewidth=1.0, linestyle=(0, (4, 3)), zorder=1)
        if len(there) <= MOST_DOTS:
            axes.plot(shares, places, "o", color=INK, markersize=3.5, alpha=0.6, markeredgewidth=0)
        else:
            axes.step(shares, places, color=INK, where="post")
        low, high = _limits(shares)
        outside = int(((shares < low) | (shares > high)).sum())
        axes.set(xlim=(low, high), ylim=(-0.04, 1.04), ylabel="items with at most this share")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(PercentFormatter(1, symbol=" %", decimals=_decimals(*axis.get_view_interval())))
        _name_outliers(axes, there)
        counts = f"n = {len(there)} of {plural(len(found), 'item')}" + (f"; {outside} lie outside" if outside else "")
        small = f"; {len(found) - len(there)} have |TE| ≤ {min_te:g} and no share" if len(there) < len(found) else ""
        axes.set_xlabel(f"mediated share of an item ({counts}{small}); dashed: of the set")
        axes.grid(axis="x", color="0.9", linewidth=0.6)
        axes.set_axisbelow(True)
        headed(axes, _title(there, found))
    return axes


def share_spread_data(cube: Cube, *, min_te: float = MIN_TE) -> pd.DataFrame:
    """What `plot_share_spread` draws: a row an item with its `share` (NaN where undefined), `te`, and `outlier`."""
    shares = item_shares(cube, min_te)[:, 3]
    frame = pd.DataFrame(
        {"item": cube.items, "group": cube.groups, "share": shares, "te": total_effect(cube.y)}
    ).sort_values("share", ignore_index=True)
    if frame["share"].notna().any():
        low, high = frame["share"].quantile([0.25, 0.75])
        reach = max(TUKEY * (high - low), 0.005)
        frame["outlier"] = (frame["share"] < low - reach) | (frame["share"] > high + reach)
    else:
        frame["outlier"] = False
    return frame


def _limits(shares: np.ndarray) -> tuple[float, float]:
    """The range of the axis."""
    inner = np.quantile(shares, [0.05, 0.95])
    width = max(float(inner[1] - inner[0]), 0.02)
    low = max(float(shares.min()), float(inner[0]) - MOST_REACH * width)
    high = min(float(shares.max()), float(inner[1]) + MOST_REACH * width)
    pad = max(0.06 * (high - low), 0.005)
    return low - pad, high + pad


def _decimals(low: float, high: float) -> int:
    return 0 if high - low > 0.05 else 1


def _name_outliers(axes: Axes, there: pd.DataFrame) -> None:
    """The items that are farthest from the middle, by name beside the axes, each with a line to its dot."""
    far = there[there["outlier"]]
    low, high = axes.get_xlim()
    inside = far[(far["share"] >= low) & (far["share"] <= high)]
    chosen = farthest(inside, there["share"].median()).sort_index()
    dots = (chosen.index.to_numpy() + 0.5) / len(there)
    for dot, height, (_, each) in zip(dots, moved_apart(dots, APART), chosen.iterrows(), strict=True):
        axes.annotate(
            label(str(each["item"]), NAME_WIDTH),
            (each["share"], dot),
            xytext=(1.015, height),
            textcoords="axes fraction",
            va="center",
            fontsize=7,
            color="0.3",
            parse_math=False,
            annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": "0.75", "linewidth": 0.5, "shrinkA": 1, "shrinkB": 2},
        )


def farthest(outliers: pd.DataFrame, middle: float) -> pd.DataFrame:
    """Those that are named: the farthest from the middle."""
    return outliers.loc[(outliers["share"] - middle).abs().sort_values(ascending=False).index[:MOST_NAMES]]


def _title(there: pd.DataFrame, found: pd.DataFrame) -> str:
    low, middle, high = (100 * there["share"].quantile(part) for part in (0.1, 0.5, 0.9))
    if len(there) < 5:
        return f"Mediated share of each item, n = {len(there)}"
    digits = 0 if high - low > 5 else 1
    said = [f"{each + 0.0:.{digits}f}".replace("-", "−") for each in (middle, low, high)]
    far = int(found["outlier"].sum())
    some = f", {MOST_NAMES} of them named" if far > MOST_NAMES else ""
    named = f"; {plural(far, 'outlier')}{some}" if far else ""
    return f"Half of the items are mediated by {said[0]} % or more, the middle 80 % by {said[1]} to {said[2]} %{named}"
