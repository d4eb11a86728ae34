"""A quantity against model size."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter, NullLocator, PercentFormatter

from mediate.errors import InputError
from mediate.figures.cut import cut_axis, cut_of
from mediate.figures.found import headed
from mediate.figures.moved_apart import moved_apart
from mediate.figures.style import CHANNEL_COLOURS, INK, canvas, run_colours
from mediate.figures.text import in_lines, label
from mediate.showing import plural
from mediate.stats import Estimate

LADDER_SIZE = (7.2, 3.4)
MARKERS = "osD^vPX*<>"
DODGE, MOST_APART = 0.022, 0.15  # of the axis' width: between lines, and between all of them
LEAST_RANGE = 0.02  # an axis of shares shows so much at least, and each part of one that is cut half of it
APART = 0.085  # of the axis' height, between the names of lines
NAME_WIDTH = 20
CLOSEST = 0.055  # tick labels nearer than this part of the axis would overlap


@dataclass(frozen=True, slots=True)
class LadderLine:
    """Models of one kind, such as those before fine-tuning.

    Args:
        name: What the line is called.
        parameters: Each model's number of parameters.
        estimates: Of each model.
    """

    name: str
    parameters: tuple[int, ...]
    estimates: tuple[Estimate, ...]

    def __post_init__(self) -> None:
        if len(self.parameters) != len(self.estimates) or not self.parameters or min(self.parameters) < 1:
            raise ValueError(
                f"line {self.name!r}: {len(self.estimates)} estimates of models with parameters {self.parameters}"
            )


def plot_ladder(lines: Sequence[LadderLine], *, quantity: str, percent: bool = False, ax: Axes | None = None) -> Axes:
    """Estimates with their intervals against the number of parameters, on a log axis; a line a kind of model.

    Lines are set a little apart, so that points and intervals of one size do not cover each other. A hollow point has
    no interval; what is undefined is left out and counted in the key. Where shares lie in two far places, with
    intervals too narrow to be seen, the axis is cut between them, and says so.

    Args:
        lines: What to draw, such as before and after fine-tuning.
        quantity: What the axis shows, with its unit.
        percent: Whether values are shares, to be written in percent.
        ax: Where to draw.

    Raises:
        InputError: No line, or none with a defined estimate.
    """
    if not any(each.defined for line in lines for each in line.estimates):
        raise InputError(f"no model has a defined value of {quantity}, so there is no ladder to draw")
    sizes = sorted({size for line in lines for size in line.parameters})
    reach = np.log10(sizes[-1] / sizes[0]) or 1.0
    with canvas(ax, LADDER_SIZE) as axes:
        axes.set_xscale("log")
        defined = [each for line in lines for each in line.estimates if each.defined]
        if min(np.fmin(each.low, each.value) for each in defined) < 0:
            axes.axhline(0, color=INK, linewidth=0.8, zorder=1)
        colours = _colours(lines)
        for place, (line, colour) in enumerate(zip(lines, colours, strict=True)):
            shift = 10 ** ((place - (len(lines) - 1) / 2) * min(DODGE, MOST_APART / len(lines)) * reach)
            _draw_line(axes, line, colour, MARKERS[place % len(MARKERS)], shift)
        _label_sizes(axes, sizes, reach)
        told = f"\naxis {words}" if percent and (words := _show_shares(axes, defined)) else ""
        axes.set_xlabel(f"parameters (log scale){_levels(lines)}{_sizes(defined)}")
        axes.set_ylabel(in_lines(quantity + told), parse_math=False)
        axes.grid(axis="y", color="0.9", linewidth=0.6)
        axes.set_axisbelow(True)
        _name_lines(axes, lines, colours)
        headed(axes, _title(lines, quantity))
    return axes


def ladder_data(lines: Sequence[LadderLine]) -> pd.DataFrame:
    """What `plot_ladder` draws: a row a line and model with `parameters`, `value`, `low`, `high` and `n`."""
    rows = [
        (line.name, size, each.value, each.low, each.high, each.n)
        for line in lines
        for size, each in zip(line.parameters, line.estimates, strict=True)
    ]
    return pd.DataFrame(rows, columns=["line", "parameters", "value", "low", "high", "n"])


def _show_shares(axes: Axes, defined: Sequence[Estimate]) -> str:
    """Shares in percent, over a range in which rounding is no slope; where the axis is cut, the words for that."""
    cut = cut_of(defined, least=LEAST_RANGE / 2)
    if cut is not None:
        return cut_axis(axes.yaxis, cut)
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
    low, high = axes.get_ylim()
    short = LEAST_RANGE - (high - low)
    if short > 0:
        axes.set_ylim(low - short / 2, high + short / 2)
    return ""


def _colours(lines: Sequence[LadderLine]) -> list[str | tuple[float, ...]]:
    """A channel has its own colour, whatever else is drawn; the rest have those that are no channel's."""
    others = iter(run_colours(sum(line.name not in CHANNEL_COLOURS for line in lines)))
    return [CHANNEL_COLOURS[line.name] if line.name in CHANNEL_COLOURS else next(others) for line in lines]


