"""What the log of a run says of its items. Imports no torch."""

import time
from collections.abc import Iterable, Mapping
from typing import Any

from mediate.journal import note
from mediate.results.told import Reject


def note_choices(choices: Mapping[str, Any], model: str, count: int, rejects: Iterable[Reject]) -> None:
    """What a run does, with no choice left open, and what of its items was left out before anything was measured."""
    note("choices", model=model, items=count, spec=choices)
    for each in rejects:
        note_reject(each)


def note_reject(reject: Reject, **more: Any) -> None:
    """An item, or a part of one such as a map, that is left out."""
    note("item", item=reject.item, status="rejected", part=reject.part, code=reject.code, reason=reject.reason, **more)


class ItemTimes:
    """Notes items as they are done, with the seconds since the last one."""

    def __init__(self) -> None:
        self.last = time.monotonic()

    def note(self, item: str, left_out: Iterable[Reject] = (), reject: Reject | None = None) -> None:
        """An item that was measured, with what of it was left out; or why it was not."""
        now = time.monotonic()
        seconds, self.last = round(now - self.last, 3), now
        if reject is not None:
            note_reject(reject, seconds=seconds)
            return
        note("item", item=item, status="measured", seconds=seconds)
        for each in left_out:
            note_reject(each)
