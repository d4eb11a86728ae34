"""Steps in other words: which ones, and what a rewriting may not do."""

import pytest

from mediate.errors import ItemError
from mediate.traces.edits import Unedited
from mediate.traces.pieces import decode_after
from mediate.traces.rewordings import reworded_from, reworded_up_to, stretches
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


def test_words_that_the_model_has_not_are_named_with_some_that_it_has() -> None:
    with pytest.raises(ItemError, match=r"no token for 'Zoe' of the rewriting \(it knows .*\band \d+ more\)"):
        reworded_from(lambda text: "Zoe has pears.").of(draft(), 0)


def test_the_same_text_is_no_paraphrase() -> None:
    with pytest.raises(ItemError) as refused:
        reworded_from(lambda text: text).of(draft(), 0)
    assert refused.value.code == "unchanged"


def test_white_space_alone_is_no_paraphrase() -> None:
    with pytest.raises(ItemError) as refused:
        reworded_from(lambda text: f"{text}\n").of(draft(), 0)
    assert refused.value.code == "unchanged"


@pytest.mark.parametrize(("place", "says"), [(0, "5"), (0, "5."), (2, "5"), (1, "Tom has 5.")])
def test_a_rewriting_may_not_be_the_answer_nor_be_the_first_to_state_it(place: int, says: str) -> None:
    early = "Tom has 3 + 4 = 7 apples. Tom gives 2 x 1 = 2."
    own = Unedited(given_trace(early if place == 1 else TEXT, tiny.tokenizer()), tiny.tokenizer(), answer="5")
    with pytest.raises(ItemError, match="the rewriting states the answer '5'") as refused:
        reworded_from(lambda text: says).of(own, place)
    assert refused.value.code == "states_answer"


@pytest.mark.parametrize("says", ["Tom has 3 + 4 = 9 apples.", "4.", "Tom has 8."])
def test_a_rewriting_may_not_state_another_result(says: str) -> None:
    """It would be a mistake, and the chain would speak for another answer."""
    own = Unedited(given_trace("Tom has 3 + 2 = 7 apples.", tiny.tokenizer()), tiny.tokenizer(), answer="5")
    with pytest.raises(ItemError, match="as a result, which stands nowhere in the steps") as refused:
        reworded_from(lambda text: says).of(own, 0)
    assert refused.value.code == "states_other"
    same = reworded_from(lambda text: "How has 2 + 3 = 7 apples.").of(own, 0)
    assert same.touched == (0,)


def test_an_answer_that_the_steps_state_themselves_may_stay() -> None:
    own = Unedited(given_trace(TEXT, tiny.tokenizer()), tiny.tokenizer(), answer="5")
    assert reworded_from(has).of(own, 1).touched == (1, 2)


def test_a_function_that_fails_costs_its_paraphrase_alone() -> None:
    def failing(text: str) -> str:
        raise ConnectionError("no answer\nfrom there")

    with pytest.raises(ItemError, match="the rewriting failed") as refused:
        reworded_from(failing).of(draft(), 0)
    assert refused.value.code == "rewriting_failed"
    assert "\n" not in str(refused.value)


def test_every_stretch_that_is_reworded_is_known_beforehand() -> None:
    asked, own = list[str](), draft()

    def rewrite(text: str) -> str:
        asked.append(text)
        return "Tom has."

    for place in range(3):
        reworded_from(rewrite).of(own, place)
        reworded_up_to(rewrite).of(own, place)
    assert set(asked) == set(stretches(own))
    assert len(stretches(own)) == 5
