"""How far long work is, on standard error: a bar on a terminal or in a notebook, elsewhere a plain line at times."""

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from functools import cache
from threading import Event, Lock, Thread
from typing import Any, TypeVar

from mediate.errors import inert, redacted
from mediate.journal import note

Item = TypeVar("Item")
Done = Callable[[int], object]

_SHOWN: ContextVar[bool] = ContextVar("shown", default=False)
_QUIET: ContextVar[bool] = ContextVar("quiet", default=False)
_LINES: ContextVar["_Lines | None"] = ContextVar("lines", default=None)
_LAYOUT = "{desc}: {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}, {per_minute}]"
# Inner work that is done sooner gets no bar, in seconds.
_DELAY = 3.0
# A plain line comes after so many seconds, or after this part of the work if that took a moment.
EVERY, PART, MOMENT = 30.0, 0.05, 2.0
# Of work that has no parts, the first line comes after so many seconds.
FIRST = 5.0


def hush(quiet: bool = True) -> None:
    """From here on nothing is said of progress, whoever asks for it; or, with False, what is asked for again."""
    _QUIET.set(quiet)


@contextmanager
def bars(shown: bool = True) -> Iterator[None]:
    """While open, work inside other work shows how far it is and how much time is left."""
    token = _SHOWN.set(shown)
    try:
        yield
    finally:
        _SHOWN.reset(token)


def tell(line: str) -> None:
    """A line on standard error, without what a terminal would take for commands, and in the log."""
    note("told", text=line)
    if not _QUIET.get():
        print(inert(redacted(line)), file=sys.stderr, flush=True)


@contextmanager
def work(total: int, what: str, unit: str, *, shown: bool, before: int = 0) -> Iterator[Done]:
    """Work of so many units; what is yielded takes how many more are done.

    Those that were done before are told, and are of no rate: they took no time of this work.
    """
    if not _wanted(shown):
        yield _nothing
        return
    if before:
        tell(f"{what}: {before:,} of {total:,} were done before; {total - before:,} are left")
    with _per_minute()(total=total, initial=before, desc=what, unit=unit, disable=None, bar_format=_LAYOUT) as bar:
        if not bar.disable:
            yield bar.update
            return
    with _lines(total, what, unit, before) as done:
        yield done


@cache
def _per_minute() -> Any:
    """The bar that says how many are done a minute, as well as what is left."""
    from tqdm.auto import tqdm

    class PerMinute(tqdm):  # type: ignore[type-arg]
        @property
        def format_dict(self) -> Any:
            told = dict(super().format_dict)
            passed, done = told["elapsed"], told["n"] - told["initial"]
            rate = told["rate"] or (done / passed if passed else 0.0)
            return {**told, "per_minute": f"{60 * rate:.3g} {told['unit']}s a minute" if rate else "?"}

    return PerMinute


def each(items: Sequence[Item], what: str, unit: str, *, shown: bool) -> Iterator[Item]:
    """The items one after the other, each done when the next is asked for."""
    with work(len(items), what, unit, shown=shown) as done:
        for item in items:
            yield item
            done(1)


@contextmanager
def bar(total: int, what: str) -> Iterator[Done]:
    """Work inside other work, such as the cells of a map: shown where `bars` are on and it takes long."""
    outer = _LINES.get()
    if not _wanted(_SHOWN.get()):
        yield _nothing
    elif outer is not None:
        with outer.inside(total, what) as done:
            yield done
    else:
        from tqdm.auto import tqdm

        layout = "{desc}: {percentage:3.0f}%|{bar}| {elapsed}<{remaining}"
        with tqdm(total=total, desc=what, leave=False, delay=_DELAY, bar_format=layout, disable=None) as shown:
            yield shown.update


@contextmanager
def whole(what: str, *, shown: bool) -> Iterator[None]:
    """Work without parts to count, such as loading a model: where it takes long, lines at times and one at its end."""
    if not _wanted(shown):
        yield
        return
    began, over, said = time.monotonic(), Event(), False

    def beat() -> None:
        nonlocal said
        while not over.wait(EVERY if said else FIRST):
            tell(f"{what}: {duration(time.monotonic() - began)} so far")
            said = True

    thread = Thread(target=copy_context().run, args=(beat,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
    if said:
        tell(f"{what}: done, {duration(time.monotonic() - began)}")


def _wanted(shown: bool) -> bool:
    return shown and not _QUIET.get() and os.environ.get("TQDM_DISABLE", "0").lower() in ("", "0", "false")


def _nothing(done: int) -> None:
    pass


@contextmanager
def _lines(total: int, what: str, unit: str, before: int) -> Iterator[Done]:
    lines = _Lines(total, what, unit, before)
    token = _LINES.set(lines)
    beat = Thread(target=lines.beat, daemon=True)
    beat.start()
    try:
        yield lines.done
        lines.end()
    finally:
        lines.over.set()
        beat.join()
        _LINES.reset(token)


class _Lines:
    """Plain lines on one piece of work; a thread says one, too, while nothing is finished for long."""

    def __init__(self, total: int, what: str, unit: str, before: int = 0) -> None:
        self.total, self.what, self.unit, self.before = total, what, unit, before
        self.over, self.lock = Event(), Lock()
        self.count, self.said = before, before
        self.began = self.last = self.finished = time.monotonic()
        self.inner: list[tuple[str, int, int]] = []

    def done(self, count: int) -> None:
        self.count += count
        self.finished = time.monotonic()
        since = time.monotonic() - self.last
        if since >= EVERY or (since >= MOMENT and self.count - self.said >= PART * self.total):
            self.say()

    def beat(self) -> None:
        while not self.over.wait(max(0.01, self.last + EVERY - time.monotonic())):
            if time.monotonic() - self.last >= EVERY:
                self.say()

    def end(self) -> None:
        if self.count != self.said and time.monotonic() - self.began >= MOMENT:
            self.say()

    @contextmanager
    def inside(self, total: int, what: str) -> Iterator[Done]:
        place = len(self.inner)
        self.inner.append((what, 0, total))

        def done(count: int) -> None:
            self.inner[place] = (what, self.inner[place][1] + count, total)

        try:
            yield done
        finally:
            del self.inner[place:]

    def say(self) -> None:
        with self.lock:
            now = time.monotonic()
            tell(self.line(now - self.began))
            self.last, self.said = now, self.count

    def line(self, seconds: float) -> str:
        share = self.count / self.total if self.total else 1.0
        parts = [f"{self.what}: {self.count} of {self.total} ({100 * share:.0f} %)", duration(seconds)]
        if self.count > self.before:
            each = (self.finished - self.began) / (self.count - self.before)  # of what is finished, not under way
            parts.append(_rate(1 / max(each, 1e-9), self.unit))
            left = max(0.0, each * (self.total - self.before) - seconds)
            if self.count < self.total:
                parts.append(f"about {duration(left)} left" if left else "longer than the others")
        inner = [f"{what} {100 * done / total:.0f} %" for what, done, total in tuple(self.inner) if total]
        return ", ".join(parts) + "".join(f"; {each}" for each in inner)


def _rate(rate: float, unit: str) -> str:
    for name, seconds in (("second", 1), ("minute", 60), ("hour", 3600)):
        if rate * seconds >= 1 or name == "hour":
            return (
                f"{rate * seconds:.3g} {unit}s an hour" if name == "hour" else f"{rate * seconds:.3g} {unit}s a {name}"
            )
    raise AssertionError


def duration(seconds: float) -> str:
    """Seconds, minutes or hours, as a reader says it."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
