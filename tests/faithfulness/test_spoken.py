"""What is said after edited chains, side by side and by plain passes: the same tokens, the same log-probabilities."""

import pytest

import mediate
from mediate.faithfulness.spoken import MORE, Beginning, speak, speak_plainly
from mediate.models.side_by_side import can_pad
from mediate.traces.edits import Unedited
from mediate.traces.mistakes import MISTAKEN
from mediate.traces.step_edits import FILLED, TRUNCATED
from tests import tiny

QUESTION = "Tom has 3 apples and buys 4. How many apples does Tom have?"
CHAIN = "Tom has 3 + 4 = 7 apples. Tom gives 2 x 1 = 2. Tom has 7 - 2 = 5 in all."


def prepared(model: mediate.Model, answer: str) -> mediate.PreparedItem:
    return mediate.prepare(model, mediate.Item(QUESTION, answer, CHAIN, id="a"), store=False)


def edited(item: mediate.PreparedItem) -> list[tuple[int, ...]]:
    chain = Unedited(item.tokens.trace, item.model.tokenizer)
    places = range(len(chain.spans))
    return [chain.trace.ids, *(edit.of(chain, each).ids for edit in (TRUNCATED, FILLED, MISTAKEN) for each in places)]


@pytest.mark.parametrize("architecture", [*tiny.ARCHITECTURES, "MptForCausalLM"])
@pytest.mark.parametrize("answer", ["5", "7 apples and 2"])
def test_side_by_side_is_as_by_plain_passes(architecture: str, answer: str) -> None:
    model = tiny.model(architecture)
    item = prepared(model, answer)
    chains = edited(item)
    fast, slow = speak(model, item.tokens, chains, padded=can_pad(model)), speak_plainly(model, item.tokens, chains)
    assert [*fast] == [*slow] == [*dict.fromkeys(chains)]
    for chain in fast:
        assert fast[chain].ids == slow[chain].ids
        assert fast[chain].logprob == pytest.approx(slow[chain].logprob, abs=1e-4)


def test_what_is_said_goes_on_from_where_it_parts_from_the_answer() -> None:
    """The model's own words as the measured answer but for the last: rows part from it at every place."""
    model = tiny.model("qwen3")
    first = prepared(model, "5")
    own = speak_plainly(model, first.tokens, [first.tokens.trace.ids])[first.tokens.trace.ids].ids
    said = model.tokenizer.decode(own).strip()
    item = prepared(model, said)
    fast = speak(model, item.tokens, edited(item), padded=True)
    slow = speak_plainly(model, item.tokens, edited(item))
    assert {chain: each.ids for chain, each in fast.items()} == {chain: each.ids for chain, each in slow.items()}
    assert all(len(each.ids) <= len(item.tokens.readers.base) + MORE for each in fast.values())


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_behind_a_beginning_that_is_run_once_the_same_is_said(architecture: str) -> None:
    model = tiny.model(architecture)
    first = "Tom has 3 apples and buys 4. Tom gives 2 and has 5. Tom has 7 apples. "
    items = [
        mediate.prepare(model, mediate.Item(f"{first}{rest}", "5", CHAIN, id=rest), store=False)
        for rest in ("How many apples does Tom have?", "Tom has how many?")
    ]
    begun = Beginning.of(model, [each.tokens for each in items])
    assert begun is not None
    for item in items:
        assert item.tokens.question[: len(begun.ids)] == begun.ids
        chains = edited(item)
        fast, slow = (
            speak(model, item.tokens, chains, padded=True, begun=begun),
            speak_plainly(model, item.tokens, chains),
        )
        for chain in chains:
            assert fast[chain].ids == slow[chain].ids
            assert fast[chain].logprob == pytest.approx(slow[chain].logprob, abs=1e-4)


def test_a_short_beginning_or_a_single_item_is_not_run_by_itself() -> None:
    model = tiny.model("llama")
    one, other = (
        prepared(model, "5"),
        mediate.prepare(model, mediate.Item("Tom has 3.", "5", CHAIN, id="b"), store=False),
    )
    assert Beginning.of(model, [one.tokens]) is None
    assert Beginning.of(model, [one.tokens, other.tokens]) is None
