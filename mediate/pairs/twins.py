"""Pairs made of items: each with a twin of its numbers, or with another item of the set."""

import random
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from mediate.errors import InputError, ItemError
from mediate.pairs.item import Item
from mediate.pairs.number_twins import number_twin
from mediate.pairs.pair import Pair
from mediate.pairs.recognise import GivenRows
from mediate.pairs.schemas.gsm8k import GSM8K
from mediate.showing import plural

BY = ("numbers", "other")


@dataclass(frozen=True, slots=True)
class Twins:
    """What was made of the items of a file.

    Args:
        pairs: The items that have a twin, in the file's order.
        without: An error for each item that has none, and for each bad row.
        by: How twins were made, one of `BY`.
    """

    pairs: tuple[Pair, ...]
    without: tuple[ItemError, ...]
    by: str

    def told(self) -> str:
        """How many items have a twin, and why the others have none, with counts."""
        total = len(self.pairs) + len(self.without)
        what = f"a twin by {self.by}" if self.by == "numbers" else "another item for a twin"
        said = f"{len(self.pairs)} of {plural(total, 'item')} {'has' if len(self.pairs) == 1 else 'have'} {what}"
        if not self.without:
            return said
        # One sentence a code: the reasons of bad rows differ in their details, and the first stands for all.
        first: dict[str, str] = {}
        for error in self.without:
            first.setdefault(error.code, error.reason)
        counted = Counter(error.code for error in self.without).most_common()
        return f"{said}; of {len(self.without)} without: " + "; ".join(f"{first[code]} ({n})" for code, n in counted)


def twins_of(given: GivenRows, by: str, *, seed: int = 0, length: Callable[[str], int] | None = None) -> Twins:
    """Twins of the items of a file, where it allows them.

    Args:
        given: The file's rows, from `mediate.pairs.recognise.read_given`.
        by: `numbers`: a number of the question changed and everything after it computed anew, which takes the
            annotations of GSM8K. `other`: the item of another group that is nearest in length and has another answer.
        seed: Of the drawing, and of ties.
        length: How long a text is, in tokens; in characters by default.

    Raises:
        InputError: No such way, a file of pairs, or one without annotations.
    """
    if by not in BY:
        raise InputError(f"by: {by!r} is none; give {' or '.join(BY)}")
    if given.schema is None:
        raise InputError(f"{given.path}: holds pairs, which have their twins; score them as they are")
    if by == "numbers" and given.schema is not GSM8K:
        what = f"{Path(given.path).name} holds {given.schema.says}"
        raise InputError(f"by numbers: {what}, and GSM8K's annotations are needed; give by='other' (--by other)")
    found = list(given.found())
    if by == "numbers":
        made = _by_numbers(found, seed, length)
    else:
        made = _by_other([each for _, each in found], seed, length or len)
    pairs = tuple(each for each in made if isinstance(each, Pair))
    return Twins(pairs, tuple(each for each in made if isinstance(each, ItemError)), by)


def _by_numbers(
    found: Sequence[tuple[Mapping[str, object] | None, Item | ItemError]],
    seed: int,
    length: Callable[[str], int] | None,
) -> list[Pair | ItemError]:
    made: list[Pair | ItemError] = []
    for row, item in found:
        if isinstance(item, ItemError):
            made.append(item)
            continue
        assert row is not None
        try:
            made.append(number_twin(item, str(row["answer"]), seed=seed, length=length))
        except ItemError as error:
            made.append(error)
    return made


def _by_other(found: Sequence[Item | ItemError], seed: int, length: Callable[[str], int]) -> list[Pair | ItemError]:
    fit = [each for each in found if isinstance(each, Item) and each.answer and each.finished]
    random.Random(seed).shuffle(fit)  # ties are in this order
    sized = sorted(((_size(each, length), each) for each in fit), key=lambda each: each[0])
    sizes, items = [size for size, _ in sized], [item for _, item in sized]
    made: list[Pair | ItemError] = []
    for each in found:
        if isinstance(each, ItemError):
            made.append(each)
        elif not each.answer or not each.finished:
            code, why = (
                ("no_answer", "no answer is given") if each.finished else ("unfinished", "the chain is unfinished")
            )
            made.append(ItemError(each.id, why, place=each.place, code=code))
        else:
            made.append(_paired(each, _nearest(items, sizes, _size(each, length))))
    return made


def _paired(item: Item, others: Iterator[Item]) -> Pair | ItemError:
    """An item with the first other one that it can be held against."""
    for other in others:
        if other.group == item.group or (other.cot is None) != (item.cot is None):
            continue
        base, source = (Item(each.question, each.answer, each.cot, each.values) for each in (item, other))
        with suppress(ItemError):  # one value for both answers, or an answer that begins with the other
            return Pair(item.id, item.group, base, source, item.place)
    reason = "no item of another group has an answer that is another from its first token on"
    return ItemError(item.id, reason, place=item.place, code="no_other")


def _nearest(items: Sequence[Item], sizes: Sequence[int], size: int) -> Iterator[Item]:
    """The items by how near their size is, of two as near the smaller first."""
    right = bisect_left(sizes, size)
    left = right - 1
    while left >= 0 or right < len(items):
        if right >= len(items) or (left >= 0 and size - sizes[left] <= sizes[right] - size):
            yield items[left]
            left -= 1
        else:
            yield items[right]
            right += 1


def _size(item: Item, length: Callable[[str], int]) -> int:
    return length(item.question) + length(item.cot or "")
