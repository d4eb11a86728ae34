"""How many items may fail before a run stops: a model that is broken must not fail all night."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from mediate.errors import InputError
from mediate.results.folder import Results
from mediate.results.parts import Part
from mediate.showing import plural

# What takes the place of an item that workers die over.
WORKER_DIED = "worker_died"
# Why an item is left out where neither it nor what the model wrote is to blame, but model or machine.
FAILURES = frozenset({"nonfinite", "out_of_memory", WORKER_DIED})
# Where so many items failed first and none was measured, it is the model or the machine, and not the items.
FIRST = 100
_WRITTEN = re.compile(r"(?P<count>[0-9]+)|(?P<part>[0-9]+(?:\.[0-9]+)?)\s*%")


def check_allowed(allowed: str) -> str:
    """The number or part of the items that may fail, as it was given.

    Raises:
        ValueError: It is neither a number of items nor a part of them in per cent.
    """
    found = _WRITTEN.fullmatch(allowed.strip())
    if found is None or float(found["part"] or 0) > 100:
        raise ValueError("give how many items may fail, such as 20, or a part of them, such as 5%")
    return allowed.strip()


def most_failures(allowed: str, items: int) -> int:
    """How many of some items may fail."""
    found = _WRITTEN.fullmatch(allowed)
    if found is None:
        raise ValueError(f"no number of items: {allowed!r}")
    return int(found["count"]) if found["count"] else int(items * float(found["part"]) / 100)


@dataclass(slots=True)
class Tally:
    """What became of the items of a run so far.

    Args:
        measured: How many were measured.
        failed: How many failed, by the code of why; those that were left out for other reasons do not count.
        example: Why one of them failed.
    """

    measured: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    example: str = ""

    @classmethod
    def of(cls, parts: Sequence[Part]) -> "Tally":
        """What became of the items of some parts."""
        tally = cls()
        for part in parts:
            tally.count(part.measured, part.rejected)
        return tally

    def count(self, measured: int, rejected: Mapping[str, int]) -> None:
        """Counts what a part of the run holds, left out by the code of why."""
        self.measured += measured
        self.failed.update({code: count for code, count in rejected.items() if code in FAILURES})

    def add(self, results: Results) -> None:
        """Counts what was found of a batch."""
        left_out = [each for each in results.rejects if each.part == "item" and each.code in FAILURES]
        self.count(len(results.items), Counter(each.code for each in left_out))
        if left_out and not self.example:
            self.example = f"; such as item {left_out[0].item!r}: {left_out[0].reason}"

    def check(self, allowed: str | None, items: int) -> None:
        """Ends a run of which too many items failed.

        Args:
            allowed: How many may; None for any number once an item was measured.
            items: How many there are.

        Raises:
            InputError: More failed than may.
        """
        failed = self.failed.total()
        if allowed is None:
            if self.measured or failed < FIRST:
                return
            may = "and none was measured"
        else:
            most = most_failures(allowed, items)
            if failed <= most:
                return
            may = f"and --max-errors allows {most}"
        codes = ", ".join(f"{count} {code}" for code, count in self.failed.most_common())
        raise InputError(
            f"{failed} of {plural(items, 'item')} failed ({codes}), {may}{self.example}; mend that and give a new "
            "directory, or let more of them fail (--max-errors N or P%)"
        )
