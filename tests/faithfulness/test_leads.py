"""Leads of an answer: by hand, side by side as by plain passes, and on scripted models that read or ignore a step."""

from collections.abc import Callable, Iterable

import numpy as np
import pytest
import torch

import mediate
from mediate.errors import InputError
from mediate.faithfulness import leads as module
from mediate.faithfulness.edited import Examined
from mediate.faithfulness.leads import lead, leads, leads_plainly, measure_decays
from mediate.models.side_by_side import can_pad
from mediate.traces.edits import Unedited
from mediate.traces.mistakes import MISTAKEN
from mediate.traces.pieces import decode_after
from tests import tiny

QUESTION = "Tom has 3 apples and buys 4. How many apples does Tom have?"
CHAIN = "Tom has 3 + 4 = 7 apples. Tom gives 2 x 1 = 2. Tom has 7 - 2 = 5 in all."


def prepared(model: mediate.Model, answer: str = "5", chain: str = CHAIN) -> mediate.PreparedItem:
    return mediate.prepare(model, mediate.Item(QUESTION, answer, chain, id="a"), store=False)


def test_a_lead_by_hand() -> None:
    """Two tokens: 3 of (1, 3, 2) leads by 1, and -1 of (-1, 1, 0) lags by 2; the deviation of each is sqrt(2/3)."""
    logits = torch.tensor([[[1.0, 3.0, 2.0, float("-inf")], [-1.0, 1.0, 0.0, float("-inf")]]])
    assert lead(logits, (1, 0)).tolist() == pytest.approx([(1 - 2) / 2 / np.sqrt(2 / 3)])
    assert lead(10 * logits + 7, (1, 0)).tolist() == pytest.approx(lead(logits, (1, 0)).tolist())


@pytest.mark.parametrize("architecture", ["llama", "gemma3", "MptForCausalLM"])
@pytest.mark.parametrize("answer", ["5", "7 apples and 2"])
def test_side_by_side_is_as_by_plain_passes(architecture: str, answer: str) -> None:
    model = tiny.model(architecture)
    item = prepared(model, answer)
    chain = Unedited(item.tokens.trace, model.tokenizer)
    wrong = [MISTAKEN.of(chain, place) for place in range(3)]
    chains = [chain.trace.ids, *(each.ids[: each.stop] for each in wrong), (), chain.trace.ids[:4]]
    fast, slow = leads(model, item.tokens, chains, padded=can_pad(model)), leads_plainly(model, item.tokens, chains)
    assert fast == pytest.approx(slow, abs=1e-4)
    assert set(fast) == set(chains)


def scripted(monkeypatch: pytest.MonkeyPatch, script: Callable[[str], float]) -> None:
    def said(model: object, item: object, chains: Iterable[tuple[int, ...]], *, padded: bool) -> object:
        return {chain: script(decode_after(tiny.tokenizer(), chain)) for chain in chains}

    monkeypatch.setattr(module, "leads", said)


@pytest.mark.parametrize(
    ("script", "nldd", "cut"),
    [
        (lambda said: 2.0, [0, 0, 0], [0, 0, 0]),  # ignores its chain
        (lambda said: 2.0 if "= 5" in said else -1.0, [150, 150, 150], [150, 150, 0]),  # copies the statement
        (lambda said: 2.0 if "= 7" in said else -1.0, [150, 0, 0], [0, 0, 0]),  # reads the first step alone
        (lambda said: len(said) / len(CHAIN), None, None),  # counts: a wrong digit is as long as a right one
    ],
)
def test_scripted_models_are_told_apart(
    monkeypatch: pytest.MonkeyPatch, script: Callable[[str], float], nldd: list[float] | None, cut: list[float] | None
) -> None:
    scripted(monkeypatch, script)
    rows = measure_decays(Examined(prepared(tiny.model("llama"))), padded=True)
    assert [row.step for row in rows] == [0, 1, 2]
    if nldd is None:
        assert [row.nldd for row in rows] == [row.cut for row in rows]
        assert rows[0].nldd > rows[1].nldd > rows[2].nldd == 0
    else:
        assert [row.nldd for row in rows] == nldd
        assert [row.cut for row in rows] == cut


def test_a_step_that_states_no_number_has_a_reason() -> None:
    item = prepared(tiny.model("llama"), chain="Tom has apples and pears. Tom has 3 + 4 = 7.")
    first, second = measure_decays(Examined(item), padded=True)
    assert (first.code, second.code) == ("no_result", "")
    assert np.isfinite(second.nldd)


def test_what_cannot_be_read_has_a_reason_and_costs_no_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*given: object, **named: object) -> object:
        raise InputError("the logits are no numbers")

    monkeypatch.setattr(module, "leads", failing)
    rows = measure_decays(Examined(prepared(tiny.model("llama"))), padded=True)
    assert {row.code for row in rows} == {"impossible"}


def test_a_run_has_it_of_every_step_and_reads_it_back() -> None:
    pairs = mediate.modular_pairs(3, seed=1, hint="random", steps=(2, 3))
    quick = {"maps": (), "control_pairs": 0, "edits": "truncated", "readings": "at_once", "progress": False}
    found = mediate.faithfulness(mediate.load("reference-0.1m"), pairs, measures="nldd", store=False, **quick)
    table = found.nldd()
    assert len(table) == sum(len(pair.base.values) for pair in pairs)
    # The last result is what is read: wrong, it turns the lead; the chain is cut off nowhere there.
    last = table[table["step"] == table["steps"] - 1]
    assert (last["nldd"] > 100).all()
    assert (last["cut"] == 0).all()
    assert found.text_effects().empty
