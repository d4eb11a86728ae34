"""Writes the figures of `docs/scale.md`, between its two markers: `python -m tools.scale`.

What can be measured here is: what an item takes in plain passes, what share of the rate of matrix products a pass
reaches, how quickly items are put into tokens and how much of a disk they take. The rest is arithmetic: a larger model
on another machine takes as many passes, and a pass takes as many operations as its weights and tokens say. What a card
reaches is its maker's figure, and the share of it that is reached there is an assumption; the page says so.
"""

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import torch

from mediate.models.model import Model
from mediate.pairs.pair import Pair
from mediate.passes.forward import forward
from mediate.passes.loaded import load
from mediate.results.folder import read_results
from mediate.scoring.given import fitting
from mediate.scoring.jobs import job_of
from mediate.scoring.preparing import prepare
from mediate.scoring.score import score
from mediate.scoring.settling import settled
from mediate.scoring.spec import ScoreSpec, make_spec
from mediate.tasks import generate_pairs, modular_pairs
from tools.marked import Part

PAGE = Path(__file__).parents[1] / "docs" / "scale.md"
PART = Part("scale", "python -m tools.scale")
ROUNDS, PRODUCT = 2, 2048
# Items whose passes are counted, and items whose files are.
TIMED, STORED = 2, 300
# What is asked for beside the default, by what the page calls it.
ASKED = {
    "cube, controls on none": (),
    "and read:step,layer, the default": ("read:step,layer",),
    "and state.resid_post:step,layer": ("read:step,layer", "state.resid_post:step,layer"),
}
# Peak rates without sparsity, in Tflop/s, and memory in GB, as the maker states them; bytes of a weight.
CARDS = {
    "H100 80 GB, float32": (67.0, 80.0, 4),
    "H100 80 GB, bfloat16": (989.0, 80.0, 2),
    "B200 180 GB, bfloat16": (2250.0, 180.0, 2),
}
# The part of a card's peak that is reached; assumed, not measured.
REACHED = 0.4
# Billions of parameters, and layers, of the shapes that are asked about.
SHAPES = {"0.5B": (0.5, 24), "1.5B": (1.5, 28), "8B": (8.0, 32), "32B": (32.5, 64), "70B": (70.6, 80)}
TOKENS = 400
SETS = (100_000, 1_000_000)


@dataclass(frozen=True, slots=True)
class Measured:
    """What was measured on this machine.

    Args:
        reached: The part of the rate of plain matrix products that a pass reaches.
        passes: What an item takes, in plain passes of its longest sequence, by what is asked for.
        prepared: Items that are put into tokens in a second.
        item_bytes: Of the results of an item, without its maps.
        cell_bytes: Of a cell of a map.
        cached_bytes: Of what the cache keeps of an item.
    """

    reached: float
    passes: dict[str, float]
    prepared: float
    item_bytes: float
    cell_bytes: float
    cached_bytes: float


def taken(work: Callable[[], object]) -> float:
    """Processor seconds, the median of some rounds after one that does not count."""
    work()
    found = []
    for _ in range(ROUNDS):
        started = time.process_time()
        work()
        found.append(time.process_time() - started)
    return median(found)


def measure(model: Model, small: Model) -> Measured:
    """Of a real model, and of a small one where only files and tokens count."""
    pairs = generate_pairs(TIMED, steps=3, with_cot=True)
    longest, plain = _a_pass(model, pairs)
    side = torch.randn(PRODUCT, PRODUCT)
    rate = 2 * PRODUCT**3 / taken(lambda: side @ side)
    reached = 2 * _weights(model) * longest / plain / rate
    passes = {name: taken(partial(_scored, model, pairs, maps)) / TIMED / plain for name, maps in ASKED.items()}
    many = modular_pairs(STORED)
    spec = make_spec(control_pairs=0)
    prepared = STORED / taken(lambda: _prepared(small, many))
    return Measured(reached, passes, prepared, *_stored(small, many, spec))


def _weights(model: Model) -> int:
    return sum(each.numel() for each in model.plain.parameters() if each.ndim > 1)


def _prepared(model: Model, pairs: Sequence[Pair]) -> Sequence[Any]:
    spec = make_spec(control_pairs=0, on_bad_item="skip")
    spec = settled(model, pairs, fitting(pairs, spec), str)
    return prepare(job_of(pairs, spec.against).preparation, model, pairs, spec, None)[0]


