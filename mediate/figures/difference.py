"""Where two runs differ: a heat map of a difference, and lines over relative depth."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import PercentFormatter

from mediate.errors import InputError
from mediate.figures.found import headed
from mediate.figures.heat import draw_heat, heat_key, label_axis
from mediate.figures.layers import LEAST_OF_A_LINE
from mediate.figures.scale import ColourScale, scale_of
from mediate.figures.style import FAINT, INK, canvas, run_colours
from mediate.figures.text import in_lines, label
from mediate.showing import plural

DIFFERENCE_SIZE = (7.2, 3.2)
MOST_BANDS, NAME_WIDTH = 3, 26
DODGE = 0.016  # of the whole depth, between the dots of runs
# What red, blue and a cross say of a difference.
MORE_OR_LESS = ("more in the second run", "less")
NOT_FOUND = "not found to differ"


def plot_difference(
    difference: Float[np.ndarray, "step layer"],
    found: Bool[np.ndarray, "step layer"],
    *,
    quantity: str,
    names: tuple[Sequence[int | str], Sequence[int | str]] = ((), ()),
    scale: ColourScale | None = None,
    percent: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """A difference of two step x layer maps, second run less first; a cell that was not found to differ is crossed.

    The colours are symmetric about 0: red where the second run has more, blue where it has less. Hatched grey is
    undefined.

    Args:
        difference: A row a step, a column a layer.
        found: Cells that survive the correction for many cells, such as `MaxT.found`.
        quantity: What the colour shows, with its unit and the order of the runs.
        names: Of the rows and of the columns, such as steps and layers; counted from 0 where none are given. Names
            of columns that are text are relative depths; steps below 0 are counted to the last one, -1.
        scale: The colours of maps side by side; by default those of `scale_of` for this one.
        percent: Whether values are shares, to be written in percent.
        ax: Where to draw.

    Raises:
        InputError: No cell is defined, or names and cells are not as many.
    """
    rows, columns = (list(given) or [*range(size)] for given, size in zip(names, difference.shape, strict=True))
    if (len(rows), len(columns)) != difference.shape:
        raise InputError(f"a difference of {difference.shape} cells, with {len(rows)} steps and {len(columns)} layers")
    if not np.isfinite(difference).any():
        raise InputError("no cell of the difference is defined, so there is nothing to draw")
    scale = scale or scale_of([difference])
    with canvas(ax, DIFFERENCE_SIZE) as axes:
        draw_heat(axes, difference, scale, bar=quantity, numbers=False, crossed=~found, percent=percent)
        label_axis(axes.xaxis, depth_name(columns), columns)
        label_axis(axes.yaxis, step_name(rows), rows)
        lines = heat_key(axes, difference, scale, MORE_OR_LESS, crossed=~found, said=NOT_FOUND)
        headed(axes, f"{int(found.sum())} of {int(np.isfinite(difference).sum())} cells differ", over=lines)
    return axes


def difference_data(
    difference: Float[np.ndarray, "step layer"],
    found: Bool[np.ndarray, "step layer"],
    names: tuple[Sequence[int | str], Sequence[int | str]] = ((), ()),
) -> pd.DataFrame:
    """What `plot_difference` draws: a row a step and layer with the `difference`, and whether it `differs`."""
    rows, columns = (list(given) or [*range(size)] for given, size in zip(names, difference.shape, strict=True))
    cells = [
        (step, layer, difference[row, column], bool(found[row, column]))
        for row, step in enumerate(rows)
        for column, layer in enumerate(columns)
    ]
    return pd.DataFrame(cells, columns=["step", "layer", "difference", "differs"])


def depth_name(columns: Sequence[int | str]) -> str:
    """What an axis of layers is called: text names relative depths."""
    return "relative depth" if any(isinstance(each, str) for each in columns) else "layer"


def step_name(rows: Sequence[int | str]) -> str:
    """What an axis of steps is called: numbers below 0 are counted to the last one."""
    return "step, −1 the last" if any(isinstance(each, int) and each < 0 for each in rows) else "step"


@dataclass(frozen=True, slots=True)
class DepthLine:
    """One run's difference from the reference, by depth.

    Args:
        name: What the line is called.
        depth: Relative depth, from 0 (the first layer's input) to 1 (the last one's output).
        difference: The run's effect less the reference's.
        low: Lower end of the band that holds all depths together; NaN where there is none.
        high: Upper end.
        found: Depths at which the run differs, with the family-wise error held.
    """

    name: str
    depth: Float[np.ndarray, " cell"]
    difference: Float[np.ndarray, " cell"]
    low: Float[np.ndarray, " cell"]
    high: Float[np.ndarray, " cell"]
    found: Bool[np.ndarray, " cell"]


def depth_data(lines: Sequence[DepthLine]) -> pd.DataFrame:
    """What `plot_difference_by_depth` draws: a row a run and depth with the `difference`, its band, and `differs`."""
    frames = [
        pd.DataFrame({"depth": each.depth, "difference": each.difference, "low": each.low, "high": each.high})
        .assign(run=each.name, differs=each.found)
        for each in lines
    ]  # fmt: skip
    return pd.concat(frames, ignore_index=True)[["run", "depth", "difference", "low", "high", "differs"]]


def plot_difference_by_depth(
    lines: Sequence[DepthLine],
    *,
    quantity: str,
    level: float = 0.95,
    margin: float = 0.0,
    percent: bool = False,
    ax: Axes | None = None,
) -> Axes:
    """Differences from a reference over relative depth, each with the band that holds all depths together.

    Up to three runs have a band each; more are lines alone. Dots are the depths at which a run was found to differ.
    Relative depth puts models of different numbers of layers side by side. The shaded band is the margin: what lies
    within does not matter, and the axis never shows less.

    Args:
        lines: A line a run.
        quantity: What the axis shows, with its unit and the order of the runs.
        level: Of the bands.
        margin: The largest difference that does not matter.
        percent: Whether values are shares, to be written in percent.
        ax: Where to draw.

    Raises:
        InputError: No line has a defined difference.
    """
    if not any(np.isfinite(each.difference).any() for each in lines):
        raise InputError(f"no run has a defined {quantity}, so there is nothing to draw")
    banded = len(lines) <= MOST_BANDS and any(np.isfinite(each.low).any() for each in lines)
    colours = run_colours(len(lines) + 1)[1:]  # ink is the reference's, at 0
    with canvas(ax, DIFFERENCE_SIZE) as axes:
        axes.axhline(0, color=INK, linewidth=0.8, zorder=1)
        handles = []
        for place, (each, colour) in enumerate(zip(lines, colours, strict=True)):
            few = len(each.depth) < LEAST_OF_A_LINE
            at = each.depth + few * DODGE * (place - (len(lines) - 1) / 2)  # no run's dots hide another's
            look = ("none", "s") if few else ("-", "")
            name = in_lines(label(each.name, 2 * NAME_WIDTH), NAME_WIDTH)
            (drawn,) = axes.plot(at, each.difference, color=colour, label=name, markersize=4)
            drawn.set(linestyle=look[0], marker=look[1])
            handles.append(drawn)
            if banded and few:
                axes.vlines(at, each.low, each.high, color=colour, linewidth=1.4)
            elif banded:
                axes.fill_between(each.depth, each.low, each.high, color=colour, alpha=0.18, linewidth=0)
            (dots,) = axes.plot(at[each.found], each.difference[each.found], "o", color=colour, zorder=3)
            dots.set(markersize=4.5, markeredgecolor=INK, markeredgewidth=0.6)
        key = Line2D([], [], linestyle="none", marker="o", markersize=4.5, markeredgewidth=0.6, color=FAINT)
        key.set(markeredgecolor=INK, label="differs")
        axes.set_xlim(0, 1)
        if margin:
            axes.axhspan(-margin, margin, color="0.94", zorder=0)
            low, high = axes.get_ylim()
            axes.set_ylim(min(low, -1.1 * margin), max(high, 1.1 * margin))
        if percent:
            axes.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
        ends = "bars" if all(len(each.depth) < LEAST_OF_A_LINE for each in lines) else "bands"
        told = [f"{ends} hold all depths together at {level * 100:g} %"] if banded else []
        if margin:
            told.append(f"shaded: the margin of {f'{100 * margin:g} points' if percent else f'{margin:g}'}")
        band = "\n" + "; ".join(told) if told else ""
        axes.set_xlabel(f"relative depth of a layer's middle (0: into the first, 1: out of the last){band}")
        axes.set_ylabel(in_lines(quantity), parse_math=False)
        axes.grid(axis="y", color="0.9", linewidth=0.6)
        axes.set_axisbelow(True)
        legend = axes.legend(handles=[*handles, key], loc="upper left", bbox_to_anchor=(1.01, 1), borderaxespad=0)
        for text in legend.get_texts():
            text.set_parse_math(False)
        count = sum(bool(each.found.any()) for each in lines)
        headed(axes, f"{count} of {plural(len(lines), 'run')} found to differ at some depth")
    return axes
