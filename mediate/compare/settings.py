"""The choices of a comparison: every one of them can change a number or a verdict."""

from collections.abc import Sequence
from dataclasses import dataclass

from mediate.compare.runs import NamedRun
from mediate.errors import InputError
from mediate.results import MIN_TE
from mediate.stats.bootstrap import RESAMPLES
from mediate.stats.signflip import FLIPS

MARGIN = 0.1


@dataclass(frozen=True, slots=True)
class Settings:
    """How runs are compared.

    Args:
        margin: The largest change of a share that does not matter; an effect's is this part of the first run's mean TE.
        level: Coverage of the intervals; each test's chance of a false finding is one less this.
        min_te: A run's shares are undefined where its mean |TE| is not above this, in nats.
        seed: Of resamples and flips.
        draws: Resamples of the groups.
        flips: Patterns of signs.

    Raises:
        InputError: A choice that is out of its range.
    """

    margin: float = MARGIN
    level: float = 0.95
    min_te: float = MIN_TE
    seed: int = 0
    draws: int = RESAMPLES
    flips: int = FLIPS

    def __post_init__(self) -> None:
        if not 0 < self.margin < 1:
            raise InputError(
                f"margin is {self.margin}; it is the largest change of a share that does not matter, such as 0.1"
            )
        if not 0.5 < self.level < 1:
            raise InputError(f"level is {self.level}; it is the coverage of the intervals, such as 0.95")
        if not 0 <= self.min_te < float("inf"):
            raise InputError(f"min_te is {self.min_te}; it is a size of TE in nats, such as {MIN_TE}")
        if self.seed < 0:
            raise InputError(f"seed is {self.seed}; give 0 or more")
        if self.draws < 100 or self.flips < 100:
            raise InputError(f"{self.draws} draws and {self.flips} flips; give at least 100 of each")

    @property
    def alpha(self) -> float:
        """Chance of a false finding of each test."""
        return 1 - self.level


def settings_of(runs: Sequence[NamedRun], **chosen: float | int | None) -> Settings:
    """The chosen settings; for those that are None, the first run's own level, threshold and seed."""
    spec = runs[0].spec
    usual = {name: spec[name] for name in ("level", "min_te", "seed") if isinstance(spec.get(name), int | float)}
    return Settings(**(usual | {name: value for name, value in chosen.items() if value is not None}))
