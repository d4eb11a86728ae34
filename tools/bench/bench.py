"""What a benchmark is, and what it is run on."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from tools.marked import Part

if TYPE_CHECKING:
    from mediate.models.model import Model
    from tools.bench.timing import Record

NAME = "smollm2-135m-instruct"
TINY = "tiny"
COMMAND = "python -m tools.bench"


@dataclass
class Setting:
    """What the benchmarks of one command are run on.

    Args:
        short: Whether all is as small as it can be, on a tiny model, to see that it still runs.
        out: A folder for what they draw.
        beside: A commit to hold this one against, for the benchmarks that run whole commands; empty without.
    """

    short: bool
    out: Path
    beside: str = ""

    @property
    def name(self) -> str:
        """The model's name; `tiny` is made by the tests."""
        return TINY if self.short else NAME

    @cached_property
    def model(self) -> "Model":
        """The model in float32, loaded where a benchmark first needs it."""
        if self.short:
            from tests import tiny

            made: Model = tiny.model("llama")
            return made
        import mediate

        mediate.fetch(NAME)
        return mediate.load(NAME, device="cpu")


@dataclass(frozen=True, slots=True)
class Bench:
    """One benchmark; its table stands in `docs/speed.md` between markers of its name.

    Args:
        name: What the command calls it.
        measure: Measures, and puts what it finds into the record.
        minutes: About how long, on two idle cores.
    """

    name: str
    measure: "Callable[[Record, Setting], None]"
    minutes: float

    @property
    def part(self) -> Part:
        """Its part of the page."""
        return Part(self.name, f"{COMMAND} {self.name} --write")
