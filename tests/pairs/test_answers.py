import logging
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mediate.errors import InputError, ItemError
from mediate.pairs.answers import answer_in, math_verify_same, normalise, parse_answer, same_answer, says
from mediate.pairs.pair import Item, Pair
from mediate.traces.steps import find_answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Tom has 3 + 4 = 7 apples.\nThe answer is 7", "7"),
        ("The answer is 7.", "7"),
        ("the final ANSWER IS: $1,200.50.", "1200.5"),
        ("The answer is 5 apples.", "5"),
        ("The answer is 3 + 4 = 7 apples.", "7"),
        ("The answer is 5, because 2 + 3 = 5.", "5"),
        ("The answer is 5, not 6.", "5"),
        ("The answer is 5 or 6.", "5 or 6"),
        ("The answer is 3.5. Then", "3.5"),
        ("The answer is **-0**.", "0"),
        ("The answer is \u22125", "-5"),
        ("The answer is 50%.", "50%"),
        ("The answer is:\n\n12", "12"),
        ("The answer is Paris. It lies in France.", "Paris"),
        (r"so \boxed{\frac{1}{2}} holds", r"\frac{1}{2}"),
        (r"\boxed{\{1, 2\}}", r"\{1, 2\}"),
        (r"\boxed{x \} y} and {z}", r"x \} y"),
        (r"\boxed{5 \text{ apples}}", "5"),
        (r"\boxed{\text{Yes}}", "Yes"),
        (r"\boxed{1{,}200}", "1200"),
        (r"The answer is \boxed{7}.", "7"),
        ("7 in all\n#### 1,234", "1234"),
        ("#### Paris", "Paris"),
        ("#### Paris\n", "Paris"),
    ],
)
def test_each_form_is_found_and_normalised(text: str, answer: str) -> None:
    assert parse_answer(text) == answer


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("The answer is 5. No: the answer is 6.", "6"),
        (r"\boxed{5} #### 6", "6"),
        ("#### 5\nThe answer is 6", "6"),
        (r"The answer is 6, so \boxed{7}", "7"),
        (r"\boxed{5} and then \boxed{6", "5"),
        (r"The answer is 5. \boxed{}", "5"),
    ],
)
def test_the_last_statement_wins(text: str, answer: str) -> None:
    assert parse_answer(text) == answer


@pytest.mark.parametrize(
    "text",
    [
        "",
        "7",
        "Tom has 7 apples.",
        r"\boxed{5",
        "The answer is",
        "The answer is \n\nQ: next",
        "#### Step 1: add\nTom has 7",
        "##### 5",
    ],
)
def test_no_statement_is_no_answer(text: str) -> None:
    assert parse_answer(text) is None


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        ("1,200", "1200"),
        ("1,20", "1,20"),
        ("$5", "5"),
        ("5 €", "5"),
        ("+5", "5"),
        ("-0", "0"),
        ("-0.0", "0"),
        ("007", "7"),
        ("5.", "5"),
        ("5.00", "5"),
        ("5.50", "5.5"),
        (".5", "0.5"),
        ("\u22125", "-5"),
        ("-$5", "-5"),
        (r"\(5\)", "5"),
        (" yes ", "yes"),
        ("1/2", "1/2"),
        ("1e3", "1e3"),
        ("...", "..."),
        ("", ""),
    ],
)
def test_normal_form(answer: str, wanted: str) -> None:
    assert normalise(answer) == wanted


@given(st.text(max_size=30) | st.from_regex(r"[$+-]?[0-9,]{1,8}(\.[0-9]{0,4})?\.?", fullmatch=True))
@settings(deadline=None)
def test_normalising_twice_is_normalising_once(answer: str) -> None:
    assert normalise(normalise(answer)) == normalise(answer)


@given(st.integers(-(10**9), 10**9), st.integers(0, 3))
@settings(deadline=None)
def test_every_way_to_write_a_number_is_one_answer(number: int, zeros: int) -> None:
    written = f"{number:,}" + ("." + "0" * zeros if zeros else "")
    assert normalise(written) == str(number)
    assert parse_answer(f"So it is {number}.\nThe answer is {written}.") == str(number)
    assert not same_answer(written, str(number + 1))


