"""Handing batches to workers that may die or hang: each at least once, the longest first, a few at a time.

Whoever dies is replaced, and so is who does not answer in time; what was in its hands is handed out again. A batch that
two workers died over is split into its items, and an item that two died over is given up: the run goes on without it.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, runtime_checkable

from mediate.errors import InputError
from mediate.watch import duration, tell

# Calls that a worker holds at most: the one it is at, and the next, so that it does not wait.
IN_HAND = 2
# Deaths over a batch, or over an item by itself, before it is split, or given up.
DEATHS = 2
# Workers that die one after the other before any is ready, before none is started any more.
STILLBORN = 3
# When a worker is given up that does not answer, where that is not said, in seconds: after a day, before any call of
# the kind was answered, for a model may be large and its file far; then after so many times as long as the longest call
# took, and no sooner than after an hour. Batches come the longest first, so that none should take twice as long as
# those before it; what is left is for a machine that others use, and for a disk that stalls.
UNKNOWN, TIMES, LEAST = 24 * 3600.0, 20.0, 3600.0
# What getting ready is called among the kinds of tasks.
READY = "ready"


class DeadWorkerError(Exception):
    """A worker is gone; what it was called for has no answer."""


@runtime_checkable
class Crew(Protocol):
    """Those who work: how one is started, called and let go of."""

    def start(self) -> Any:
        """A worker; its first answer is what it says when it is ready."""

    def ready(self, worker: Any) -> Any:
        """Has it get ready, and returns the call."""

    def call(self, worker: Any, task: "Errand") -> Any:
        """Hands it a task, and returns the call."""

    def is_there(self, worker: Any) -> bool:
        """Whether it is there, and at its calls; until then it waits for a place."""

    def wait(self, calls: Sequence[Any], seconds: float) -> None:
        """Returns when one of the calls is over, or after so many seconds at the latest."""

    def answer(self, call: Any) -> Any:
        """What a call gave; None while it is not over. Raises DeadWorkerError."""

    def stop(self, worker: Any) -> None:
        """Lets go of it, dead or alive."""


@dataclass(frozen=True, slots=True)
class Errand:
    """What is handed to a worker.

    Args:
        number: Of the batch.
        items: The ids of those of its items that are to be worked on.
        deaths: How many workers died over it.
        kind: What is to be done with it.
        content: What it takes beside the set.
    """

    number: int
    items: tuple[str, ...]
    deaths: int = 0
    kind: str = "measure"
    content: Mapping[str, bytes] = field(default_factory=dict)

    def died_over(self) -> "list[Errand] | None":
        """What is to be handed out after a worker has died over it; None where it is given up."""
        if self.deaths + 1 < DEATHS:
            return [replace(self, deaths=self.deaths + 1)]
        if len(self.items) == 1:
            return None
        return [replace(self, items=(item,), deaths=0) for item in self.items]


@dataclass(slots=True)
class _Hands:
    """A worker, and its calls in the order in which it answers them; the first is that of getting ready.

    Args:
        worker: Who it is.
        calls: What it was called for, and has not answered.
        since: The monotonic clock when it came to the first of these; None while it is not there.
    """

    worker: Any
    calls: deque[tuple[Any, Errand | None]] = field(default_factory=deque)
    since: float | None = None

    @property
    def kind(self) -> str:
        """What it is at."""
        task = self.calls[0][1]
        return READY if task is None else task.kind

    @property
    def waited(self) -> float:
        """For how many seconds its answer has been waited for."""
        return 0.0 if self.since is None else time.monotonic() - self.since


@dataclass(slots=True)
class Gang:
    """Workers that are kept at so many, and what they are handed.

    Args:
        crew: How they are started and called.
        size: How many there are.
        checked: Takes what each says when it is ready. Raises InputError where it is none that can be used.
        patience: Seconds after which one that does not answer is given up; by what was seen by default.
    """

    crew: Crew
    size: int
    checked: Callable[[Any], object]
    patience: float | None = None
    _answered: set[str] = field(default_factory=set)
    _longest: float = 0.0
    _hands: list[_Hands] = field(default_factory=list)
    _stillborn: int = 0

    def begin(self) -> None:
        """Has all workers get ready."""
        while len(self._hands) < self.size:
            self._start()

    def work(self, tasks: Sequence[Errand]) -> Iterator[tuple[Errand, Any]]:
        """Each task with its answer, in the order in which they come; with None where it is given up.

        Args:
            tasks: In the order in which they are handed out.

        Raises:
            InputError: Workers die before they are ready, or one is none that can be used.
        """
        left = deque(tasks)
        while left or any(task is not None for hands in self._hands for _, task in hands.calls):
            while len(self._hands) < min(self.size, max(1, len(left))) and left:
                self._start()
            self._hand_out(left)
            self.crew.wait([hands.calls[0][0] for hands in self._hands if hands.calls], self._least_left())
            for hands in list(self._hands):
                yield from self._taken(hands, left)

    def stop(self) -> None:
        """Lets go of all workers."""
        while self._hands:
            self.crew.stop(self._hands.pop().worker)

    def _limit(self, kind: str) -> float:
        """After how many seconds a call of a kind is not waited for any more."""
        if self.patience is not None:
            return self.patience
        return max(LEAST, TIMES * self._longest) if kind in self._answered else UNKNOWN

    def _least_left(self) -> float:
        """In how many seconds the first worker is to be given up that has not answered by then."""
        return max(0.0, min(self._limit(each.kind) - each.waited for each in self._hands if each.calls))

    def _start(self) -> None:
        hands = _Hands(self.crew.start())
        self._hands.append(hands)
        hands.calls.append((self.crew.ready(hands.worker), None))

    def _hand_out(self, left: deque[Errand]) -> None:
        """Hands out what is left, one round after the other; at the end, where there is not enough, one each.

        Who waits for a place gets nothing: there may never be one, on a cluster that has less room or lost some.
        """
        there = [hands for hands in self._hands if self._is_there(hands)]
        for most in range(1, IN_HAND + 1):
            for hands in there:
                held = sum(task is not None for _, task in hands.calls)
                if left and held < most and (most == 1 or len(left) > len(there)):
                    task = left.popleft()
                    if not hands.calls:  # it was idle
                        hands.since = time.monotonic()
                    hands.calls.append((self.crew.call(hands.worker, task), task))

    def _is_there(self, hands: _Hands) -> bool:
        """Whether a worker has a place; from when it is seen there, its answers are waited for."""
        if hands.since is None and self.crew.is_there(hands.worker):
            hands.since = time.monotonic()
        return hands.since is not None

    def _taken(self, hands: _Hands, left: deque[Errand]) -> Iterator[tuple[Errand, Any]]:
        """What a worker has answered by now; where it has died or hangs, what it had is handed out again."""
        while hands.calls:
            self._is_there(hands)
            call, task = hands.calls[0]
            try:
                answer = self.crew.answer(call)
                if answer is None:
                    self._check_time(hands)
                    return
            except DeadWorkerError as death:
                yield from self._buried(hands, left, death)
                return
            self._longest = max(self._longest, hands.waited)
            self._answered.add(hands.kind)
            hands.since = time.monotonic()
            hands.calls.popleft()
            if task is None:
                self.checked(answer)
                self._stillborn = 0
            else:
                yield task, answer

    def _check_time(self, hands: _Hands) -> None:
        """Raises DeadWorkerError where a worker has not answered for too long."""
        if hands.waited >= self._limit(hands.kind):
            raise DeadWorkerError(f"no answer in {duration(hands.waited)}")

    def _buried(self, hands: _Hands, left: deque[Errand], death: DeadWorkerError) -> Iterator[tuple[Errand, Any]]:
        """Takes back what a dead worker had in hand: it was at the first of it, and had not begun the others."""
        tell(f"a worker is given up, at {hands.kind} ({death}); what it had is handed to another")
        self._hands.remove(hands)
        self.crew.stop(hands.worker)
        _, culprit = hands.calls.popleft()
        left.extendleft(reversed([task for _, task in hands.calls if task is not None]))
        if culprit is None:
            self._stillborn += 1
            if self._stillborn >= STILLBORN:
                raise InputError(
                    f"{STILLBORN} workers died one after the other before they had loaded the model ({death}); give "
                    "them more memory, or fewer of them (num_workers)"
                ) from death
            return
        again = culprit.died_over()
        if again is None:
            yield culprit, None
        else:
            left.extendleft(reversed(again))
