"""Grafts by text: whose steps stand where, and what is refused."""

import pytest

from mediate.errors import ItemError
from mediate.traces.edits import Unedited
from mediate.traces.pieces import decode_after
from mediate.traces.text_grafts import GRAFTED
from mediate.traces.trace import given_trace
from tests import tiny

OWN = "Tom has 3 + 4 = 7 apples. Tom has 7 - 2 = 5 in all."
TWIN = "Tom has 2 + 4 = 6 apples. Tom has 6 - 2 = 4 in all."


def draft(twin: str | None = TWIN) -> Unedited:
    tokenizer = tiny.tokenizer()
    found = given_trace(twin, tokenizer) if twin is not None else None
    return Unedited(given_trace(OWN, tokenizer), tokenizer, answer="5", twin=found, twin_answer="4")


def said(own: Unedited, ids: tuple[int, ...]) -> str:
    return decode_after(own.tokenizer, ids)


def test_the_twins_steps_stand_up_to_the_place_and_then_the_own_ones() -> None:
    own = draft()
    first, all_of_it = GRAFTED.of(own, 0), GRAFTED.of(own, 1)
    assert said(own, first.ids) == "Tom has 2 + 4 = 6 apples. Tom has 7 - 2 = 5 in all."
    assert said(own, first.ids[: first.stop]) == "Tom has 2 + 4 = 6 apples."
    assert all_of_it.ids == own.twin.ids if own.twin else False
    assert all_of_it.stop == len(all_of_it.ids)
    assert (first.touched, all_of_it.touched) == ((0,), (0, 1))
    assert first.towards == "4"


def test_chains_of_other_numbers_of_steps_are_grafted_by_text() -> None:
    longer = draft(TWIN + " Tom gives 2 x 1 = 2.")
    assert said(longer, GRAFTED.of(longer, 0).ids).startswith("Tom has 2 + 4 = 6 apples. Tom has 7")
    assert said(longer, GRAFTED.of(longer, 1).ids) == TWIN + " Tom gives 2 x 1 = 2."
    shorter = draft("Tom has 2 + 4 = 6 apples.")
    assert said(shorter, GRAFTED.of(shorter, 1).ids) == "Tom has 2 + 4 = 6 apples."
    none = Unedited(given_trace(OWN + " Tom has 5.", tiny.tokenizer()), tiny.tokenizer(), twin=shorter.twin)
    with pytest.raises(ItemError, match="the twin's chain has 1 steps, so none stands at step 1") as refused:
        GRAFTED.of(none, 1)
    assert refused.value.code == "no_such_step"


def test_an_item_by_itself_has_no_twin_and_an_equal_step_changes_nothing() -> None:
    with pytest.raises(ItemError, match="no twin") as refused:
        GRAFTED.of(draft(None), 0)
    assert refused.value.code == "no_twin"
    with pytest.raises(ItemError, match="changes nothing"):
        GRAFTED.of(draft(OWN), 0)
