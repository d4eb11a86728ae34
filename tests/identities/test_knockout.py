"""Knockout: attention masked before the softmax, against masks, deletions and zeroed patterns (I25 to I35)."""

from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mediate.errors import InputError
from mediate.mediation.cells import Cell
from mediate.mediation.encoding import EncodedPair
from mediate.mediation.kinds.knockout import deletion_effect, knockout_effects
from mediate.mediation.outcomes import Outcome, read_off
from mediate.mediation.sequences import sequences
from mediate.models.sites import Component, Site
from mediate.passes.forward import forward
from mediate.passes.interventions import Knockout, Patch, Reference
from tests import tiny
from tests.identities import draws
from tests.identities.draws import LAYERS, MODELS, model_of, tolerance

pytestmark = draws.CHECKED
Y = [Outcome.LOGIT_DIFF]
WINDOW = 6  # of Gemma-3's sliding layers
SEEDS = (1, 2, 3)


@st.composite
def stretches(draw: Any, architecture: str, *, short: bool = False) -> tuple[torch.Tensor, int, int]:
    """A sequence, and where its chain begins and ends; something stands before it and after it.

    Args:
        architecture: With Gemma-3 and `short`, nothing is further apart than its window.
        short: Whether distance must not matter.
    """
    most = WINDOW if short and architecture == "gemma3" else 12
    length = draw(st.integers(4, most))
    start = draw(st.integers(1, length - 2))
    stop = draw(st.integers(start + 1, length - 1))
    return draws.tokens(draw(draws.seeds), 1, length), start, stop


def full(start: int, stop: int, length: int) -> Knockout:
    """All that come after the chain are blind to it in every layer."""
    return Knockout(tuple(range(stop, length)), tuple(range(start, stop)), LAYERS)


def transformers_logits(
    architecture: str, dtype: str, ids: torch.Tensor, mask: list[int], positions: list[int]
) -> torch.Tensor:
    with torch.no_grad():
        return plain(architecture, dtype)(
            ids, attention_mask=torch.tensor([mask]), position_ids=torch.tensor([positions]), use_cache=False
        ).logits


@cache
def plain(architecture: str, dtype: str) -> Any:
    return tiny.plain_model(architecture, dtype)


@pytest.mark.parametrize(("architecture", "dtype"), MODELS)
@draws.examples(5)
@given(data=st.data())
def test_a_full_knockout_is_a_mask_with_a_hole(architecture: str, dtype: str, data: st.DataObject) -> None:
    """I25, I26, I30 (F; I30 B): against transformers with the chain masked, and with the chain left out, both with
    the positions kept; and logits up to the chain's end are those of the clean run."""
    model = model_of(architecture, dtype)
    ids, start, stop = data.draw(stretches(architecture, short=True))
    length = ids.shape[1]
    found = forward(model, ids, interventions=[[full(start, stop, length)]]).logits
    clean, close = forward(model, ids).logits, tolerance(architecture, dtype, found)
    assert torch.equal(found[:, :stop], clean[:, :stop])
    assert (found[:, stop:] - clean[:, stop:]).abs().max() > 1e-4
    hole = [int(not start <= place < stop) for place in range(length)]
    masked = transformers_logits(architecture, dtype, ids, hole, list(range(length)))
    torch.testing.assert_close(found[:, stop:], masked[:, stop:], atol=close, rtol=0)
    kept = [place for place in range(length) if hole[place]]
    without = transformers_logits(architecture, dtype, ids[:, kept], [1] * len(kept), kept)
    torch.testing.assert_close(found[:, stop:], without[:, start:], atol=close, rtol=0)


@pytest.mark.parametrize(("architecture", "dtype"), MODELS)
@draws.examples(4)
@given(data=st.data())
def test_the_mask_has_its_hole_in_gemmas_window_too(architecture: str, dtype: str, data: st.DataObject) -> None:
    """I25 (F), at any distance: a mask leaves places where they are, so that windows reach as far as before."""
    model = model_of(architecture, dtype)
    ids, start, stop = data.draw(stretches(architecture))
    length = ids.shape[1]
    found = forward(model, ids, interventions=[[full(start, stop, length)]]).logits
    hole = [int(not start <= place < stop) for place in range(length)]
    masked = transformers_logits(architecture, dtype, ids, hole, list(range(length)))
    close = tolerance(architecture, dtype, found)
    torch.testing.assert_close(found[:, stop:], masked[:, stop:], atol=close, rtol=0)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("architecture", "dtype"), MODELS)
def test_what_a_knockout_is_not(architecture: str, dtype: str, seed: int) -> None:
    """I27, I29, I33 (differences): not deletion with positions re-numbered, not a zeroed pattern, and not blinding the
    last token alone, through which the tokens between would still speak of the chain."""
    model, pair = model_of(architecture, dtype), draws.pair_from(draws.Shape((3, 3), (2, 2), 3, (1, 1), 0), seed)
    cell = [draws.whole(pair)]
    knockout = knockout_effects(model, pair, cell, Y)[0, 0]
    last = len(sequences(model, pair, 1, Y).readers) - 1
    others = {
        "deletion": deletion_effect(model, pair, Y)[0],
        "zeroed": knockout_effects(model, pair, cell, Y, renormalised=False)[0, 0],
        "last token": knockout_effects(model, pair, cell, Y, readers=[last])[0, 0],
    }
    assert all(abs(knockout - other) > 1e-3 for other in others.values()), (knockout, others)


