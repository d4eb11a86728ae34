"""A process forked from this one: it has all that this one has, and dies with it. On Linux alone.

A forked process must die when this one is killed, which a signal of the system's sees to, or it would go on writing
into a directory that somebody else holds by then.
"""

import ctypes
import gc
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NoReturn

from mediate.files import LOCK
from mediate.journal import taken_counts
from mediate.watch import hush

_DIES_WITH_PARENT = 1  # PR_SET_PDEATHSIG


def can_fork() -> bool:
    """Whether there can be forked processes beside this one."""
    return sys.platform.startswith("linux")


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1


def forked(work: Callable[[], object]) -> int:
    """The number of a new process that does some work and ends; it says nothing, and what it raises is not told."""
    parent = os.getpid()
    sys.stdout.flush()
    sys.stderr.flush()
    gc.freeze()  # so that looking for garbage does not copy what is shared
    with warnings.catch_warnings(), _unwarned_tokenizers():
        # The threads of this process are those that give signs of life; no forked one takes what they hold.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid == 0:
        _live(work, parent)
    gc.unfreeze()
    return pid


def ended(pid: int) -> None:
    """Ends a forked process, dead or alive."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    with suppress(ChildProcessError):
        os.waitpid(pid, 0)


@contextmanager
def _unwarned_tokenizers() -> Iterator[None]:
    """While open, tokenizers that were run in parallel before do not warn of a fork: no forked process uses them."""
    name = "TOKENIZERS_PARALLELISM"
    before = os.environ.get(name)
    os.environ[name] = before or "false"
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(name, None)


def _live(work: Callable[[], object], parent: int) -> NoReturn:
    """All that a forked process does."""
    try:
        _alone(parent)
        work()
    finally:
        # Nothing of what the process that it was forked from does at its end.
        os._exit(0)


def _alone(parent: int) -> None:
    """Makes a forked process one that helps: it dies with the other, holds nothing, and says nothing."""
    ctypes.CDLL(None).prctl(_DIES_WITH_PARENT, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        signal.signal(getattr(signal, name), signal.SIG_IGN)
    for each in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            if Path(os.readlink(each)).name == LOCK:
                os.close(int(each.name))
    taken_counts()
    hush()