def _name_lines(axes: Axes, lines: Sequence[LadderLine], colours: Sequence[str | tuple[float, ...]]) -> None:
    """Each line's name at its right end, moved apart from its neighbours' where they would touch."""
    ends = []
    for line, colour in zip(lines, colours, strict=True):
        points = sorted(zip(line.parameters, line.estimates, strict=True), key=_size)
        drawn = [each.value for _, each in points if each.defined]
        if drawn:
            pixels = axes.transData.transform((line.parameters[0], drawn[-1]))
            ends.append((float(axes.transAxes.inverted().transform(pixels)[1]), _named(line), colour))
    ends.sort(key=lambda each: each[0])
    heights = moved_apart([end for end, _, _ in ends], APART)
    for height, (_, name, colour) in zip(heights, ends, strict=True):
        axes.annotate(
            name,
            (1.015, height),
            xycoords="axes fraction",
            va="center",
            fontsize=8,
            color=colour,
            parse_math=False,
        )


def _size(point: tuple[int, Estimate]) -> int:
    return point[0]


def _named(line: LadderLine) -> str:
    left_out = sum(not each.defined for each in line.estimates)
    return in_lines(label(line.name, 2 * NAME_WIDTH), NAME_WIDTH) + (f" ({left_out} undefined)" if left_out else "")


def _sizes(defined: Sequence[Estimate]) -> str:
    least, most = min(each.n for each in defined), max(each.n for each in defined)
    return f"; n = {plural(least, 'item')}" if least == most else f"; n = {least} to {most} items"


def _title(lines: Sequence[LadderLine], quantity: str) -> str:
    """How the values of each line lie, in words; of several lines, those that have no overlap with the first."""
    what = quantity.partition("\n")[0]
    having = {line.name: [each for each in line.estimates if each.defined and np.isfinite(each.low)] for line in lines}
    plain = f"{what[:1].upper()}{what[1:]}"
    first, *others = having.items()
    if not first[1] or any(name in CHANNEL_COLOURS for name in having):
        return f"{plain}, against size"
    least, most = min(each.low for each in first[1]), max(each.high for each in first[1])
    below = [name for name, found in others if found and max(each.high for each in found) < least]
    above = [name for name, found in others if found and min(each.low for each in found) > most]
    told = [f"{', '.join(names)} {word} {first[0]}" for names, word in ((below, "below"), (above, "above")) if names]
    return f"{plain}: {' and '.join(told)}, at every size" if told else f"{plain}, against size"


def _draw_line(axes: Axes, line: LadderLine, colour: str | tuple[float, ...], marker: str, shift: float) -> None:
    points = sorted(zip(line.parameters, line.estimates, strict=True), key=lambda point: point[0])
    drawn = [(size * shift, each) for size, each in points if each.defined]
    x, y = [size for size, _ in drawn], [each.value for _, each in drawn]
    axes.plot(x, y, color=colour, marker=marker, markersize=5.5, label=line.name, zorder=3)
    for size, each in drawn:
        if np.isfinite(each.low):
            axes.vlines(size, each.low, each.high, color=colour, linewidth=1.4, zorder=2)
        else:
            axes.plot(size, each.value, marker, markersize=5.5, color=colour, markerfacecolor="white", zorder=4)


def _label_sizes(axes: Axes, sizes: Sequence[int], reach: float) -> None:
    """A tick at every size that is there, named where the names do not touch."""
    named: list[int] = []
    for size in sizes:
        if not named or np.log10(size / named[-1]) > CLOSEST * reach * 1.2:
            named.append(size)
    axes.set_xlim(sizes[0] / 10 ** (0.08 * reach), sizes[-1] * 10 ** (0.08 * reach))
    axes.set_xticks(sizes, [short_size(size) if size in named else "" for size in sizes])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())


def short_size(parameters: int) -> str:
    """The number in thousands, millions or billions, to three digits: 135M, 1.54B."""
    for unit, letter in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if parameters >= unit * 0.9995:
            return f"{parameters / unit:.3g}{letter}"
    return str(parameters)


def _levels(lines: Sequence[LadderLine]) -> str:
    levels = {each.level for line in lines for each in line.estimates if np.isfinite(each.low)}
    return f"; {' and '.join(f'{level * 100:g} %' for level in sorted(levels))} intervals" if levels else ""
