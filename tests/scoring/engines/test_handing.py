"""Batches handed to workers that die: none lost, none given twice, and who they die over is found."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from mediate.errors import InputError
from mediate.scoring.engines.handing import IN_HAND, DeadWorkerError, Errand, Gang


@dataclass
class Actor:
    """A worker that works on what it is called for in order, a call whenever it is waited for."""

    number: int
    calls: list["Call"] = field(default_factory=list)
    dead: bool = False


@dataclass(eq=False)
class Call:
    worker: Actor
    task: Errand | None
    answer: Any = None


@dataclass
class Crew:
    """Workers that die over some items each time, or so many times, or before they are ready."""

    poison: dict[str, int] = field(default_factory=dict)
    stillborn: int = 0
    started: list[Actor] = field(default_factory=list)
    most: int = 0
    handed: list[Errand] = field(default_factory=list)

    def start(self) -> Actor:
        self.started.append(Actor(len(self.started)))
        return self.started[-1]

    def ready(self, worker: Actor) -> Call:
        return self._called(worker, None)

    def call(self, worker: Actor, task: Errand) -> Call:
        assert not worker.dead
        self.handed.append(task)
        call = self._called(worker, task)
        self.most = max(self.most, sum(each.task is not None and each.answer is None for each in worker.calls))
        return call

    def _called(self, worker: Actor, task: Errand | None) -> Call:
        worker.calls.append(Call(worker, task))
        return worker.calls[-1]

    def wait(self, calls: Sequence[Call]) -> None:
        assert calls
        for call in calls:
            self._step(call.worker)

    def _step(self, worker: Actor) -> None:
        call = next((each for each in worker.calls if each.answer is None), None)
        if call is None or worker.dead:
            return
        if call.task is None:
            worker.dead = self.stillborn > 0
            self.stillborn -= 1
        for item in call.task.items if call.task is not None else ():
            if self.poison.get(item, 0) > 0:
                self.poison[item] -= 1
                worker.dead = True
        if not worker.dead:
            call.answer = f"{call.task}" if call.task is not None else f"worker {worker.number}"

    def answer(self, call: Call) -> Any:
        if call.answer is None and call.worker.dead:
            raise DeadWorkerError("gone")
        return call.answer

    def stop(self, worker: Actor) -> None:
        worker.dead = True


TASKS = [Errand(number, tuple(f"i{number}{letter}" for letter in "abc")) for number in range(9)]


def worked(crew: Crew, size: int = 2, tasks: Sequence[Errand] = TASKS) -> dict[int, list[tuple[tuple[str, ...], bool]]]:
    """By batch, the items that came back together, and whether with an answer."""
    gang, found = Gang(crew, size, lambda answer: answer), defaultdict(list)
    for task, answer in gang.work(tasks):
        found[task.number].append((task.items, answer is not None))
    gang.stop()
    assert all(worker.dead for worker in crew.started)
    return dict(found)


def test_all_is_handed_out_once_in_order_and_few_at_a_time() -> None:
    crew = Crew()
    assert worked(crew) == {task.number: [(task.items, True)] for task in TASKS}
    assert crew.handed == TASKS
    assert crew.most == IN_HAND
    assert len(crew.started) == 2


def test_at_the_end_the_last_batches_are_shared_out() -> None:
    crew = Crew()
    worked(crew, 3, TASKS[:3])
    assert [len(worker.calls) for worker in crew.started] == [2, 2, 2], "getting ready, and one batch each"


@pytest.mark.parametrize("size", [1, 2, 4])
def test_what_a_dead_worker_had_is_handed_out_again(size: int) -> None:
    crew = Crew({"i3b": 1, "i5a": 1})
    assert worked(crew, size) == {task.number: [(task.items, True)] for task in TASKS}
    deaths = {task.number: task.deaths for task in crew.handed}
    assert {number for number, count in deaths.items() if count} == {3, 5}, "what waited behind it is not to blame"


def test_an_item_that_workers_die_over_is_given_up_and_its_neighbours_are_not() -> None:
    crew = Crew({"i3b": 99})
    found = worked(crew)
    assert sorted(found.pop(3)) == [(("i3a",), True), (("i3b",), False), (("i3c",), True)]
    assert found == {task.number: [(task.items, True)] for task in TASKS if task.number != 3}
    assert 99 - crew.poison["i3b"] == 4, "twice in its batch, twice by itself"


def test_workers_that_die_before_they_are_ready_are_replaced_only_so_often() -> None:
    assert worked(Crew(stillborn=2)) == {task.number: [(task.items, True)] for task in TASKS}
    with pytest.raises(InputError, match="3 workers died one after the other before they had loaded the model"):
        worked(Crew(stillborn=99))


def test_a_worker_that_cannot_be_used_ends_the_work() -> None:
    def refuse(answer: object) -> None:
        raise InputError(f"{answer} is another one")

    with pytest.raises(InputError, match="worker 0 is another one"):
        list(Gang(Crew(), 2, refuse).work(TASKS))
