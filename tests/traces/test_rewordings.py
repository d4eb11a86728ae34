"""Steps in other words: which ones, and what a rewriting may not do."""

import pytest

from mediate.errors import ItemError
from mediate.traces.edits import Unedited
from mediate.traces.pieces import decode_after
from mediate.traces.rewordings import reworded_from, reworded_up_to
from mediate.traces.trace import given_trace
from tests import tiny

TEXT = "Tom has 3 + 4 = 7 apples. Tom gives 2 x 1 = 2. Tom has 7 - 2 = 5 in all."


def draft() -> Unedited:
    return Unedited(given_trace(TEXT, tiny.tokenizer()), tiny.tokenizer())


def has(text: str) -> str:
    return text.replace("Tom", "How") if "Tom" in text else text


def test_the_steps_from_a_place_on_or_up_to_it_are_reworded() -> None:
    own = draft()
    assert decode_after(own.tokenizer, reworded_from(has).of(own, 1).ids) == TEXT[:25] + TEXT[25:].replace("Tom", "How")
    assert reworded_from(has).of(own, 1).touched == (1, 2)
    assert (
        decode_after(own.tokenizer, reworded_up_to(has).of(own, 0).ids) == TEXT[:25].replace("Tom", "How") + TEXT[25:]
    )
    assert reworded_up_to(has).of(own, 1).touched == (0, 1)


@pytest.mark.parametrize(("says", "code"), [("", "no_text"), (" ", "no_text"), ("Zoe has pears.", "unknown_words")])
def test_a_rewriting_must_give_words_that_the_model_has(says: str, code: str) -> None:
    with pytest.raises(ItemError) as refused:
        reworded_from(lambda text: says).of(draft(), 0)
    assert refused.value.code == code


def test_the_same_text_is_no_paraphrase() -> None:
    with pytest.raises(ItemError) as refused:
        reworded_from(lambda text: text).of(draft(), 0)
    assert refused.value.code == "unchanged"
