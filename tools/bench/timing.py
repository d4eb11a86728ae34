"""Timing of variants in turn, within one process, and the table that comes of it."""

import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch


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
    """What one run of the benchmarks found; every row is printed when it is there."""

    rounds: int
    ratios: list[Ratio] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)

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
        return self.row(Ratio(name, one, other, statistics.median(ratios), ratios[0], ratios[-1], note))

    def row(self, ratio: Ratio) -> Ratio:
        """Keeps and prints a row."""
        self.ratios.append(ratio)
        print(ratio, flush=True)
        return ratio

    def skip(self, name: str, why: str) -> None:
        """Says that something was not measured, and why."""
        self.row(Ratio(name, None, None, None, None, None, why))

    def value(self, name: str, value: Any, unit: str = "") -> None:
        """Keeps and prints a number."""
        self.values[name] = value
        shown = f"{value:.4g}" if isinstance(value, float) else value
        print(f"{name:58} {shown} {unit}".rstrip(), flush=True)

    def write(self, path: Path) -> None:
        """Writes everything, with the machine, as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        content = {"machine": machine(), "rounds": self.rounds, "values": self.values}
        content["ratios"] = [asdict(each) for each in self.ratios]
        path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


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
