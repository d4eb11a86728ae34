"""Work in a process of its own: what it returns, how it fails, and what is done where there can be no process."""

import math
import operator
import os
import sys
import time
from concurrent.futures import BrokenExecutor
from pathlib import Path

import pytest

from mediate import beside as room
from mediate.beside import beside


def test_calls_are_made_in_another_process_and_finished_before_it_ends() -> None:
    with beside() as other:
        where = other.call(os.getpid)
        found = [other.call(operator.add, number, 1) for number in range(3)]
        wrong = other.call(math.sqrt, -1.0)
    assert where.done()
    assert where.result() != os.getpid()
    assert [each.result() for each in found] == [1, 2, 3]
    with pytest.raises(ValueError, match="math domain"):
        wrong.result()


def test_it_imports_what_it_is_told_to_before_it_is_called() -> None:
    with beside("no_such_module", "wave") as other:
        there = other.call(eval, "'wave' in __import__('sys').modules")
    assert there.result()
    assert "wave" not in sys.modules


def test_after_an_error_nothing_more_is_begun() -> None:
    calls = []

    def fail() -> None:
        with beside() as other:
            calls.extend(other.call(time.sleep, 0.1) for _ in range(20))
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert calls[-1].cancelled()


def test_what_is_not_begun_is_made_here_and_each_call_once(tmp_path: Path) -> None:
    with beside() as other:
        slow = other.call(time.sleep, 2.0)
        where = [other.call(os.getpid) for _ in range(5)]
        wrong = other.call(math.sqrt, -1.0)
        made = [other.call((tmp_path / str(place)).mkdir) for place in range(5)]
        other.share()
        assert [each.result() for each in made] == [None] * 5
        assert [each.result() for each in where] == [os.getpid()] * 5
        assert isinstance(wrong.exception(), ValueError)
    assert slow.done()
    assert len(list(tmp_path.iterdir())) == 5


def test_no_call_waits_for_a_process_that_is_gone() -> None:
    with beside() as other:
        calls = [other.call(os._exit, 1), *(other.call(operator.add, 1, 1) for _ in range(3))]
        assert isinstance(calls[0].exception(timeout=60), BrokenExecutor)
        assert all(isinstance(each.exception(timeout=60), BrokenExecutor) for each in calls)
        with pytest.raises(BrokenExecutor):
            other.call(operator.add, 1, 1)


def test_without_another_process_calls_are_made_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_, **__):
        raise NotImplementedError("no semaphores")

    monkeypatch.setattr(room, "ProcessPoolExecutor", refuse)
    with beside() as other:
        assert other.call(os.getpid).result() == os.getpid()