ONE_VALUE = [
    ("1,000", "1000"), ("1,000", "1\u202f000"), ("1 000", "1000"), ("1'000", "1000"), ("12,34,567", "1234567"),
    ("7.0", "07"), ("7.", "7"), ("+7", "7"), ("\u22127", "-7"), ("\u20137", "-7"), ("$5", "5"), ("5 \u20ac", "5"),
    ("-$5", "$-5"), ("\uff15", "5"), ("\u0663", "3"), ("50 %", "50.0%"), ("**5**", "5"), (r"1{,}000", "1000"),
]  # fmt: skip
TWO_VALUES = [
    ("1,000", "100"),
    ("1,00", "100"),
    ("7", "-7"),
    ("5", "5%"),
    ("1 0", "10"),
    ("3-5", "35"),
    ("1000", "1.000"),
]


@pytest.mark.parametrize(("one", "other"), ONE_VALUE)
def test_two_spellings_of_one_value_are_one_answer(one: str, other: str) -> None:
    """Wherever answers are judged: two worlds' answers, what a model says, and what a chain states."""
    assert same_answer(one, other)
    assert same_answer(other, one)
    assert says(f" {one}.", other)
    assert says(f"{other}\n", one)
    assert find_answer(f"so it is {other} in all", one) is not None
    with pytest.raises(ItemError, match="are one value; a pair needs") as caught:
        Pair("a", "g", Item("q", one), Item("r", other))
    assert caught.value.code == "equal_answers"


@pytest.mark.parametrize(("one", "other"), TWO_VALUES)
def test_values_that_look_alike_are_two_answers(one: str, other: str) -> None:
    assert not same_answer(one, other)
    assert not says(one, other)


def test_an_answer_in_words_is_given_word_for_word() -> None:
    assert says(" 5 apples. Then", "5 apples")
    assert says("5 apples", "5")
    assert not says("5 pears", "5 apples")


def test_same_answer_is_exact() -> None:
    assert same_answer("1,200", "1200.0")
    assert not same_answer("1/2", "0.5")
    assert not same_answer("yes", "Yes")


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("1/2", "0.5", True),
        ("0.5", r"\frac{1}{2}", True),
        ("1,200", "1200", True),
        ("$5", "5", True),
        ("5", "6", False),
        ("x+1", "1+x", True),
        ("Paris", "Paris", True),
        ("Paris", "Pairs", False),
        ("", "5", False),
    ],
)
def test_values_compare_by_math_verify(a: str, b: str, same: bool) -> None:
    assert math_verify_same(a, b) is same


def test_math_verify_works_in_threads_and_quietly(caplog: pytest.LogCaptureFixture) -> None:
    import math_verify.grader
    import math_verify.parser

    for module in (math_verify.parser, math_verify.grader):
        module.TIMEOUT_WARNING_SHOWN = False  # the package warns once a process
    with caplog.at_level(logging.WARNING), ThreadPoolExecutor(2) as pool:
        assert list(pool.map(math_verify_same, ["1/2", "3"], ["0.5", "4"])) == [True, False]
    assert not caplog.records
    assert not logging.getLogger("math_verify.parser").filters


def test_a_missing_math_verify_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "math_verify", None)
    with pytest.raises(InputError, match=r"mediate\[tasks\]"):
        math_verify_same("1", "1")


@pytest.mark.parametrize(
    ("words", "like", "found"),
    [
        (" 7 apples.", "12", "7"),
        (" 3 + 4 = 7", "12", "7"),
        (" of the", "12", None),
        (" of the", "red", "of the"),
        (" **5**", "12", "5"),
        (" 40%", "50%", "40%"),
        ("", "12", None),
    ],
)
def test_where_a_number_is_asked_for_only_a_number_is_an_answer(words: str, like: str, found: str | None) -> None:
    assert answer_in(words, like) == found
