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
    """Workers that die, or hang, over some items each time, or so many times, or die before they are ready.

    A step of all takes so many seconds of the clock; only the first so many workers have a place.
    """

    poison: dict[str, int] = field(default_factory=dict)
    stillborn: int = 0
    started: list[Actor] = field(default_factory=list)
    most: int = 0
    handed: list[Errand] = field(default_factory=list)
    hang: dict[str, int] = field(default_factory=dict)
    takes: float = 1.0
    places: int = 99
    clock: list[float] = field(default_factory=lambda: [0.0])

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

    def is_there(self, worker: Actor) -> bool:
        return worker.number < self.places

    def wait(self, calls: Sequence[Call], seconds: float) -> None:
        assert calls
        assert seconds >= 0
        before = sum(call.answer is not None or call.worker.dead for call in calls)
        for call in calls:
            self._step(call.worker)
        after = sum(call.answer is not None or call.worker.dead for call in calls)
        self.clock[0] += self.takes if after > before else seconds

    def _step(self, worker: Actor) -> None:
        call = next((each for each in worker.calls if each.answer is None), None)
        if call is None or worker.dead:
            return
        if call.task is None:
            worker.dead = self.stillborn > 0
            self.stillborn -= 1
        if not self.is_there(worker) or (call.task is not None and set(call.task.items) & self._hanging()):
            return
        for item in call.task.items if call.task is not None else ():
            if self.poison.get(item, 0) > 0:
                self.poison[item] -= 1
                worker.dead = True
        if not worker.dead:
            call.answer = f"{call.task}" if call.task is not None else f"worker {worker.number}"

    def _hanging(self) -> set[str]:
        """The items that a worker hangs over; an item hangs so many times, counted as workers are let go of."""
        return {item for item, count in self.hang.items() if count > 0}

    def answer(self, call: Call) -> Any:
        if call.answer is None and call.worker.dead:
            raise DeadWorkerError("gone")
        return call.answer

    def stop(self, worker: Actor) -> None:
        at = next((each.task for each in worker.calls if each.answer is None), None)
        for item in set(at.items) & self._hanging() if at is not None and not worker.dead else ():
            self.hang[item] -= 1
        worker.dead = True


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The clock that workers are waited for by; theirs, where they have it."""
    now = [0.0]
    monkeypatch.setattr("mediate.scoring.engines.handing.time.monotonic", lambda: now[0])
    return now


TASKS = [Errand(number, tuple(f"i{number}{letter}" for letter in "abc")) for number in range(9)]


def worked(
    crew: Crew, size: int = 2, tasks: Sequence[Errand] = TASKS, patience: float | None = None
) -> dict[int, list[tuple[tuple[str, ...], bool]]]:
    """By batch, the items that came back together, and whether with an answer."""
    gang, found = Gang(crew, size, lambda answer: answer, patience), defaultdict(list)
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


@pytest.mark.parametrize("size", [1, 2])
def test_what_a_hanging_worker_had_is_handed_to_another_in_time(size: int, clock: list[float]) -> None:
    crew = Crew(hang={"i3b": 1}, clock=clock)
    assert worked(crew, size, patience=60.0) == {task.number: [(task.items, True)] for task in TASKS}
    assert len(crew.started) == size + 1
    assert {task.number for task in crew.handed if task.deaths} == {3}, "what waited behind it is not to blame"
    assert 60 <= clock[0] <= 60 + 3 * len(TASKS)


def test_an_item_that_workers_hang_over_is_given_up_and_its_neighbours_are_not(clock: list[float]) -> None:
    crew = Crew(hang={"i3b": 99}, clock=clock)
    found = worked(crew, patience=60.0)
    assert sorted(found.pop(3)) == [(("i3a",), True), (("i3b",), False), (("i3c",), True)]
    assert found == {task.number: [(task.items, True)] for task in TASKS if task.number != 3}
    assert 99 - crew.hang["i3b"] == 4, "twice in its batch, twice by itself"


@pytest.mark.parametrize(("takes", "waited"), [(1.0, 3600.0), (1000.0, 20 * 1000.0)])
def test_by_default_what_was_seen_says_how_long_is_waited(takes: float, waited: float, clock: list[float]) -> None:
    """At least an hour, and twenty times the longest that anything took."""
    crew = Crew(hang={"i3b": 1}, takes=takes, clock=clock)
    assert worked(crew, 1) == {task.number: [(task.items, True)] for task in TASKS}
    own = takes * (2 + len(TASKS))  # getting ready twice, and each batch
    assert waited <= clock[0] - own <= waited + takes


def test_before_anything_of_a_kind_was_answered_a_day_is_waited(clock: list[float]) -> None:
    crew = Crew(hang={"i0a": 1}, clock=clock)
    assert len(worked(crew, 1)) == len(TASKS)
    assert 86_400 <= clock[0] <= 86_400 + 60


def test_a_worker_that_waits_for_its_place_is_not_given_up(clock: list[float]) -> None:
    crew = Crew(places=1, takes=50.0, clock=clock)
    gang, answers = Gang(crew, 2, lambda answer: answer, 60.0), []
    for task, _ in gang.work(TASKS):
        answers.append(task.number)
        crew.places = 2 if len(answers) > 4 else 1
    assert sorted(answers) == [task.number for task in TASKS]
    assert len(crew.started) == 2
    assert len(crew.started[1].calls) > 1, "it works as soon as it has one"


@pytest.mark.parametrize("size", [2, 3, 20])
def test_workers_that_never_have_a_place_hold_nothing_up(size: int, clock: list[float]) -> None:
    crew = Crew(places=1, clock=clock)
    assert worked(crew, size) == {task.number: [(task.items, True)] for task in TASKS}
    assert [len(worker.calls) for worker in crew.started] == [1 + len(TASKS)] + [1] * (len(crew.started) - 1)
    assert clock[0] <= 2 * len(TASKS), "none was waited for"


def test_a_place_that_is_lost_is_lost_alone(clock: list[float]) -> None:
    """The second of two workers dies, and who replaces it never has a place."""
    crew = Crew({"i1b": 1}, places=2, clock=clock)
    assert worked(crew) == {task.number: [(task.items, True)] for task in TASKS}
    assert len(crew.started) == 3
    assert all(call.task is None for call in crew.started[2].calls)
    assert clock[0] <= 2 * len(TASKS)


def test_a_worker_that_had_nothing_to_do_has_its_whole_time(clock: list[float]) -> None:
    crew = Crew(clock=clock)
    gang = Gang(crew, 1, lambda answer: answer, 60.0)
    assert len(list(gang.work(TASKS[:1]))) == 1
    clock[0] += 1000.0
    assert len(list(gang.work(TASKS[1:2]))) == 1
    assert len(crew.started) == 1
