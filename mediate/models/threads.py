"""How many threads a model computes on: a tiny one on one, for its matrices are too small to be shared out."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from mediate.models.gpu import CPU
from mediate.models.model import Model

# Models of at most so many weights are no quicker on several threads, which spin where they wait for each other: on two
# threads 1.2 million weights took nearly three times the processor's time of one. SmolLM2, with 135 million, gains.
TINY = 10_000_000


@contextmanager
def fitting_threads(*models: Model) -> Iterator[None]:
    """While open, torch computes on one thread where all models are tiny and on the processor; else nothing changes."""
    if all(model.facts.parameters <= TINY and model.device.type == CPU for model in models):
        with one_thread():
            yield
    else:
        yield


@contextmanager
def threads_shared(processes: int) -> Iterator[None]:
    """While open, torch computes on its part of the threads that it had: so many processes compute at once."""
    before = torch.get_num_threads()
    torch.set_num_threads(max(1, before // processes))
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def one_thread() -> Iterator[None]:
    """While open, torch computes on one thread."""
    with threads_shared(torch.get_num_threads()):
        yield
