"""Worded problems: what questions ask and chains say, read by a parser of its own; and what varying one thing keeps."""

import re
from dataclasses import replace
from itertools import islice

import numpy as np
import pytest

from mediate.tasks.factors import FACTORS, varied
from mediate.tasks.modular import Chained, draw_problems
from mediate.tasks.worded import (
    ASIDES,
    BLANK_NAMES,
    NAMES,
    Form,
    Role,
    Telling,
    Unless,
    Verbosity,
    Worded,
)
from mediate.traces.statement import find_statement
from mediate.traces.steps import segment

SUMS = Chained(3, ("add", "times", "take"), (4, 7, 2))
EVERYTHING = {factor.name: {each.name: 0.9 / len(factor.settings) for each in factor.settings} for factor in FACTORS}


def drawn(count: int = 150, seed: int = 0) -> list[Worded]:
    """Problems in which nearly everything is varied."""
    rng = np.random.default_rng(seed)
    made = (draw_problems(rng, steps, held_out=True) for steps in (2, 3, 4, 5))
    sums = [each for problems in made for each in islice(problems, count // 4)]
    return [varied(Worded(each), EVERYTHING, rng) for each in sums]


def does(name: str, value: int, number: int) -> int:
    return {"add": value + number, "take": value - number, "times": value * number}[name] % 10


def answer_to(question: str) -> str:
    """What a question asks for, from its text alone."""
    called = {"add": "add", "take": "take", "times": "times"}
    called |= dict(re.findall(r"Let (\w+) be (\w+)\.", question))
    (body,) = re.findall(r"Start ([^.]*)\.", question)
    start, *doing = body.split(", ")
    value = int(start)
    for each in doing:
        name, number = each.split()
        value = does(called[name], value, int(number))
    for parity, name, number in re.findall(r"Unless the start is (\w+), (\w+) (\d)\.", question):
        if (int(start) % 2 == 1) != (parity == "odd"):
            value = does(called[name], value, int(number))
    asked = re.findall(r"Is it (\d)\?", question)
    return (("no", "yes")[int(asked[0]) == value]) if asked else str(value)


SIGNS = {"+": "add", "-": "take", "x": "times"}


def is_true(text: str, before: int) -> bool:
    """Whether a step says what is so, going on from a value; a terse one is read as going on from it."""
    text = re.sub(r"^(um |check |instead )*", "", text).replace("[", "").replace("]", "").rstrip(".")
    left, result = re.split(r" = | to get ", text)
    if re.match(r"[(\d]", left):
        value, *rest = re.findall(r"\d|[+x-]", left)
        doing = list(zip((SIGNS[sign] for sign in rest[::2]), rest[1::2], strict=True))
    else:
        first, *more = left.split(", ")
        value = str(before)
        for pattern, name in (
            (r"add (?P<number>\d) to (?P<value>\d)", "add"),
            (r"take (?P<number>\d) from (?P<value>\d)", "take"),
            (r"multiply (?P<value>\d) by (?P<number>\d)", "times"),
        ):
            if found := re.fullmatch(pattern, first):
                value, doing = found["value"], [(name, found["number"])]
                break
        else:
            doing = [tuple(first.split())]
        doing += [tuple(each.split()) for each in more]
    assert int(value) == before
    now = before
    for name, number in doing:
        now = does(name, now, int(number))
    return now == int(result)


def test_the_worked_examples() -> None:
    problem = Worded(
        SUMS, names=("blick", "take", "times"), unless=Unless("even", "take", 2), hint="5", before=ASIDES[:1]
    )
    assert problem.question() == (
        "Let blick be add. Start 3, blick 4, times 7, take 2. Unless the start is even, take 2. Hint 5. "
        "The cat is calm."
    )
    assert (problem.answer, problem.usual_answer) == ("5", "7")
    assert problem.chain() == "3 + 4 = 7. 7 x 7 = 9. 9 - 2 = 7. 3 is odd. 7 - 2 = 5."
    plain = Worded(SUMS)
    assert plain.told(form=Form.WORDS).chain() == (
        "add 4 to 3 to get 7. multiply 7 by 7 to get 9. take 2 from 9 to get 7."
    )
    assert plain.told(together=2).chain() == "(3 + 4) x 7 = 9. 9 - 2 = 7."
    assert plain.told(together=2, form=Form.WORDS).chain() == "add 4 to 3, times 7 to get 9. take 2 from 9 to get 7."
    assert plain.told(verbosity=Verbosity.TERSE).chain() == "add 4 = 7. times 7 = 9. take 2 = 7."
    assert plain.told(verbosity=Verbosity.RESTATED).chain().startswith("3 + 4 = 7. so it is 7. 7 x 7 = 9.")
    assert (
        plain.told(verbosity=Verbosity.CHECKED).chain().startswith("3 + 4 = 7. check 7 - 4 = 3. 7 x 7 = 9. check 9 x 3")
    )
    assert plain.told(verbosity=Verbosity.MENDED, slip=(4, 3)).chain() == (
        "3 + 4 = 7. 7 x 7 = 2. wait. instead 7 x 7 = 9. 9 - 2 = 7."
    )
    assert plain.told(filled=True, filler=2).chain().startswith("um um 3 + 4 = [7]. um um 7 x 7 = [9].")
    assert replace(plain, claim=7).answer == "yes"
    assert replace(plain, claim=7).chain().endswith("9 - 2 = 7. 7 - 7 = 0.")
    assert replace(plain, claim=7).told(compared=False).chain() == plain.chain() == plain.told(compared=False).chain()
    compared = replace(plain, claim=8).told(form=Form.WORDS, after=ASIDES[:1])
    assert compared.chain().endswith("take 2 from 9 to get 7. take 8 from 7 to get 9. The cat is calm.")
    assert replace(plain, claim=8, hint="no").question() == "Start 3, add 4, times 7, take 2. Is it 8? Hint no."


def test_questions_ask_what_a_parser_of_their_text_finds() -> None:
    for problem in drawn():
        assert answer_to(problem.question()) == problem.answer
        if problem.unless is None:
            assert problem.usual_answer == problem.answer


def test_every_sentence_of_every_chain_is_true_but_for_slips() -> None:
    seen = set()
    for problem in drawn():
        value, checked = problem.sums.start, []
        for sentence in problem.sentences():
            seen.add(sentence.role)
            if sentence.role in (Role.STEP, Role.MENDED, Role.SLIP):
                assert is_true(sentence.text, value) == (sentence.role is not Role.SLIP)
                assert re.findall(r"\d", sentence.text)[-1] == str(sentence.value)
                if sentence.role is not Role.SLIP:
                    checked, value = [value], sentence.value or 0
            elif sentence.role is Role.CHECK:
                assert is_true(sentence.text, value)
                assert [sentence.value] == checked
            elif sentence.role is Role.RESTATED:
                assert sentence.text == f"so it is {value}."
            elif sentence.role is Role.PARITY:
                assert sentence.text == f"{problem.sums.start} is {('even', 'odd')[problem.sums.start % 2]}."
            elif sentence.role is Role.COMPARED:
                assert is_true(sentence.text, value)
                assert problem.answer == ("yes" if sentence.value == 0 else "no")
                assert sentence.value == (value - problem.claim) % 10
            else:
                assert sentence.value is None
        assert problem.answer == problem.answer_to(value)
        told = Role.COMPARED in {each.role for each in problem.sentences()}
        assert told == (problem.claim is not None and problem.telling.compared)
    assert seen == set(Role)


def test_a_sentence_is_a_step_of_the_trace_and_results_are_found_as_such() -> None:
    for problem in drawn(seed=1):
        text = problem.chain()
        assert [text[slice(*span)].strip() for span in segment(text)] == [each.text for each in problem.sentences()]
        found = find_statement(text, str(problem.whole.answer))
        assert found is not None
        assert found.result


def test_the_same_problem_with_one_thing_varied() -> None:
    """What part of a text changes is what was varied, and no more."""
    for problem in drawn(60, seed=2):
        bare = replace(problem, unless=None)
        assert bare.answer == problem.usual_answer
        # What only the clause needs is not defined without it.
        without = re.sub(r" Unless [^.]*\.", "", problem.question())
        assert re.sub(r"Let [^.]*\. ", "", bare.question()) == re.sub(r"Let [^.]*\. ", "", without)
        usual = replace(problem, names=NAMES)
        assert "Let" not in usual.question()
        assert (usual.chain(), usual.answer) == (problem.chain(), problem.answer)
        for form in Form:
            assert problem.told(form=form).question() == problem.question()
            assert problem.told(form=form).answer == problem.answer
        assert problem.told(after=()).chain() == problem.chain().removesuffix(" ".join(problem.telling.after)).strip()


def test_both_forms_of_a_chain_have_the_same_results() -> None:
    for problem in drawn(40, seed=3):
        one, other = (problem.told(form=form).sentences() for form in Form)
        assert [(each.role, each.value) for each in one] == [(each.role, each.value) for each in other]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Telling(together=3), "3 operations a step"),
        (lambda: Telling(filled=True, verbosity=Verbosity.MENDED), "does not go wrong"),
        (lambda: Telling(slip=(0, 0)), "wrong by 0"),
        (lambda: Unless("prime", "add", 1), "prime"),
        (lambda: Worded(SUMS, names=("add", "add", "take")), "three that differ"),
    ],
)
def test_records_check_themselves(make: object, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        make()  # type: ignore[operator]


def test_names_that_mean_nothing_are_no_usual_ones() -> None:
    assert not set(BLANK_NAMES) & set(NAMES)
