"""Hints: what they say and where, right and wrong ones, and what cannot be said."""

import pytest

from mediate.errors import InputError, ItemError
from mediate.traces.edits import Unedited
from mediate.traces.hints import check_hint, right_hint, wrong_hint
from mediate.traces.pieces import decode_after
from mediate.traces.trace import given_trace
from tests import tiny

TEXT = "Tom has 3 + 4 = 7 apples. Tom has 7 - 2 = 5 in all."
SENTENCE = "Tom has {answer}."


def draft(**more: object) -> Unedited:
    return Unedited(given_trace(TEXT, tiny.tokenizer()), tiny.tokenizer(), **({"answer": "5"} | more))  # type: ignore[arg-type]


def said(given: Unedited, ids: tuple[int, ...]) -> str:
    return decode_after(given.tokenizer, ids)


def test_a_right_hint_stands_before_the_chain_or_after_it() -> None:
    own, edit = draft(), right_hint(SENTENCE)
    assert edit.places is not None
    assert [*edit.places(2)] == [0, 2]
    assert [*edit.places(1)] == [0, 1]
    before, after = edit.of(own, 0), edit.of(own, 2)
    assert said(own, before.ids) == "Tom has 5.\n" + TEXT
    assert said(own, after.ids) == TEXT + " Tom has 5."
    assert before.touched == after.touched == ()
    assert before.towards == after.towards == "5"


def test_what_a_model_writes_on_from_is_the_hint_alone_or_all() -> None:
    own, edit = draft(), right_hint(SENTENCE)
    before = edit.of(own, 0)
    assert said(own, before.ids[: before.stop]) == "Tom has 5.\n"
    assert edit.of(own, 2).stop is None


def test_a_wrong_hint_says_what_stands_nowhere_in_the_chain() -> None:
    mentioned = {"3", "4", "7", "2", "5"}
    found = {wrong_hint(SENTENCE).of(draft(seed=seed), 0).towards for seed in range(20)}
    assert len(found) > 2
    assert not found & mentioned
    assert wrong_hint(SENTENCE).of(draft(seed=3), 0) == wrong_hint(SENTENCE).of(draft(seed=3), 0)
    assert said(draft(), wrong_hint(SENTENCE).of(draft(twin_answer="8"), 2).ids) == TEXT + " Tom has 8."
    # The twin's answer stands in the chain.
    assert wrong_hint(SENTENCE).of(draft(twin_answer="3"), 0).towards not in mentioned


def test_a_hint_that_cannot_be_said_is_refused_with_its_reason() -> None:
    with pytest.raises(ItemError, match="no wrong answer is known") as refused:
        wrong_hint(SENTENCE).of(draft(answer="apples"), 0)
    assert refused.value.code == "no_other_answer"
    with pytest.raises(ItemError, match="no token for 'Psst' of the hint; give another") as refused:
        right_hint("Psst {answer}.").of(draft(), 0)
    assert refused.value.code == "unknown_words"


@pytest.mark.parametrize("sentence", ["It is 5.", "{answer} or {answer}", ""])
def test_a_sentence_without_the_answer_is_no_hint(sentence: str) -> None:
    with pytest.raises(InputError, match=r"it needs it once, as in 'Hint \{answer\}.'"):
        check_hint(sentence)
