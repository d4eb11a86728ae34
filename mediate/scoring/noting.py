"""What the log of a run says of its items. Imports no torch."""

import time
from collections.abc import Iterable, Mapping
from typing import Any

from mediate.journal import note
from mediate.results.folder import Results
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
    """Notes items as their batches are done, with the seconds since the last one, an item."""

    def __init__(self) -> None:
        self.last = time.monotonic()

    def note_all(self, results: Results) -> None:
        """The items of a batch: those that were measured, what of them was left out, and why others were not."""
        whole = [each for each in results.rejects if each.part == "item"]
        now, count = time.monotonic(), max(1, len(results.items) + len(whole))
        seconds, self.last = round((now - self.last) / count, 3), now
        for item in results.items:
            note("item", item=item.id, status="measured", seconds=seconds)
        for each in results.rejects:
            note_reject(each, **({"seconds": seconds} if each in whole else {}))
