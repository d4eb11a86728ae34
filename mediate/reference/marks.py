"""How the shipped reference reasoners did in their exams; reading that needs nothing that examines or trains."""

import json
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from mediate.models.shipped import FOLDER
from mediate.tasks.modular import Hint

MARKS = "marks.json"


class Way(StrEnum):
    """What stands between a question and its answer."""

    OWN_CHAIN = "own chain"
    GIVEN_CHAIN = "right chain"
    OTHER_CHAIN = "other chain"
    NO_CHAIN = "no chain"


@dataclass(frozen=True, slots=True)
class Mark:
    """How many of a number of held-out problems were answered rightly.

    Args:
        steps: Steps of the problems.
        hint: What the hints say.
        way: What stands between question and answer.
        n: Problems.
        right: Of them, answered as the question asks.
        followed: With another question's chain: answered as that chain ends. Else as many as `right`.
    """

    steps: int
    hint: Hint
    way: Way
    n: int
    right: int
    followed: int


def read_marks(folder: Path = FOLDER) -> dict[str, tuple[Mark, ...]]:
    """The marks of each reference reasoner, as its card has them."""
    records = json.loads((folder / MARKS).read_text(encoding="utf-8"))
    return {
        name: tuple(Mark(**(mark | {"hint": Hint(mark["hint"]), "way": Way(mark["way"])})) for mark in record["marks"])
        for name, record in records.items()
    }
