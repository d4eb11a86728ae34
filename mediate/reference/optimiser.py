"""The optimiser of the worded reference reasoners: Muon on the blocks' matrices, AdamW on everything else.

Muon makes the momentum of a matrix orthogonal before it steps (Jordan et al. 2024, *Muon: an optimizer for hidden
layers in neural networks*). On chains modulo 10 it learns the tables in a fraction of the steps that AdamW takes.
"""

from collections.abc import Callable
from typing import Any

import torch


class MuonAdamW(torch.optim.Optimizer):
    """Both as one, so that one schedule drives them and one state is kept.

    Args:
        model: The model; its embedding and norms are AdamW's.
        learning_rate: Of both: Muon's steps are made as large as AdamW's.
        weight_decay: Of the matrices.
        betas: Of AdamW.
    """

    def __init__(self, model: Any, *, learning_rate: float, weight_decay: float, betas: tuple[float, float]) -> None:
        blocks = {id(each) for each in model.model.layers.parameters() if each.ndim == 2}
        matrices = [each for each in model.parameters() if id(each) in blocks]
        others = [each for each in model.parameters() if id(each) not in blocks]
        self.both = (
            torch.optim.Muon(matrices, lr=learning_rate, weight_decay=weight_decay, adjust_lr_fn="match_rms_adamw"),
            torch.optim.AdamW(others, lr=learning_rate, betas=betas, weight_decay=0.0),
        )
        super().__init__([{"params": matrices}, {"params": others}], {"lr": learning_rate})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """One step of both, at the rates of now."""
        for each, group in zip(self.both, self.param_groups, strict=True):
            each.param_groups[0]["lr"] = group["lr"]
            each.step()

    def state_dict(self) -> dict[str, Any]:
        """What both keep, and the groups with their rates."""
        return super().state_dict() | {"both": [each.state_dict() for each in self.both]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Takes up what `state_dict` gave."""
        both = state_dict["both"]
        super().load_state_dict({name: value for name, value in state_dict.items() if name != "both"})
        for each, kept in zip(self.both, both, strict=True):
            each.load_state_dict(kept)