def _a_pass(model: Model, pairs: Sequence[Pair]) -> tuple[int, float]:
    """The tokens of the longest sequence, and the processor seconds of a plain pass of as many."""
    longest = max((item.tokens.whole + item.tokens.readers.cue for item in _prepared(model, pairs)), key=len)
    ids = torch.tensor([longest], device=model.device)
    return len(longest), taken(lambda: forward(model, ids, last=1))


def _scored(model: Model, pairs: Sequence[Pair], maps: Sequence[str]) -> None:
    spec = make_spec(maps=tuple(maps), control_pairs=0, on_bad_item="skip")
    score(model, pairs, spec)


def _stored(model: Model, pairs: Sequence[Pair], spec: ScoreSpec) -> tuple[float, float, float]:
    from mediate.passes.store import Store

    with TemporaryDirectory() as name:
        folder, store = Path(name, "run"), Store(Path(name, "cache"))
        score(model, pairs, spec, out=folder, store=store)
        cells = sum(each.values.size for each in read_results(folder).maps)
        sizes = {each.name: each.stat().st_size for each in (folder / "results").iterdir()}
        cached = sum(each.stat().st_size for each in store.root.rglob("*.safetensors"))
    effects = sizes.pop("effects.parquet")
    return sum(sizes.values()) / len(pairs), effects / cells, cached / len(pairs)


def tables(found: Measured) -> str:
    """What the page shows."""
    rows = [
        ("part of the rate of matrix products that a plain pass reaches", f"{found.reached:.0%}"),
        *((f"an item, {name}, in plain passes", f"{passes:.1f}") for name, passes in found.passes.items()),
        ("items put into tokens in a second", f"{found.prepared:,.0f}"),
        ("results of an item, without maps", f"{found.item_bytes:,.0f} bytes"),
        ("results, a cell of a map", f"{found.cell_bytes:.1f} bytes"),
        ("cache, an item", f"{found.cached_bytes:,.0f} bytes"),
    ]
    lines = ["| measured here | number |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in rows), ""]
    lines += [_provenance(), ""]
    lines += [
        "| model | weights | " + " | ".join(f"{name}: {count:,} items" for name in CARDS for count in SETS) + " |"
    ]
    lines += ["| --- | --- |" + " --- |" * len(CARDS) * len(SETS)]
    passes = list(found.passes.values())[1]
    for name, (billions, _) in SHAPES.items():
        cells = [_hours(billions, passes, count, *card) for card in CARDS.values() for count in SETS]
        lines.append(f"| {name} | {billions * 4:,.0f} / {billions * 2:,.0f} GB | " + " | ".join(cells) + " |")
    lines += ["", _assumed(passes), ""]
    lines += ["| model | cells of an item, 6 steps | " + " | ".join(f"{count:,} items" for count in SETS) + " |"]
    lines += ["| --- | --- |" + " --- |" * len(SETS)]
    for name, (_, layers) in SHAPES.items():
        size = found.item_bytes + 6 * layers * found.cell_bytes
        lines.append(f"| {name} | {6 * layers} | " + " | ".join(_bytes(size * count) for count in SETS) + " |")
    return "\n".join(lines)


def _hours(billions: float, passes: float, count: int, peak: float, memory: float, width: int) -> str:
    if billions * width > 0.85 * memory:
        return "does not fit"
    hours = 2 * billions * 1e9 * TOKENS * passes * count / (peak * 1e12 * REACHED) / 3600
    return f"{hours:,.2g} h" if hours < 100 else f"{hours:,.0f} h"


def _bytes(size: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if size < 1000:
            return f"{size:.3g} {unit}"
        size /= 1000
    return f"{size:.3g} TB"


def _provenance() -> str:
    load = os.getloadavg()[0]
    return (
        f"SmolLM2-135M-Instruct, {TIMED} word problems of 3 steps; reference-0.1m, {STORED} problems, for tokens and "
        f"files; float32; threads: {torch.get_num_threads()}; load: {load:.1f}; "
        f"{datetime.now(UTC).date()}; torch {torch.__version__}. Medians of {ROUNDS} rounds of processor time."
    )


def _assumed(passes: float) -> str:
    return (
        f"Hours of one card, with the default maps ({passes:.1f} passes an item), items of {TOKENS} tokens, and "
        f"{REACHED:.0%} of the card's peak, which is assumed: no card was measured. `does not fit`: the weights take "
        "more than 85 % of its memory."
    )


def main() -> None:
    """Measures, and writes the page's part."""
    PART.check(PAGE)
    PART.write(PAGE, tables(measure(load("smollm2-135m-instruct"), load("reference-0.1m"))))


if __name__ == "__main__":
    main()
