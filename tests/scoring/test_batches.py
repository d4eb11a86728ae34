"""Batches: how many tokens are measured side by side, and so how much is measured again after a run was stopped."""

import pytest

from mediate.mediation.batching import side_by_side
from mediate.scoring import batches
from mediate.scoring.batches import MOST_KEPT, tokens_together
from tests import tiny


def test_a_tiny_model_has_as_many_as_are_quickest() -> None:
    model = tiny.model("llama")
    assert tokens_together(model) == side_by_side(model) > MOST_KEPT


def test_of_a_model_that_takes_seconds_fewer_stand_together(monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny.model("llama")
    monkeypatch.setattr(batches, "TINY", model.facts.parameters - 1)
    assert tokens_together(model) == MOST_KEPT
    monkeypatch.setattr(batches, "side_by_side", lambda _: 100)
    assert tokens_together(model) == 100


def test_in_half_precision_each_is_alone() -> None:
    assert tokens_together(tiny.model("llama", dtype="bfloat16")) == 1
