"""Chains modulo 10 that can be told in several ways: the task of the worded reference reasoners.

    Let blick be add. Start 3, blick 4, times 7. Unless the start is even, take 2. Hint 5. The cat is old.
    add 4 to 3 to get 7. check take 4 from 7 to get 3. multiply 7 by 7 to get 9. ... 3 is odd. take 2 from 9 to get 7.

The chain of `Is it 4?` ends with the difference that yes or no is read off (`7 - 4 = 3.`; 0 is yes). Each field of a
problem and of its telling can be varied while the rest stays: `replace(problem, unless=None)` is the problem without
its clause, `problem.told(form=Form.WORDS)` its chain in other words. The arithmetic is `mediate.tasks.modular`'s.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise
from typing import Any

from mediate.tasks.modular import MODULUS, NAMES, SYMBOLS, Chained

# What undoes each operation, and the number that does: multipliers have an inverse modulo 10.
UNDOING = {"add": "take", "take": "add", "times": "times"}
INVERSES = {3: 7, 7: 3, 9: 9}
# What is said of an operation in words, before the result.
PHRASES = {
    "add": "add {number} to {value}",
    "take": "take {number} from {value}",
    "times": "multiply {value} by {number}",
}
# Names that mean nothing until a question defines them.
BLANK_NAMES = ("blick", "dax", "fep", "wug")
NOUNS = ("cat", "dog", "hat", "moon", "sun")
STATES = ("calm", "dark", "old", "red", "wet")
# Sentences that have nothing to do with the question.
ASIDES = tuple(f"The {noun} is {state}." for noun in NOUNS for state in STATES)
MOST_ASIDES = 8
MOST_TOGETHER = 2
FILLER = "um"
PARITIES = ("even", "odd")
YES, NO = "yes", "no"
# All words and signs of questions, chains and answers, beside digits.
WORDS = (
    *("Let", "be", "Start", "Unless", "the", "start", "is", *PARITIES, "Is", "it", YES, NO, "Hint"),
    *(*NAMES, *BLANK_NAMES, "to", "from", "multiply", "by", "get", "so", "check", "wait", "instead", FILLER),
    *("The", *NOUNS, *STATES, "answer"),
)
SIGNS = (*SYMBOLS.values(), "=", ",", ".", "?", "(", ")", "[", "]")


class Form(StrEnum):
    """The surface of a chain's steps: `3 + 4 = 7.` or `add 4 to 3 to get 7.`"""

    SIGNS = "signs"
    WORDS = "words"


class Verbosity(StrEnum):
    """How much a chain says of each step; the last three are talkative."""

    TERSE = "terse"
    PLAIN = "plain"
    RESTATED = "restated"
    CHECKED = "checked"
    MENDED = "mended"


class Role(StrEnum):
    """What a sentence of a chain does."""

    STEP = "step"
    RESTATED = "restated"
    CHECK = "check"
    SLIP = "slip"
    NOTICED = "noticed"
    MENDED = "mended"
    PARITY = "parity"
    COMPARED = "compared"
    ASIDE = "aside"


@dataclass(frozen=True, slots=True)
class Unless:
    """A clause that adds an operation at the end, unless the start is odd, or even.

    Args:
        parity: `odd` or `even`: of the starts with which nothing is added.
        operation: `add`, `take` or `times`.
        operand: Its number.
    """

    parity: str
    operation: str
    operand: int

    def __post_init__(self) -> None:
        if self.parity not in PARITIES or self.operation not in NAMES:
            raise ValueError(f"unless the start is {self.parity!r}, {self.operation!r}")

    def holds(self, start: int) -> bool:
        """Whether the operation is added."""
        return PARITIES[start % 2] != self.parity


