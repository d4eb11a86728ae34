"""A mistake in one step: which tokens differ, what follows it, and why some cannot be made."""

from dataclasses import replace
from typing import Any

import pytest

from mediate.errors import ItemError
from mediate.pairs.annotations import UnfitError
from mediate.pairs.recomputed import EXACT, Arithmetic, Slip
from mediate.tasks.modular_steps import MODULO_TEN
from mediate.traces.edits import Unedited
from mediate.traces.mistakes import MISTAKEN, recomputed
from mediate.traces.pieces import decode_after
from mediate.traces.trace import given_trace
from tests import tiny

TEXT = "Tom has 3 + 4 = 7 apples. Tom gives 2 x 1 = 2. Tom has 7 - 2 = 5 in all."
TOKENIZERS = {
    "words": tiny.tokenizer,
    "byte level": tiny.byte_level,
    "metaspace": lambda: tiny.sentencepiece_like("metaspace"),
}


@pytest.fixture(params=TOKENIZERS)
def tokenizer(request: pytest.FixtureRequest) -> Any:
    return TOKENIZERS[request.param]()


def draft(tokenizer: Any, text: str = TEXT, seed: int = 0, **more: Any) -> Unedited:
    return Unedited(given_trace(text, tokenizer), tokenizer, seed, **more)


@pytest.mark.parametrize("place", [0, 1, 2])
def test_kept_changes_the_result_of_that_step_alone(tokenizer: Any, place: int) -> None:
    own = draft(tokenizer)
    edited = MISTAKEN.of(own, place)
    said, at = decode_after(tokenizer, edited.ids), [TEXT.index(each) + 2 for each in ("= 7", "= 2", "= 5")][place]
    assert said[:at] + said[at + 1 :] == TEXT[:at] + TEXT[at + 1 :]
    assert said[at] != TEXT[at]
    assert edited.touched == (place,)
    assert len(edited.ids) == len(own.trace.ids)


def test_where_the_rest_is_written_anew_the_mistaken_step_ends(tokenizer: Any) -> None:
    own = draft(tokenizer)
    assert MISTAKEN.of(own, 1).stop == own.spans[1][1]
    assert MISTAKEN.continues
    assert not recomputed(EXACT).continues


def test_recomputed_modulo_ten_is_the_kept_mistake_with_what_follows() -> None:
    tokenizer = tiny.tokenizer()
    own = draft(tokenizer, "3 + 4 = 7. 7 x 7 = 9. 9 - 2 = 7.", seed=5)
    said = decode_after(tokenizer, recomputed(MODULO_TEN).of(own, 0).ids)
    assert said[:10] == decode_after(tokenizer, MISTAKEN.of(own, 0).ids)[:10]
    assert MODULO_TEN.holds(said[11:])
    assert said[11] == said[8]
    assert recomputed(MODULO_TEN).of(own, 2).ids == MISTAKEN.of(own, 2).ids


def test_a_mistake_whose_consequences_fit_is_looked_for() -> None:
    """18 becomes an even number of two digits, or its half would not be whole."""
    tokenizer = tiny.byte_level()
    own = draft(tokenizer, "10 + 8 = 18. 18 / 2 = 9.", question="10 and 8, by 2")
    found = {
        decode_after(tokenizer, recomputed(EXACT).of(draft(tokenizer, own.trace.text, seed, question=own.question)).ids)
        for seed in range(12)
    }
    assert found
    assert all(int(said[9:11]) == 2 * int(said[-2]) for said in found)


def test_known_values_say_which_number_is_the_result() -> None:
    tokenizer = tiny.byte_level()
    text = "Tom has 3 + 4 = 7, which is 5 more than 2."
    assert MISTAKEN.of(draft(tokenizer, text, values=(7,)), 0).ids != MISTAKEN.of(draft(tokenizer, text), 0).ids


def _refusing(slip: Slip) -> str:
    raise UnfitError("two_things", "a value stands for two things")


@pytest.mark.parametrize(
    ("rules", "text", "told"),
    [
        (None, TEXT, "no arithmetic that can be computed anew"),
        (Arithmetic("none", bool, _refusing), TEXT, "a value stands for two things"),
        (Arithmetic("longer", bool, lambda slip: slip.after + "!"), TEXT, "differ in more than numbers"),
        (Arithmetic("reworded", bool, lambda slip: slip.after.replace("Tom", "Ann")), TEXT, "more than numbers"),
        (EXACT, "Tom has all apples. So Tom has 3.", "step 0 states no number as its result"),
    ],
)
def test_what_cannot_be_recomputed_is_refused(rules: Arithmetic | None, text: str, told: str) -> None:
    with pytest.raises(ItemError, match=told):
        recomputed(rules).of(draft(tiny.byte_level(), text), 0)


def test_a_value_that_the_step_does_not_state_is_said_to_be_another() -> None:
    """Data whose `values` contradict their chains: the step does state a number."""
    own = draft(tiny.byte_level(), "3 + 4 = 7. 7 - 2 = 5.")
    with pytest.raises(ItemError, match="step 1 states '5' as its result, and its value is given as 9") as refused:
        MISTAKEN.of(replace(own, values=(7, 9)), 1)
    assert refused.value.code == "other_value"
    assert MISTAKEN.of(replace(own, values=(7, 9)), 0).touched == (0,)
