"""What is done of a run is kept as parts in its directory, so that no more than some seconds of it can be lost."""

import time
from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mediate.clock import stage
from mediate.errors import InputError
from mediate.journal import note
from mediate.results.folder import Results
from mediate.results.merged import merged
from mediate.results.parts import (
    Part,
    Plan,
    counts_of,
    done_words,
    read_part,
    set_aside,
    taken_up,
    write_part,
    write_plan,
)
from mediate.scoring.noting import ItemTimes

# A part is closed after so much work, in seconds, or with so many items.
SECONDS, ITEMS = 10.0, 500


@dataclass(slots=True)
class Keeper:
    """Takes what is found of batches, and gives back what was found of all of them.

    Args:
        folder: The run directory; None to keep all in memory.
        plan: What the run is made of.
        outcomes: The names of its outcomes, in order.
        parts: Those that are on disk.
        held: What is not, by the number of its batch.
        since: When the last part was written, by the monotonic clock.
        times: Notes items.
        numbers: Which of how many processes that write parts this is.
    """

    folder: Path | None
    plan: Plan
    outcomes: Sequence[str] = ()
    parts: list[Part] = field(default_factory=list)
    held: dict[int, Results] = field(default_factory=dict)
    since: float = field(default_factory=time.monotonic)
    times: ItemTimes = field(default_factory=ItemTimes)
    numbers: tuple[int, int] = (0, 1)

    def __post_init__(self) -> None:
        if self.folder is not None:
            self.parts = list(taken_up(self.folder, self.plan))
            write_plan(self.folder, self.plan)

    @property
    def done(self) -> frozenset[int]:
        """The numbers of the batches that are done, whether or not they are on disk."""
        return frozenset([number for part in self.parts for number in part.batches] + list(self.held))

    @contextmanager
    def kept(self, said: MutableMapping[str, Any], since: float) -> Iterator[None]:
        """While open, whatever ends the run, what is done by then is written, and what is done is said.

        Args:
            said: Takes what is said of a run that is not finished, for its manifest.
            since: The monotonic clock when the run began.
        """
        try:
            yield
        except BaseException as stop:
            with suppress(OSError):  # a full disk, which may be what ends it
                self.flush()
            counts = counts_of(self.plan, self.parts)
            said.update(counts=counts, seconds=round(time.monotonic() - since, 3))
            if self.folder is not None:
                stop.add_note(f"{done_words(counts)} done")
            raise

    def take(self, number: int, results: Results) -> None:
        """Takes what was found of a batch; writes a part where enough is done."""
        self.held[number] = results
        self.times.note_all(results)
        if self.folder is None:
            return
        if time.monotonic() - self.since >= SECONDS or sum(len(each.items) for each in self.held.values()) >= ITEMS:
            self.flush()

    def flush(self) -> None:
        """Writes what is not on disk yet."""
        if self.folder is not None and self.held:
            with stage("writing parts"):
                found = merged(list(self.held.values()), self.plan.order, outcomes=self.outcomes, manifest=self._told())
                part = write_part(self.folder, found, list(self.held), self.plan.fingerprint, self.numbers)
            self.parts.append(part)
            note("part", part=part.folder.name, batches=part.batches, measured=part.measured, rejected=part.rejected)
            self.held.clear()
        self.since = time.monotonic()

    def _told(self) -> dict[str, Any]:
        return {"spec": {"outcomes": list(self.outcomes)}}

    def whole(self, manifest: Mapping[str, Any]) -> Results | None:
        """What was found of all batches that are done; None where a part was damaged since, so that it is missing."""
        self.flush()
        found, kept = list[Results](), list[Part]()
        for part in self.parts:
            try:
                found.append(read_part(part))
                kept.append(part)
            except InputError as error:
                set_aside(part.folder, error)
        whole = len(kept) == len(self.parts)
        self.parts = kept
        if not whole:
            return None
        return merged([*found, *self.held.values()], self.plan.order, outcomes=self.outcomes, manifest=manifest)
