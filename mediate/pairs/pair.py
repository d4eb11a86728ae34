"""The record of a pair: an item in the base and the source world."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, TypeVar

from mediate.errors import ItemError, short
from mediate.pairs.answers import same_answer
from mediate.pairs.item import Item as Item
from mediate.pairs.item import said as said_of
from mediate.showing import record_cell

Thing = TypeVar("Thing")
# What a notebook shows of each world.
SHOWN = ("question", "cot", "answer")


class World(IntEnum):
    """The two worlds of a pair; written out, each is its word, `source` or `base`.

    A pair's record is indexed by it, and so is a tuple that holds something of each world: the source's comes first.

    Example:
        >>> [str(world) for world in md.World]
        ['source', 'base']
    """

    SOURCE = 0
    BASE = 1

    def __str__(self) -> str:
        return self.name.lower()

    @property
    def other(self) -> "World":
        """The world beside this one."""
        return World(1 - self)


def in_worlds(of: Callable[[World], Thing]) -> tuple[Thing, Thing]:
    """What something is in each world, to be indexed by `World`."""
    return of(World.SOURCE), of(World.BASE)


@dataclass(frozen=True, slots=True)
class Pair:
    """One item in two worlds that differ in the question and so in the answer.

    Args:
        id: Names the pair; unique in its set.
        group: What the bootstrap resamples: the template or problem that the pair comes from.
        base: The world whose answer outcomes are positive towards.
        source: The world that interventions take from.
        place: Where the pair stands, such as `pairs.jsonl:12`; empty for pairs made in memory.
        condition: Under which of a set's conditions it stands; empty in a set that has none.
        training: The family of reference reasoners of whose training the condition speaks, such as `worded`; other
            models are not measured on the pair. Empty where it speaks of none.

    Raises:
        ItemError: An empty question, answer or CoT, answers that are one value, or an answer that begins with
            the other.

    Example:
        >>> base = md.Item("1 + 1?", "2", "1 and 1 is 2.")
        >>> pair = md.Pair("a", "sums", base, md.Item("1 + 2?", "3", "1 and 2 is 3."))
        >>> pair[md.World.SOURCE].answer
        '3'
    """

    id: str
    group: str
    base: Item
    source: Item
    place: str = ""
    condition: str = ""
    training: str = ""

    def __post_init__(self) -> None:
        for world in reversed(World):
            item = self[world]
            if not item.question.strip():
                raise self._bad("empty_question", f"the {world} question is empty; write one")
            if not item.answer.strip():
                raise self._bad("empty_answer", f"the {world} answer is empty; write one")
            if item.cot is not None and not item.cot.strip():
                raise self._bad("empty_cot", f"the {world} CoT is empty; leave 'cot' out to let the model write it")
        base, source = self.base.answer.strip(), self.source.answer.strip()
        shown = short(base), short(source)
        change = "a pair needs a question change that changes the answer"
        if base == source:
            raise self._bad("equal_answers", f"both answers are {shown[0]}; {change}")
        if same_answer(base, source):
            raise self._bad("equal_answers", f"the answers {shown[0]} and {shown[1]} are one value; {change}")
        if base.startswith(source) or source.startswith(base):
            prefix, whole = shown if len(base) < len(source) else shown[::-1]
            raise self._bad(
                "prefix_answer", f"answer {prefix} is a prefix of {whole}; choose worlds whose answers part ways"
            )

    def __getitem__(self, world: World) -> Item:
        """The item in one of its worlds."""
        return (self.source, self.base)[world]

    def _bad(self, code: str, reason: str) -> ItemError:
        return ItemError(self.id, reason, place=self.place, code=code)

    def _repr_html_(self) -> str:
        rows = [(name, getattr(self.base, name), getattr(self.source, name)) for name in SHOWN]
        under = f", {self.condition}" if self.condition else ""
        return record_cell(f"Pair {self.id}, group {self.group}{under}", rows, ("", "base", "source"))


def pair_said(pair: Pair) -> dict[str, Any]:
    """What a pair says, as plain values: where it was read from, and for which models it is, do not count."""
    condition = {"condition": pair.condition} if pair.condition else {}
    worlds = {"base": said_of(pair.base), "source": said_of(pair.source)}
    return {"id": pair.id, "group": pair.group, **condition, **worlds}


def named_items(given: Pair | Item) -> tuple[tuple[str, Item], ...]:
    """What is given, item by item, each with the word that tells it apart in a message: none of an item by itself."""
    if isinstance(given, Item):
        return (("", given),)
    return tuple((f"{world} ", given[world]) for world in reversed(World))


def check_questions(pair: Pair) -> None:
    """Raises ItemError where both worlds of a pair from a file ask the same: nothing tells which answer is right.

    A pair made in memory may be so, as a control whose effects are 0.
    """
    if pair.place and pair.base.question.split() == pair.source.question.split():
        base, source = short(pair.base.answer), short(pair.source.answer)
        reason = f"both worlds ask the same question, and the answers are {base} and {source}; change one question"
        raise ItemError(pair.id, reason, place=pair.place, code="equal_questions")