@dataclass(frozen=True, slots=True)
class Telling:
    """How a chain is told.

    Args:
        form: The surface of every step.
        verbosity: What is said of every step; of a mended chain, `slip` says where it went wrong.
        together: Operations of one step, 1 or 2; the last step may have fewer.
        filled: Whether the results stand in brackets, which mark what a calculator filled in.
        filler: Filler words before each step.
        slip: Of a mended chain: the step that goes wrong at first, counted round the chain, and by how much (1 to 9).
        wrong: The operation whose result is wrong and stays so, counted round the chain, and by how much (1 to 9); all
            that follows goes on from it. None where all is right.
        after: Sentences beside the point between chain and answer.
        compared: Whether the chain of a question of yes or no ends with the difference that the answer is read off.
    """

    form: Form = Form.SIGNS
    verbosity: Verbosity = Verbosity.PLAIN
    together: int = 1
    filled: bool = False
    filler: int = 0
    slip: tuple[int, int] = (0, 1)
    wrong: tuple[int, int] | None = None
    after: tuple[str, ...] = ()
    compared: bool = True

    def __post_init__(self) -> None:
        if not 1 <= self.together <= MOST_TOGETHER:
            raise ValueError(f"{self.together} operations a step; give 1 or {MOST_TOGETHER}")
        if self.filled and self.verbosity is Verbosity.MENDED:
            raise ValueError("a calculator does not go wrong; give a chain that is filled in, or one that is mended")
        for _, away in (self.slip, self.wrong or self.slip):
            if not 1 <= away < MODULUS:
                raise ValueError(f"wrong by {away}; give 1 to {MODULUS - 1}")


@dataclass(frozen=True, slots=True)
class Sentence:
    """A sentence of a chain.

    Args:
        text: What it says.
        role: What it does there.
        value: The number that it states as a result; None where it states none.
    """

    text: str
    role: Role
    value: int | None = None


@dataclass(frozen=True, slots=True)
class Worded:
    """A problem modulo 10, as it is asked and as its chain is told.

    Args:
        sums: The arithmetic, without the clause.
        names: What the question calls `add`, `take` and `times`, in this order; one that is not usual is defined first.
        unless: A clause that may add an operation; None for none.
        claim: The result that is asked about, of a question whose answer is yes or no; None where the result is asked.
        hint: What the hint says; empty for no hint.
        before: Sentences beside the point between question and chain.
        telling: How its chain is told.
    """

    sums: Chained
    names: tuple[str, ...] = NAMES
    unless: Unless | None = None
    claim: int | None = None
    hint: str = ""
    before: tuple[str, ...] = ()
    telling: Telling = Telling()

    def __post_init__(self) -> None:
        if len(set(self.names)) != len(NAMES):
            raise ValueError(f"names {self.names}; give three that differ, for {', '.join(NAMES)}")

    @property
    def whole(self) -> Chained:
        """The arithmetic with the clause's operation, where it is added."""
        if self.unless is None or not self.unless.holds(self.sums.start):
            return self.sums
        more = self.unless
        return replace(
            self.sums,
            operations=(*self.sums.operations, more.operation),
            operands=(*self.sums.operands, more.operand),
        )

    @property
    def answer(self) -> str:
        """The answer's text."""
        return self.answer_to(self.whole.answer)

    @property
    def usual_answer(self) -> str:
        """The answer of those who overlook the clause."""
        return self.answer_to(self.sums.answer)

    def answer_to(self, result: int) -> str:
        """What is to be answered where this is the result."""
        return str(result) if self.claim is None else YES if result == self.claim else NO

    @property
    def held_out(self) -> bool:
        """Whether no reference reasoner was trained on its arithmetic, however it is asked and told."""
        return self.sums.held_out

    def question(self) -> str:
        """The question's text."""
        called = dict(zip(NAMES, self.names, strict=True))
        doing = tuple(zip(self.sums.operations, self.sums.operands, strict=True))
        used = {name for name, _ in doing} | ({self.unless.operation} if self.unless else set())
        said = [f"Let {called[name]} be {name}." for name in NAMES if name in used and called[name] != name]
        said.append(
            ", ".join([f"Start {self.sums.start}", *(f"{called[name]} {number}" for name, number in doing)]) + "."
        )
        if self.unless:
            more = f"{called[self.unless.operation]} {self.unless.operand}"
            said.append(f"Unless the start is {self.unless.parity}, {more}.")
        if self.claim is not None:
            said.append(f"Is it {self.claim}?")
        if self.hint:
            said.append(f"Hint {self.hint}.")
        return " ".join([*said, *self.before])

    def told(self, **how: Any) -> "Worded":
        """The problem with fields of its telling replaced."""
        return replace(self, telling=replace(self.telling, **how))

    def sentences(self) -> tuple[Sentence, ...]:
        """The chain, sentence by sentence."""
        return tuple(_sentences(self, self.telling))

    def chain(self) -> str:
        """The chain's text."""
        return " ".join(each.text for each in self.sentences())


