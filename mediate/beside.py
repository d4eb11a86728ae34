"""Work that needs no model, such as drawing, in a process of its own beside the measuring."""

import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from importlib import import_module
from multiprocessing import get_context
from typing import ParamSpec, TypeVar

from mediate.clock import stage

P = ParamSpec("P")
T = TypeVar("T")


class Beside:
    """Calls that are made one after another in another process, or here where there can be none.

    Args:
        pool: The process; None where the system has no semaphores for one.
    """

    def __init__(self, pool: Executor | None) -> None:
        self._pool = pool

    def call(self, function: Callable[P, T], *args: P.args, **options: P.kwargs) -> "Future[T]":
        """Begins a call; arguments and what it returns are pickled, so its `result()` is a copy."""
        if self._pool is not None:
            return self._pool.submit(function, *args, **options)
        done: Future[T] = Future()
        done.set_result(function(*args, **options))
        return done


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
        yield Beside(pool)
        with stage("waiting for pages"):
            pool.shutdown()
    finally:
        pool.shutdown(cancel_futures=True)


def _import(name: str) -> None:
    import_module(name)


def _ignore_interrupts() -> None:
    """Ctrl-C reaches every process of a terminal; the one that began this one says what there is to say."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
