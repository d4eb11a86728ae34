"""Controls of an item by itself: as many random tokens hidden as state its answer, beside knockouts of the same."""

from math import comb

import numpy as np
import pytest

import mediate as md
from mediate.errors import ItemError
from mediate.mediation.cells import Cell
from mediate.mediation.contrasts.hidden_controls import random_hidden
from mediate.mediation.kinds.controls import RANDOM_DRAWS, distinct_draws
from mediate.mediation.kinds.knockout import knockout_effects
from mediate.mediation.prepared_item import PreparedItem
from mediate.results.controls import Control
from tests import tiny


def item(cot: str, answer: str = "7") -> PreparedItem:
    given = md.Item("Tom has 3 apples and buys 4. How many now?", answer, cot, id="a")
    return md.prepare(tiny.model("llama"), given, store=False)


def hidden(prepared: PreparedItem, places: tuple[int, ...]) -> float:
    """What hiding some tokens of the chain in all layers changes, by the knockout of a cell."""
    everywhere = Cell(places, tuple(range(prepared.model.facts.layers)))
    return float(knockout_effects(prepared.model, prepared.tokens, [everywhere], prepared.outcomes[:1])[0, 0])


@pytest.mark.parametrize(
    ("cot", "answer", "said"),
    [
        ("Tom has 3. Tom has 3 + 4 = 7 apples.", "7", "7"),
        ("Tom has 3 + 4 = 7. Tom has 7 - 3 = 4. 4 + 3 = 7. Tom has 7 + 9 apples.", "7", "7"),
        ("Tom buys 40 and has 3 + 40 = 43 apples.", "43", "43"),
        ("Tom has 3 apples in all. Tom buys 4.", "9", "Tom buys 4."),
    ],
)
def test_as_many_tokens_are_hidden_as_state_the_answer(cot: str, answer: str, said: str) -> None:
    prepared = item(cot, answer)
    trace = prepared.tokens.trace
    start, stop = prepared.stated or trace.step_spans[-1]
    assert "".join(trace.tokens[start:stop]).strip() == said.strip()
    places = tuple(range(start, stop))
    rest = [place for place in range(len(trace.ids)) if place not in places]
    found = random_hidden(
        prepared.model, prepared.sights, prepared.outcomes[0], prepared.stated, np.random.default_rng(5)
    )
    draws = distinct_draws(np.random.default_rng(5), rest, len(places), found["draws"])
    sizes = np.abs([hidden(prepared, each) for each in draws])
    assert found["beside"] == pytest.approx(hidden(prepared, places), abs=1e-5)
    assert found["effect"] == pytest.approx(sizes.mean(), abs=1e-5)
    assert found["p"] == (1 + (sizes >= abs(found["beside"])).sum()) / (1 + len(sizes))
    assert found["draws"] == min(RANDOM_DRAWS, comb(len(rest), len(places)))
    assert sizes.max() > 1e-4


def test_it_is_the_last_statement() -> None:
    prepared = item("Tom has 3 + 4 = 7. Tom has 7 - 3 = 4. 4 + 3 = 7. Tom has 7 + 9 apples.")
    assert prepared.stated is not None
    before = "".join(prepared.tokens.trace.tokens[: prepared.stated[0]])
    assert before.rstrip().endswith("4. 4 + 3 =")


def test_a_chain_of_hardly_more_than_its_statement_is_refused() -> None:
    prepared = item("has 7")
    with pytest.raises(ItemError, match="beside the tokens that state its answer the chain has hardly more tokens"):
        random_hidden(prepared.model, prepared.sights, prepared.outcomes[0], (0, 2), np.random.default_rng(0))
    with pytest.raises(ItemError, match="beside its last step the chain has hardly more tokens"):
        random_hidden(prepared.model, prepared.sights, prepared.outcomes[0], None, np.random.default_rng(0))


def test_the_controls_of_an_item_hide_its_statement() -> None:
    prepared = item("Tom has 3. Tom has 3 + 4 = 7 apples.")
    found = {each.control: each for each in prepared.controls()}[Control.RANDOM_HIDDEN]
    assert prepared.stated is not None
    assert found.beside == pytest.approx(hidden(prepared, tuple(range(*prepared.stated))), abs=1e-5)
