"""What a run says of its items: those that were measured, in their two worlds, and those that were left out."""

import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, fields
from sys import intern
from typing import TYPE_CHECKING, Any

import numpy as np

from mediate.errors import ItemError
from mediate.pairs.pair import World
from mediate.traces.trace import Trace

if TYPE_CHECKING:
    import pandas


# What was left out of an item that was measured: the text between its chain and its answer.
BRIDGE = "bridge"


@dataclass(frozen=True, slots=True)
class Told:
    """What stood in one world of an item, for tables and figures.

    Args:
        question: The question's text as given.
        answer: The answer's text as given.
        tokens: The text of each CoT token.
        steps: The step of each CoT token, counted from 0.
        states_answer: The CoT token at which the chain first states the answer as a result, or else the answer first
            occurs; None if it never does.
        written: Whether the model wrote the chain.
        said: What the model itself answers after the chain; None where it was not asked.
        states_result: Whether it stands there as a result; else it is only the first occurrence. None where there is
            no such token, or it was not told.
        given: The given answer, where the model's own was measured beside it; else None.
        stated: The answer that the response of a log itself states; None where there was no response.
    """

    question: str
    answer: str
    tokens: tuple[str, ...]
    steps: tuple[int, ...]
    states_answer: int | None
    written: bool
    said: str | None = None
    states_result: bool | None = None
    given: str | None = None
    stated: str | None = None


def told_of(question: str, answer: str, trace: Trace, values: Sequence[int], said: str | None) -> Told:
    """What stood in one world of an item.

    Args:
        question: As given.
        answer: The one that is measured.
        trace: The chain.
        values: The result of each step of a given chain, where the data have them.
        said: What the model itself answers after the chain, where it was asked.
    """
    stated = trace.stated(answer, values)
    return Told(
        question=question,
        answer=answer,
        tokens=trace.tokens,
        steps=trace.steps,
        states_answer=None if stated is None else stated.stop - 1,
        written=trace.written,
        said=said,
        states_result=None if stated is None else stated.result,
    )


@dataclass(frozen=True, slots=True)
class Measured:
    """One measured item in its two worlds; one by itself has no source world.

    Args:
        id: Its name.
        group: What the bootstrap resamples.
        base: What stood in the base world.
        source: What stood in the source world, where there is one.
        condition: Under which of the set's conditions it stands; empty in a set that has none.
    """

    id: str
    group: str
    base: Told
    source: Told | None = None
    condition: str = ""

    def __getitem__(self, world: World) -> Told:
        """What stood in one of its worlds; a KeyError where it has no such world."""
        return dict(self.worlds)[world]

    @property
    def written(self) -> bool:
        """Whether the model wrote all its chains."""
        return all(told.written for _, told in self.worlds)

    @property
    def worlds(self) -> tuple[tuple[World, Told], ...]:
        """What stood in each of its worlds, the base first."""
        base = ((World.BASE, self.base),)
        return base if self.source is None else (*base, (World.SOURCE, self.source))


_LEAVE_OUT = re.compile(r"(?:;|,? or) leave (?:it|the item|such items) out(?: \(skip\))?$")


@dataclass(frozen=True, slots=True)
class Reject:
    """An item, or one map of it, that was left out.

    Args:
        item: The item's id; empty where it could not be read.
        code: A short word for counting.
        reason: Why, in one sentence.
        place: The file and line, where there is one.
        part: What was left out: `item`, or of an item that was measured the name of a map or an outcome, or `bridge`.
    """

    item: str
    code: str
    reason: str
    place: str = ""
    part: str = "item"

    @property
    def is_map(self) -> bool:
        """Whether a map or an outcome of a measured item was left out."""
        return self.part not in ("item", BRIDGE)


def left_out_by(error: ItemError, place: str = "", part: str = "item") -> Reject:
    """What an error leaves out, without the advice to leave it out.

    Args:
        error: Why.
        place: The file and line, where the error has none.
        part: As of `Reject`.
    """
    return Reject(error.item, error.code, _LEAVE_OUT.sub("", error.reason), error.place or place, part)


def item_table(items: Sequence[Measured]) -> "pandas.DataFrame":
    """A row an item and world: texts, CoT tokens, the step of each token, where the answer is stated.

    A set that has conditions has them in a column of their own.
    """
    import pandas as pd

    conditioned, names = any(item.condition for item in items), [each.name for each in fields(Told)]
    rows = [
        {"item": item.id, "group": item.group, "world": str(world), **{name: getattr(told, name) for name in names}}
        | ({"condition": item.condition} if conditioned else {})
        for item in items
        for world, told in item.worlds
    ]
    frame = pd.DataFrame(rows)
    return frame.astype({"states_answer": "Int64", "states_result": "boolean"}) if rows else frame


def items_from_table(table: "pandas.DataFrame") -> tuple[Measured, ...]:
    """The inverse of `item_table`."""
    import pandas as pd

    worlds: dict[tuple[str, str, str], dict[str, Told]] = {}
    for row in table.to_dict("records"):
        condition = _text(row.get("condition")) or ""
        worlds.setdefault((str(row["item"]), str(row["group"]), condition), {})[row["world"]] = Told(
            question=row["question"],
            answer=row["answer"],
            tokens=tuple(map(intern, row["tokens"])),  # the same few stand in all chains
            steps=tuple(np.asarray(row["steps"], dtype=np.int64).tolist()),
            states_answer=None if pd.isna(row["states_answer"]) else int(row["states_answer"]),
            written=bool(row["written"]),
            said=None if pd.isna(row["said"]) else str(row["said"]),
            states_result=_states_result(row),
            given=_text(row.get("given")),
            stated=_text(row.get("stated")),
        )
    return tuple(
        Measured(item, group, both[str(World.BASE)], both.get(str(World.SOURCE)), condition)
        for (item, group, condition), both in worlds.items()
    )


def _text(cell: object) -> str | None:
    """What a cell says; older tables have no such column."""
    return cell if isinstance(cell, str) else None


def _states_result(row: Mapping[Hashable, Any]) -> bool | None:
    """Whether the answer stands as a result where a chain states it; the chain's words say so where a run did not."""
    import pandas as pd

    if pd.isna(row["states_answer"]):
        return None
    if "states_result" in row:
        return None if pd.isna(row["states_result"]) else bool(row["states_result"])
    tokens, steps = tuple(row["tokens"]), tuple(int(step) for step in row["steps"])
    found = Trace("".join(tokens), tuple(range(len(tokens))), tokens, steps).stated(row["answer"])
    return found is not None and found.result and found.stop - 1 == int(row["states_answer"])
