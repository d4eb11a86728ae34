"""What can be varied about a worded problem and its chain while the rest stays: one factor at a time."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from mediate.tasks.modular import ADDENDS, MODULUS, MULTIPLIERS, NAMES, Hint
from mediate.tasks.worded import ASIDES, BLANK_NAMES, MOST_ASIDES, PARITIES, Form, Unless, Verbosity, Worded

# The most filler words before a step.
MOST_FILLER = 3
Put = Callable[[Worded, np.random.Generator], Worded]


@dataclass(frozen=True, slots=True)
class Setting:
    """One of the things that a factor can be.

    Args:
        name: As it is asked for.
        words: What it is, in a phrase.
        put: Gives it to a problem that is as usual; what is random about it is drawn.
    """

    name: str
    words: str
    put: Put


@dataclass(frozen=True, slots=True)
class Factor:
    """Something that can be varied while the rest stays.

    Args:
        name: As it is asked for.
        of_question: Whether the question has it; else the chain.
        usual: What it is where nothing is said, in a phrase.
        settings: What else it can be.
        counted: Gives a problem so many of what is counted, up to `most`, where the factor counts something.
        most: The most that there can be.
    """

    name: str
    of_question: bool
    usual: str
    settings: tuple[Setting, ...]
    counted: Callable[[Worded, np.random.Generator, int], Worded] | None = None
    most: int = 0


def _told(**how: object) -> Put:
    return lambda problem, rng: problem.told(**how)


def _drawn(among: tuple[str, ...], count: int, rng: np.random.Generator) -> tuple[str, ...]:
    """So many of some, none twice."""
    return tuple(among[place] for place in rng.permutation(len(among))[:count])


def _defined(problem: Worded, rng: np.random.Generator) -> Worded:
    return replace(problem, names=_drawn(BLANK_NAMES, len(NAMES), rng))


def _redefined(problem: Worded, rng: np.random.Generator) -> Worded:
    """The usual names in another order, in which an operation of the problem has another's."""
    places = [NAMES.index(name) for name in problem.sums.operations]
    names = NAMES
    while all(names[place] == NAMES[place] for place in places):
        names = _drawn(NAMES, len(NAMES), rng)
    return replace(problem, names=names)


def operand_of(operation: str, rng: np.random.Generator) -> int:
    """A number that an operation can have."""
    return int(rng.choice(MULTIPLIERS if operation == "times" else ADDENDS))


def _clause(problem: Worded, rng: np.random.Generator) -> Worded:
    """A clause that adds an operation, or with as much chance adds none."""
    operation = NAMES[rng.integers(len(NAMES))]
    operand = operand_of(operation, rng)
    return replace(problem, unless=Unless(PARITIES[rng.integers(2)], operation, operand))


def _claim(problem: Worded, rng: np.random.Generator) -> Worded:
    """Asked whether the result is a digit: as often the right one as another."""
    away = int(rng.integers(1, MODULUS)) if rng.integers(2) else 0
    return replace(problem, claim=(problem.whole.answer + away) % MODULUS)


def _uncompared(problem: Worded, rng: np.random.Generator) -> Worded:
    return _claim(problem, rng).told(compared=False)


def hinted(problem: Worded, rng: np.random.Generator, *, said: Hint) -> Worded:
    """A hint of the kind that the answer has."""
    options = tuple(dict.fromkeys(problem.answer_to(result) for result in range(MODULUS)))
    if said is Hint.ANSWER:
        options = (problem.answer,)
    elif said is Hint.WRONG:
        options = tuple(each for each in options if each != problem.answer)
    return replace(problem, hint=options[rng.integers(len(options))])


def _before(problem: Worded, rng: np.random.Generator, count: int) -> Worded:
    return replace(problem, before=_drawn(ASIDES, count, rng))


def _after(problem: Worded, rng: np.random.Generator, count: int) -> Worded:
    return problem.told(after=_drawn(ASIDES, count, rng))


def _filler(problem: Worded, rng: np.random.Generator, count: int) -> Worded:
    return problem.told(filler=count)


def _any_number(counted: Callable[[Worded, np.random.Generator, int], Worded], most: int) -> Put:
    """Any number from 1 to the most."""
    return lambda problem, rng: counted(problem, rng, int(rng.integers(1, most + 1)))


def _mended(problem: Worded, rng: np.random.Generator) -> Worded:
    slip = int(rng.integers(MODULUS)), int(rng.integers(1, MODULUS))
    return problem.told(verbosity=Verbosity.MENDED, slip=slip)


