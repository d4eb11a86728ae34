"""Twins by numbers: one number of a GSM8K question changed, and all that follows from it computed anew.

A number may be changed that stands once in the question, in digits, and that a step uses as it stands there. Its twin
has as many digits, every result stays as long, whole and positive, and with a tokenizer every text as many tokens. What
is in doubt is left alone: a value that also stands for something else, such as the 7 of a week, and a chain with a
number that no annotated step gives.
"""

import random
import re
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction

from mediate.errors import ItemError
from mediate.pairs.annotations import (
    Annotation,
    UnfitError,
    consequences,
    number,
    numbers_in,
    operands,
    rewritten,
    steps_of,
)
from mediate.pairs.item import Item
from mediate.pairs.pair import Pair
from mediate.pairs.schemas.gsm8k import MARK, plain, results

# How many values are tried in place of a number.
TRIES = 60
# Values that words bring into a solution although no digit of the question does.
_IMPLIED = {
    2: "half|halves|halved|twice|double[ds]?|pairs?|couples?|both|two|weekends?|second|biweekly",
    3: "thirds?|three|triple[ds]?|thrice|yards?|trio",
    4: "quarters?|quarterly|four|fourths?|quadruple[ds]?|months?|gallons?|quarts?|seasons?",
    5: "five|fifths?|nickels?|weekdays?|workdays?|school",
    6: "six|sixths?",
    7: "seven|weeks?|weekly|daily|days?",
    8: "eight|eighths?",
    9: "nine|ninths?",
    10: "ten|tenths?|dimes?|decades?",
    11: "eleven",
    12: "twelve|dozens?|years?|yearly|annual|annually|months?|monthly|foot|feet|inch|inches",
    16: "ounces?|pounds?",
    20: "twenty|score",
    24: "days?|daily|hours?",
    25: "quarters?",
    30: "thirty|months?|monthly",
    36: "yards?|inch|inches",
    50: "half|fifty",
    52: "years?|yearly|weeks?|weekly|annual|annually",
    60: "hours?|hourly|minutes?|seconds?",
    100: "percent|percentage|cents?|dollars?|hundred|century|meters?|centimeters?",
    365: "years?|yearly|days?|daily",
    1000: "thousand|kilometers?|kilograms?|grams?|meters?|km|kg|liters?",
}
_IMPLIED_BY = {value: re.compile(rf"\b(?:{words})\b", re.IGNORECASE) for value, words in _IMPLIED.items()}
# Beside these a number is part of a fraction, a time, a range or a word.
_BESIDE = re.compile(r"[A-Za-z_/:.,#-]")


def number_twin(item: Item, solution: str, *, seed: int, length: Callable[[str], int] | None = None) -> Pair:
    """An item with its twin.

    Args:
        item: The item.
        solution: Its answer as GSM8K has it, with annotations.
        seed: Of which number is changed, and to what.
        length: How long a text is, in tokens; each of the twin's is to be as long as the item's.

    Raises:
        ItemError: It has none; the reason is a sentence, and the code counts.
    """
    try:
        changed = _changed(item, solution, seed, length)
    except UnfitError as error:
        raise ItemError(item.id, error.reason, place=item.place, code=error.code) from error
    base = Item(item.question, item.answer, item.cot, item.values)
    return Pair(item.id, item.group or item.id, base, changed, item.place)


def _changed(item: Item, solution: str, seed: int, length: Callable[[str], int] | None) -> Item:
    """The twin: the first change, in an order of the seed's, that can be made."""
    steps = steps_of(solution)
    leaves = _leaves(item, steps)
    if not leaves:
        raise UnfitError(
            "no_leaf", "no number of the question stands once in it, means one thing, and is used by a step"
        )
    _check_covered(item, steps)
    rng = random.Random(f"{seed} {item.id}")
    rng.shuffle(leaves)
    reasons: list[UnfitError] = []
    for leaf in leaves:
        for new in _values(leaf, rng, item.question):
            try:
                return _with(item, solution, consequences(steps, Fraction(leaf), Fraction(new)), length)
            except UnfitError as reason:
                reasons.append(reason)
                if reason.code in ("two_things", "same_answer"):  # another value would not help
                    break
    # Where one number could have been changed but for its values, that is the reason.
    order = ["same_answer", "two_things", "other_tokens", "not_whole"]
    raise max(reasons, key=lambda each: order.index(each.code))


