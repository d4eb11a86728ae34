"""Ctrl-C and the signals that end a process, while a run is measured: a batch is finished where that is short."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

# A batch is finished where that takes about so long, in seconds.
PATIENCE = 5.0
_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")


@dataclass(slots=True)
class Stopping:
    """Whether a run is to end.

    Args:
        usual: What is done at a signal where no run is measured: by the command or by Python.
        longest: How long the longest batch took so far, in seconds.
        since: When the batch under way began, by the monotonic clock; None between batches.
        asked: The signal that came.
    """

    usual: dict[int, Callable[[int, FrameType | None], Any]]
    longest: float = 0.0
    since: float | None = None
    asked: int | None = None

    def signalled(self, number: int, frame: FrameType | None) -> None:
        """Notes a signal; ends the run at once where the batch takes long, at a second signal, or after a while."""
        first, self.asked = self.asked is None, number
        if self.since is None:
            return
        left = self.longest - (time.monotonic() - self.since)
        if not first or not 0 < left <= PATIENCE:
            self.usual[number](number, frame)
        elif hasattr(signal, "setitimer"):
            signal.signal(signal.SIGALRM, lambda _, now: self.usual[number](number, now))
            signal.setitimer(signal.ITIMER_REAL, PATIENCE)

    @contextmanager
    def batch(self) -> Iterator[None]:
        """A batch under way; where a signal came meanwhile, `check` says so after it."""
        self.check()
        self.since = time.monotonic()
        try:
            yield
        finally:
            self.longest = max(self.longest, time.monotonic() - self.since)
            self.since = None

    def check(self) -> None:
        """Raises KeyboardInterrupt, as the command has it, where a signal has come."""
        if self.asked is not None:
            self.usual[self.asked](self.asked, None)
            raise KeyboardInterrupt  # whoever handles it has not


@contextmanager
def stopping() -> Iterator[Stopping]:
    """While open, signals end a run between two batches; what somebody else has set otherwise is left alone.

    A signal that came after the last batch ends the run as this is left.
    """
    usual: dict[int, Any] = {}
    state = Stopping(usual)
    alarm = signal.getsignal(signal.SIGALRM) if hasattr(signal, "SIGALRM") else None
    try:
        for name in _SIGNALS:
            number = getattr(signal, name, None)
            before = None if number is None else signal.getsignal(number)
            if number is not None and callable(before):
                signal.signal(number, state.signalled)
                usual[number] = before
    except ValueError:  # not in the main thread, where signals end what they always do
        pass
    try:
        yield state
    finally:
        if alarm is not None and state.asked is not None and usual:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, alarm)
        for number, before in usual.items():
            signal.signal(number, before)
    state.check()
