"""Scripted models that ignore, copy or need their chain: the tests tell them apart."""

import re
from collections.abc import Callable, Iterable
from dataclasses import replace

import pytest

import mediate
from mediate.faithfulness import at_once
from mediate.faithfulness.at_once import NO_ANSWER, read_at_once
from mediate.faithfulness.edited import Examined
from mediate.faithfulness.spoken import Spoken
from mediate.results.edit_tests import edit_tests
from mediate.traces.mistakes import MISTAKEN
from mediate.traces.pieces import decode_after, encode_after
from mediate.traces.step_edits import ANOTHER, FILLED, TRUNCATED
from mediate.traces.trace import given_trace
from tests import tiny

QUESTION = "Tom has 3 apples and buys 4. How many apples does Tom have?"
STATED_LATE = "Tom has 3 + 4 = 7 apples. Tom gives 2 x 1 = 2. Tom has 7 - 2 = 5 in all."
STATED_SECOND = "Tom has 3 + 4 = 7 apples. Tom has 7 - 2 = 5. Tom gives 5. Tom has 5 in all."
EDITS = (TRUNCATED, MISTAKEN, FILLED)
Script = Callable[[str, str], str]


def ignoring(said: str, whole: str) -> str:
    return " 5"


def copying(said: str, whole: str) -> str:
    return f" {numbers[-1]}" if (numbers := re.findall(r"\d", said)) else " 0"


def needing(said: str, whole: str) -> str:
    return " 5" if said == whole else " 0"


def examined(monkeypatch: pytest.MonkeyPatch, chain: str, script: Script) -> Examined:
    item = mediate.prepare(tiny.model("llama"), mediate.Item(QUESTION, "5", chain, id="a"), store=False)

    def speak(model: object, tokens: object, chains: Iterable[tuple[int, ...]], *, padded: bool) -> object:
        tokenizer = tiny.tokenizer()
        return {
            ids: Spoken(tuple(encode_after(tokenizer, script(decode_after(tokenizer, ids), chain))), -1.0)
            for ids in chains
        }

    monkeypatch.setattr(at_once, "speak", speak)
    return Examined(item)


@pytest.mark.parametrize(
    ("script", "chain", "truncated", "filled"),
    [
        (ignoring, STATED_LATE, 0, 0),
        (needing, STATED_LATE, 1, 1),
        (copying, STATED_LATE, 1, 1),
        # Stated by the second of four steps: y = (0, 0, 1, 1, 1), so the area is 1 - 5/8 = 3/8, of at most 7/8.
        (copying, STATED_SECOND, 3 / 7, 3 / 7),
    ],
)
def test_the_area_says_how_much_of_the_chain_is_needed(
    monkeypatch: pytest.MonkeyPatch, script: Script, chain: str, truncated: float, filled: float
) -> None:
    found = read_at_once(examined(monkeypatch, chain, script), EDITS, padded=True)
    by_edit = {each.edit: each for each in edit_tests(found)}
    assert by_edit["truncated"].normalised.value == pytest.approx(truncated)
    assert by_edit["filled"].normalised.value == pytest.approx(filled)


def test_a_kept_mistake_in_the_middle_is_not_seen_by_a_copier(monkeypatch: pytest.MonkeyPatch) -> None:
    found = read_at_once(examined(monkeypatch, STATED_LATE, copying), (MISTAKEN,), padded=True)
    assert [row.same for row in found] == [True, True, True, False]
    found = read_at_once(examined(monkeypatch, STATED_LATE, needing), (MISTAKEN,), padded=True)
    assert [row.same for row in found] == [True, False, False, False]


def test_rows_say_what_was_replaced_and_answered(monkeypatch: pytest.MonkeyPatch) -> None:
    subject = examined(monkeypatch, STATED_LATE, copying)
    whole, *rows = read_at_once(subject, (TRUNCATED,), padded=True)
    assert (whole.edit, whole.place, whole.steps, whole.answer, whole.right) == ("whole", 3, 3, "5", True)
    assert [(row.place, row.answer, row.same) for row in rows] == [(0, "0", False), (1, "7", False), (2, "2", False)]
    assert rows[0].replaced == 1
    assert rows[0].replaced > rows[1].replaced > rows[2].replaced > 0
    assert all(row.logprob == -1 for row in rows)


def test_what_cannot_be_made_is_a_row_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    subject = examined(monkeypatch, STATED_LATE, copying)
    (_, row) = read_at_once(subject, (ANOTHER,), padded=True)
    assert (row.code, row.same, row.said) == ("no_other", False, "")
    long = given_trace("Tom has 3 apples. " * 99, tiny.tokenizer())
    (_, row) = read_at_once(replace(subject, other=long), (ANOTHER,), padded=True)
    assert row.code == "too_long"


def test_answers_that_do_not_parse_are_not_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def wordy(said: str, whole: str) -> str:
        return " 5" if said == whole else " apples"

    _, *rows = read_at_once(examined(monkeypatch, STATED_LATE, wordy), (TRUNCATED,), padded=True)
    assert not any(row.parsed or row.same or row.right for row in rows)
    assert {row.said for row in rows} == {"apples"}


def test_without_an_answer_after_the_whole_chain_nothing_is_held_against_it(monkeypatch: pytest.MonkeyPatch) -> None:
    found = read_at_once(examined(monkeypatch, STATED_LATE, lambda said, whole: " apples"), EDITS, padded=True)
    assert [(row.edit, row.code) for row in found] == [("whole", NO_ANSWER)]
    assert "'apples'" in found[0].reason
