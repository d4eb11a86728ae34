"""Signals while a run is measured: a short batch is finished, a long one is not, and a second signal ends at once."""

import os
import signal
import threading
import time
from collections.abc import Callable

import pytest

from mediate.scoring import stopping as module
from mediate.scoring.stopping import stopping


def run(longest: float, work: Callable[[int], None], done: list[int]) -> None:
    """Three batches; each is done when its work is."""
    with stopping() as signals:
        signals.longest = longest
        for number in range(3):
            with signals.batch():
                work(number)
                done.append(number)


def interrupt(number: int = 1) -> None:
    """At the second batch."""
    if number == 1:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.01)


def test_a_short_batch_is_finished_first() -> None:
    done: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        run(3.0, interrupt, done)
    assert done == [0, 1]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    assert signal.getsignal(signal.SIGALRM) is signal.SIG_DFL


@pytest.mark.parametrize("longest", [0.0, 1000.0])
def test_a_batch_that_is_long_or_of_no_known_length_is_not_finished(longest: float) -> None:
    done: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        run(longest, lambda _: interrupt(), done)
    assert not done


def test_a_second_signal_is_the_end() -> None:
    def twice(number: int) -> None:
        interrupt(number)
        interrupt(number)

    done: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        run(3.0, twice, done)
    assert done == [0]


def test_a_batch_that_takes_longer_than_thought_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(number: int) -> None:
        interrupt(number)
        time.sleep(2 if number else 0)

    monkeypatch.setattr(module, "PATIENCE", 0.05)
    done: list[int] = []
    with pytest.raises(KeyboardInterrupt):
        run(0.04, slow, done)
    assert done == [0]


def test_what_somebody_else_has_set_is_called() -> None:
    called: list[int] = []

    def ended() -> None:
        with stopping() as signals:
            os.kill(os.getpid(), signal.SIGTERM)
            assert not called, "between batches it waits for the next"
            with signals.batch():
                raise AssertionError("a batch was begun")

    before = signal.signal(signal.SIGTERM, lambda number, _: called.append(number))
    try:
        with pytest.raises(KeyboardInterrupt):
            ended()
    finally:
        signal.signal(signal.SIGTERM, before)
    assert called == [signal.SIGTERM]


def test_outside_of_the_main_thread_nothing_is_set() -> None:
    found = []

    def work() -> None:
        with stopping() as signals, signals.batch():
            found.append(dict(signals.usual))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [{}]
