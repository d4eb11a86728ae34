"""What is given to tune on, read and checked for its ids: one set, or several with weights."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite
from pathlib import Path
from typing import Any

from mediate.errors import InputError, ItemError, short
from mediate.pairs.pair import Pair
from mediate.tuning.arms.arm import Arm
from mediate.tuning.arms.mix import PART, SEPARATOR
from mediate.tuning.examples import Example, Examples, examples_of_pairs, scan_examples

Single = str | Path | Sequence[Example] | Sequence[Pair]
# Several sets by name, each with its weight.
Parts = Mapping[str, tuple[Single, float | int]]
Data = Single | Parts


@dataclass(frozen=True, slots=True)
class Given:
    """What is given to tune on.

    Args:
        examples: The examples; of several sets, one set after the other, the set's name before each id.
        pairs: The pairs that they were made from, where they were.
        parts: The weight of each set, by its name; empty of a single set.
    """

    examples: Examples
    pairs: tuple[Pair, ...] = ()
    parts: Mapping[str, float] = field(default_factory=dict)


def read_data(data: Any, arm: Arm) -> Given:
    """Reads what is given for an arm, `Data` if all is right with it.

    Raises:
        InputError: There are no examples, ids that occur more than once, things of several sorts; or several sets where
            the arm takes one, or one where it takes several.
        ItemError: An id occurs more than once.
    """
    if not isinstance(data, Mapping):
        if arm.in_parts:
            raise InputError(f"the arm {arm} takes several sets of examples with weights; give {PART} twice or more")
        return Given(*_single(data))
    if not arm.in_parts:
        raise InputError(f"several sets of examples with weights are for the arm mix; give the arm {arm} one")
    if len(data) < 2:
        raise InputError(f"{len(data)} part to mix; give {PART} twice or more")
    found = [_part(name, each) for name, each in data.items()]
    examples = tuple(example for examples, _ in found for example in examples.examples)
    errors = tuple(error for examples, _ in found for error in examples.errors)
    pairs = tuple(pair for _, pairs in found for pair in pairs)
    return Given(Examples(examples, errors), pairs, {name: float(weight) for name, (_, weight) in data.items()})


def _part(name: Any, given: Any) -> tuple[Examples, tuple[Pair, ...]]:
    """The examples of one part, and its pairs, their ids behind the part's name."""
    if not isinstance(name, str) or not name.strip() or SEPARATOR in name:
        raise InputError(f"the part {short(name, 60)}: a name is text without {SEPARATOR!r}; give another")
    if not isinstance(given, Sequence) or isinstance(given, str) or len(given) != 2:
        raise InputError(f"part {short(name, 60)}: give the examples or their file, and the weight")
    data, weight = given
    if isinstance(weight, bool) or not isinstance(weight, int | float) or not isfinite(weight) or weight <= 0:
        raise InputError(f"part {short(name, 60)}: its weight is {short(weight, 60)}; give a number above 0")
    try:
        examples, pairs = _single(data)
    except ItemError:
        raise
    except InputError as error:
        raise InputError(f"part {short(name, 60)}: {error}") from error
    named = tuple(replace(each, id=f"{name}{SEPARATOR}{each.id}") for each in examples.examples)
    errors = tuple(_of_part(name, each) for each in examples.errors)
    return Examples(named, errors), tuple(replace(each, id=f"{name}{SEPARATOR}{each.id}") for each in pairs)


def _of_part(name: str, error: ItemError) -> ItemError:
    """An error of a part, with its name before the id, as the examples have it."""
    item = f"{name}{SEPARATOR}{error.item}" if error.item else ""
    return ItemError(item, error.reason, place=error.place, code=error.code, written=error.written)


def _single(data: Single) -> tuple[Examples, tuple[Pair, ...]]:
    """The examples of one set, and the pairs where they were made from pairs."""
    if isinstance(data, str | Path):
        return scan_examples(data)
    if not data:
        raise InputError("no examples to tune on; give at least one")
    pairs = tuple(each for each in data if isinstance(each, Pair))
    examples = tuple(each for each in data if isinstance(each, Example))
    if len(pairs) < len(data) and len(examples) < len(data):
        sorts = ", ".join(sorted({type(each).__name__ for each in data}))
        raise InputError(f"the examples are of several or other sorts ({sorts}); give examples alone, or pairs alone")
    twice = next((name for name, count in Counter(each.id for each in data).items() if count > 1), None)
    if twice is not None:
        raise ItemError(twice, "the id occurs more than once; give each example its own", code="duplicate_id")
    return (Examples(examples_of_pairs(pairs)), pairs) if pairs else (Examples(examples), ())
