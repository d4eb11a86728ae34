"""A small run that faults happen to: its command, and whether what it wrote is what it should have written."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from mediate.pairs.files import write_pairs
from mediate.tasks import modular_pairs

MODEL, PAIRS = "reference-0.1m", 400
# What of a manifest tells of the time, or of what was met on the way.
OF_THE_TIME = ("created", "finished", "seconds")
# Exit codes of a process that the system killed.
KILLED = (-signal.SIGKILL, 128 + signal.SIGKILL)


@dataclass(frozen=True, slots=True)
class Subject:
    """Pairs, and where runs of them are written.

    Args:
        folder: An empty folder, for all of it.
        count: How many pairs.
        rng: Of the times at which processes are killed.
    """

    folder: Path
    count: int = PAIRS
    rng: random.Random = field(default_factory=lambda: random.Random(0))

    @property
    def pairs(self) -> Path:
        """The file of pairs, made where it is missing."""
        place = self.folder / "pairs.jsonl"
        if not place.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            write_pairs(place, modular_pairs(self.count))
        return place

    def start(self, *words: str, cache: Path | None = None) -> subprocess.Popen[str]:
        """Starts the command in a session of its own, on one thread; without a cache where none is named."""
        chosen = [*words] + ([] if cache or words[0] != "score" else ["--no-cache"])
        settings = dict(os.environ) | {"OMP_NUM_THREADS": "1", "XDG_CACHE_HOME": str(cache or self.folder / "none")}
        return subprocess.Popen(
            [sys.executable, "-m", "tools.faults.small_parts", *chosen],
            env=settings,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def score(self, out: Path, *more: str, cache: Path | None = None) -> subprocess.Popen[str]:
        """Starts the run."""
        words = ("score", str(self.pairs), "--model", MODEL, "--out", str(out), "--no-report", *more)
        return self.start(*words, cache=cache)

    def golden(self, *, cached: bool = False) -> tuple[Path, float]:
        """The run that nothing happens to, with a cache of its own or without, and the seconds that it takes."""
        out, started = self.folder / f"golden{'-cached' * cached}", time.monotonic()
        if not out.exists():
            finish(self.score(out, cache=self.folder / "golden-cache" if cached else None))
        return out, time.monotonic() - started


def finish(process: subprocess.Popen[str]) -> str:
    """Waits for a command that should end well, and returns what it said.

    Raises:
        RuntimeError: It did not.
    """
    said = process.communicate()[1]
    if process.returncode:
        raise RuntimeError(f"exit {process.returncode}: {said[-800:]}")
    return said


def kill(process: subprocess.Popen[str]) -> bool:
    """Kills a process and all that it started; whether it was still running, and not at its end."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    return process.returncode in KILLED


def differences(run: Path, golden: Path) -> list[str]:
    """In which files a run is another than the one that nothing happened to; the times in its manifest do not count."""
    names = sorted({str(each.relative_to(top)) for top in (run, golden) for each in top.rglob("*") if each.is_file()})
    return [name for name in names if _content(run / name) != _content(golden / name)]


def _content(path: Path) -> Any:
    if not path.is_file():
        return None
    if path.name != "run.json":
        return path.read_bytes()
    return {name: value for name, value in json.loads(path.read_text()).items() if name not in OF_THE_TIME}


def lost_and_doubled(run: Path, golden: Path) -> tuple[int, int]:
    """How many items, each in its worlds, a run lacks, and how many it has more than once."""
    ids, wanted = (_worlds(each) for each in (run, golden))
    return len(set(wanted) - set(ids)), len(ids) - len(set(ids))


def _worlds(run: Path) -> list[tuple[str, str]]:
    table = pq.read_table(run / "results" / "items.parquet", columns=["item", "world"])
    return list(zip(*(table[name].to_pylist() for name in ("item", "world")), strict=True))


Row = Mapping[str, Any]


def table(rows: Sequence[Row]) -> str:
    """Rows as Markdown, under the names of the first."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    lines = [f"| {' | '.join(names)} |", f"|{' --- |' * len(names)}"]
    return "\n".join([*lines, *(f"| {' | '.join(str(row.get(name, '')) for name in names)} |" for row in rows)])
