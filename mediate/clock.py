"""Where a command's time goes: stages that long work opens, and a clock that adds them up where somebody wants to know.

A stage inside another counts for itself alone, so the stages add up. No stage is open while a generator waits.
"""

import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from mediate.watch import duration, tell

# The part of all time that a stage must take to be named in the line.
LEAST = 0.02


@dataclass(slots=True)
class Spent:
    """What a stage took: seconds by the wall clock and of the processor, and how often it was entered."""

    wall: float = 0.0
    cpu: float = 0.0
    times: int = 0


@dataclass(slots=True)
class Clock:
    """Stages and what they took so far.

    Args:
        detailed: Whether whoever reads it out should tell all of it.
        told_at_once: Whether each stage is told, too, when it first begins, with the time since the process did.
    """

    detailed: bool = False
    told_at_once: bool = False
    stages: dict[str, Spent] = field(default_factory=lambda: defaultdict(Spent))
    _open: list[str] = field(default_factory=list)
    _since: tuple[float, float] = (0.0, 0.0)

    def _turn(self) -> None:
        """Books what has passed since the last turn on the innermost open stage."""
        now = time.perf_counter(), time.process_time()
        if self._open:
            spent = self.stages[self._open[-1]]
            spent.wall += now[0] - self._since[0]
            spent.cpu += now[1] - self._since[1]
        self._since = now

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """While open, time is booked on this stage."""
        self._turn()
        if self.told_at_once and name not in self.stages:
            tell(f"{time.perf_counter() - _STARTED:8.1f} s  {name}")
        self.stages[name].times += 1
        self._open.append(name)
        try:
            yield
        finally:
            self._turn()
            self._open.pop()

    def seconds(self) -> dict[str, float]:
        """Wall seconds by stage."""
        return {name: round(spent.wall, 3) for name, spent in self.stages.items()}

    def told(self) -> str:
        """A line on where the time went, or a table where it is to be detailed; empty where no stage was entered."""
        ranked = sorted(self.stages.items(), key=lambda entry: -entry[1].wall)
        staged = sum(spent.wall for _, spent in ranked), sum(spent.cpu for _, spent in ranked)
        whole = max(time.perf_counter() - _STARTED, staged[0]), max(time.process_time(), staged[1])
        if not ranked:
            return ""
        if not self.detailed:
            parts = [f"{name} {duration(spent.wall)}" for name, spent in ranked if spent.wall >= LEAST * whole[0]]
            named = f", of which {', '.join(parts)}" if parts else ""
            return f"time: {duration(whole[0])}{named}; --profile tells all of it"
        other = Spent(whole[0] - staged[0], whole[1] - staged[1], 1)
        lines = [f"{'time':<28}{'wall':>9}{'':9}{'processor':>11}{'times':>8}"]
        for name, spent in (*ranked, ("starting, and all else", other), ("all", Spent(*whole, 1))):
            share = f"{100 * spent.wall / whole[0]:5.1f} %"
            lines.append(f"{name:<28}{spent.wall:>7.2f} s {share:<8}{spent.cpu:>9.2f} s{spent.times:>8}")
        return "\n".join(lines)


_CLOCK: ContextVar[Clock | None] = ContextVar("clock", default=None)
# As near to the start of the process as this package gets.
_STARTED = time.perf_counter()


def running() -> Clock | None:
    """The clock that runs, if one does."""
    return _CLOCK.get()


@contextmanager
def timed() -> Iterator[Clock]:
    """While open, stages are added up, those of a clock around it too."""
    outer = _CLOCK.get()
    clock = Clock()
    token = _CLOCK.set(clock)
    try:
        yield clock
    finally:
        _CLOCK.reset(token)
        if outer is not None:
            for name, spent in clock.stages.items():
                kept = outer.stages[name]
                kept.wall, kept.cpu, kept.times = kept.wall + spent.wall, kept.cpu + spent.cpu, kept.times + spent.times


@contextmanager
def stage(name: str) -> Iterator[None]:
    """While open, time is booked on this stage of the running clock; nothing is done where none runs."""
    clock = _CLOCK.get()
    if clock is None:
        yield
        return
    with clock.stage(name):
        yield
