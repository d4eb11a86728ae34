"""Interventions of one's own against knockouts and ablations of the same, and against passes of the whole run."""

from functools import cache

import numpy as np
import pytest
import torch

import mediate
from mediate.errors import InputError
from mediate.mediation.cells import Cell
from mediate.mediation.prepared_item import PreparedItem
from mediate.mediation.prepared_pair import PreparedPair
from mediate.models.sites import Component, Site
from mediate.passes.forward import forward
from mediate.passes.interventions import Knockout, Patch, Write
from mediate.scoring.spec import make_spec
from tests import tiny

ATOL = 1e-9
QUESTION, CHAIN = "Tom has 3 apples. Tom buys 9.", "Tom has 3. Tom buys 9. 3 + 9 = 12."


@cache
def item() -> PreparedItem:
    given = mediate.Item(QUESTION, "12", CHAIN, id="apples")
    return mediate.prepare(tiny.model("llama", "float64"), given, make_spec(template="none"), store=False)


@cache
def pair() -> PreparedPair:
    base, source = (
        mediate.Item(f"Tom has {n} apples. Tom buys 4.", str(n + 4), f"Tom has {n}. {n} + 4 = {n + 4}.") for n in (3, 5)
    )
    given = mediate.Pair("apples", "apples", base, source)
    return mediate.prepare(tiny.model("llama", "float64"), given, make_spec(template="none"), store=False)


def halved(layer: int, positions: tuple[int, ...]) -> Write:
    return Write(Site(Component.RESID_PRE, layer), positions, new=lambda now: 0.5 * now)


def test_ids_are_question_chain_and_readers() -> None:
    tokens = item().tokens
    assert tuple(item().ids[0].tolist())[: len(tokens.whole)] == tokens.whole
    assert tuple(item().ids[0, list(item().chain)].tolist()) == tokens.trace.ids
    assert len(pair().chain) == len(pair().tokens.traces[1].ids)


def test_zeros_that_are_written_are_an_ablation_by_zeros() -> None:
    cells = item().cells("step,layer")
    start = item().chain.start
    rows = [
        tuple(
            Write(Site(Component.Z, layer), tuple(start + place for place in cell.positions), new=torch.zeros_like)
            for layer in cell.layers
        )
        for cell in cells
    ]
    wanted = item().ablation(["z"], "zero", cells).effects
    np.testing.assert_allclose(item().intervene(rows), wanted, atol=ATOL)
    assert abs(wanted).max() > 1e-3


def test_readers_that_cannot_attend_are_a_knockout() -> None:
    chain, length = item().chain, item().ids.shape[1]
    row = (
        Knockout(
            keys=tuple(chain), readers=tuple(range(chain.stop, length)), layers=tuple(range(item().model.facts.layers))
        ),
    )
    (whole,) = item().cells("layer")[:1]
    hidden = Cell(whole.positions, tuple(range(item().model.facts.layers)))
    np.testing.assert_allclose(item().intervene([row]), item().knockout([hidden]), atol=ATOL)


def test_what_is_written_in_the_question_reaches_the_chain() -> None:
    place = (item().chain.start - 1,)
    (found,) = item().intervene([(halved(0, place),)]).T
    row = [(halved(0, place),)] * len(item().ids)
    here, there = (forward(item().model, item().ids, each).logits for each in ((), row))
    answer = torch.tensor(item().tokens.readers.base)

    def likelihood(logits: torch.Tensor) -> float:
        return float(logits[0, -len(answer) :].log_softmax(-1).gather(1, answer[:, None]).sum())

    assert [str(each) for each in item().outcomes] == ["logit", "logprob"]
    assert found[1] == pytest.approx(likelihood(here) - likelihood(there), abs=ATOL)
    assert abs(found[1]) > 1e-4


def test_a_twin_is_put_in_place_by_its_name() -> None:
    site, tokens = Site(Component.RESID_PRE, 1), pair().tokens
    other = forward(pair().model, torch.tensor([tokens.context(0, 0)]), keep=[site]).kept[site][0]
    values = {("source", site): torch.nn.functional.pad(other, (0, 0, 0, pair().ids.shape[1] - len(other)))}
    cells = pair().cells("step,layer")
    rows = [
        (Patch(site, tuple(pair().chain.start + place for place in each.positions)),)
        for each in cells
        if each.layers == (1,)
    ]
    wanted = pair().map("state.resid_pre:step,layer").values[:, 1]
    np.testing.assert_allclose(pair().intervene(rows, values)[0], wanted, atol=ATOL)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([()], "set 0 of 1 is empty"),
        ([(halved(99, (3,)),)], "layers 0 to"),
        ([(halved(0, (9999,)),)], "9999"),
        ([(Patch(Site(Component.RESID_PRE, 0), (20,)),)], "source"),
    ],
)
def test_what_is_nowhere_is_refused(rows: list[tuple[Write, ...]], said: str) -> None:
    with pytest.raises(InputError, match=said):
        item().intervene(rows)
