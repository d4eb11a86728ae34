"""The list of tasks: what each makes is as its record says."""

import inspect

import pytest

from mediate.pairs import Pair
from mediate.tasks import TASKS, Task

TUNED_ON = [task for task in TASKS if task.training is not None]


def test_names_are_one_each_and_the_first_is_the_usual_one() -> None:
    families = ["decoupling", "constraint", "length", "distance", "execution", "novelty", "leaky"]
    assert [task.name for task in TASKS] == ["problems", "gsm_symbolic", "modular", "worded", *families]


@pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)
def test_options_are_the_makers_own_and_have_a_sentence(task: Task) -> None:
    taken = inspect.signature(task.pairs).parameters
    assert {"seed", "with_cot", *task.options.model_fields} <= set(taken)
    assert ("length" in taken) == task.keeps_length
    assert all(field.description for field in task.options.model_fields.values())


@pytest.mark.parametrize("task", TUNED_ON, ids=lambda task: task.name)
def test_examples_to_tune_on_are_other_draws(task: Task) -> None:
    assert task.training is not None
    made, scored = task.training(20, seed=1, steps=3), task.pairs(20, seed=1, steps=3)
    assert all(isinstance(pair, Pair) and pair.base.cot for pair in made)
    assert not {pair.base.question for pair in made} & {pair.base.question for pair in scored}
    assert len({pair.group for pair in made}) == 20
