"""Which items all runs share, by id and by what they say; and why the others were dropped."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from mediate.compare.runs import NamedRun
from mediate.errors import InputError, short
from mediate.results import Measured, Reject

NOT_GIVEN, REJECTED, OTHER_CONTENT = "not given", "rejected", "other content"
_MANY = 3


@dataclass(frozen=True, slots=True)
class Dropped:
    """An item that is not compared, and a run because of which it is not.

    Args:
        item: The item's id.
        run: The label of the run.
        status: `rejected` there, `not given` there, or of `other content` than in the first run that has it.
        code: The reject's short word; empty of items that were not rejected.
        reason: Why, in one sentence.
    """

    item: str
    run: str
    status: str
    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class Pairing:
    """The items that are compared.

    Args:
        items: The shared items' ids, in the order of the first run.
        groups: The group of each.
        dropped: A record for each item that some run lacks, and such a run.
    """

    items: tuple[str, ...]
    groups: tuple[str, ...]
    dropped: tuple[Dropped, ...]

    @property
    def dropped_items(self) -> int:
        """How many items some run has and another lacks."""
        return len({each.item for each in self.dropped})

    def reasons(self) -> dict[tuple[str, str, str], int]:
        """How many items were dropped, by run, status and code."""
        return dict(Counter((each.run, each.status, each.code) for each in self.dropped))


def content(item: Measured) -> tuple[str, ...]:
    """What an item asks and answers, and its group: what must be equal for it to be the same item."""
    return (*(text for _, told in item.worlds for text in (told.question, told.answer)), item.group)


def pair_items(runs: Sequence[NamedRun], *, allow_mixed: bool = False) -> Pairing:
    """Pairs the items of several runs.

    Args:
        runs: What is compared.
        allow_mixed: Drops items that say something else in one run, instead of refusing them.

    Raises:
        InputError: No item was measured in all runs, or one says something else in one run.
    """
    measured = [{item.id: item for item in run.results.items} for run in runs]
    known = dict.fromkeys(item for run in measured for item in run)
    rejects = [{each.item: each for each in run.results.rejects if each.part == "item" and each.item} for run in runs]
    first = {item: next(run[item] for run in measured if item in run) for item in known}
    dropped: list[Dropped] = []
    for item in known:
        for run, has, refused in zip(runs, measured, rejects, strict=True):
            if item not in has:
                dropped.append(_missing(item, run, refused.get(item)))
            elif content(has[item]) != content(first[item]):
                dropped.append(Dropped(item, run.label, OTHER_CONTENT, "", _different(first[item], has[item])))
                if not allow_mixed:
                    raise InputError(
                        f"compare: item {item!r} is another one in {run.label!r}: {dropped[-1].reason}; compare runs "
                        "of the same pairs, or drop such items with allow_mixed"
                    )
    lacking = {each.item for each in dropped}
    shared = tuple(item for item in measured[0] if item not in lacking)
    if not shared:
        counts = ", ".join(f"{run.label!r} has {len(has)}" for run, has in zip(runs, measured, strict=True))
        why = "; ".join(f"{each.item!r} in {each.run!r}: {each.reason}" for each in dropped[:_MANY])
        raise InputError(f"compare: no item was measured in all runs ({counts}; {why}); score the same pairs with each")
    return Pairing(shared, tuple(measured[0][item].group for item in shared), tuple(dropped))


def _missing(item: str, run: NamedRun, reject: Reject | None) -> Dropped:
    if reject is None:
        return Dropped(item, run.label, NOT_GIVEN, "", "not among the pairs of that run")
    return Dropped(item, run.label, REJECTED, reject.code, reject.reason)


def _different(one: Measured, other: Measured) -> str:
    names = ("base question", "base answer", "source question", "source answer", "group")
    found = zip(names, content(one), content(other), strict=True)
    name, here, there = next(each for each in found if each[1] != each[2])
    return f"its {name} is {short(there, 60)}, elsewhere {short(here, 60)}"
