"""Edits of a chain: how many tokens they have, what they leave as it was, and why some cannot be."""

from collections import Counter
from typing import Any

import pytest

from mediate.errors import ItemError
from mediate.traces.edits import DELETION, FILLER, MISTAKE, SHUFFLED
from mediate.traces.pieces import decode_after
from mediate.traces.statement import last_results
from mediate.traces.trace import Trace, given_trace
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


def chain(tokenizer: Any, text: str = TEXT) -> Trace:
    return given_trace(text, tokenizer)


def test_deletion_leaves_nothing() -> None:
    assert DELETION.tokens(chain(tiny.tokenizer()), tiny.tokenizer(), 0) == ()


def test_filler_is_as_many_tokens_of_dots(tokenizer: Any) -> None:
    own = chain(tokenizer)
    ids = FILLER.tokens(own, tokenizer, 0)
    assert len(ids) == len(own.ids)
    assert set(decode_after(tokenizer, ids)) <= {".", " "}


def test_without_dots_or_a_line_break_there_is_no_filler() -> None:
    from mediate.checks.planted import planted_tokenizer

    digits = planted_tokenizer()
    own = given_trace("4", digits)
    assert decode_after(digits, FILLER.tokens(own, digits, 0)) == "\n"
    unknowing = tiny.sentencepiece_like("metaspace")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mediate.traces.edits.FILLERS", ())
        with pytest.raises(ItemError, match="the tokenizer has no filler"):
            FILLER.tokens(own, unknowing, 0)


def test_shuffled_keeps_the_steps_and_changes_their_order(tokenizer: Any) -> None:
    own = chain(tokenizer)
    found = {seed: SHUFFLED.tokens(own, tokenizer, seed) for seed in range(4)}
    steps = Counter(own.ids[slice(*span)] for span in own.step_spans)
    for ids in found.values():
        assert Counter(ids) == Counter(own.ids)
        assert ids != own.ids
        left = list(ids)
        for step in steps:  # each stands there whole
            begin = next(place for place in range(len(left)) if tuple(left[place : place + len(step)]) == step)
            del left[begin : begin + len(step)]
        assert not left
    assert len(set(found.values())) > 1
    assert found[0] == SHUFFLED.tokens(own, tokenizer, 0)


def test_a_mistake_changes_one_digit_of_the_last_result_alone(tokenizer: Any) -> None:
    own = chain(tokenizer)
    for seed in range(4):
        ids = MISTAKE.tokens(own, tokenizer, seed)
        assert len(ids) == len(own.ids)
        said = decode_after(tokenizer, ids)
        assert said != TEXT
        place = TEXT.index("= 5") + 2
        assert (said[:place], said[place + 1 :]) == (TEXT[:place], TEXT[place + 1 :])
        assert said[place] in "0123456789"
    assert len({MISTAKE.tokens(own, tokenizer, seed) for seed in range(9)}) > 1


def test_a_mistake_is_made_wherever_the_last_step_states_its_result() -> None:
    tokenizer = tiny.byte_level()
    text = "He has 3 + 9 = 12 apples. So 12 - 2 = 10, and the answer is 10, of 10 + 2 in all."
    said = decode_after(tokenizer, MISTAKE.tokens(chain(tokenizer, text), tokenizer, 1))
    wrong = said[text.index("= 10") + 2 :][:2]
    assert wrong != "10"
    assert said == text.replace("= 10", f"= {wrong}").replace("is 10", f"is {wrong}")


@pytest.mark.parametrize(
    ("text", "results"),
    [
        (TEXT, ["5"]),
        ("3 + 4 = 7.\nSo he is done.", ["7"]),
        ("He buys $1,200 - $200 = $1,000", ["1,000"]),
        ("There are -5 of them.", ["-5"]),
        ("He is done.", []),
        ("Take 3 + 4 first", []),
    ],
)
def test_the_last_result_is_the_last_number_that_a_step_comes_to(text: str, results: list[str]) -> None:
    assert [text[slice(*span)] for span in last_results(text)] == results


@pytest.mark.parametrize(
    ("edit", "text", "told"),
    [
        (SHUFFLED, "Tom has 7 apples.", "a chain of 1 step cannot be shuffled"),
        (MISTAKE, "Tom has all apples.", "no step of the chain states a number as its result"),
    ],
)
def test_an_edit_says_what_a_chain_has_not(edit: Any, text: str, told: str) -> None:
    tokenizer = tiny.tokenizer()
    with pytest.raises(ItemError, match=told):
        edit.tokens(chain(tokenizer, text), tokenizer, 0)


def test_no_mistake_has_other_tokens_than_the_number() -> None:
    tokenizer = tiny.tokenizer()
    own = chain(tokenizer)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mediate.traces.edits.other_numbers", lambda number: ["77", "12"])
        with pytest.raises(ItemError, match="no other number in the tokens of the last step's result, '5'"):
            MISTAKE.tokens(own, tokenizer, 0)
    assert "0" not in {
        decode_after(tokenizer, MISTAKE.tokens(chain(tokenizer, "3 + 4 = 17."), tokenizer, seed))[8]
        for seed in range(40)
    }