# Operations with their numbers, in order.
Doing = Sequence[tuple[str, int]]


def _sentences(problem: Worded, telling: Telling) -> Iterator[Sentence]:
    whole, known = problem.whole, len(problem.sums.operations)
    doing = tuple(zip(whole.operations, whole.operands, strict=True))
    values = whole.stated(telling.wrong)
    cuts = [*range(0, known, telling.together), known]
    slip = telling.slip[0] % (len(cuts) - 1) if telling.verbosity is Verbosity.MENDED else None
    for number, (start, stop) in enumerate(pairwise(cuts)):
        wrong = telling.slip[1] if number == slip else 0
        yield from _step(telling, values[start], doing[start:stop], values[stop], wrong)
    if problem.unless:
        yield Sentence(f"{whole.start} is {PARITIES[whole.start % 2]}.", Role.PARITY)
    if len(doing) > known:
        yield from _step(telling, values[known], doing[known:], values[-1], 0)
    if problem.claim is not None and telling.compared:
        left = (values[-1] - problem.claim) % MODULUS
        yield Sentence(_text(telling, values[-1], (("take", problem.claim),), left), Role.COMPARED, left)
    yield from (Sentence(each, Role.ASIDE) for each in telling.after)


def _step(telling: Telling, value: int, doing: Doing, result: int, wrong: int) -> Iterator[Sentence]:
    """One step and what is said of it; `wrong` is by how much it is wrong at first."""
    lead = f"{FILLER} " * telling.filler
    step = Sentence(_text(telling, value, doing, result), Role.STEP, result)
    if wrong:
        slipped = (result + wrong) % MODULUS
        yield Sentence(lead + _text(telling, value, doing, slipped), Role.SLIP, slipped)
        yield Sentence("wait.", Role.NOTICED)
        yield replace(step, text=f"instead {step.text}", role=Role.MENDED)
        return
    yield replace(step, text=lead + step.text)
    if telling.verbosity is Verbosity.RESTATED:
        yield Sentence(f"so it is {result}.", Role.RESTATED, result)
    elif telling.verbosity is Verbosity.CHECKED:
        undone = _text(replace(telling, filled=False), result, undoing(doing), value)
        yield Sentence(f"check {undone}", Role.CHECK, value)


def _text(telling: Telling, value: int, doing: Doing, result: int) -> str:
    """A step's sentence, such as `3 + 4 = 7.`"""
    (name, number), *rest = doing
    stated = f"[{result}]" if telling.filled else str(result)
    signs = telling.form is Form.SIGNS
    more = "".join(f" {SYMBOLS[each]} {operand}" for each, operand in rest)
    then = "".join(f", {each} {operand}" for each, operand in rest)
    if telling.verbosity is Verbosity.TERSE:
        return f"{name} {number}{then} {'=' if signs else 'to get'} {stated}."
    if signs:
        first = f"{value} {SYMBOLS[name]} {number}"
        return f"({first}){more} = {stated}." if rest else f"{first} = {stated}."
    return f"{PHRASES[name].format(value=value, number=number)}{then} to get {stated}."


def undoing(doing: Doing) -> tuple[tuple[str, int], ...]:
    """The operations that lead back, in order."""
    return tuple((UNDOING[name], INVERSES[number] if name == "times" else number) for name, number in reversed(doing))
