"""A process forked from this one, which measures batches of its run.

It is told numbers of batches on a pipe, and tells on another what it has written. Nothing but lines of JSON goes from
one to the other.
"""

import json
import os
import select
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from mediate.forking import ended, forked
from mediate.journal import taken_counts
from mediate.scoring.batches import Batch
from mediate.scoring.engines.workers import answered
from mediate.scoring.keeping import Keeper
from mediate.scoring.measuring import Run, measured


@dataclass(slots=True)
class Helper:
    """A process beside this one.

    Args:
        pid: Its number.
        asked: Where it is told what to do.
        told: Where it tells what it did.
        given: What it was given and has not written into a part, by number.
        waiting: How many answers are waited for.
        since: When the first of these was asked for, or the last came, by the monotonic clock.
        longest: The longest that one took, in seconds.
        heard: What was read of a line that is not whole yet.
    """

    pid: int
    asked: int
    told: int
    given: dict[int, Batch[Any]] = field(default_factory=dict)
    waiting: int = 0
    since: float = 0.0
    longest: float = 0.0
    heard: bytes = b""

    def ask(self, number: int | None) -> None:
        """Tells it to measure a batch, or to end.

        Raises:
            OSError: It is gone.
        """
        if not self.waiting:
            self.since = time.monotonic()
        os.write(self.asked, json.dumps(number).encode("ascii") + b"\n")
        self.waiting += 1

    def lines(self) -> list[dict[str, Any]]:
        """What it has told by now.

        Raises:
            OSError: It is gone, and has told all that it could.
        """
        found = list[dict[str, Any]]()
        while self.waiting > len(found) and select.select([self.told], [], [], 0)[0]:
            if not (heard := os.read(self.told, 1 << 16)):
                raise BrokenPipeError
            *whole, self.heard = (self.heard + heard).split(b"\n")
            found += [json.loads(line) for line in whole]
        if found:
            now = time.monotonic()
            self.longest, self.since = max(self.longest, now - self.since), now
            self.waiting -= len(found)
        return found

    @property
    def waited(self) -> float:
        """For how many seconds its answer has been waited for."""
        return time.monotonic() - self.since if self.waiting else 0.0

    def stop(self) -> None:
        """Ends it, dead or alive."""
        ended(self.pid)
        for end in (self.asked, self.told):
            with suppress(OSError):
                os.close(end)


def helper_of(
    run: Run[Any, Any], batches: Mapping[int, Batch[Any]], keeper: Keeper, numbers: tuple[int, int]
) -> Helper:
    """A helper that waits for what it is told."""
    (asked, ask), (tell_, told) = os.pipe(), os.pipe()

    def help_on() -> None:
        os.close(ask)
        os.close(tell_)
        _help(run, batches, keeper, numbers, (asked, told))

    pid = forked(help_on)
    os.close(asked)
    os.close(told)
    return Helper(pid, ask, tell_)


def _help(
    run: Run[Any, Any],
    batches: Mapping[int, Batch[Any]],
    keeper: Keeper,
    numbers: tuple[int, int],
    ends: tuple[int, int],
) -> None:
    """What a helper does, from its first to its last moment."""
    asked, told = ends
    keeper.parts, keeper.numbers = [], numbers
    with os.fdopen(asked) as orders:
        for line in orders:
            number = json.loads(line)
            answer = answered(partial(_step, run, batches, keeper, number))
            text = json.dumps({name: value.decode("ascii") for name, value in answer.items()})
            os.write(told, text.encode("ascii") + b"\n")
            if number is None:
                return


def _step(
    run: Run[Any, Any], batches: Mapping[int, Batch[Any]], keeper: Keeper, number: int | None
) -> dict[str, bytes]:
    """Measures a batch, or writes what is left, and says which parts are new."""
    items, before = 0, len(keeper.parts)
    if number is None:
        keeper.flush()
    else:
        items = len(batches[number].items)
        keeper.take(number, measured(run, batches[number]))
    parts = [
        {"folder": str(each.folder), "batches": each.batches, "measured": each.measured, "rejected": each.rejected}
        for each in keeper.parts[before:]
    ]
    told = {"done": number, "items": items, "parts": parts, "noted": taken_counts()}
    return {"told": json.dumps(told, default=dict).encode("ascii")}
