"""A training watched: how far it is, and its end at the first number that is not finite."""

import math
from collections.abc import Collection
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback

from mediate.errors import InputError
from mediate.watch import work


class Watch(TrainerCallback):  # type: ignore[misc]
    """Shows how far the training is, and ends it where a number is not finite, before that is saved."""

    def __init__(self, steps: int, folder: Path, *, shown: bool, kept: Collection[int] = ()) -> None:
        self.open = ExitStack()
        self.done = self.open.enter_context(work(steps, "tuning", "step", shown=shown))
        self.step, self.folder, self.kept = 0, folder, kept

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._shown(state.global_step)

    def on_log(self, args: Any, state: Any, control: Any, *, logs: dict[str, int | float], **_: Any) -> None:
        self._shown(state.global_step)
        for name in ("loss", "grad_norm"):
            if name in logs and not math.isfinite(logs[name]):
                raise self._diverged(f"the {'gradient' if name == 'grad_norm' else name} is {logs[name]}", state, args)

    def on_step_end(self, args: Any, state: Any, control: Any, *, model: Any, **_: Any) -> None:
        if control.should_save or state.global_step in self.kept:
            trained = ((name, weight) for name, weight in model.named_parameters() if weight.requires_grad)
            bad = next((name for name, weight in trained if not torch.isfinite(weight).all()), None)
            if bad is not None:
                raise self._diverged(f"the weight {bad} is not finite", state, args)

    def _diverged(self, what: str, state: Any, args: Any) -> InputError:
        return InputError(
            f"{self.folder}: diverged at step {state.global_step}: {what}; tune into a new folder with a learning rate "
            f"below {args.learning_rate:g}, or look for a bad example (earlier checkpoints are kept)"
        )

    def close(self) -> None:
        """Takes the bar off."""
        self.open.close()

    def _shown(self, step: int) -> None:
        self.done(step - self.step)
        self.step = step
