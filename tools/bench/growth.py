"""Time and peak memory as chains get longer, models deeper and pairs more; each point in a process of its own."""

import copy
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from mediate.models.model import Model
from tools.bench.bench import TINY, Bench, Setting
from tools.bench.timing import Record

LENGTHS, LAYERS, PAIRS = (200, 800, 3200), (8, 15, 30), (2, 8, 32)
WORK = ("cube", "read", "attribution")
MEMORY = "memory above the model's"


def run(record: Record, setting: Setting) -> None:
    """On chains of random tokens."""
    if setting.short:
        growth(record, setting.out, TINY, lengths=(20, 40), layers=(1, 3), pairs=(1, 2))
    else:
        growth(record, setting.out, setting.name)


GROWTH = Bench("growth", run, minutes=12)


def growth(record: Record, out: Path, model: str, *, lengths: Sequence[int] = LENGTHS, layers: Sequence[int] = LAYERS,
           pairs: Sequence[int] = PAIRS) -> None:  # fmt: skip
    """Runs every point, fits an exponent to each curve (the slope in log-log), and draws them.

    Args:
        record: Where the numbers go.
        out: The folder of the picture.
        model: A name that `load` takes.
        lengths: Of the chain, in tokens.
        layers: Of a model cut after so many blocks, with a chain of the first length.
        pairs: How many are scored.
    """
    curves = {
        "CoT tokens": {size: point(model, length=size) for size in lengths},
        "layers": {size: point(model, length=lengths[0], layers=size) for size in layers},
        "pairs": {size: point(model, length=lengths[0], pairs=size) for size in pairs},
    }
    for axis, curve in curves.items():
        for size, found in curve.items():
            for name, value in found.items():
                record.value(f"{size:,} {axis}", value, "GiB" if name == MEMORY else "s", on=name)
        for name in next(iter(curve.values())):
            slope = exponent(list(curve), [each[name] for each in curve.values()])
            record.value(f"exponent in {axis}", slope, on=name)
    draw(curves, out / "growth.png")


def exponent(sizes: Sequence[float], values: Sequence[float]) -> float:
    """The slope of a straight line through the logarithms, by least squares."""
    slope: float = np.polyfit(np.log(sizes), np.log(values), 1)[0]
    return float(slope)


def point(model: str, **choices: int) -> dict[str, float]:
    """One point, measured in a process of its own: peak memory cannot be taken back."""
    text = subprocess.run(
        [sys.executable, "-m", "tools.bench.growth", model, json.dumps(choices)],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    found: dict[str, float] = json.loads(text.splitlines()[-1])
    return found


def measure(name: str, length: int, layers: int | None = None, pairs: int = 1) -> dict[str, float]:
    """Seconds of each kind of work over all pairs, and the process' peak memory above what the model takes."""
    import mediate
    from mediate.mediation.kinds.attribution import attributions
    from mediate.mediation.kinds.cube import measure_cube, run_contexts
    from mediate.mediation.maps import measure_map, parse_map
    from mediate.models.sites import Component
    from tests import tiny
    from tools.bench.subjects import Y, of_length

    model = tiny.model("llama") if name == TINY else mediate.load(name, device="cpu")
    if layers is not None:
        model = of_layers(model, layers)
    items = [of_length(model, length, seed=seed) for seed in range(pairs)]
    forget_peak()
    before = held("VmRSS")
    seconds = dict.fromkeys(WORK, 0.0)
    for pair in items:
        started = time.perf_counter()
        contexts = run_contexts(model, pair)
        measure_cube(model, contexts, [Y])
        seconds["cube"] += time.perf_counter() - started
        started = time.perf_counter()
        measure_map(model, contexts, parse_map("read:step,layer"), Y, 1.0)
        seconds["read"] += time.perf_counter() - started
        started = time.perf_counter()
        attributions(model, pair, [Component.RESID_PRE, Component.ATTN_OUT, Component.MLP_OUT], Y)
        seconds["attribution"] += time.perf_counter() - started
    return seconds | {MEMORY: held("VmHWM") - before}


def of_layers(model: Model, layers: int) -> Model:
    """A model of so many blocks and otherwise the same shape, with random weights: they do not matter to the time."""
    import transformers

    import mediate

    config = copy.deepcopy(model.plain.config)
    config.num_hidden_layers = layers
    plain = transformers.AutoModelForCausalLM.from_config(config, attn_implementation="eager").eval()
    plain.config.architectures = [type(plain).__name__]
    return mediate.load(plain, tokenizer=model.tokenizer, device="cpu", copy=False)


def forget_peak() -> None:
    """Begins to count the peak anew, where Linux lets a process do so."""
    Path("/proc/self/clear_refs").write_text("5")


def held(what: str) -> float:
    """Memory of this process in GiB: `VmRSS` now, `VmHWM` at most since the peak was forgotten."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(what)) / 2**20


def draw(curves: dict[str, dict[int, dict[str, float]]], path: Path) -> None:
    """One panel an axis, both scales logarithmic, with the fitted exponents."""
    import matplotlib.pyplot as plt

    figure, panels = plt.subplots(1, len(curves), figsize=(4 * len(curves), 3.6), layout="constrained")
    for panel, (axis, curve) in zip(panels, curves.items(), strict=True):
        sizes = list(curve)
        for name in next(iter(curve.values())):
            values = [found[name] for found in curve.values()]
            style = {"linestyle": "--", "color": "black"} if name == MEMORY else {}
            panel.plot(sizes, values, marker="o", label=f"{name}: exponent {exponent(sizes, values):.2f}", **style)
        panel.set(xscale="log", yscale="log", xlabel=axis, ylabel="seconds, or GiB above the model")
        panel.set_xticks(sizes, [str(size) for size in sizes])
        panel.minorticks_off()
        panel.legend(fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
    plt.close(figure)


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], **json.loads(sys.argv[2]))))
