"""Losses by span of layers: against hooks on plain transformers, by the long way, and where they must be 0."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

import mediate
from mediate.errors import ItemError
from mediate.mediation import chain_spans
from mediate.mediation.chain_spans import span_losses
from mediate.traces.edits import filler
from tests import tiny

ITEM = mediate.Item(
    "Tom has 3 apples and buys 4. How many apples does Tom have?",
    "7",
    "Tom has 3 + 4 = 7 apples. So 7 x 1 = 7.",
    id="a",
)


def prepared(model: mediate.Model) -> mediate.PreparedItem:
    return mediate.prepare(model, replace(ITEM, cot="Tom has 3 + 4 = 7 apples. Tom has 7 in all."), store=False)


def with_states(plain: Any, ids: list[int], put: dict[int, torch.Tensor], start: int) -> tuple[Any, list[torch.Tensor]]:
    """A plain run with the streams that enter some layers replaced from a position on, and those of all layers."""
    seen: list[torch.Tensor] = []

    def enter(layer: int) -> Any:
        def hook(module: Any, given: tuple[Any, ...], named: dict[str, Any]) -> Any:
            hidden = given[0].clone()
            seen.append(hidden[0].clone())
            if layer in put:
                hidden[0, start : start + len(put[layer])] = put[layer]
            return (hidden, *given[1:]), named

        return hook

    handles = [
        block.register_forward_pre_hook(enter(layer), with_kwargs=True)
        for layer, block in enumerate(plain.model.layers)
    ]
    with torch.no_grad():
        logits = plain(input_ids=torch.tensor([ids])).logits[0].double()
    for handle in handles:
        handle.remove()
    return logits, seen


def test_the_loss_is_that_of_hooks_on_plain_transformers() -> None:
    model, plain = tiny.model("llama", "float64"), tiny.plain_model("llama", "float64")
    item = prepared(model).tokens
    chain = filler(tiny.tokenizer(), len(item.trace.ids))
    start, stop = len(item.question), len(item.whole)
    after = [*item.readers.cue, *item.readers.base]
    _, without = with_states(plain, [*item.question, *chain], {}, start)
    whole, _ = with_states(plain, [*item.whole, *after], {}, start)

    def logprob(logits: torch.Tensor) -> float:
        return float(logits[-2].log_softmax(dim=-1)[item.readers.base[0]])

    found = span_losses(model, item, seed=0, width=2)
    assert (found.first, found.width) == ((0, 2), (2, 1))
    for place, layers in enumerate([(0, 1), (2,)]):
        put = {layer: without[layer][start:stop] for layer in layers}
        patched, _ = with_states(plain, [*item.whole, *after], put, start)
        assert found.chain[place] == pytest.approx(
            logprob(whole) - logprob(patched), abs=1e-5
        )  # transformers norm in float32
        assert abs(found.chain[place]) > 1e-3


def test_the_long_way_is_the_same() -> None:
    model = tiny.model("gpt2")
    item = prepared(model).tokens
    fast, slow = span_losses(model, item, seed=3), span_losses(tiny.unswept(model), item, seed=3)
    assert fast.chain == pytest.approx(slow.chain, abs=1e-5)
    assert fast.control == pytest.approx(slow.control, abs=1e-5)


def test_a_control_moves_as_far_and_the_published_one_cannot() -> None:
    model = tiny.model("llama")
    item = prepared(model).tokens
    found = span_losses(model, item, seed=3, draws=4)
    assert found.control.shape == (1, 4)
    assert len(set(found.control[0].tolist())) == 4
    assert found.question_moved < 1e-5
    again = span_losses(model, item, seed=3, draws=4)
    assert np.array_equal(found.control, again.control)
    assert not np.array_equal(found.control, span_losses(model, item, seed=4, draws=4).control)


def test_displaced_states_are_as_far_as_those_without_the_chain() -> None:
    generator = torch.Generator().manual_seed(0)
    site = chain_spans.Site(chain_spans.ENTERING, 1)
    own, other = ({site: torch.randn(5, 8, generator=generator)} for _ in range(2))
    moved = chain_spans._displaced(own, other, 0)[site] - own[site]
    assert moved.norm(dim=1) == pytest.approx((other[site] - own[site]).norm(dim=1), rel=1e-5)


def test_a_chain_of_filler_loses_nothing() -> None:
    """Its states are the same without it; a displacement by 0 is none either."""
    model = tiny.model("llama")
    item = prepared(model).tokens
    trace = replace(item.trace, ids=filler(tiny.tokenizer(), len(item.trace.ids)))
    found = span_losses(model, replace(item, trace=trace), seed=0)
    assert not found.chain.any()


def test_a_pair_is_measured_on_its_base() -> None:
    model = tiny.model("llama")
    alone = prepared(model)
    pair = mediate.Pair("p", "p", alone.item, replace(alone.item, question=ITEM.question.replace("3", "2"), answer="6"))
    of_pair = mediate.prepare(model, pair, store=False)
    one, other = (span_losses(model, each.tokens, seed=0) for each in (alone, of_pair))
    assert one.chain == pytest.approx(other.chain, abs=1e-6)
    assert one.control == pytest.approx(other.control, abs=1e-6)


def test_without_filler_there_is_a_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*given: object) -> None:
        raise ItemError("", "the tokenizer has no filler", code="no_filler")

    monkeypatch.setattr(chain_spans, "filler", none)
    with pytest.raises(ItemError, match="item 'a': the tokenizer has no filler"):
        span_losses(tiny.model("llama"), prepared(tiny.model("llama")).tokens, seed=0)
