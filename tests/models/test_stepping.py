"""Sequences that grow a token at a time expect what whole passes expect, in any company."""

from typing import Any

import pytest
import torch

from mediate.errors import InputError
from mediate.models.stepping import Stepping
from tests import tiny


def whole(model: Any, ids: list[int]) -> torch.Tensor:
    with torch.no_grad():
        logits: torch.Tensor = model.plain(torch.tensor([ids])).logits[0, -1]
    return logits


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_each_row_is_as_it_would_be_alone(architecture: str) -> None:
    model = tiny.model(architecture)
    rows = [[1, 2, 3, 4], [5, 6], [7, 8, 9]]
    beside = Stepping(model, rows)
    for token in (10, 11):
        for row, logits in zip(rows, beside.logits, strict=True):
            assert torch.allclose(logits, whole(model, row), atol=1e-4)
            row.append(token)
        beside.grow(torch.full((3,), token))
    beside.keep(torch.tensor([2, 0]))
    beside.grow(torch.tensor([12, 13]))
    for row, last, logits in zip((rows[2], rows[0]), (12, 13), beside.logits, strict=True):
        assert torch.allclose(logits, whole(model, [*row, last]), atol=1e-4)


def test_logits_that_are_no_numbers_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny.model("llama")
    beside = Stepping(model, [[1, 2]])
    kept = model.plain.model.norm.weight.detach().clone()
    try:
        with torch.no_grad():
            model.plain.model.norm.weight.fill_(float("nan"))
        with pytest.raises(InputError, match="not numbers"):
            beside.grow(torch.tensor([3]))
    finally:
        with torch.no_grad():
            model.plain.model.norm.weight.copy_(kept)
