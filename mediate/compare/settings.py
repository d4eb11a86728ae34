"""The choices of a comparison: every one of them can change a number or a verdict."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Annotated, TypedDict

from pydantic import Field

from mediate.choices import checked_choices, described, fields_of
from mediate.compare.runs import NamedRun
from mediate.results import MIN_TE
from mediate.stats.resampling import RESAMPLES
from mediate.stats.signflip import FLIPS

MARGIN = 0.1


@described
@dataclass(frozen=True, slots=True)
class Settings:
    """How runs are compared.

    Raises:
        InputError: A choice that is out of its range.
    """

    margin: Annotated[
        float,
        Field(
            gt=0,
            lt=1,
            description="The largest change of a share that does not matter; an effect's is this part of the first "
            "run's mean TE.",
        ),
    ] = MARGIN
    level: Annotated[
        float,
        Field(
            gt=0.5,
            lt=1,
            description="Coverage of the intervals, and each test's chance of a false finding is one less this; the "
            "first run's by default.",
        ),
    ] = 0.95
    min_te: Annotated[
        float,
        Field(
            ge=0,
            allow_inf_nan=False,
            description="A run's shares are undefined where its mean |TE| is not above this, in nats; the first run's "
            "by default.",
        ),
    ] = MIN_TE
    seed: Annotated[int, Field(ge=0, description="Of resamples and sign flips; the first run's by default.")] = 0
    draws: Annotated[int, Field(ge=100, description="Resamples of the groups.")] = RESAMPLES
    flips: Annotated[int, Field(ge=100, description="Patterns of signs.")] = FLIPS

    def __post_init__(self) -> None:
        for name, value in checked_choices(fields_of(Settings), asdict(self)).items():
            object.__setattr__(self, name, value)

    @property
    def alpha(self) -> float:
        """Chance of a false finding of each test."""
        return 1 - self.level


class CompareOptions(TypedDict, total=False):
    """`Settings` as the options of a call; what is None is as if it were not given."""

    margin: float | None
    level: float | None
    min_te: float | None
    seed: int | None
    draws: int | None
    flips: int | None


def settings_of(runs: Sequence[NamedRun], **chosen: float | int | None) -> Settings:
    """The chosen settings; for those that are None, the first run's own level, threshold and seed."""
    spec = runs[0].spec
    usual = {name: spec[name] for name in ("level", "min_te", "seed") if isinstance(spec.get(name), int | float)}
    return Settings(**(usual | {name: value for name, value in chosen.items() if value is not None}))
