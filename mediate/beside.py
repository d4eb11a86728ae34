"""Work that needs no model, such as drawing, in a process of its own beside the measuring."""

import signal
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from importlib import import_module
from multiprocessing import get_context
from threading import Lock
from typing import Any, ParamSpec, TypeVar

from mediate.clock import stage

P = ParamSpec("P")
T = TypeVar("T")
Waiting = tuple[Callable[[], Any], Future[Any]]


class Beside:
    """Calls that are made one after another in another process, or here where there can be none.

    Args:
        pool: The process; None where the system has no semaphores for one.
    """

    def __init__(self, pool: Executor | None) -> None:
        self._pool, self._at_work, self._lock = pool, False, Lock()
        self._waiting: deque[Waiting] = deque()

    def call(self, function: Callable[P, T], *args: P.args, **options: P.kwargs) -> "Future[T]":
        """Hands a call on; arguments and what it returns are pickled, so its `result()` is a copy."""
        told: Future[T] = Future()
        self._waiting.append((partial(function, *args, **options), told))
        if self._pool is None:
            self.share()
        else:
            self._hand_on()
        return told

    def share(self) -> None:
        """Makes the calls here that the other process has not begun, the last one first."""
        while (waiting := self._taken(last=True)) is not None:
            made, told = waiting
            try:
                told.set_result(made())
            except Exception as error:
                told.set_exception(error)

    def drop(self) -> None:
        """Cancels the calls that are not begun."""
        while (waiting := self._taken(last=True)) is not None:
            waiting[1].cancel()

    def _taken(self, *, last: bool) -> Waiting | None:
        with self._lock:
            if not self._waiting:
                return None
            return self._waiting.pop() if last else self._waiting.popleft()

    def _hand_on(self) -> None:
        """Gives the other process one call: those that wait stay here, so that this one can make them as well."""
        with self._lock:
            if self._at_work or not self._waiting or self._pool is None:
                return
            self._at_work = True
            made, told = self._waiting.popleft()
        self._pool.submit(made).add_done_callback(partial(self._ended, told))

    def _ended(self, told: Future[Any], done: Future[Any]) -> None:
        if done.cancelled():
            told.cancel()
        elif (error := done.exception()) is None:
            told.set_result(done.result())
        else:
            told.set_exception(error)
            # Where the process is gone, a call that waits for it would wait for ever.
            while isinstance(error, BrokenExecutor) and (waiting := self._taken(last=False)) is not None:
                waiting[1].set_exception(error)
        with self._lock:
            self._at_work = False
        self._hand_on()


@contextmanager
def beside(*modules: str) -> Iterator[Beside]:
    """A process that is there while this is open; calls are finished first, but after an error only the one at work.

    Args:
        modules: What it imports at once, while this process goes on; what calls need more they import themselves.
    """
    try:
        # Not forked: threads of torch that are at work would be copied in the middle of it.
        pool = ProcessPoolExecutor(1, get_context("spawn"), initializer=_ignore_interrupts)
    except (ImportError, NotImplementedError, OSError):
        yield Beside(None)
        return
    try:
        for name in modules:
            pool.submit(_import, name)
        other = Beside(pool)
        try:
            yield other
            other.share()
        finally:
            other.drop()
        with stage("waiting for pages"):
            pool.shutdown()
    finally:
        pool.shutdown(cancel_futures=True)


def _import(name: str) -> None:
    import_module(name)


def _ignore_interrupts() -> None:
    """Ctrl-C reaches every process of a terminal; the one that began this one says what there is to say."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
