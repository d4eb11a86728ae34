"""Edits from a step on: what stays before the place, what stands after it, and which steps are touched."""

import pytest

from mediate.errors import ItemError
from mediate.traces.edits import Unedited
from mediate.traces.pieces import decode_after
from mediate.traces.step_edits import ANOTHER, FILLED, TRUNCATED, filler_of
from mediate.traces.trace import given_trace
from tests import tiny

TEXT = "Tom has 3 + 4 = 7 apples. Tom gives 2 x 1 = 2. Tom has 7 - 2 = 5 in all."


def draft(text: str = TEXT, **more: object) -> Unedited:
    return Unedited(given_trace(text, tiny.tokenizer()), tiny.tokenizer(), **more)  # type: ignore[arg-type]


def said(given: Unedited, ids: tuple[int, ...]) -> str:
    return decode_after(given.tokenizer, ids)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_a_truncated_chain_ends_before_the_place(place: int) -> None:
    own = draft()
    edited = TRUNCATED.of(own, place)
    assert said(own, edited.ids) == "".join(
        text for text, step in zip(own.trace.tokens, own.trace.steps, strict=True) if step < place
    )
    assert edited.touched == tuple(range(place, 3))


@pytest.mark.parametrize("place", [0, 1, 2])
def test_filler_stands_from_the_place_on_in_as_many_tokens(place: int) -> None:
    own = draft()
    edited = FILLED.of(own, place)
    begin = own.spans[place][0]
    assert edited.ids[:begin] == own.trace.ids[:begin]
    assert len(edited.ids) == len(own.trace.ids)
    assert set(said(own, edited.ids[begin:])) <= {".", " "}


def test_places_are_all_steps() -> None:
    assert TRUNCATED.places is not None
    assert [*TRUNCATED.places(3)] == [0, 1, 2]


def test_filler_of_a_given_number() -> None:
    own = draft()
    assert len(filler_of(5).of(own).ids) == 5
    assert filler_of(5).name == "filler.5"


def test_another_chain_stands_whole_and_must_be_there() -> None:
    other = given_trace("Tom has 3 apples.", tiny.tokenizer())
    assert ANOTHER.of(draft(other=other)).ids == other.ids
    with pytest.raises(ItemError, match="no item of another group") as refused:
        ANOTHER.of(draft())
    assert refused.value.code == "no_other"


def test_what_changes_nothing_is_refused() -> None:
    own = draft()
    with pytest.raises(ItemError, match="another at step 0 changes nothing") as refused:
        ANOTHER.of(draft(other=own.trace))
    assert refused.value.code == "unchanged"
