"""Where a chain states its answer: a result, or a first occurrence that is called just that."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mediate.tasks import modular_pairs
from mediate.traces.statement import find_statement, last_statement
from mediate.traces.steps import find_answer, segment
from mediate.traces.trace import Trace, given_trace, written_trace
from tests import tiny


@pytest.mark.parametrize(
    ("text", "answer", "upto"),
    [
        ("2 - 1 = 1.", "1", "2 - 1 = 1"),
        ("8 - 1 = 7. 7 + 4 = 1.", "1", "8 - 1 = 7. 7 + 4 = 1"),
        ("Tom has 5 apples. He eats 2: 5 - 2 = 3. He buys 2: 3 + 2 = 5.", "5", "2: 3 + 2 = 5"),
        ("7 + 0 = 7 + 1 = 8 = 7", "7", "= 8 = 7"),
        ("x = **12**.", "12", "x = **12"),
        (r"The total is \boxed{5}.", "5", r"is \boxed{5"),
        ("There are exactly 7 pears left", "7", "are exactly 7"),
        ("So it equals $1,200 now", "1200", "equals $1,200"),
        ("First 4. Then Tom has 9", "9", "Then Tom has 9"),
        ("In London it is London.", "London", "it is London"),
        ("3 × 2 ≈ 6 or so", "6", "≈ 6"),
        ("He takes 50 %, so 50%.", "50%", "so 50%"),
    ],
)  # fmt: skip
def test_a_result(text: str, answer: str, upto: str) -> None:
    found = find_statement(text, answer)
    assert found is not None
    assert found.result
    assert text[: found.span.stop].endswith(upto)


@pytest.mark.parametrize(
    ("text", "answer", "upto"),
    [
        ("Tom has 3 + 9 = 12.", "3", "Tom has 3"),
        ("So he has 7 apples in all.", "7", "So he has 7"),
        ("The answer is 7 + 4", "7", "is 7"),
        ("Add 3 + 4.", "4", "3 + 4"),
        ("12 and 1 then 12", "1", "12 and 1"),
    ],
)
def test_a_first_occurrence_is_no_result(text: str, answer: str, upto: str) -> None:
    found = find_statement(text, answer)
    assert found is not None
    assert not found.result
    assert text[: found.span.stop].endswith(upto)
    assert found.span == find_answer(text, answer)


def test_the_datas_step_values_come_first() -> None:
    text = "Take 4 and 5, which leaves 4 here. Then all that is 4 goes. It makes 9 now, says 9."
    assert len(segment(text)) == 3
    found = find_statement(text, "4", (9, 4, 9))
    assert found is not None
    assert text[: found.span.stop].endswith("all that is 4")
    first = find_statement(text, "4", (4, 0, 9))
    assert first is not None
    assert first.result
    assert text[: first.span.stop].endswith("leaves 4")  # only the data tell that this is a result
    assert find_statement(text, "4", (4, 9)) == find_statement(text, "4")  # not of these steps
    assert find_statement(text, "77", (4, 0, 9)) is None


def test_a_written_chain_has_no_step_values_of_the_data() -> None:
    text = "Tom has 7 apples and 3. So Tom has 9 apples."
    given, written = (
        given_trace(text, tiny.byte_level()),
        written_trace(given_trace(text, tiny.byte_level()).ids, tiny.byte_level()),
    )
    assert given.stated("9", (7, 9)) is not None
    for trace, result in ((given, True), (written, False)):
        stated = trace.stated("9", (7, 9))
        assert stated is not None
        assert stated.result is result


def test_chains_modulo_ten_state_their_answer_after_an_equals_sign() -> None:
    operands = 0
    for pair in modular_pairs(60, seed=3):
        for item in (pair.base, pair.source):
            assert item.cot is not None
            for values in (item.values, ()):
                found = find_statement(item.cot, item.answer, values)
                assert found is not None
                assert found.result
                assert item.cot[: found.span.start].endswith("= ")
            operands += find_answer(item.cot, item.answer) != found.span
    assert operands > 10, "the first occurrence is always the result: the test would be vacuous"


@pytest.mark.parametrize(
    ("text", "answer", "stated"),
    [
        ("so = 1,000 in all", "1000", "1,000"),
        ("so = 1\u202f000 in all", "1,000", "1\u202f000"),
        ("it is 1 000 in all", "1 000", "1 000"),
        ("it is \u22125.0", "-5", "\u22125.0"),
        ("it is 07", "7.0", "07"),
        ("cost = $5", "5", "5"),
        ("= \uff17", "7", "\uff17"),
    ],
)
def test_any_spelling_of_the_answer_states_it(text: str, answer: str, stated: str) -> None:
    found = find_statement(text, answer)
    assert found is not None
    assert found.result
    assert text[slice(*found.span)] == stated


@given(st.text(alphabet="0123456789 +-=.isxTom\n", max_size=40), st.integers(0, 20))
def test_a_statement_is_an_occurrence_and_there_is_one_wherever_there_is_an_occurrence(text: str, number: int) -> None:
    found = find_statement(text, str(number))
    assert (found is None) == (find_answer(text, str(number)) is None)
    if found is not None:
        assert (
            text[slice(*found.span)].lstrip("-0").rstrip(".0") == str(number).lstrip("0").rstrip("0")
            or number % 10 == 0
        )


def test_a_trace_tells_it_in_tokens() -> None:
    trace = Trace("2 - 1 = 1.", tuple(range(6)), ("2", " -", " 1", " =", " 1", "."), (0,) * 6)
    assert trace.statement("1") == (4, 5)
    assert trace.states("1") == 4
    assert trace.states("2") == 0


@pytest.mark.parametrize(
    ("text", "answer", "before"),
    [
        ("3 + 4 = 7. So 7 is what it is. It is 7, and 7 days pass.", "7", "It is "),
        ("It has 7. Then 7 more come to stay", "7", "It has "),
        ("Of 7 pears and of 7 plums some are ripe", "7", "and of "),
        ("2 - 1 = 1. 1 + 3 = 4.", "1", "2 - 1 = "),
    ],
)
def test_the_last_statement_is_the_last_result_or_else_the_last_occurrence(text: str, answer: str, before: str) -> None:
    found = last_statement(text, answer)
    assert found is not None
    assert text[slice(*found)] == answer
    assert text[: found.start].endswith(before)
    assert last_statement(text, "55") is None


def test_a_statement_that_was_found_is_not_looked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "40 + 2 = 42. 42 - 1 = 41, as was asked for."
    found = find_statement(text, "42", [42, 41])
    monkeypatch.setattr("mediate.traces.statement.occurrences", lambda text, answer: iter(()))
    assert find_statement(text, "42", (42, 41)) == found
    assert find_statement(text, "42", (41, 42)) is None
