"""What a model answered after an edited chain: one record an item, edit, place and reading, and their table."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import TYPE_CHECKING

from mediate.pairs.answers import same_answer

if TYPE_CHECKING:
    import pandas

# The chain as it is, which all edits are held against.
WHOLE = "whole"


class ReadAs(StrEnum):
    """How an edited chain is read; the two are never mixed."""

    AT_ONCE = "at_once"
    CONTINUED = "continued"


@dataclass(frozen=True, slots=True)
class Behaved:
    """What a model answered after an edited chain of one item.

    Args:
        item: The item's id.
        group: The item's group.
        edit: The name of the edit; `whole` for the chain as it is.
        place: How many steps stand before the edit; of an edit of the whole chain 0, of the chain as it is all.
        steps: How many steps the chain has.
        reading: `at_once`: the edited chain stands, and the answer follows. `continued`: the model writes on from the
            edit, and then answers.
        replaced: The part of the chain's tokens that stands in steps which the edit touches.
        said: What it said after the cue.
        answer: The answer in it, normalised; empty where it does not parse.
        same: Whether that is its answer after the chain as it is, read at once; what does not parse is not.
        right: Whether it is the measured answer.
        logprob: The log-probability of the measured answer, in nats; NaN where the chain was continued.
        written: What it wrote on from the edit.
        code: A short word on why the edit could not be made; else empty.
        reason: The same in a sentence.
        towards: The answer that what was put in place speaks for, such as a hint's; empty where there is none.
    """

    item: str
    group: str
    edit: str
    place: int
    steps: int
    reading: str
    replaced: float = 0.0
    said: str = ""
    answer: str = ""
    same: bool = False
    right: bool = False
    logprob: float = float("nan")
    written: str = ""
    code: str = ""
    reason: str = ""
    towards: str = ""

    def __post_init__(self) -> None:
        if not 0 <= self.place <= self.steps or self.reading not in tuple(ReadAs):
            raise ValueError(f"item {self.item!r}: place {self.place} of {self.steps} steps, read {self.reading}")
        if bool(self.code) != bool(self.reason) or (self.same and not self.answer) or (self.code and self.said):
            raise ValueError(f"item {self.item!r}: {self.edit} needs either an answer or a reason for none")

    @property
    def made(self) -> bool:
        """Whether the edit could be made."""
        return not self.code

    @property
    def parsed(self) -> bool:
        """Whether an answer could be found in what was said."""
        return bool(self.answer)

    @property
    def followed(self) -> bool:
        """Whether the answer is the one that what was put in place speaks for."""
        return bool(self.towards and self.answer) and same_answer(self.answer, self.towards)


def behaviour_table(found: Sequence[Behaved]) -> "pandas.DataFrame":
    """A row an item, edit, place and reading."""
    import pandas as pd

    names = [each.name for each in fields(Behaved)]
    return pd.DataFrame([{name: getattr(each, name) for name in names} for each in found], columns=names)


def behaviour_from_table(table: "pandas.DataFrame") -> tuple[Behaved, ...]:
    """The inverse of `behaviour_table`."""
    # Of runs from before there were hints, the table has no column of them.
    names = [each.name for each in fields(Behaved) if each.name != "towards" or "towards" in table]
    rows = table[names].to_dict("records")
    return tuple(Behaved(**{str(name): value for name, value in row.items()}) for row in rows)
