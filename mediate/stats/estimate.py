"""The record of a statistic: never a bare number."""

import math
from dataclasses import dataclass

# Digits after the leading one: of a value, and of its interval's width. Numbers of more after the point are powers.
THREE, TWO, MOST_DIGITS = 2, 1, 6


@dataclass(frozen=True, slots=True, repr=False)
class Estimate:
    """A statistic with its interval and the way in which it was obtained.

    `value` is NaN where the statistic is undefined, and `reason` then says why. `low` and `high` are NaN where the
    value exists and its interval does not (too few groups, a denominator that changes sign between resamples).

    Args:
        value: The statistic on all items.
        low: Lower end of the interval.
        high: Upper end of the interval.
        level: Coverage of the interval, in (0, 1).
        n: Items that went in.
        groups: Groups that the bootstrap resampled.
        method: How the interval was made.
        seed: Seed of the resampling.
        reason: Why `value` or the interval is undefined; empty when both are defined.
    """

    value: float
    low: float
    high: float
    level: float
    n: int
    groups: int
    method: str
    seed: int
    reason: str = ""

    def __post_init__(self) -> None:
        if not 0 < self.level < 1:
            raise ValueError(f"level is {self.level}; it is a coverage in (0, 1), such as 0.95")
        if not self.defined and not self.reason:
            raise ValueError("an undefined estimate (NaN) needs a reason")
        if math.isnan(self.low) != math.isnan(self.high):
            raise ValueError(f"half an interval: low {self.low}, high {self.high}")
        if self.low > self.high:
            raise ValueError(f"the interval is upside down: low {self.low}, high {self.high}")

    @property
    def defined(self) -> bool:
        """Whether the value is a number."""
        return not math.isnan(self.value)

    def __repr__(self) -> str:
        interval = f"{self.level:.0%} {self.method}, seed {self.seed}" if self.defined else self.reason
        return f"Estimate({self}; n = {self.n} in {self.groups} groups; {interval})"

    def __format__(self, spec: str) -> str:
        """`value [low, high]`, each number in the given format, or in so many digits that they are told apart."""
        spec = spec or self._spec()
        if not self.defined:
            return "undefined"
        if math.isnan(self.low):
            return f"{self.value:{spec}} [no interval]"
        return f"{self.value:{spec}} [{self.low:{spec}}, {self.high:{spec}}]"

    def _spec(self) -> str:
        """The format with three digits of the value, and two of the interval's width: 1.0014 [0.9970, 1.0055]."""
        told = [(abs(self.value), THREE), (self.high - self.low, TWO)]
        digits = max((most - math.floor(math.log10(size)) for size, most in told if 0 < size < math.inf), default=0)
        return f".{max(0, digits)}f" if digits <= MOST_DIGITS else ".3g"
