"""Pairs from the templates of GSM-Symbolic (Mirzadeh et al. 2024), as the package reasoning-gym draws them."""

import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from mediate.errors import InputError, install_hint
from mediate.pairs.answers import normalise
from mediate.pairs.pair import Item, Pair
from mediate.tasks.task import Task

TRIES = 100_000
FLOAT_ROUNDING = Fraction(1, 10**9)  # some templates print floats, such as 0.3333333333333333
_FINAL = re.compile(r"\s*####[^\n]*\s*\Z")
_DIGIT = re.compile(r"[0-9]")
_SEPARATORS = re.compile(r"(?<=[0-9]),(?=[0-9]{3})|[$€£]")
_TERM = r"[0-9]+(?:\.[0-9]+)?"
_EQUATION = re.compile(rf"({_TERM}(?:\s*[-+*/x×]\s*{_TERM})+)\s*=\s*((?>{_TERM}))(?!\s*%|\s*[-+*/x×÷(]\s*[0-9(])")
_INSIDE = re.compile(r"(?:[-+*/x×÷^(.%=0-9]|\))\s*\Z")


def gsm_symbolic_pairs(
    n: int, *, seed: int = 0, tries: int = TRIES, templates: Sequence[int] | None = None, with_cot: bool = True
) -> tuple[Pair, ...]:
    """Pairs of two draws of one template that are the same text, digits aside.

    Names, things and the number of digits of every number agree, in the question, the reasoning and the answer, so that
    the two worlds align; several numbers may differ, because the package offers no control of a single one. Draws whose
    reasoning states a false equation are passed over. Templates take turns; ids are such as `gsm_symbolic-7-0003`
    (template, place in the whole), a group is a template, and a larger `n` only appends.

    Args:
        n: Number of pairs.
        seed: Seed of the drawing.
        tries: Draws a pair before giving up; most templates need some hundred, number 93 some ten thousand.
        templates: Numbers of templates, from 0 to 99; None for all that the package holds to be sound.
        with_cot: Whether to give the package's reasoning, without its final `#### N`; without, the model writes it.

    Returns:
        The pairs; fewer cannot come, as too few draws are an error.

    Raises:
        InputError: The package is not installed, an unknown or unsound template, an argument out of its range, or no
            pair in `tries` draws.

    Example:
        >>> md.gsm_symbolic_pairs(1)[0].base.question  # doctest: +SKIP
    """
    if n < 1 or seed < 0 or tries < 2:
        raise InputError(f"n is {n}, seed {seed}, tries {tries}; give at least 1, 0 and 2")
    chosen = _generators(templates)
    numbers = list(chosen)
    used: set[str] = set()
    pairs = []
    for index in range(n):
        number = numbers[index % len(numbers)]
        found = _twins(chosen[number], random.Random(f"{seed} {index} {number}"), tries, used)
        if found is None:
            reason = f"no new pair of template {number} in {tries} draws"
            raise InputError(f"gsm_symbolic: {reason}; raise tries, ask for fewer pairs, or leave the template out")
        used.add(found[0]["question"])
        base, source = (_item(draw, with_cot) for draw in found)
        group = f"gsm_symbolic-{number}"
        pairs.append(Pair(f"{group}-{index:04d}", group, base, source))
    return tuple(pairs)


def _generators(templates: Sequence[int] | None) -> dict[int, Callable[[random.Random, float], Mapping[str, Any]]]:
    """The package's functions that draw a problem, by template."""
    state = random.getstate()  # importing the package moves the global generator
    try:
        from reasoning_gym import create_dataset
        from reasoning_gym.arithmetic.gsm_symbolic.gsm_symbolic import tasks_ok
    except ImportError as error:
        raise InputError(f"reasoning-gym is not installed; add it with: {install_hint('tasks')}") from error
    finally:
        random.setstate(state)
    wanted = tasks_ok if templates is None else list(dict.fromkeys(templates))
    unsound = [number for number in wanted if number not in tasks_ok]
    if unsound or not wanted:
        which = f"template {unsound[0]!r} is not one of the sound ones" if unsound else "no templates named"
        raise InputError(f"gsm_symbolic: {which}; choose from {', '.join(map(str, tasks_ok))}")
    generators = create_dataset("gsm_symbolic", size=1, seed=0).generators
    return {number: generators[number] for number in wanted}


def _twins(
    generator: Callable[[random.Random, float], Mapping[str, Any]], rng: random.Random, tries: int, used: set[str]
) -> tuple[Mapping[str, Any], Mapping[str, Any]] | None:
    """Two draws, the later one first, that differ in digits only, and in the answer.

    Every draw is kept, so that any two of them can meet: a few hundred draws then find one among thousands of texts.
    """
    earlier: dict[str, Mapping[str, Any]] = {}
    for _ in range(tries):
        draw = generator(random.Random(rng.getrandbits(64)), 1.0)
        if draw["question"] in used or not _sound(draw):
            continue
        texts = (draw["question"], draw["metadata"]["answer_cot"], draw["answer"])
        twin = earlier.setdefault(_DIGIT.sub("0", "\n".join(texts)), draw)
        if normalise(twin["answer"]) != normalise(draw["answer"]):
            return draw, twin
    return None


def _item(draw: Mapping[str, Any], with_cot: bool) -> Item:
    cot = _FINAL.sub("", draw["metadata"]["answer_cot"]).strip()
    return Item(draw["question"], normalise(draw["answer"]), cot if with_cot else None)


def _sound(draw: Mapping[str, Any]) -> bool:
    """Whether every equation of the reasoning that stands by itself is true.

    Some templates cut where they should divide: `7*0.5=3`, or `39.91 - 24.91 = 14`.
    """
    return all(_holds(terms, result) for terms, result in _equations(draw["metadata"]["answer_cot"]))


def _equations(text: str) -> Iterator[tuple[str, str]]:
    """The equations between plain numbers, such as `3 * 4 + 2 = 14`, that are not part of a longer expression."""
    text = _SEPARATORS.sub("", text)
    for match in _EQUATION.finditer(text):
        if not _INSIDE.search(text, max(0, match.start() - 8), match.start()):
            yield match[1], match[2]


def _holds(terms: str, result: str) -> bool:
    """Whether an equation is true up to the rounding of its result's decimals."""
    try:
        value = _value(terms)
    except ZeroDivisionError:
        return False
    decimals = len(result.partition(".")[2])
    rounding = Fraction(1, 2 * 10**decimals) if decimals else Fraction(0)
    return abs(value - Fraction(result)) <= max(rounding, FLOAT_ROUNDING * max(Fraction(1), abs(value)))


def _value(terms: str) -> Fraction:
    """The value of numbers joined by `+ - * / x ×`: the sum of signed products."""
    products: list[Fraction] = []
    operation = "+"
    for token in re.findall(rf"{_TERM}|[-+*/x×]", terms):
        if not token[0].isdigit():
            operation = token
        elif operation in "+-":
            products.append(Fraction(token) if operation == "+" else -Fraction(token))
        else:
            products[-1] = products[-1] / Fraction(token) if operation == "/" else products[-1] * Fraction(token)
    return sum(products, Fraction(0))


GSM_SYMBOLIC = Task(name="gsm_symbolic", help="gsm_symbolic of reasoning-gym", pairs=gsm_symbolic_pairs)
