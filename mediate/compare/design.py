"""Who reads whose chains: own traces, shared traces, or readers crossed with writers; never a mixture."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from mediate.compare.runs import GIVEN, NamedRun, Writer
from mediate.errors import InputError
from mediate.results import Measured

Texts = tuple[str, ...]
REMEDY = "own and shared traces are not mixed: score such runs again, leave them out, or compare with allow_mixed"


class Design(StrEnum):
    """Who reads whose chains."""

    OWN = "own trace"  # each model reads the chains that it wrote
    SHARED = "shared trace"  # all models read the same chains
    CROSSED = "reader x writer"  # each of several models reads the chains of each
    MIXED = "mixed"  # compared all the same, because the user said so


@dataclass(frozen=True, slots=True)
class Traces:
    """The chains of the shared items.

    Args:
        design: Who reads whose.
        writers: The writer of each run's chains; None where they have several.
        same_steps: The items whose chains are the same, step by step and in both worlds, in all runs.
        fault: Why the design is mixed; empty where it is not.
    """

    design: Design
    writers: tuple[Writer | None, ...]
    same_steps: frozenset[str]
    fault: str = ""


def find_design(runs: Sequence[NamedRun], items: Sequence[str], *, allow_mixed: bool = False) -> Traces:
    """Finds the design from the chains and who wrote them.

    Raises:
        InputError: An item does not fit the design of the others; the line names it.
    """
    measured = [{item.id: item for item in run.results.items} for run in runs]
    texts = [{item: _texts(has[item]) for item in items} for has in measured]
    wrote = [{item: run.writer(has[item]) for item in items} for run, has in zip(runs, measured, strict=True)]
    single = tuple(next(iter(each.values())) if len(set(each.values())) == 1 else None for each in wrote)
    counts = [{item: _steps(has[item]) for item in items} for has in measured]
    same = [item for item in items if all(each[item] == texts[0][item] for each in texts)]
    stepwise = frozenset(item for item in same if all(each[item] == counts[0][item] for each in counts))
    own = [item for item in items if all(each[item] == run.reader for run, each in zip(runs, wrote, strict=True))]
    if len(own) == len(items):
        return Traces(Design.OWN, single, stepwise)
    if len(same) == len(items):
        return Traces(Design.SHARED, single, stepwise)
    if _crossed(runs, single):
        fault = _unlike(runs, single, texts, items)
        if not fault:
            return Traces(Design.CROSSED, single, stepwise)
    else:
        fault = _misfit(runs, wrote, texts, own, same, items)
    if not allow_mixed:
        raise InputError(f"compare: {fault}; {REMEDY}")
    return Traces(Design.MIXED, single, stepwise, fault)


def _texts(item: Measured) -> Texts:
    return tuple("".join(told.tokens) for _, told in item.worlds)


def _steps(item: Measured) -> tuple[int, ...]:
    return tuple(len(set(told.steps)) for _, told in item.worlds)


def _crossed(runs: Sequence[NamedRun], writers: Sequence[Writer | None]) -> bool:
    """Whether every model reads the chains of every one of them, once."""
    cells = [
        (run.reader.fingerprint, each.fingerprint if each else "") for run, each in zip(runs, writers, strict=True)
    ]
    readers, wrote = {cell[0] for cell in cells}, {cell[1] for cell in cells}
    whole = len(cells) == len(set(cells)) == len(readers) * len(wrote)
    return whole and len(readers) > 1 and readers == wrote


def _unlike(
    runs: Sequence[NamedRun],
    writers: Sequence[Writer | None],
    texts: Sequence[Mapping[str, Texts]],
    items: Sequence[str],
) -> str:
    """Names the first item whose chains differ between two runs of one writer."""
    first: dict[Writer | None, int] = {}
    for place, writer in enumerate(writers):
        other = first.setdefault(writer, place)
        for item in items:
            if texts[place][item] != texts[other][item]:
                return (
                    f"item {item!r}: its chain in {runs[place].label!r} is not that in {runs[other].label!r}, though "
                    f"{writer.name if writer else 'one model'} wrote both"
                )
    return ""


def _misfit(
    runs: Sequence[NamedRun],
    wrote: Sequence[Mapping[str, Writer]],
    texts: Sequence[Mapping[str, Texts]],
    own: Sequence[str],
    same: Sequence[str],
    items: Sequence[str],
) -> str:
    """Names the first item that does not fit what most items say the design is, and how."""
    if len(own) > len(same):
        item = next(item for item in items if item not in set(own))
        run, writer = next((run, each[item]) for run, each in zip(runs, wrote, strict=True) if each[item] != run.reader)
        by = "was given" if writer.fingerprint == GIVEN else f"was written by {writer.name}"
        return f"item {item!r}: its chain in {run.label!r} {by}, and {len(own)} of {len(items)} items have own traces"
    item = next(item for item in items if item not in set(same))
    there = next(place for place, each in enumerate(texts) if each[item] != texts[0][item])
    others = f"{len(same)} of {len(items)} items have shared traces" if same else "no item has a shared trace"
    names = " and ".join(f"{wrote[place][item].name} ({runs[place].label!r})" for place in (0, there))
    return (
        f"item {item!r}: its chains in two runs differ, by {names}; {others}, and not every run's model wrote its own"
    )
