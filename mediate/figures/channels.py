"""The three channels of each item."""

import numpy as np
import pandas as pd
from jaxtyping import Float
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from mediate.errors import InputError
from mediate.figures.found import clear
from mediate.figures.style import CHANNEL_COLOURS, FAINT, INK, canvas, effect_label
from mediate.figures.text import label
from mediate.results import CHANNELS, MIN_TE, Cube, set_effects, shapley, total_effect
from mediate.showing import plural

MOST_BARS = 30
WIDTH = 7.2


def channels_size(cube: Cube) -> tuple[float, float]:
    """Inches that `plot_channels` needs for these items."""
    rows = len(cube.items) + 2 if len(cube.items) <= MOST_BARS else 14
    return WIDTH, 1.1 + 0.22 * rows


def plot_channels(
    cube: Cube, *, min_te: float = MIN_TE, seed: int = 0, level: float = 0.95, ax: Axes | None = None
) -> Axes:
    """Each item's direct, text and latent effect (Shapley values, in nats), which sum to its total effect.

    Up to 30 items are bars, in the cube's order, with the mean below them; effects of opposite sign are stacked on
    opposite sides of 0. Of more items each is a point in every row. The interval is the bootstrap's, over groups.

    Raises:
        InputError: The cube has no items.
    """
    if not cube.items:
        raise InputError("no item was measured, so there are no channels to draw")
    with canvas(ax, channels_size(cube)) as axes:
        axes.axvline(0, color=INK, linewidth=0.8, zorder=1)
        if len(cube.items) <= MOST_BARS:
            _draw_bars(axes, cube, min_te, seed=seed, level=level)
        else:
            _draw_points(axes, cube, min_te, seed=seed, level=level)
        axes.set_xlabel(effect_label(label(cube.outcome)), parse_math=False)
        axes.grid(axis="x", color="0.9", linewidth=0.6)
        axes.set_axisbelow(True)
        axes.set_title(_title(cube, seed=seed, level=level), loc="left", pad=_ABOVE_KEY[len(cube.items) <= MOST_BARS])
    return axes


# Points between the axes and the title, where the key stands: one line of it, or two.
_ABOVE_KEY = {False: 22, True: 36}


def channels_data(cube: Cube) -> pd.DataFrame:
    """What `plot_channels` draws: a row an item and channel with its `effect`, and one for its total effect, `te`."""
    columns = [*zip(CHANNELS, shapley(cube.y, cube.contrast).T, strict=True), ("te", total_effect(cube.y))]
    frames = [
        pd.DataFrame({"item": cube.items, "group": cube.groups, "channel": name, "effect": each}).assign(
            outcome=cube.outcome
        )
        for name, each in columns
    ]
    return pd.concat(frames, ignore_index=True)


def _title(cube: Cube, *, seed: int, level: float) -> str:
    means = set_effects(cube, seed=seed, level=level)
    most = max(CHANNELS, key=lambda name: abs(means[name].value))
    n = len(cube.items)
    if not clear(means[most]):
        return f"The three channels of each item, n = {plural(n, 'item')}"
    values = shapley(cube.y, cube.contrast)
    count = int((abs(values).argmax(axis=1) == CHANNELS.index(most)).sum())
    return f"{most.capitalize()} is the largest channel in {count} of {plural(n, 'item')}"


def stacked(values: Float[np.ndarray, "row channel"]) -> Float[np.ndarray, "row channel"]:
    """Where each bar of a stack begins: positive bars pile up above 0, negative ones below."""
    above, below = np.clip(values, 0, None), np.clip(values, None, 0)
    starts: Float[np.ndarray, "row channel"] = np.where(
        values >= 0, np.cumsum(above, axis=1) - above, np.cumsum(below, axis=1) - below
    )
    return starts


