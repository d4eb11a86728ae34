"""Tiny models compute on one thread, others on as many as there are; afterwards all is as it was."""

from dataclasses import replace

import pytest
import torch

from mediate.models import threads
from mediate.models.threads import fitting_threads, one_thread
from tests import tiny


@pytest.fixture(autouse=True)
def two() -> object:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def test_a_tiny_model_takes_one_thread_and_gives_the_others_back() -> None:
    model = tiny.model("llama")
    with fitting_threads(model):
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == 2
    with pytest.raises(RuntimeError), one_thread():
        raise RuntimeError
    assert torch.get_num_threads() == 2


def test_a_larger_one_or_one_beside_it_takes_all() -> None:
    model = tiny.model("llama")
    large = replace(model, facts=replace(model.facts, parameters=threads.TINY + 1))
    away = replace(model, facts=replace(model.facts, device="cuda"))
    for models in ([large], [model, large], [away]):
        with fitting_threads(*models):
            assert torch.get_num_threads() == 2
