"""How effects become colours: red above 0 and blue below, on one scale for all maps that are looked at side by side."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from matplotlib.colors import Normalize, SymLogNorm

# Where the largest cell is more than so many times as large as nine cells in ten, it would make all others pale.
PEAKED, TYPICAL = 10.0, 0.9
# Of the colours, in decades: what is in proportion takes as much as this part of one.
PROPORTIONAL = 0.7
# The part in proportion never ends below this part of the deepest.
LEAST_PART = 1e-3
# Beyond this part of the deepest colour, ink is hard to read.
STRONG = 0.6


@dataclass(frozen=True, slots=True)
class ColourScale:
    """The colours of effects, symmetric about 0.

    Args:
        limit: The effect of the deepest colours.
        linear: Up to this effect on either side of 0 colours are in proportion, and beyond it they go by orders of
            magnitude; None where they are in proportion throughout.
    """

    limit: float
    linear: float | None = None

    def norm(self) -> Normalize:
        """From effects to places on the colour map."""
        if self.linear is None:
            return Normalize(-self.limit, self.limit)
        return SymLogNorm(self.linear, linscale=PROPORTIONAL, vmin=-self.limit, vmax=self.limit, base=10)

    def strong(self, values: Float[np.ndarray, "..."]) -> Bool[np.ndarray, "..."]:
        """Whether the colours of effects are so deep that what stands on them must be white."""
        depth = np.ma.filled(abs(2 * self.norm()(np.nan_to_num(values)) - 1), 1.0)
        found: Bool[np.ndarray, ...] = np.asarray(depth) > STRONG
        return found

    def ticks(self) -> list[float]:
        """The effects that a bar of logarithmic colours names; none of colours in proportion, which have a locator."""
        if self.linear is None:
            return []
        decades = np.arange(np.ceil(np.log10(self.limit / self.linear)))
        above = [each for each in (self.linear * 10**decades).tolist() if each < self.limit / 2]
        above.append(self.limit)
        return [*(-each for each in reversed(above)), 0.0, *above]

    def words(self, unit: str = "", *, percent: bool = False) -> str:
        """What a bar says of colours that are not in proportion."""
        if self.linear is None:
            return ""
        return f"log beyond ±{short(self.linear, percent=percent)}{unit and ' ' + unit}"


def short(value: float, *, percent: bool = False) -> str:
    """A number, or a share in percent, to two digits."""
    rounded = float(f"{100 * value if percent else value:.2g}")
    return f"{rounded:g}{' %' if percent else ''}".replace("-", "−")


def scale_of(values: Iterable[Float[np.ndarray, "..."]], least: float = 0.0) -> ColourScale:
    """One scale for several maps: as deep as their largest cell, and never less than `least`.

    In proportion, but where the largest cell is more than ten times as large as nine cells in ten: then those, and what
    is at most `least`, are in proportion, and what is larger goes by orders of magnitude.
    """
    sizes = np.concatenate([np.zeros(0), *(abs(each[np.isfinite(each)]).ravel() for each in values)])
    largest = float(sizes.max(initial=0.0))
    limit = max(least, largest) or 1.0
    typical = float(np.quantile(sizes, TYPICAL)) if len(sizes) else 0.0
    linear = max(typical, least, LEAST_PART * largest)
    return ColourScale(limit, linear if PEAKED * linear < largest else None)
