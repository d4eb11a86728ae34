"""Choices that an arm would not heed, or that cannot be, are errors with their names."""

from typing import Any

import pytest

from mediate.errors import InputError
from mediate.tuning.call import TuneOptions
from mediate.tuning.spec import TuneSpec, make_tune_spec


@pytest.mark.parametrize(("choices", "named"), [
    ({"arm": "rlhf"}, "option 'arm'"),
    ({"lr": 1}, "no option 'lr'; there are arm"),
    ({"learning_rate": float("nan")}, "option 'learning_rate'"),
    ({"learning_rate": 0}, "option 'learning_rate'"),
    ({"steps": 0}, "option 'steps'"),
    ({"arm": "sft", "rank": 4}, "rank changes nothing in the arm sft of all weights"),
    ({"arm": "sft", "merge": True}, "merge changes nothing"),
    ({"arm": "dpo", "full": True, "dropout": 0.1}, "dropout changes nothing in the arm dpo of all weights"),
    ({"arm": "lora", "beta": 0.2}, "beta changes nothing in the arm lora"),
    ({"arm": "dpo", "keep_chain": True}, "keep_chain changes nothing in the arm dpo"),
    ({"arm": "lora", "full": True}, "full=True is not for the arm lora"),
    ({"arm": "sft", "full": False}, "full=False is not for the arm sft"),
    ({"target_modules": ("all-linear", "q_proj")}, "names all-linear and others"),
    ({"template": "no/such/file"}, "template 'no/such/file'"),
])  # fmt: skip
def test_wrong_choices(choices: dict[str, Any], named: str) -> None:
    with pytest.raises(InputError, match=named):
        make_tune_spec(**choices)


@pytest.mark.parametrize(("choices", "rate", "whole"), [
    ({"arm": "sft"}, 2e-5, True),
    ({"arm": "lora"}, 2e-4, False),
    ({"arm": "answer-only"}, 2e-4, False),
    ({"arm": "answer-only", "full": True}, 2e-5, True),
    ({"arm": "dpo"}, 1e-5, False),
    ({"arm": "dpo", "full": True}, 1e-6, True),
    ({"arm": "dpo", "full": True, "learning_rate": 0.5}, 0.5, True),
])  # fmt: skip
def test_rates_go_by_arm(choices: dict[str, Any], rate: float, whole: bool) -> None:
    spec = make_tune_spec(**choices)
    assert (spec.rate, spec.trains_all) == (rate, whole)
    assert (spec.described()["learning_rate"], spec.described()["full"]) == (rate, whole)


def test_a_call_names_the_choices_of_the_specification() -> None:
    assert {*TuneOptions.__annotations__, "arm"} == set(TuneSpec.model_fields)
