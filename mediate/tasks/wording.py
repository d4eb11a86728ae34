"""What a family of pairs varies, and the wordings in which it can be said.

A *condition* says in no language what is special about a problem and its chain. A *wording* is a language of problems:
it draws them, and tells each under a condition that it has words for.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

import numpy as np

from mediate.pairs.item import Item
from mediate.tasks.modular import Hint
from mediate.tasks.worded import MOST_ASIDES, Verbosity

# How many irrelevant sentences there can be.
ANY_ASIDES = tuple(range(1, MOST_ASIDES + 1))


class Names(StrEnum):
    """By which names things are called: their own, ones that a question defines, ones that mean nothing, letters."""

    USUAL = "usual"
    DEFINED = "defined"
    REDEFINED = "redefined"
    NONSENSE = "nonsense"
    SYMBOLS = "symbols"


class Wrong(StrEnum):
    """Which result of a chain is wrong; what follows goes on from it."""

    FIRST = "first"
    LAST = "last"


# What wordings that have sentences can vary beyond what operations and things are called, by field of a condition.
IN_SENTENCES: Mapping[str, tuple[Any, ...]] = {
    "clause": (True,),
    "hint": tuple(Hint),
    "before": ANY_ASIDES,
    "after": ANY_ASIDES,
    "together": (2,),
    "verbosity": (Verbosity.TERSE, Verbosity.RESTATED, Verbosity.CHECKED),
    "filled": (True,),
    "wrong": tuple(Wrong),
}


@dataclass(frozen=True, slots=True)
class Condition:
    """One of a family's conditions: how a problem is asked and its chain told. What is not said is as usual.

    Args:
        name: As it is stored.
        names: What is called by which names.
        clause: Whether the question ends in a clause that makes another answer right.
        hint: What the hint says.
        before: Irrelevant sentences between question and chain.
        after: Irrelevant sentences between chain and answer.
        together: Operations of one step.
        verbosity: How much is said of each step.
        filled: Whether results are marked as filled in.
        wrong: Which result is wrong; what is measured stays the right answer.
        own: Whether the model writes the chain, even where chains are given.
        away: By how much the answer that follows the chain differs from the right one; 0 for the right one.
    """

    name: str
    names: Names = Names.USUAL
    clause: bool = False
    hint: Hint | None = None
    before: int = 0
    after: int = 0
    together: int = 1
    verbosity: Verbosity = Verbosity.PLAIN
    filled: bool = False
    wrong: Wrong | None = None
    own: bool = False
    away: int = 0


# By field that a wording must have words for: what it varies.
VARIED = {
    "names": "other names",
    "clause": "clauses",
    "hint": "hints",
    "before": "irrelevant sentences",
    "after": "irrelevant sentences",
    "together": "two operations a step",
    "verbosity": "other verbosity",
    "filled": "results filled in",
    "wrong": "wrong results",
}
USUAL = Condition("as usual")


class Drawn(NamedTuple):
    """A problem with its twin, before it is told.

    Args:
        steps: How many operations they have.
        place: Where they stand among all.
        worlds: Both, as their wording knows them.
    """

    steps: int
    place: int
    worlds: Any


# From whose name, how many, the range of operations, a seed, and whether a clause must do the same to both worlds.
Drawing = Callable[[str, int, tuple[int, int] | int, int, bool], Iterator[Drawn]]
# The base and the source item, with their chains; what is random about a condition is drawn.
Telling = Callable[[Any, Condition, np.random.Generator], tuple[Item, Item]]


@dataclass(frozen=True, slots=True)
class ProblemWording:
    """A language of problems.

    Args:
        name: What `--wording` calls it.
        words: What its problems are, in a phrase.
        model: A model that reads it.
        draw: Draws problems with their twins.
        tell: Tells one under a condition.
        says: By field of a condition, what it can be beyond the usual.
        calls: Conditions that are called otherwise, because the usual is another here.
        trained: The family of reference reasoners that were trained on its problems; empty where there is none.
    """

    name: str
    words: str
    model: str
    draw: Drawing
    tell: Telling
    says: Mapping[str, tuple[Any, ...]]
    calls: Mapping[str, str] = field(default_factory=dict)
    trained: str = ""

    def lacks(self, condition: Condition) -> tuple[str, ...]:
        """What it has no words for, in phrases; none where it can say the condition."""
        return tuple(
            words
            for name, words in VARIED.items()
            if getattr(condition, name) not in (getattr(USUAL, name), *self.says.get(name, ()))
        )

    @property
    def varies(self) -> tuple[str, ...]:
        """What it can vary, in phrases."""
        return tuple(dict.fromkeys(words for name, words in VARIED.items() if name in self.says))
