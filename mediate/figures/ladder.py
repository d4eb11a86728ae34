"""A quantity against model size."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter, NullLocator, PercentFormatter

from mediate.errors import InputError
from mediate.figures.style import INK, canvas, run_colours
from mediate.figures.text import in_lines, label
from mediate.stats import Estimate

LADDER_SIZE = (7.2, 3.4)
MARKERS = "osD^vPX*<>"
DODGE = 0.012  # of the axis' width, between lines
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

    Lines are set a little apart, so that intervals of one size do not cover each other. A hollow point has no interval;
    what is undefined is left out and counted in the key.

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
        for place, (line, colour) in enumerate(zip(lines, run_colours(len(lines)), strict=True)):
            shift = 10 ** ((place - (len(lines) - 1) / 2) * DODGE * reach)
            _draw_line(axes, line, colour, MARKERS[place % len(MARKERS)], shift)
        _label_sizes(axes, sizes, reach)
        if percent:
            axes.yaxis.set_major_formatter(PercentFormatter(1.0, symbol=" %"))
        axes.set_xlabel(f"parameters (log scale){_levels(lines)}")
        axes.set_ylabel(in_lines(quantity), parse_math=False)
        axes.grid(axis="y", color="0.9", linewidth=0.6)
        axes.set_axisbelow(True)
        legend = axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), borderaxespad=0)
        for text in legend.get_texts():
            text.set_parse_math(False)
    return axes


def _draw_line(axes: Axes, line: LadderLine, colour: str | tuple[float, ...], marker: str, shift: float) -> None:
    points = sorted(zip(line.parameters, line.estimates, strict=True), key=lambda point: point[0])
    drawn = [(size * shift, each) for size, each in points if each.defined]
    left_out = len(points) - len(drawn)
    text = label(line.name) + (f" ({left_out} undefined)" if left_out else "")
    x, y = [size for size, _ in drawn], [each.value for _, each in drawn]
    axes.plot(x, y, color=colour, marker=marker, markersize=5.5, label=text, zorder=3)
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
