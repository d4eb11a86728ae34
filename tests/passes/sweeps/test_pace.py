"""The pace of a machine, from trials that take what they are made to take."""

from typing import Any

import pytest

from mediate.models.model import Model
from mediate.passes.sweeps import pace as place
from mediate.passes.sweeps.pace import Pace, pace
from tests import tiny

SWEEP, BLOCK, TOKEN = 0.03, 0.01, 0.0001


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Model:
    monkeypatch.setattr(place, "_KNOWN", {})
    return tiny.model("llama")


def made(monkeypatch: pytest.MonkeyPatch, *, first_time: float = 0.0, waiting: float = 0.0) -> list[float]:
    """Has trials take known times, the first of all `first_time` more and every other one `waiting` more."""
    taken: list[float] = []

    def trial(model: Model, run: Any, first: int, rows: int) -> float:
        blocks = model.facts.layers - first
        seconds = SWEEP + blocks * (BLOCK + rows * run.length * TOKEN)
        taken.append(seconds + (0.0 if taken else first_time) + (waiting if len(taken) % 2 else 0.0))
        return taken[-1]

    monkeypatch.setattr(place, "_trial", trial)
    return taken


@pytest.mark.parametrize(("first_time", "waiting"), [(0.0, 0.0), (5.0, 0.0), (0.0, 0.02)])
def test_a_token_a_block_and_a_sweep_are_told_apart(
    model: Model, monkeypatch: pytest.MonkeyPatch, first_time: float, waiting: float
) -> None:
    made(monkeypatch, first_time=first_time, waiting=waiting)
    found = pace(model)
    assert model.facts.layers > 1
    assert found.sweep == pytest.approx(SWEEP)
    assert found.block == pytest.approx(BLOCK, rel=0.05)
    assert found.token_layer == pytest.approx(TOKEN, rel=0.05)


def test_trials_end_where_they_take_long_and_the_pace_is_kept(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = made(monkeypatch)
    found, trials = pace(model), len(taken)
    assert pace(model) is found
    assert len(taken) == trials
    assert sum(each > 0.4 for each in taken) == 3


def test_times_without_any_block_still_give_a_token_a_time(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where waiting hides all of it: nothing is divided by nothing."""
    monkeypatch.setattr(place, "_trial", lambda *given: 0.5)
    found = pace(model)
    assert found.token_layer > 0
    assert found.overhead >= 0


def test_the_overhead_has_the_blocks_part_of_a_sweep() -> None:
    assert Pace(2.0, 10.0, 64, 8.0).overhead == 6.0
    assert Pace(2.0, 10.0, 64).overhead == 5.0