@pytest.mark.parametrize(("architecture", "dtype"), MODELS)
@draws.examples(4)
@given(data=st.data())
def test_one_reader_has_nobody_between(architecture: str, dtype: str, data: st.DataObject) -> None:
    """I33 (B): where the last token is the only reader, blinding it alone is the full knockout."""
    shape = data.draw(draws.shapes())
    lone = draws.Shape(shape.questions, shape.steps, 1, (1, 1), 0)
    model, pair = model_of(architecture, dtype), draws.pair_from(lone, data.draw(draws.seeds))
    cells = [draws.whole(pair)]
    assert knockout_effects(model, pair, cells, Y, readers=[0])[0, 0] == knockout_effects(model, pair, cells, Y)[0, 0]


@pytest.mark.parametrize(("architecture", "dtype"), MODELS)
@draws.examples(5)
@given(data=st.data())
def test_masked_is_zeroed_and_renormalised(architecture: str, dtype: str, data: st.DataObject) -> None:
    """I28 (F): in one layer, masking the scores is zeroing the pattern and dividing each row by what is left."""
    model, ids = model_of(architecture, dtype), data.draw(draws.rows(1, least=4))
    cut = data.draw(draws.knockouts(ids.shape[1], renormalised=True))
    layer = cut.layers[0]
    site = Site(Component.PATTERN, layer)
    cut = Knockout(cut.readers, cut.keys, (layer,), cut.heads)
    clean = forward(model, ids, keep=[site])
    pattern = clean.kept[site][0].clone()
    for head in cut.heads or range(draws.HEADS):
        for reader in cut.readers:
            pattern[head, reader, list(cut.keys)] = 0
            pattern[head, reader] /= pattern[head, reader].sum()
    patch = Patch(site, cut.readers, cut.heads)
    values = {(Reference.SOURCE, site): pattern}
    masked = forward(model, ids, interventions=[[cut]], keep=[site])
    patched = forward(model, ids, interventions=[[patch]], values=values, keep=[site])
    # A row from which almost everything is masked is divided by almost nothing.
    left = min(
        float(clean.kept[site][0][head, reader].sum() - clean.kept[site][0][head, reader][list(cut.keys)].sum())
        for head in cut.heads or range(draws.HEADS)
        for reader in cut.readers
    )
    close = tolerance(architecture, dtype, clean.logits) / min(1.0, max(left, 1e-3))
    torch.testing.assert_close(masked.logits, patched.logits, atol=close, rtol=0)
    torch.testing.assert_close(masked.kept[site], patched.kept[site], atol=close, rtol=0)


@pytest.mark.parametrize(("architecture", "dtype"), MODELS)
@draws.examples(4)
@given(data=st.data())
def test_what_is_hidden_already_cannot_be_hidden(architecture: str, dtype: str, data: st.DataObject) -> None:
    """I31, I34, I35 (B): keys in the future, an empty set of knockouts, edges that another knockout masks already, and
    in Gemma-3's windowed layers keys outside the window, change nothing."""
    model, ids = model_of(architecture, dtype), data.draw(draws.rows(1, least=8))
    length = ids.shape[1]
    reader = data.draw(st.integers(0, length - 2))
    later = tuple(reader + 1 + place for place in data.draw(draws.some(length - reader - 1)))
    clean = forward(model, ids).logits
    future = Knockout((reader,), later, LAYERS, data.draw(st.none() | draws.some(draws.HEADS)))
    assert torch.equal(forward(model, ids, interventions=[[future]]).logits, clean)
    cut = data.draw(draws.knockouts(length, renormalised=True))
    part = Knockout(
        tuple(cut.readers[place] for place in data.draw(draws.some(len(cut.readers)))),
        tuple(cut.keys[place] for place in data.draw(draws.some(len(cut.keys)))),
        tuple(cut.layers[place] for place in data.draw(draws.some(len(cut.layers)))),
        cut.heads,
    )
    once = forward(model, ids, interventions=[[cut]]).logits
    for cuts in ([cut, part], [part, cut], [cut, cut], [cut, future]):
        assert torch.equal(forward(model, ids, interventions=[cuts]).logits, once)
    windowed = tuple(layer for layer in LAYERS if layer % 2 == 0)
    far = Knockout((length - 1,), tuple(range(length - WINDOW)), windowed)
    unseen = torch.equal(forward(model, ids, interventions=[[far]]).logits, clean)
    assert unseen == (architecture == "gemma3")


