"""What is asked of CUDA, by a stand-in for it: no test machine has a GPU."""

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
import torch

from mediate.models import gpu

FIRST, SECOND, MAIN = torch.device("cuda"), torch.device("cuda:1"), torch.device("cpu")


class Cuda(SimpleNamespace):
    """Two GPUs, which write down what they are told."""

    def __init__(self) -> None:
        super().__init__(said=[], current=0)

    def is_available(self) -> bool:
        return True

    def device_count(self) -> int:
        return 2

    def mem_get_info(self, device: torch.device) -> tuple[int, int]:
        return 1000 + (device.index or 0), 2000

    def synchronize(self, device: torch.device) -> None:
        self.said.append(("waited", str(device)))

    def manual_seed(self, seed: int) -> None:
        self.said.append(("seeded", self.current, seed))

    @contextmanager
    def device(self, number: int) -> Iterator[None]:
        before, self.current = self.current, number
        yield
        self.current = before


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch) -> Cuda:
    made = Cuda()
    monkeypatch.setattr(torch, "cuda", made)
    return made


@pytest.mark.usefixtures("cuda")
def test_a_gpu_is_taken_where_there_is_one() -> None:
    assert gpu.usual_device() == "cuda"
    assert gpu.every_gpu() == [0, 1]
    assert [gpu.gpus_of(each) for each in (FIRST, SECOND, MAIN)] == [[0], [1], []]
    assert [gpu.free_bytes(each) for each in (FIRST, SECOND, MAIN)] == [1000, 1001, None]


def test_waiting_and_seeding(cuda: Cuda) -> None:
    gpu.wait(MAIN)
    gpu.seed_gpus([], 5)
    assert not cuda.said
    gpu.wait(SECOND)
    gpu.seed_gpus([1, 0], 7)
    assert cuda.said == [("waited", "cuda:1"), ("seeded", 1, 7), ("seeded", 0, 7)]


def test_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert gpu.usual_device() == "cpu"
