"""What a step of each tuning arm takes, and what a usual tuning would by that."""

import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from transformers import TrainerCallback

from mediate.tuning.arms.arm import Encoded
from mediate.tuning.base import Base, load_base
from mediate.tuning.quiet import undisturbed
from mediate.tuning.spec import TuneSpec, make_tune_spec
from mediate.tuning.trainers import Course, make_trainer
from tests.tuning.subjects import base_folder
from tools.bench.bench import TINY, Bench, Setting
from tools.bench.timing import Record

ARMS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("lora", {}),
    ("sft", {}),
    ("answer-only", {"keep_chain": True}),
    ("dpo", {}),
)
# What is extrapolated to.
USUAL = 200


def run(record: Record, setting: Setting) -> None:
    """Every arm on the real model, one on the tiny one."""
    if setting.short:
        tuning(record, TINY, steps=2, batch=2, length=16)
    else:
        tuning(record, setting.name, arms=tuple(arm for arm, _ in ARMS))


TUNING = Bench("tuning", run, minutes=6)


class _Clock(TrainerCallback):  # type: ignore[misc]
    """Seconds of each step."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.started = 0.0

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.started = time.perf_counter()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.seconds.append(time.perf_counter() - self.started)


def tuning(
    record: Record, name: str, *, steps: int = 6, batch: int = 4, length: int = 256, arms: tuple[str, ...] = ("lora",)
) -> None:
    """Steps of `batch` rows of `length` tokens each, no padding; the first step does not count.

    Args:
        record: Where the numbers go.
        name: What `load_base` takes; `tiny` for a model made here.
        steps: How many steps are timed, after one that is not.
        batch: Rows a step; of DPO, pairs of rows.
        length: Tokens of a row, of which the last quarter is the completion.
        arms: Which of them.
    """
    with TemporaryDirectory() as folder:
        model = str(base_folder(Path(folder) / "tiny")) if name == TINY else name
        for arm, options in ARMS:
            if arm in arms:
                base = load_base(model)
                spec = make_tune_spec(arm=arm, batch_size=batch, **options)
                seconds = _seconds(base, spec, Path(folder), steps, length)
                on = f"{arm}, {batch} x {length} tokens"
                median = record.value(f"median of {steps} steps", seconds, "s", on=on)
                record.value(f"{USUAL} steps, extrapolated", USUAL * median / 60, "min", on=on, n=steps)


def _seconds(base: Base, spec: TuneSpec, folder: Path, steps: int, length: int) -> list[float]:
    rng = np.random.default_rng(0)
    size = base.plain.config.get_text_config().vocab_size

    def row(number: int) -> Encoded:
        prompt, one, other = (
            tuple(rng.integers(0, size, count).tolist()) for count in (length - length // 4, length // 4, length // 4)
        )
        return Encoded(str(number), prompt, one, other)

    clock, rows = _Clock(), [row(number) for number in range(spec.batch_size * (steps + 1))]
    with undisturbed():
        # Writing a checkpoint is no part of a step: the only one is after the last.
        trainer = make_trainer(base, rows, spec, Course(folder, steps + 1, steps + 1, cpu=True))
        trainer.add_callback(clock)
        for each in list(trainer.callback_handler.callbacks):
            if type(each).__name__ == "PrinterCallback":
                trainer.remove_callback(each)
        trainer.train()
    return clock.seconds[1:]