@pytest.mark.parametrize(("architecture", "dtype"), MODELS)
@draws.examples(4)
@given(data=st.data())
def test_blind_readers_do_not_know_what_the_chain_says(architecture: str, dtype: str, data: st.DataObject) -> None:
    """I32 (B): under a full knockout the logits after the chain do not depend on its tokens. Without it they do, and
    with one layer or one head left seeing as well."""
    model = model_of(architecture, dtype)
    ids, start, stop = data.draw(stretches(architecture))
    length = ids.shape[1]
    other = ids.clone()
    other[:, start:stop] = (other[:, start:stop] + 1 + draws.tokens(data.draw(draws.seeds), stop - start)) % (
        draws.VOCABULARY
    )
    cut = full(start, stop, length)
    near = architecture != "gemma3" or length <= WINDOW

    def apart(*cuts: Knockout) -> float:
        one, two = (forward(model, each, interventions=[cuts]).logits[:, stop:] for each in (ids, other))
        return float((one - two).abs().max())

    assert apart(cut) == 0
    if near and not torch.equal(ids, other):
        assert apart() > 1e-4
        assert apart(Knockout(cut.readers, cut.keys, (0, 1))) > 1e-6
        assert apart(Knockout(cut.readers, cut.keys, LAYERS, (0, 1, 3))) > 1e-6


@pytest.mark.parametrize(("architecture", "dtype"), MODELS)
@draws.examples(5)
@given(data=st.data())
def test_no_row_may_be_emptied(architecture: str, dtype: str, data: st.DataObject) -> None:
    """I35: a query that would be left without any key raises, and not the softmax over the future; with any of its keys
    left, even only its own position, it does not. A window counts as the mask that it is."""
    model, ids = model_of(architecture, dtype), data.draw(draws.rows(2, least=3))
    length, layer = ids.shape[1], data.draw(st.sampled_from(LAYERS))
    reader, heads = data.draw(st.integers(0, length - 1)), data.draw(st.none() | draws.some(draws.HEADS))
    first = max(0, reader - WINDOW + 1) if architecture == "gemma3" and layer % 2 == 0 else 0
    every = Knockout((reader,), tuple(range(first, reader + 1)), (layer,), heads)
    left = data.draw(st.integers(first, reader))
    row = data.draw(st.integers(0, 1))
    message = rf"leaves the query at position {reader} \(row {row}, head {(heads or (0,))[0]}\) no key"
    with pytest.raises(InputError, match=message):
        forward(model, ids, interventions=[[every], []] if row == 0 else [[], [every]])
    if first < reader:
        keys = tuple(key for key in every.keys if key != left)
        site = Site(Component.PATTERN, layer)
        run = forward(model, ids, interventions=[[Knockout((reader,), keys, (layer,), heads)], []], keep=[site])
        chosen = list(heads) if heads is not None else list(range(draws.HEADS))
        alone = run.kept[site][0, chosen][:, reader, left]
        torch.testing.assert_close(alone, torch.ones_like(alone), atol=tolerance(architecture, dtype), rtol=0)
        assert (run.kept[site].triu(1) == 0).all()


@pytest.mark.parametrize(("architecture", "dtype"), MODELS)
@draws.examples(4)
@given(data=st.data())
def test_the_effect_is_that_of_the_masked_pass(architecture: str, dtype: str, data: st.DataObject) -> None:
    """I25 for `knockout_effects`: the difference of the outcome with and without the mask, for some readers, keys,
    layers and heads; and no key of the question or of the readers themselves is touched."""
    model, pair = model_of(architecture, dtype), data.draw(draws.pairs())
    cell = data.draw(draws.cells(pair, draws.HEADS))
    run = sequences(model, pair, 1, Y)
    readers = data.draw(draws.some(len(run.readers)))
    found = knockout_effects(model, pair, [cell], Y, readers=readers)[0, 0]
    cut = Knockout(
        tuple(run.readers[reader] for reader in readers),
        tuple(run.start + position for position in cell.positions),
        cell.layers,
        cell.units,
    )
    y = [
        read_off(run.readout, forward(model, run.ids, interventions=[cuts], last=run.readout.last).logits, Y[0])
        for cuts in ([], [cut])
    ]
    close = tolerance(architecture, dtype, float(np.abs(y).max()))
    assert found == pytest.approx(y[0] - y[1], abs=close)


@draws.examples(10)
@given(pair=draws.pairs(), layer=st.sampled_from(LAYERS))
def test_readers_and_cells_that_do_not_exist_are_refused(pair: EncodedPair, layer: int) -> None:
    """I35: refused by name, and never taken for others."""
    model, length = model_of("llama"), len(pair.traces[1].ids)
    count = len(sequences(model, pair, 1, Y).readers)
    for readers in ([count], [-1], []):
        with pytest.raises(InputError, match="readers"):
            knockout_effects(model, pair, [draws.whole(pair)], Y, readers=readers)
    for cell in (Cell((length,), (layer,)), Cell((0,), (len(LAYERS),)), Cell((0,), (layer,), (draws.HEADS,))):
        with pytest.raises(InputError, match=r"positions|layers|heads"):
            knockout_effects(model, pair, [cell], Y)
