"""A training that is cut off."""

from typing import Any

import pytest


def cut_off(monkeypatch: pytest.MonkeyPatch, *, at: int) -> list[int]:
    """Cuts a training off before its step of this number, once; the steps that are begun, as they come."""
    from transformers import Trainer

    step, taken = Trainer.training_step, list[int]()

    def cut(self: Any, *arguments: Any, **named: Any) -> Any:
        taken.append(self.state.global_step)
        if len(taken) == at:
            raise KeyboardInterrupt
        return step(self, *arguments, **named)

    monkeypatch.setattr(Trainer, "training_step", cut)
    return taken
