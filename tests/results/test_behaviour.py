"""The record of an answer after an edit: what it refuses, and its table back and forth."""

import pytest

from mediate.results.behaviour import Behaved, behaviour_from_table, behaviour_table

ROW = Behaved("a", "g", "truncated", 1, 2, "at_once", 0.5, " 7 apples", "7", same=True, right=False, logprob=-1.5)
REFUSED = Behaved("a", "g", "another", 0, 2, "at_once", code="no_other", reason="there is none")


def test_the_table_and_back() -> None:
    rows = (ROW, REFUSED)
    back = behaviour_from_table(behaviour_table(rows))
    assert behaviour_table(back).equals(behaviour_table(rows))
    assert [each.made for each in back] == [True, False]
    assert back[0] == ROW


@pytest.mark.parametrize(
    "wrong",
    [{"place": 3}, {"reading": "later"}, {"code": "x"}, {"answer": "", "same": True}, {"code": "x", "reason": "y"}],
)
def test_a_row_that_contradicts_itself_is_refused(wrong: dict[str, object]) -> None:
    from dataclasses import replace

    with pytest.raises(ValueError, match="item 'a'"):
        replace(ROW, **wrong)  # type: ignore[arg-type]


def test_an_answer_follows_where_it_is_the_one_that_was_put_in_place() -> None:
    from dataclasses import replace

    assert replace(ROW, towards="7.0").followed
    assert not replace(ROW, towards="8").followed
    assert not ROW.followed
    assert not replace(ROW, answer="", same=False, towards="7").followed


def test_the_table_of_a_run_from_before_there_were_hints_is_read() -> None:
    (back,) = behaviour_from_table(behaviour_table([ROW]).drop(columns="towards"))
    assert back == ROW
