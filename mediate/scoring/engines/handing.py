"""Handing batches to workers that may die: each at least once, the longest first, a few at a time.

Whoever dies is replaced, and what was in its hands is handed out again. A batch that two workers died over is split
into its items, and an item that two died over is given up: the run goes on without it.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, runtime_checkable

from mediate.errors import InputError

# Calls that a worker holds at most: the one it is at, and the next, so that it does not wait.
IN_HAND = 2
# Deaths over a batch, or over an item by itself, before it is split, or given up.
DEATHS = 2
# Workers that die one after the other before any is ready, before none is started any more.
STILLBORN = 3


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

    def wait(self, calls: Sequence[Any]) -> None:
        """Returns when one of the calls is over."""

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
    """A worker, and its calls in the order in which it answers them; the first is that of getting ready."""

    worker: Any
    calls: deque[tuple[Any, Errand | None]] = field(default_factory=deque)


@dataclass(slots=True)
class Gang:
    """Workers that are kept at so many, and what they are handed.

    Args:
        crew: How they are started and called.
        size: How many there are.
        checked: Takes what each says when it is ready. Raises InputError where it is none that can be used.
    """

    crew: Crew
    size: int
    checked: Callable[[Any], object]
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
            self.crew.wait([hands.calls[0][0] for hands in self._hands if hands.calls])
            for hands in list(self._hands):
                yield from self._taken(hands, left)

    def stop(self) -> None:
        """Lets go of all workers."""
        while self._hands:
            self.crew.stop(self._hands.pop().worker)

    def _start(self) -> None:
        hands = _Hands(self.crew.start())
        self._hands.append(hands)
        hands.calls.append((self.crew.ready(hands.worker), None))

    def _hand_out(self, left: deque[Errand]) -> None:
        """Hands out what is left, one round after the other; at the end, where there is not enough, one each."""
        for most in range(1, IN_HAND + 1):
            for hands in self._hands:
                held = sum(task is not None for _, task in hands.calls)
                if left and held < most and (most == 1 or len(left) > len(self._hands)):
                    task = left.popleft()
                    hands.calls.append((self.crew.call(hands.worker, task), task))

    def _taken(self, hands: _Hands, left: deque[Errand]) -> Iterator[tuple[Errand, Any]]:
        """What a worker has answered by now; where it has died, what it had is handed out again."""
        while hands.calls:
            call, task = hands.calls[0]
            try:
                answer = self.crew.answer(call)
            except DeadWorkerError as death:
                yield from self._buried(hands, left, death)
                return
            if answer is None:
                return
            hands.calls.popleft()
            if task is None:
                self.checked(answer)
                self._stillborn = 0
            else:
                yield task, answer

    def _buried(self, hands: _Hands, left: deque[Errand], death: DeadWorkerError) -> Iterator[tuple[Errand, Any]]:
        """Takes back what a dead worker had in hand: it was at the first of it, and had not begun the others."""
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
