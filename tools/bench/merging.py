"""Time and peak memory of making one run of many parts, and of reading it back, in a process without torch."""

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
    from mediate.results import Results
    from tools.bench.timing import Record

PARTS, ITEMS, STEPS, LAYERS = 20, 500, 5, 20
UNITS = {
    "reading the parts": "s",
    "merging them": "s",
    "writing the tables": "s",
    "reading the run": "s",
    "peak memory of the process": "GiB",
}


def run(record: "Record", setting: Setting) -> None:
    """On parts that are made up."""
    record.model, record.dtype = "made-up parts", "float64"
    parts, items = (2, 5) if setting.short else (PARTS, ITEMS)
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "tools.bench.merging", folder, str(parts), str(items)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    found = json.loads(done.stdout.splitlines()[-1])
    on = f"{parts} parts x {items} items, {parts * items * STEPS * LAYERS:,} rows of effects"
    for (what, unit), value in zip(UNITS.items(), found, strict=True):
        record.value(what, value, unit, on=on)


MERGING = Bench("merging", run, minutes=1)


def made(number: int, items: int) -> "Results":
    """A part: items in two worlds with a cube and a map of step by layer."""
    from mediate.results import Cube, EffectMap, Measured, Results, Told

    rng = np.random.default_rng(number)
    told = Told("What is it?", "7", ("a ", "b ", "c ") * 7, tuple(range(21)), 3, False, None, True)
    ids = tuple(f"{number:03}-{place:04}" for place in range(items))
    cube = Cube(rng.normal(size=(items, 2, 2, 2)), ids, ids, "logit_diff")
    coords = {"step": tuple(range(STEPS)), "layer": tuple(range(LAYERS))}
    maps = [EffectMap(rng.normal(size=(STEPS, LAYERS)), (*coords,), coords, i, i, "read", cube.outcome) for i in ids]
    manifest = {"spec": {"outcomes": [cube.outcome]}, "status": "success"}
    return Results(manifest, tuple(Measured(i, i, told, told) for i in ids), (cube,), tuple(maps), cut=(cube,))


def measure(folder: Path, parts: int, items: int) -> tuple[float, ...]:
    """Seconds of each stage, and the process' peak memory."""
    import resource

    from mediate.results import read_results, write_results
    from mediate.results.merged import merged
    from mediate.results.parts import parts_of, read_part, write_part

    for number in range(parts):
        write_part(folder, made(number, items), [number], "plan")
    times = [time.perf_counter()]
    found = [read_part(each) for each in parts_of(folder)]
    times.append(time.perf_counter())
    order = [item.id for part in found for item in part.items]
    whole = merged(found, order[::-1], manifest=found[0].manifest)
    times.append(time.perf_counter())
    write_results(folder, whole)
    times.append(time.perf_counter())
    read_results(folder)
    times.append(time.perf_counter())
    if "torch" in sys.modules:
        raise RuntimeError("merging loaded torch")
    return (*np.diff(times).tolist(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20)


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))))
