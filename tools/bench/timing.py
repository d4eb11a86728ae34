"""Timing of variants in turn, within one process, and the record of what it found."""

import os
import platform
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import torch

from tools.bench.rows import TIMES, Conditions, Row, load, today, versions


@dataclass(frozen=True)
class Ratio:
    """Two variants of the same work.

    Args:
        name: What is compared: the slow one / the fast one.
        slow: Median seconds of the one.
        fast: Median seconds of the other.
        ratio: Median of the rounds' ratios.
        low: The smallest ratio of a round.
        high: The largest.
        note: On what, or why there are no numbers.
    """

    name: str
    slow: float | None
    fast: float | None
    ratio: float | None
    low: float | None
    high: float | None
    note: str = ""

    def __str__(self) -> str:
        if self.ratio is None:
            return f"{self.name:58} not measured: {self.note}"
        return (
            f"{self.name:58} {self.slow:9.4f} s {self.fast:9.4f} s {self.ratio:8.2f} [{self.low:.2f}, {self.high:.2f}]"
            f"  {self.note}"
        )


@dataclass
class Record:
    """What one benchmark found; every row is printed when it is there.

    Args:
        rounds: How often variants run in turn.
        bench: Its name.
        model: What it runs on.
        dtype: In which precision.
    """

    rounds: int
    bench: str = ""
    model: str = ""
    dtype: str = "float32"
    ratios: list[Ratio] = field(default_factory=list)
    values: dict[str, float] = field(default_factory=dict)
    rows: list[Row] = field(default_factory=list)
    _load: float = field(default_factory=load)

    @property
    def skipped(self) -> tuple[Ratio, ...]:
        """What was not measured, each with its reason."""
        return tuple(each for each in self.ratios if each.ratio is None)

    def compare(
        self,
        name: str,
        slow: Callable[[], object],
        fast: Callable[[], object],
        *,
        each: tuple[int, int] = (1, 1),
        note: str = "",
    ) -> Ratio:
        """Runs both in turn, after one run that does not count, and keeps the medians.

        Args:
            name: Of the row.
            slow: One variant.
            fast: The other.
            each: How many units of work the variants do: times are of one.
            note: On what.
        """
        slow(), fast()
        times = [(seconds(slow) / each[0], seconds(fast) / each[1]) for _ in range(self.rounds)]
        ratios = sorted(one / other for one, other in times)
        one, other = (statistics.median(column) for column in zip(*times, strict=True))
        ratio = Ratio(name, one, other, statistics.median(ratios), ratios[0], ratios[-1], note)
        self._keep(name, note, ratios, TIMES)
        return self._tell(ratio)

    def skip(self, name: str, why: str) -> None:
        """Says that something was not measured, and why."""
        self._tell(Ratio(name, None, None, None, None, None, why))

    def value(
        self, what: str, values: float | Sequence[float], unit: str = "", *, on: str = "", n: int | None = None
    ) -> float:
        """Keeps and prints a number, or the median of several, and returns it.

        Args:
            what: Was measured.
            values: Once, or several times.
            unit: Of the number.
            on: What it was measured on.
            n: From how many measurements one number comes; by default as many as there are numbers.
        """
        found = self._keep(what, on, [values] if isinstance(values, int | float) else values, unit, n)
        name = ": ".join(part for part in (self.bench, on, what) if part)
        self.values[name] = found
        print(f"{name:58} {found:.4g} {unit}".rstrip(), flush=True)
        return found

    def json(self) -> dict[str, Any]:
        """All of it, as JSON takes it."""
        return {
            "values": self.values,
            "ratios": [asdict(each) for each in self.ratios],
            "rows": [{"bench": self.bench} | asdict(each) for each in self.rows],
        }

    def _keep(self, what: str, on: str, values: Sequence[float], unit: str, n: int | None = None) -> float:
        found = statistics.median(values)
        low, high = (min(values), max(values)) if len(values) > 1 else (None, None)
        self.rows.append(Row(what, on, found, unit, n or len(values), low, high, self._under()))
        return found

    def _under(self) -> Conditions:
        before, self._load = self._load, load()
        loads = (min(before, self._load), max(before, self._load)) if before == before else None
        return Conditions(self.model, self.dtype, torch.get_num_threads(), loads, today(), versions())

    def _tell(self, ratio: Ratio) -> Ratio:
        self.ratios.append(ratio)
        print(ratio, flush=True)
        return ratio


def seconds(work: Callable[[], object]) -> float:
    """Wall time of one run."""
    _wait()
    started = time.perf_counter()
    work()
    _wait()
    return time.perf_counter() - started


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def machine() -> dict[str, Any]:
    """What the numbers were measured on."""
    return {
        "processor": platform.processor() or platform.machine(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "torch": torch.__version__,
        "python": platform.python_version(),
    }
