"""A small run that faults happen to: its command, and whether what it wrote is what it should have written."""

import json
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from mediate.pairs.files import write_pairs
from mediate.tasks import modular_pairs
from tools.faults.started import Started, start

MODEL, PAIRS = "reference-0.1m", 400
# What of a manifest tells of the time, or of what was met on the way.
OF_THE_TIME = ("created", "finished", "seconds")


@dataclass(frozen=True, slots=True)
class Subject:
    """Pairs, and where runs of them are written.

    Args:
        folder: An empty folder, for all of it.
        size: How many pairs.
        rng: Of the times at which processes are killed.
        numbers: Of the commands that are started, one by one.
        seconds: What the run that nothing happens to took, with a cache and without.
    """

    folder: Path
    size: int = PAIRS
    rng: random.Random = field(default_factory=lambda: random.Random(0))
    numbers: Iterator[int] = field(default_factory=count)
    seconds: dict[bool, float] = field(default_factory=dict)

    @property
    def pairs(self) -> Path:
        """The file of pairs, made where it is missing."""
        place = self.folder / "pairs.jsonl"
        if not place.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            write_pairs(place, modular_pairs(self.size))
        return place

    def start(self, *words: str, cache: Path | None = None) -> Started:
        """Starts the command in a session of its own, on one thread; without a cache where none is named."""
        chosen = [*words] + ([] if cache or words[0] != "score" else ["--no-cache"])
        settings = {"MEDIATE_CACHE": str(cache or self.folder / "none")}
        return start(chosen, settings, self.folder / "said" / f"{next(self.numbers)}.txt")

    def score(self, out: Path, *more: str, cache: Path | None = None) -> Started:
        """Starts the run."""
        words = ("score", str(self.pairs), "--model", MODEL, "--out", str(out), "--no-report", *more)
        return self.start(*words, cache=cache)

    def golden(self, *, cached: bool = False) -> tuple[Path, float]:
        """The run that nothing happens to, with a cache of its own or without, and the seconds that it takes."""
        out = self.folder / f"golden{'-cached' * cached}"
        if cached not in self.seconds:
            self.start("--version").finish()  # the imports do not count
            started = time.monotonic()
            self.score(out, cache=self.folder / "golden-cache" if cached else None).finish()
            self.seconds[cached] = time.monotonic() - started
        return out, self.seconds[cached]


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