def _draw_bars(axes: Axes, cube: Cube, min_te: float, *, seed: int, level: float) -> None:
    count, values, te = len(cube.items), shapley(cube.y, cube.contrast), total_effect(cube.y)
    mean = set_effects(cube, seed=seed, level=level)["te"]
    values = np.vstack([values, values.mean(axis=0)])
    rows = np.append(np.arange(count, dtype=float), count + 0.5)
    for column, (channel, start) in enumerate(zip(CHANNELS, stacked(values).T, strict=True)):
        axes.barh(rows, values[:, column], 0.72, left=start, color=CHANNEL_COLOURS[channel], label=channel)
    small = abs(te) <= min_te
    _draw_diamonds(axes, te[~small], rows[:-1][~small], INK, "total effect (TE)")
    if small.any():
        _draw_diamonds(axes, te[small], rows[:-1][small], "white", f"|TE| ≤ {min_te:g}: no share of its own")
    _draw_diamonds(axes, np.array([mean.value]), rows[-1:], INK, "")
    if np.isfinite(mean.low):
        interval = axes.hlines(rows[-1], mean.low, mean.high, color=INK, linewidth=1.4)
        interval.set_label(f"{level * 100:g} % interval of the mean")
    axes.axhline(count - 0.25, color=FAINT, linewidth=0.6, linestyle=(0, (4, 3)))
    names = [label(item) for item in cube.items] + [f"mean, n = {count}"]
    axes.set_yticks(rows, names, parse_math=False)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(count + 1.1, -0.7)
    _draw_key(axes)


def _draw_key(axes: Axes) -> None:
    """The channels in one line and the marks in a second; matplotlib fills a legend by columns."""
    keys = {text: handle for handle, text in zip(*axes.get_legend_handles_labels(), strict=True)}
    marks = [handle for text, handle in keys.items() if text not in CHANNELS]
    marks += [Line2D([], [], linestyle="none", label=" ")] * (len(CHANNELS) - len(marks))
    handles = [each for pair in zip((keys[name] for name in CHANNELS), marks, strict=True) for each in pair]
    axes.legend(handles=handles, loc="lower left", bbox_to_anchor=(0, 1), ncols=3, borderaxespad=0.2, columnspacing=1.4)


def _draw_diamonds(
    axes: Axes, x: Float[np.ndarray, " row"], y: Float[np.ndarray, " row"], fill: str, text: str
) -> None:
    axes.plot(x, y, linestyle="none", marker="D", markersize=4.5, color=INK, markerfacecolor=fill, label=text or None)


def _draw_points(axes: Axes, cube: Cube, min_te: float, *, seed: int, level: float) -> None:
    means, te = set_effects(cube, seed=seed, level=level), total_effect(cube.y)
    columns = [*zip(CHANNELS, shapley(cube.y, cube.contrast).T, strict=True), ("te", te)]
    spread = np.random.default_rng(seed).uniform(-0.28, 0.28, size=len(te))  # one height an item, in every row
    for row, (name, values) in enumerate(columns):
        colour = CHANNEL_COLOURS.get(name, FAINT)
        alpha = float(np.clip(60 / len(te), 0.08, 0.6))
        axes.plot(values, row + spread, ".", color=colour, alpha=alpha, markersize=6, markeredgewidth=0, label=name)
        low, first, last, high = np.quantile(values, [0.1, 0.25, 0.75, 0.9])
        axes.hlines(row + 0.36, low, high, color=colour, linewidth=1.2)
        axes.hlines(row + 0.36, first, last, color=colour, linewidth=3.5)
        mean = means[name]
        if np.isfinite(mean.low):
            axes.hlines(row, mean.low, mean.high, color=INK, linewidth=2, zorder=3)
        axes.plot(mean.value, row, "D", color=INK, markersize=5, markeredgecolor="white", markeredgewidth=0.8, zorder=4)
    axes.set_yticks(range(len(columns)), [*CHANNELS, "total (TE)"])
    axes.set_ylim(len(columns) - 0.5, -0.5)
    small = int((abs(te) <= min_te).sum())
    one = Line2D([], [], linestyle="none", marker=".", color=FAINT, markersize=7, label="an item")
    middle = Line2D([], [], color=FAINT, linewidth=3.5, label="middle half (thin: 80 %)")
    counts = f"n = {plural(len(te), 'item')}" + (f", {small} with |TE| ≤ {min_te:g}" if small else "")
    count_key = Line2D([], [], linestyle="none", label=counts)
    missing = f" ({'one group: ' if means['te'].groups == 1 else ''}no interval)"
    interval = f" with {level * 100:g} % interval" if np.isfinite(means["te"].low) else missing
    mean_key = Line2D([], [], color=INK, marker="D", markersize=5, label="mean" + interval)
    keys = [one, mean_key, middle, count_key]
    axes.legend(
        handles=keys, loc="lower left", bbox_to_anchor=(-0.02, 1), ncols=4, borderaxespad=0.2, columnspacing=1.2
    )
