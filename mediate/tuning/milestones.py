"""A training whose model is kept at chosen steps, on the way."""

from collections.abc import Callable, Collection
from typing import Any

from transformers import TrainerCallback


class Milestones(TrainerCallback):  # type: ignore[misc]
    """Hands over the model after each of some steps, before the trainer's own checkpoint of that step is written.

    So a training that is taken up at a checkpoint has kept every model of an earlier step.
    """

    def __init__(self, steps: Collection[int], keep: Callable[[Any, int], None]) -> None:
        self.steps, self.keep = steps, keep

    def on_step_end(self, args: Any, state: Any, control: Any, *, model: Any, **_: Any) -> None:
        if state.global_step in self.steps:
            self.keep(model, state.global_step)
