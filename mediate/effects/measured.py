"""What a run says of its items: those that were measured, in their two worlds, and those that were left out."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class World:
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
    """

    question: str
    answer: str
    tokens: tuple[str, ...]
    steps: tuple[int, ...]
    states_answer: int | None
    written: bool
    said: str | None = None
    states_result: bool | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """One measured item in its two worlds."""

    id: str
    group: str
    base: World
    source: World


@dataclass(frozen=True, slots=True)
class Reject:
    """An item, or one map of it, that was left out.

    Args:
        item: The item's id; empty where it could not be read.
        code: A short word for counting.
        reason: Why, in one sentence.
        place: The file and line, where there is one.
        part: What was left out: `item`, or the name of a map while the rest of the item was measured.
    """

    item: str
    code: str
    reason: str
    place: str = ""
    part: str = "item"
