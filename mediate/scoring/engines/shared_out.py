"""Processes that measure batches of a run beside this one, on a processor with several cores.

A tiny model is through with a pass sooner than Python is with what is around it, so that a second core is of no use to
one process. A helper is forked from it: weights and set are its own without being loaded, put into tokens or copied. It
measures with the same code, writes parts of its own, and tells of these; what is in no part when it dies, or does not
answer, is measured here.
"""

import json
import select
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import torch

from mediate.errors import InputError, one_line
from mediate.forking import can_fork, cores
from mediate.journal import add_counts
from mediate.models.gpu import CPU
from mediate.models.model import Model
from mediate.models.threads import TINY
from mediate.results.parts import Part
from mediate.scoring.batches import Batch
from mediate.scoring.engines.forked import Helper, helper_of
from mediate.scoring.engines.workers import checked
from mediate.scoring.keeping import Keeper
from mediate.scoring.measuring import Run
from mediate.watch import tell

# Of its own accord a run has so many processes at most, and so many batches for each.
MOST, LEAST = 4, 6
# Batches that a helper has in hand: the one that it is at, and the next.
IN_HAND = 2
# A helper that has not answered for so many times as long as the longest batch of all took, and for so many seconds, is
# none; before any is done, none is given up, for a model may be large.
TIMES, PATIENCE = 20.0, 60.0
# When a run ends before its time, helpers have so many seconds to write what they have.
LAST = 5.0
# Seconds after which it is looked whether a signal came.
BLINK = 0.2

Done = Callable[[int], object]


def processes_for(model: Model, batches: int, folder: Path | None, asked: int | None = None) -> int:
    """How many processes measure a run: those that are asked for, else as many as torch has threads, of a tiny model.

    Args:
        model: The hooked model.
        batches: How many are to be measured.
        folder: The run directory; without one all is in one process, as what helpers find is told by files.
        asked: How many are asked for.

    Raises:
        InputError: More than one are asked for where there can be none beside this one.
    """
    why = _why_alone(model, folder)
    if asked is not None and asked > 1 and why:
        raise InputError(f"num_workers is {asked}, and {why}; leave it out, or give engine='ray'")
    if asked is not None:
        return max(1, min(asked, batches))
    if why or model.facts.parameters > TINY:
        return 1
    return max(1, min(cores(), torch.get_num_threads(), MOST, batches // LEAST))


def _why_alone(model: Model, folder: Path | None) -> str:
    if not can_fork():
        return "processes beside this one are of Linux alone"
    if model.device.type != CPU:
        return f"the model is on {model.facts.device}, which processes cannot share"
    return "" if folder is not None else "what they find is told by files, and no run directory is written"


@dataclass(slots=True)
class SharedOut:
    """Batches of a run, some of which helpers measure.

    Args:
        left: Those that nobody has begun.
        keeper: Takes what is found.
        took: Takes each part that a helper has written.
        done: Takes how many more items are done.
        check: Raises what a signal that came meanwhile is to raise.
    """

    left: deque[Batch[Any]]
    keeper: Keeper
    took: Callable[[Part], object]
    done: Done
    check: Callable[[], object]
    helpers: list[Helper] = field(default_factory=list)
    _counted: set[int] = field(default_factory=set)
    _longest: float = 0.0

    def here(self) -> Iterator[tuple[Batch[Any], Done]]:
        """Each batch that is to be measured in this process, with what takes how many of its items are done."""
        while True:
            self._turn()
            if self.left:
                batch, began = self.left.popleft(), time.monotonic()
                yield batch, (int if batch.number in self._counted else self.done)
                self._longest = max(self._longest, time.monotonic() - began)
            elif self.helpers:
                self._wait(last=True)
            else:
                return

    def _wait(self, *, last: bool) -> None:
        """Waits a moment for helpers; those that have nothing more to do are told that it was all."""
        for helper in list(self.helpers):
            if not helper.waiting and last:
                self._tried(helper, partial(helper.ask, None))
        busy = [helper.told for helper in self.helpers if helper.waiting]
        select.select(busy, [], [], BLINK)
        self.check()

    def _turn(self) -> None:
        """Takes what helpers have told, and hands out what is left."""
        for helper in list(self.helpers):
            self._tried(helper, partial(self._take, helper))
        for most in range(1, IN_HAND + 1):
            for helper in list(self.helpers):
                if len(self.left) > len(self.helpers) and helper.waiting < most:
                    batch = self.left.popleft()
                    helper.given[batch.number] = batch
                    self._tried(helper, partial(helper.ask, batch.number))

    def _tried(self, helper: Helper, call: Callable[[], object]) -> None:
        """Makes a call of a helper; where that is gone, or hangs, what it had is left to others."""
        try:
            call()
            if not self._longest or helper.waited < max(PATIENCE, TIMES * self._longest):
                return
            why = "gave no answer"
        except BrokenPipeError:
            why = "ended"
        except OSError as error:
            why = f"failed ({one_line(error, 200)})"
        if helper.given:
            tell(f"a process beside this one {why}; what it had is measured again")
        self._let_go(helper)

    def _let_go(self, helper: Helper) -> None:
        helper.stop()
        self.helpers.remove(helper)
        self.left.extendleft(reversed(helper.given.values()))

    def _take(self, helper: Helper) -> None:
        """Takes what a helper has told.

        Raises:
            ItemError: What the helper met; so is InputError.
            OSError: It met something else, which is met here again where it is not of the helper alone.
        """
        for line in helper.lines():
            told = _told(line)
            self._longest = max(self._longest, helper.longest)
            add_counts(told["noted"])
            for each in told["parts"]:
                part = Part(Path(each["folder"]), tuple(each["batches"]), each["measured"], each["rejected"])
                self.keeper.parts.append(part)
                for number in part.batches:
                    del helper.given[number]
                self.took(part)
            if told["done"] is None:
                self._let_go(helper)
            else:
                self._counted.add(told["done"])
                self.done(told["items"])

    def close(self) -> None:
        """Has helpers write what they have, where that does not take long, and lets go of them."""
        ends = time.monotonic() + LAST
        self.left.clear()
        self.check = bool
        for helper in list(self.helpers):
            self._tried(helper, partial(helper.ask, None))
        while self.helpers and time.monotonic() < ends:
            self._wait(last=False)
            for helper in list(self.helpers):
                with suppress(Exception):  # what ends the run is told, and not what came after it
                    self._tried(helper, partial(self._take, helper))
        for helper in list(self.helpers):
            self._let_go(helper)


@contextmanager
def helped(shared: SharedOut, run: Run[Any, Any], count: int) -> Iterator[SharedOut]:
    """Batches to measure, of which helpers take some while this is open.

    Args:
        shared: The batches.
        run: What they are of.
        count: How many processes measure, with this one.
    """
    if count == 1:
        yield shared
        return
    shared.keeper.flush()
    shared.keeper.numbers = (0, count)
    batches = {batch.number: batch for batch in shared.left}
    try:
        for place in range(1, count):
            shared.helpers.append(helper_of(run, batches, shared.keeper, (place, count)))
        yield shared
    finally:
        shared.close()
        shared.keeper.numbers = (0, 1)


def _told(line: Mapping[str, str]) -> dict[str, Any]:
    try:
        told: dict[str, Any] = json.loads(checked({name: each.encode("ascii") for name, each in line.items()})["told"])
    except RuntimeError as error:
        raise OSError(str(error).strip().rpartition("\n")[2]) from error
    return told
