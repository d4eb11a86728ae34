"""Many small items: the whole command at 500 and at 5,000 pairs, and what of a run is not the model's own time."""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mediate.clock import timed
from mediate.pairs.files import write_pairs
from mediate.passes.store import Store
from mediate.scoring.score import score
from mediate.scoring.spec import make_spec
from mediate.tasks import modular_pairs
from tools.bench.bench import Bench, Setting
from tools.bench.commands import ROOT, SMALLEST
from tools.bench.timing import Record

if TYPE_CHECKING:
    from mediate.models.model import Model

# The stages that measure; the rest of a run's loop is lookups, what is kept, and what is written.
MEASURING = ("measuring cubes", "measuring maps", "controls")


def many(record: Record, setting: Setting) -> None:
    """The command with all defaults, its cache empty and then full; and where the time of its loop goes."""
    record.model = SMALLEST
    peaks = []
    for count in (2, 4) if setting.short else (500, 5000):
        note = f"{count:,} pairs"
        with tempfile.TemporaryDirectory() as at:
            write_pairs(Path(at) / "pairs.jsonl", modular_pairs(count))
            for cache in ("empty", "full"):
                wall, processor, peak = _command(Path(at), f"run-{cache}")
                record.value(f"items a minute, whole command, cache {cache}", 60 * count / wall, on=note)
                record.value(f"processor time, cache {cache}", processor, "s", on=note)
            peaks.append(peak)
            record.value("peak memory of the largest process, cache full", peak, "MB", on=note)
    record.value("the same: more of the larger set", peaks[-1] - peaks[0], "MB", on=note)
    from mediate.passes.loaded import load

    count = 2 if setting.short else 500
    with tempfile.TemporaryDirectory() as at:
        _shares(record, load(SMALLEST, device="cpu"), count, Path(at))


def _command(folder: Path, out: str) -> tuple[float, float, float]:
    """Seconds of wall time and of processor time, and the most memory in MB, of one `mediate score`.

    Raises:
        RuntimeError: The command failed.
    """
    words = ["score", "pairs.jsonl", "--model", SMALLEST, "--out", out, "--quiet"]
    started = time.perf_counter()
    with (folder / "said").open("w") as said:
        process = subprocess.Popen(
            [sys.executable, "-m", "mediate", *words],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(ROOT), "MEDIATE_CACHE": str(folder / "cache")},
            stdout=said,
            stderr=said,
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"mediate score ended with {process.returncode}: {(folder / 'said').read_text()[-2000:]}")
    return time.perf_counter() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def _shares(record: Record, model: "Model", count: int, folder: Path) -> None:
    """What part of a run in this process is within passes, in measuring around them, and in keeping what is found."""
    passes = [0.0]
    pairs, note = modular_pairs(count), f"{count:,} pairs"
    spec = make_spec(control_pairs=0)
    with _timed_passes(model, passes), timed() as clock:
        started = time.perf_counter()
        score(model, pairs, spec, out=folder / "run", store=Store(folder / "cache"))
        whole = time.perf_counter() - started
    taken = clock.seconds()
    measuring = sum(taken.get(stage, 0.0) for stage in MEASURING)
    writing = sum(taken.get(stage, 0.0) for stage in ("writing parts", "writing tables"))
    record.value("of a run in process, within forward passes", 100 * passes[0] / whole, "%", on=note)
    record.value("in measuring, around the passes", 100 * (measuring - passes[0]) / whole, "%", on=note)
    record.value("in writing parts and tables", 100 * writing / whole, "%", on=note)
    record.value(
        "in putting into tokens, looking up and keeping", 100 * (whole - measuring - writing) / whole, "%", on=note
    )


@contextmanager
def _timed_passes(model: "Model", passes: list[float]) -> Iterator[None]:
    """Adds up the seconds of each pass of the hooked model."""
    bridge: Any = model.bridge
    real = bridge.run_with_hooks

    def run(*arguments: Any, **options: Any) -> Any:
        started = time.perf_counter()
        try:
            return real(*arguments, **options)
        finally:
            passes[0] += time.perf_counter() - started

    object.__setattr__(bridge, "run_with_hooks", run)
    try:
        yield
    finally:
        object.__delattr__(bridge, "run_with_hooks")


MANY = Bench("many", many, minutes=6)
