"""An axis that is cut where nothing lies: values in two far places, with intervals too narrow to be seen otherwise."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from matplotlib.axis import Axis, XAxis
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator, NullLocator

from mediate.stats import Estimate

# An interval is too narrow to be seen below this part of the axis; a gap that is cut is at least that part of it.
NARROW, WIDE = 0.04, 0.5
# Of the drawn axis, what the cut takes; around what is drawn, so much of its length is left.
GAP, PAD = 0.1, 0.15
MOST_TICKS, APART = 4, 0.08  # of each range; of both ranges' length, between two


@dataclass(frozen=True, slots=True)
class AxisCut:
    """The two ranges of an axis that are drawn, in the same units; what lies between them is cut.

    Args:
        low: Both ends of the lower one.
        high: Both ends of the upper one.
    """

    low: tuple[float, float]
    high: tuple[float, float]

    @property
    def _lost(self) -> float:
        """How much shorter the cut makes the axis."""
        drawn = (self.low[1] - self.low[0]) + (self.high[1] - self.high[0])
        return (self.high[0] - self.low[1]) - GAP * drawn / (1 - GAP)

    def place(self, values: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        """Where values lie on the drawn axis."""
        begin, end = self.low[1], self.high[0]
        x = np.asarray(values, dtype=float)
        squeezed = begin + (x - begin) * (1 - self._lost / (end - begin))
        found: Float[np.ndarray, ...] = np.where(x <= begin, x, np.where(x >= end, x - self._lost, squeezed))
        return found

    def value(self, places: Float[np.ndarray, "..."]) -> Float[np.ndarray, "..."]:
        """The inverse of `place`."""
        begin, end = self.low[1], self.high[0]
        x = np.asarray(places, dtype=float)
        stretched = begin + (x - begin) / (1 - self._lost / (end - begin))
        found: Float[np.ndarray, ...] = np.where(
            x <= begin, x, np.where(x >= end - self._lost, x + self._lost, stretched)
        )
        return found


def cut_of(estimates: Iterable[Estimate], marks: Iterable[float] = (), *, least: float) -> AxisCut | None:
    """Where to cut an axis of these estimates, and of marks that it must hold; None where it must not be.

    It is cut where all intervals are too narrow to be seen on a whole axis, and most of that is empty. Each range that
    is left is at least `least` long, so that what differs by rounding does not look as if it differed.
    """
    having = [each for each in estimates if each.defined]
    bounded = [each for each in having if np.isfinite(each.low)]
    ranges = [(each.low, each.high) for each in bounded]
    ranges += [(each.value, each.value) for each in having if not np.isfinite(each.low)]
    ranges += [(mark, mark) for mark in marks]
    ranges.sort()
    if not bounded or len(ranges) < 2:
        return None
    whole = max(high for _, high in ranges) - ranges[0][0]
    if max(each.high - each.low for each in bounded) >= NARROW * whole:
        return None
    reached = np.maximum.accumulate([high for _, high in ranges])
    gaps = np.array([low for low, _ in ranges[1:]]) - reached[:-1]
    at = int(gaps.argmax())
    if gaps[at] < WIDE * whole:
        return None
    low, high = (ranges[0][0], float(reached[at])), (ranges[at + 1][0], float(reached[-1]))
    return AxisCut(_padded(low, least), _padded(high, least))


def _padded(ends: tuple[float, float], least: float) -> tuple[float, float]:
    middle, half = (ends[0] + ends[1]) / 2, max(least, ends[1] - ends[0]) * (0.5 + PAD)
    return middle - half, middle + half


def cut_axis(axis: Axis, cut: AxisCut) -> str:
    """Cuts an axis of shares, marks the cut by a band, and returns the words for its label."""
    axes, level = axis.axes, isinstance(axis, XAxis)
    scale, limits, band = (
        (axes.set_xscale, axes.set_xlim, axes.axvspan) if level else (axes.set_yscale, axes.set_ylim, axes.axhspan)
    )
    scale("function", functions=(cut.place, cut.value))
    limits(cut.low[0], cut.high[1])
    whole = sum(high - low for low, high in (cut.low, cut.high))
    ticks = [tick for ends in (cut.low, cut.high) for tick in _ticks(ends, APART * whole)]
    axis.set_major_locator(FixedLocator(ticks))
    axis.set_major_formatter(FixedFormatter([percent_tick(tick) for tick in ticks]))
    axis.set_minor_locator(NullLocator())
    band(cut.low[1], cut.high[0], facecolor="white", edgecolor="0.75", hatch="////", linewidth=0, zorder=2.5)
    return f"cut from {percent_tick(cut.low[1], 1)} to {percent_tick(cut.high[0], 1)}"


def _ticks(ends: tuple[float, float], apart: float) -> list[float]:
    """Round values between both ends, as many as are so far apart, and the highest at least."""
    found = MaxNLocator(MOST_TICKS, steps=[1, 2, 2.5, 5, 10]).tick_values(*ends)
    ticks = [float(tick) for tick in found if ends[0] <= tick <= ends[1]]
    while len(ticks) > 1 and ticks[1] - ticks[0] < apart:
        ticks = ticks[::-1][::2][::-1]
    return ticks


def percent_tick(share: float, digits: int = 4) -> str:
    """A share in percent, in no more digits than it has."""
    return f"{round(100 * share, digits) + 0.0:g} %".replace("-", "−")
