"""The record of an item: a question with its answer, and perhaps a chain, the options, or how a model answered it."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

from mediate.errors import ItemError, short
from mediate.pairs.answers import normalise
from mediate.showing import record_cell

# What every item has, in a pair or by itself; the fields after these count only where they are not left to default.
_OF_A_PAIR = ("question", "answer", "cot", "values")
# How an item came to be read, which is not what it says.
_NOT_SAID = ("place", "chat")


@dataclass(frozen=True, slots=True)
class Item:
    r"""A question with its answer and, where one is given, the chain of thought between them.

    In a pair the pair has the id, and only the first four fields are given. Where a response of a log was cut, it reads
    `opened + cot + closed + bridge + stated` up to the end of the answer, character for character; without think tags,
    `opened`, `closed` and `bridge` are empty, and the chain ends before the sentence that states the answer.

    Args:
        question: The question's text.
        answer: The answer's text, without the space that sets it off; empty for an item by itself whose answer is the
            model's own.
        cot: The chain of thought; None lets the model write it.
        values: The result of each step, where the steps are known.
        id: Names the item; unique in its set.
        group: What the bootstrap resamples; empty for the id.
        options: The answers to choose from, of which `answer` is one.
        place: Where the item stands, such as `log.jsonl:12`; empty for items made in memory.
        system: The system prompt that stood before the question; None where there was none.
        opened: What stood before the chain, such as `<think>\n`; empty where the tag was part of the prompt.
        closed: What stood behind it, such as `\n</think>\n\n`; empty for a chain without think tags.
        bridge: The final text between `closed` and the answer.
        stated: The answer as the response itself states it; empty where no response was read, or it states none.
        finished: Whether the response came to its answer; one that a length limit cut off did not, and is not wrong.
        chat: Whether it is a message of a chat and the reply to it, which a chat template puts.
        condition: Under which of a set's conditions it stands; empty in a set that has none, and of an item of a pair.

    Example:
        >>> item = md.Item("1 + 1?", answer="2", cot="1 and 1 is 2.")
        >>> item.answer
        '2'
    """

    question: str
    answer: str = ""
    cot: str | None = None
    values: tuple[int, ...] = ()
    id: str = ""
    group: str = ""
    options: tuple[str, ...] = ()
    place: str = ""
    system: str | None = None
    opened: str = ""
    closed: str = ""
    bridge: str = ""
    stated: str = ""
    finished: bool = True
    chat: bool = False
    condition: str = ""

    def _repr_html_(self) -> str:
        title = f"Item {self.id}" if self.id else "Item"
        every = ((each.name, getattr(self, each.name), each.default) for each in fields(self))
        return record_cell(title, [(name, value) for name, value, usual in every if value != usual and name != "id"])


def said(item: Item) -> dict[str, Any]:
    """What an item says, as plain values: how it was read does not count, nor what is left to its default."""
    told = ((each.name, getattr(item, each.name), each.default) for each in fields(Item))
    return {
        name: value
        for name, value, default in told
        if name in _OF_A_PAIR or (name not in _NOT_SAID and value != default)
    }


def check_item(item: Item) -> None:
    """Raises ItemError for the first thing that is wrong with an item by itself."""
    if not item.id.strip():
        raise _bad(item, "empty_id", "the id is blank; give each item an id of its own")
    if not item.question.strip():
        raise _bad(item, "empty_question", "the question is empty; write one")
    if item.cot is not None and not item.cot.strip():
        raise _bad(item, "empty_cot", "the CoT is empty; leave 'cot' out to let the model write it")
    if item.answer != item.answer.strip():
        raise _bad(item, "spaced_answer", "white space stands around the answer; take it off")
    if item.options:
        _check_options(item)


def check_items(items: Iterable[Item]) -> tuple[ItemError, ...]:
    """What is wrong with items by themselves: at most one error each, of two with one id the second's."""
    errors: list[ItemError] = []
    first_place: dict[str, str] = {}
    for number, item in enumerate(items, start=1):
        place = item.place or f"item number {number}"
        try:
            check_item(item)
            check_new(item.id, place, first_place, "item")
        except ItemError as error:
            errors.append(error)
    return tuple(errors)


def check_new(name: str, place: str, first_place: dict[str, str], what: str = "pair") -> None:
    """Notes where an id was met first; raises ItemError where that was elsewhere."""
    first = first_place.setdefault(name, place)
    if first != place:
        reason = f"the id is already at {first}; give each {what} an id of its own"
        raise ItemError(name, reason, place=place, code="duplicate_id")


def _check_options(item: Item) -> None:
    blank = next((number for number, each in enumerate(item.options, start=1) if not each.strip()), None)
    if blank:
        raise _bad(item, "empty_option", f"option {blank} is empty; write it, or leave it out")
    values: dict[str, str] = {}
    for option in item.options:
        twin = values.setdefault(normalise(option), option)
        if twin is not option:
            raise _bad(item, "equal_options", f"options {short(twin)} and {short(option)} are one value; keep one")
    if len(item.options) < 2:
        raise _bad(item, "one_option", f"{short(item.options[0])} is the only option; give two or more, or none")
    if item.answer and normalise(item.answer) not in values:
        shown = ", ".join(short(each) for each in item.options[:6]) + (", ..." if len(item.options) > 6 else "")
        reason = f"the answer {short(item.answer)} is none of the options {shown}; give the answer as its option is"
        raise _bad(item, "answer_no_option", reason)


def _bad(item: Item, code: str, reason: str) -> ItemError:
    return ItemError(item.id, reason, place=item.place, code=code)
