"""Muon and AdamW as one optimiser: what each has, the rates of a schedule, and a state that is taken up."""

import copy
from typing import Any

import pytest
import torch

from mediate.reference.optimiser import MuonAdamW
from tests.tiny import plain_model

CHOICES: dict[str, Any] = {"learning_rate": 1e-2, "weight_decay": 0.01, "betas": (0.9, 0.98)}


def stepped(model: Any, optimiser: torch.optim.Optimizer, steps: int) -> None:
    for number in range(steps):
        ids = torch.tensor([[1 + number, 5, 7, 2]])
        model(input_ids=ids, labels=ids).loss.backward()
        optimiser.step()
        optimiser.zero_grad()


@pytest.fixture
def model() -> Any:
    return plain_model("llama").train()


def test_matrices_of_the_blocks_are_muons_and_all_else_is_adamws(model: Any) -> None:
    optimiser = MuonAdamW(model, **CHOICES)
    names = {id(each): name for name, each in model.named_parameters()}
    muon, adamw = ({names[id(each)] for each in group["params"]} for group in optimiser.param_groups)
    assert muon | adamw == {*names.values()}
    assert not muon & adamw
    assert all("layers" in name and name.endswith("proj.weight") for name in muon)
    assert any("embed" in name for name in adamw)
    assert any("norm" in name for name in adamw)
    before = copy.deepcopy(model.state_dict())
    stepped(model, optimiser, 1)
    assert all((before[name] != each).any() for name, each in model.named_parameters())


def test_a_rate_of_0_changes_nothing(model: Any) -> None:
    optimiser, before = MuonAdamW(model, **CHOICES), copy.deepcopy(model.state_dict())
    for group in optimiser.param_groups:
        group["lr"] = 0.0
    stepped(model, optimiser, 2)
    assert all(torch.equal(before[name], each) for name, each in model.state_dict().items())


def test_a_state_is_taken_up(model: Any) -> None:
    optimiser = MuonAdamW(model, **CHOICES)
    stepped(model, optimiser, 2)
    other = copy.deepcopy(model)
    again = MuonAdamW(other, **CHOICES)
    again.load_state_dict(copy.deepcopy(optimiser.state_dict()))
    stepped(model, optimiser, 2)
    stepped(other, again, 2)
    assert all(torch.equal(one, two) for one, two in zip(model.parameters(), other.parameters(), strict=True))
    fresh = copy.deepcopy(other)
    stepped(fresh, MuonAdamW(fresh, **CHOICES), 1)
    stepped(other, again, 1)
    assert any(not torch.equal(one, two) for one, two in zip(fresh.parameters(), other.parameters(), strict=True))
