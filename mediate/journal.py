"""A log of one command as JSON lines: what was asked for, what became of each item, what was said, how it ended.

Each line is one object in strict JSON and in ASCII, with its time in UTC and its event, and is appended in one write.
Nothing of the environment is written, and what looks like a secret is hidden wherever it stands.
"""

import json
import math
import os
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from threading import Lock
from typing import Any

from mediate.errors import InputError, redacted, shortened

# The most characters of a text, and of a list or mapping the most entries, that a line has.
LONGEST, MOST = 2000, 1000


@dataclass(slots=True)
class Journal:
    """An open log.

    Args:
        file: Its descriptor.
        began: When, on the monotonic clock.
        counts: How many items there were of each status, and how many lines of each event.
    """

    file: int
    began: float = field(default_factory=time.monotonic)
    counts: dict[str, int] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def write(self, event: str, facts: Mapping[str, Any]) -> None:
        """Appends a line; a disk that takes none costs the log and no run."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = json.dumps({"time": now, "event": event} | _plain(facts), allow_nan=False) + "\n"
        with self.lock, suppress(OSError):
            name = f"{event} {facts['status']}" if event == "item" and "status" in facts else event
            self.counts[name] = self.counts.get(name, 0) + 1
            os.write(self.file, line.encode("ascii"))


# One a process: whatever thread something happens in, it is the command's.
_OPEN: list[Journal] = []


def open_journal(path: Path, out: Path | None = None) -> None:
    """Appends what happens from here on to a file, which is made where it is missing.

    Args:
        path: The file.
        out: The run directory, in which none but the run's own files may lie.

    Raises:
        InputError: It is no file of its own, cannot be written, or lies in the run directory.
    """
    if out is not None and path.resolve().is_relative_to(out.resolve()):
        raise InputError(f"{path}: a log in the run directory {out}, which holds the run alone; give a place beside it")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # No pipe, for which opening would wait; whoever may read the run may read its log.
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | getattr(os, "O_NONBLOCK", 0), 0o644)
    except OSError as error:
        raise InputError(f"{path}: the log cannot be written ({error.strerror}); give another place") from error
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise InputError(f"{path}: no regular file; give another place for the log")
    close_journal()
    _OPEN.append(Journal(file))


def note(event: str, **facts: Any) -> None:
    """Appends an event to the log, where one is kept; numbers that are none become null."""
    for each in _OPEN:
        each.write(event, facts)


def taken_counts() -> dict[str, int]:
    """How often what happened since this was last asked, where a log is kept; from here on it is counted anew."""
    counts: dict[str, int] = {}
    for each in _OPEN:
        counts, each.counts = each.counts, {}
    return counts


def add_counts(counts: Mapping[str, int]) -> None:
    """Counts what another process has written into the log of this one."""
    for each in _OPEN:
        with each.lock:
            for name, count in counts.items():
                each.counts[name] = each.counts.get(name, 0) + count


@contextmanager
def unnoted() -> Iterator[None]:
    """While open, nothing is appended: what happens is a trial, and no part of the run."""
    kept = [*_OPEN]
    _OPEN.clear()
    try:
        yield
    finally:
        _OPEN[:] = kept


def close_journal(**facts: Any) -> None:
    """Ends the log, where one is kept: with how the command ended, its seconds, and how often what happened."""
    while _OPEN:
        ended = _OPEN.pop()
        counts = dict(sorted(ended.counts.items()))
        if facts:
            ended.write("end", facts | {"seconds": round(time.monotonic() - ended.began, 3), "counts": counts})
        os.close(ended.file)


def _plain(value: Any) -> Any:
    """A value as JSON has it, with secrets hidden and no more of it than a line should hold."""
    if isinstance(value, Enum):
        value = value.value
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {redacted(str(key)): _plain(each) for key, each in list(value.items())[:MOST]}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value[:MOST]]
    return shortened(redacted(str(value)), LONGEST)
