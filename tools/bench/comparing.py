"""Time and peak memory of comparing many large runs, in a process of its own and without torch."""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tools.bench.bench import Bench, Setting

if TYPE_CHECKING:
    from tools.bench.timing import Record

RUNS, ITEMS, LAYERS, STEPS, WORDS = 10, 1000, 30, 5, 20
GROUPS = (50, 1000)
UNITS = {"comparing": "s", "page, figures and tables": "s", "peak memory of the process": "GiB"}


def run(record: "Record", setting: Setting) -> None:
    """On runs that are made up."""
    record.model, record.dtype = "made-up runs", "float64"
    if setting.short:
        comparing(record, runs=3, items=20, layers=4, groups=(10,))
    else:
        comparing(record)


COMPARING = Bench("comparing", run, minutes=2)


def comparing(
    record: "Record", *, runs: int = RUNS, items: int = ITEMS, layers: int = LAYERS, groups: tuple[int, ...] = GROUPS
) -> None:
    """Compares a ladder of made-up runs that read the same chains of 100 tokens, with a step x layer map an item.

    Args:
        record: Where the numbers go.
        runs: How many.
        items: Of each run.
        layers: Of each model.
        groups: In how many groups the items are; a comparison for each number.
    """
    with tempfile.TemporaryDirectory() as folder:
        for count in groups:
            names = write_runs(Path(folder) / str(count), runs=runs, items=items, layers=layers, groups=count)
            done = subprocess.run(
                [sys.executable, "-m", "tools.bench.comparing", *names], check=True, capture_output=True, text=True
            )
            found = json.loads(done.stdout.splitlines()[-1])
            on = f"{runs} runs x {items:,} items x {layers} layers, {count:,} groups"
            for (what, unit), value in zip(UNITS.items(), found, strict=True):
                record.value(what, value, unit, on=on)


def write_runs(folder: Path, *, runs: int, items: int, layers: int, groups: int) -> list[str]:
    """Writes the runs, and returns their directories."""
    from mediate.results import write_results
    from tests.compare import made

    names = []
    for place in range(runs):
        profile = np.full((STEPS, layers), 1 / (STEPS * layers))
        profile[-1, layers // 2] += 0.01 * place
        shares = (0.1 + 0.02 * place, 0.8 - 0.02 * place, 0.1)
        results = made.run(
            f"model-{place}", shares, count=items, groups=groups, given=True, layers=layers, profile=profile,
            seed=place, steps=STEPS, words=WORDS, parameters=10**7 * 2**place,
        )  # fmt: skip
        names.append(str(folder / f"run{place}"))
        write_results(Path(names[-1]), results)
    return names


def measure(names: list[str]) -> tuple[float, ...]:
    """Seconds of reading and comparing, and of page, figures and tables; the process' peak memory."""
    import resource

    from mediate.report.comparison.comparison import compare

    started = time.perf_counter()
    found = compare(*names)
    compared = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        found.save(Path(folder) / "out")
    written = time.perf_counter()
    if "torch" in sys.modules:
        raise RuntimeError("comparing loaded torch")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    return compared - started, written - compared, peak


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1:])))