def _filled(problem: Worded, rng: np.random.Generator) -> Worded:
    """A chain that goes wrong is none that a calculator filled in."""
    return problem if problem.telling.verbosity is Verbosity.MENDED else problem.told(filled=True)


# In the order in which they are put: what a hint says depends on the answer, and that on what stands before it.
FACTORS = (
    Factor(
        "names",
        True,
        "operations by their usual names",
        (
            Setting("defined", "operations by names that the question defines (`Let blick be add.`)", _defined),
            Setting("redefined", "usual names that the question redefines (`Let add be take.`)", _redefined),
        ),
    ),
    Factor(
        "clause",
        True,
        "no clause",
        (Setting("unless", "a clause that may add an operation (`Unless the start is odd, take 2.`)", _clause),),
    ),
    Factor(
        "asked",
        True,
        "the result is asked",
        (
            Setting(
                "yes_no",
                "whether the result is a digit is asked (`Is it 4?`), to be answered yes or no; the chain ends with "
                "their difference (`7 - 4 = 3.`)",
                _claim,
            ),
            Setting("yes_no_bare", "the same, but the chain ends with the result", _uncompared),
        ),
    ),
    Factor(
        "hint",
        True,
        "no hint",
        tuple(
            Setting(str(said), words, partial(hinted, said=said))
            for said, words in {
                Hint.RANDOM: "a hint that is drawn",
                Hint.ANSWER: "a hint that is the answer",
                Hint.WRONG: "a hint that is wrong",
            }.items()
        ),
    ),
    Factor(
        "before",
        True,
        "nothing between question and chain",
        (
            Setting(
                "asides",
                f"1 to {MOST_ASIDES} irrelevant sentences between question and chain",
                _any_number(_before, MOST_ASIDES),
            ),
        ),
        _before,
        MOST_ASIDES,
    ),
    Factor(
        "form",
        False,
        "steps in signs (`3 + 4 = 7.`)",
        (Setting("words", "steps in words (`add 4 to 3 to get 7.`)", _told(form=Form.WORDS)),),
    ),
    Factor(
        "together",
        False,
        "one operation a step",
        (Setting("two", "two operations a step (`(3 + 4) x 7 = 9.`)", _told(together=2)),),
    ),
    Factor(
        "verbosity",
        False,
        "each step once, in full",
        (
            Setting("terse", "steps without what they go on from (`add 4 = 7.`)", _told(verbosity=Verbosity.TERSE)),
            Setting("restated", "each result restated (`so it is 7.`)", _told(verbosity=Verbosity.RESTATED)),
            Setting("checked", "each step undone (`check 7 - 4 = 3.`)", _told(verbosity=Verbosity.CHECKED)),
            Setting("mended", "one step wrong, noticed and mended (`wait. instead 3 + 4 = 7.`)", _mended),
        ),
    ),
    Factor(
        "results",
        False,
        "results worked out",
        (Setting("filled", "results that a calculator filled in (`3 + 4 = [7].`)", _filled),),
    ),
    Factor(
        "filler",
        False,
        "no filler",
        (
            Setting(
                "words",
                f"1 to {MOST_FILLER} filler words before each step (`um 3 + 4 = 7.`)",
                _any_number(_filler, MOST_FILLER),
            ),
        ),
        _filler,
        MOST_FILLER,
    ),
    Factor(
        "after",
        False,
        "nothing between chain and answer",
        (
            Setting(
                "asides",
                f"1 to {MOST_ASIDES} irrelevant sentences between chain and answer",
                _any_number(_after, MOST_ASIDES),
            ),
        ),
        _after,
        MOST_ASIDES,
    ),
)


def setting(factor: str, name: str) -> Put:
    """What gives a problem a setting of a factor."""
    return next(each.put for each in _named(factor).settings if each.name == name)


def counted(factor: str, count: int) -> Put:
    """What gives a problem so many of what a factor counts."""
    of = _named(factor).counted
    assert of is not None, f"{factor} counts nothing"
    return lambda problem, rng: of(problem, rng, count)


def _named(factor: str) -> Factor:
    return next(each for each in FACTORS if each.name == factor)


# How often each setting of a factor occurs: its name, and a share for each setting that is named.
Shares = Mapping[str, Mapping[str, float]]


def varied(problem: Worded, shares: Shares, rng: np.random.Generator) -> Worded:
    """The problem with each factor drawn by itself: a setting as often as its share says, and else the usual."""
    drawn = rng.random(len(FACTORS))
    for factor, place in zip(FACTORS, drawn.tolist(), strict=True):
        own = shares.get(factor.name, {})
        for setting in factor.settings:
            place -= own.get(setting.name, 0.0)
            if place < 0:
                problem = setting.put(problem, rng)
                break
    return problem