def _leaves(item: Item, steps: Sequence[Annotation]) -> list[int]:
    """The numbers that may be changed, in their order in the question."""
    found = numbers_in(item.question)
    values = [value for _, value in found]
    results_of = {step.result for step in steps}
    used = operands(steps) - results_of
    text = f"{item.question}\n{item.cot}"
    return [
        value.numerator
        for match, value in found
        if value.denominator == 1
        and 2 <= value < 10**9
        and "." not in match.group()
        and values.count(value) == 1
        and value in used
        and not _implied(value, text)
        and not _attached(item.question, match)
    ]


def _implied(value: Fraction, text: str) -> bool:
    """Whether a word brings a value in, so that in a step it may be that word's."""
    words = _IMPLIED_BY.get(int(value)) if value.denominator == 1 else None
    return bool(words and words.search(text)) or (value == 100 and "%" in text)


def _attached(text: str, match: re.Match[str]) -> bool:
    """Whether a number is part of something longer; a point or comma that ends a sentence, and a hyphen, are not."""
    before, after = text[: match.start()][-1:], text[match.end() : match.end() + 2]
    if _BESIDE.match(before):
        return True
    return (
        bool(_BESIDE.match(after))
        and not (after[0] in ".,:" and not after[1:].isdigit())
        and not (after[0] == "-" and after[1:].isalpha())
    )


def _check_covered(item: Item, steps: Sequence[Annotation]) -> None:
    """Raises UnfitError where a number of the chain was neither given nor computed: it might have to change too."""
    known = {value for _, value in numbers_in(item.question)} | operands(steps) | {step.result for step in steps}
    if any(value not in known for _, value in numbers_in(item.cot or "")):
        raise UnfitError("not_annotated", "a number of the chain is neither the question's nor of an annotated step")


def _values(leaf: int, rng: random.Random, question: str) -> Iterator[int]:
    """Other numbers of as many digits, from 2 on, that the question does not have, in an order of the seed's."""
    given = {value for _, value in numbers_in(question)}
    digits = len(str(leaf))
    low, high = max(2, 10 ** (digits - 1)), 10**digits
    drawn = rng.sample(range(low, high), min(high - low, TRIES + 1))
    return (value for value in drawn if value not in given)


def _with(item: Item, solution: str, becomes: dict[Fraction, Fraction], length: Callable[[str], int] | None) -> Item:
    """The item after a change, with everything checked that the change must keep."""
    (leaf, *derived) = becomes
    given = [value for _, value in numbers_in(item.question)]
    words = f"{item.question}\n{item.cot}"
    changed = [value for value in derived if becomes[value] != value]
    if any(value in given or _implied(value, words) for value in changed):
        raise UnfitError("two_things", "a value that would change stands for two things")
    answer = number(item.answer)
    if answer is None or becomes.get(answer, answer) == answer:
        raise UnfitError("same_answer", "the answer does not depend on a number that could be changed")
    annotated, final = rewritten(solution, becomes).rsplit(MARK, 1)
    steps_of(annotated)  # every step is true again
    twin = Item(
        rewritten(item.question, {leaf: becomes[leaf]}),
        rewritten(item.answer, becomes),
        plain(annotated),
        results(annotated),
    )
    if number(final.strip()) != number(twin.answer):
        raise UnfitError("same_answer", "the answer does not depend on a number that could be changed")
    if length is not None and any(
        length(one) != length(other)
        for one, other in ((item.question, twin.question), (item.cot or "", twin.cot or ""), (item.answer, twin.answer))
    ):
        raise UnfitError("other_tokens", "no other number keeps the number of tokens")
    return twin
