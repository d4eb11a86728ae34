"""Held-out accuracy, on a model that has learnt a known thing by heart."""

from pathlib import Path

import pytest

from mediate.models.loading import load_unchecked as load
from mediate.tuning.accuracy import accuracies, drawn
from mediate.tuning.examples import Example
from mediate.tuning.spec import make_tune_spec
from mediate.tuning.tune import tune
from tests.tuning.subjects import base_folder

# By heart, a tiny model knows two questions in some hundred steps.
KNOWN = (
    Example("a", "a", "apples", "3", "so 3 apples.", place="x"),
    Example("b", "b", "pears", "7", "all 7 pears.", place="x"),
)
WRONG = (Example("c", "c", "apples", "7"), Example("d", "d", "pears", "3"))
HEART = {"steps": 220, "batch_size": 2, "held_out": 0, "learning_rate": 2e-2, "progress": False}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return base_folder(tmp_path_factory.mktemp("base") / "m")


def test_a_learnt_chain_is_written_and_answered(base: Path, tmp_path: Path) -> None:
    tune(base, KNOWN, out=tmp_path / "out", arm="sft", **HEART)
    model = load(tmp_path / "out", device="cpu")
    spec = make_tune_spec(arm="sft", max_new_tokens=20)
    found = accuracies(model, (*KNOWN, *WRONG), spec)["own_chain"]
    assert (found["right"], found["n"], found["value"]) == (2, 4, 0.5)
    assert (found["endless"], found["empty"]) == (0, 0)
    assert found["groups"] == 4
    assert 0 <= found["low"] < found["value"] < found["high"] <= 1
    short = accuracies(model, KNOWN, make_tune_spec(arm="sft", max_new_tokens=2))["own_chain"]
    assert (short["right"], short["endless"]) == (0, 2)  # without an end it counts as wrong


def test_answers_alone_are_learnt_without_a_chain(base: Path, tmp_path: Path) -> None:
    tune(base, KNOWN, out=tmp_path / "out", arm="answer-only", full=True, **HEART)
    found = accuracies(load(tmp_path / "out", device="cpu"), KNOWN, make_tune_spec(arm="answer-only", max_new_tokens=8))
    assert found["no_chain"]["right"] == 2
    assert found["own_chain"]["empty"] == 2  # it goes on with the cue at once
    assert found["own_chain"]["right"] == 2


def test_a_question_is_asked_once_and_the_seed_draws() -> None:
    many = [Example(str(number), "g", f"q{number // 2}", "1") for number in range(20)]
    assert [each.id for each in drawn(many, 99, 0)] == [str(number) for number in range(0, 20, 2)]
    four = drawn(many, 4, 0)
    assert len(four) == len({each.question for each in four}) == 4
    assert drawn(many, 4, 0) == four != drawn(many, 4, 1)
    assert drawn(many, 0, 0) == ()
