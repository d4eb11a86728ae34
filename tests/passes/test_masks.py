"""runs.masks: knockouts by the mask that attention is given, against a mask made by hand in plain transformers."""

from collections import Counter
from itertools import product

import numpy as np
import pytest
import torch

from mediate.errors import InputError
from mediate.mediation.cells import Cell
from mediate.mediation.kinds.knockout import knockout_effects
from mediate.mediation.outcomes import USUAL, read_off
from mediate.mediation.sequences import sequences
from mediate.passes.forward import forward
from mediate.passes.hooks import knockout_mask
from mediate.passes.interventions import Knockout, check_rows
from mediate.passes.masks import hidden, mask_hooks
from tests import tiny
from tests.mediation.kinds.test_read import contexts
from tests.plainly import kept

MASKED = ("OPTForCausalLM", "GPTNeoForCausalLM", "GPTJForCausalLM")
LAYERS = tuple(range(4))
BOTH = USUAL


def plain_logits(architecture: str, ids: torch.Tensor, cut: torch.Tensor) -> torch.Tensor:
    """Plain transformers under a mask `row head query key` that is true where a key is hidden, the future aside."""
    plain = tiny.plain_model(architecture, "float64")
    future = torch.ones(ids.shape[1], ids.shape[1], dtype=torch.bool).triu(1)
    mask = torch.zeros(cut.shape, dtype=torch.float64).masked_fill(cut | future, torch.finfo(torch.float64).min)
    places = torch.arange(ids.shape[1])[None].expand(ids.shape)
    with torch.no_grad(), kept(plain):
        found: torch.Tensor = plain(ids, attention_mask=mask, position_ids=places, use_cache=False).logits
    return found


@pytest.mark.parametrize("architecture", MASKED)
def test_effects_are_those_of_a_mask_made_by_hand(architecture: str) -> None:
    """Of the whole chain, one step and one token; from all readers and from some; by all heads and by one."""
    model, pair = tiny.model(architecture, "float64"), contexts(architecture, dtype="float64").pair
    assert model.masked
    run = sequences(model, pair, 1, BOTH)
    length, size = len(pair.traces[1].ids), int(run.ids.shape[1])
    clean = plain_logits(architecture, run.ids, torch.zeros(len(run.ids), 4, size, size, dtype=torch.bool))
    stretches = (tuple(range(length)), tuple(range(*pair.traces[1].step_spans[0])), (2,))
    for positions, heads, readers in product(stretches, (None, (1,), (0, 3)), (None, (0, 2))):
        found = knockout_effects(model, pair, [Cell(positions, LAYERS, heads)], BOTH, readers=readers)[:, 0]
        cut = torch.zeros(len(run.ids), 4, size, size, dtype=torch.bool)
        queries = range(run.stop, size) if readers is None else [run.stop + each for each in readers]
        for head, query, key in product(heads or range(4), queries, positions):
            cut[:, head, query, run.start + key] = True
        under = plain_logits(architecture, run.ids, cut)
        last = run.readout.last
        here, there = ([read_off(run.readout, each[:, -last:], outcome) for outcome in BOTH] for each in (clean, under))
        wanted = np.array(here) - np.array(there)
        np.testing.assert_allclose(found, wanted, atol=1e-10, rtol=0)
        assert abs(found).max() > 1e-4


@pytest.mark.parametrize("architecture", MASKED)
def test_rows_have_masks_of_their_own_and_leave_nothing_behind(architecture: str) -> None:
    model = tiny.model(architecture, "float64")
    ids = torch.arange(9)[None].repeat(3, 1) % 7
    rows = [[], [Knockout((6, 7, 8), (1, 2), (0, 2))], [Knockout((8,), (3,), LAYERS, (2,))]]
    together = forward(model, ids, interventions=rows).logits
    for row, alone in zip(rows, together, strict=True):
        found = forward(model, ids[:1], interventions=[row]).logits[0]
        torch.testing.assert_close(found, alone, atol=1e-12, rtol=0)
    torch.testing.assert_close(forward(model, ids[:1]).logits[0], together[0], atol=1e-12, rtol=0)
    assert (together[1] - together[0])[6:].abs().max() > 1e-3
    assert (together[1] - together[0])[:6].abs().max() == 0
    assert not any(block.attn.original_component._forward_pre_hooks for block in model.bridge.blocks)


@pytest.mark.parametrize("architecture", MASKED)
def test_zeroed_patterns_are_refused_where_patterns_cannot_be_written(architecture: str) -> None:
    model, pair = tiny.model(architecture), contexts(architecture).pair
    with pytest.raises(InputError, match="does not offer pattern"):
        knockout_effects(model, pair, [Cell((0,), LAYERS)], BOTH, renormalised=False)
    with pytest.raises(InputError, match="does not offer pattern"):
        check_rows(model, [[Knockout((3,), (1,), (0,), renormalised=False)]], 5)


def test_a_query_without_a_key_is_refused_window_and_all() -> None:
    """GPT-Neo's windows are inside its attention: of the window's keys none is left, though older ones are."""
    model = tiny.model("GPTNeoForCausalLM")
    ids = torch.arange(12)[None] % 7
    window = tuple(range(6, 12))
    assert torch.isfinite(forward(model, ids, interventions=[[Knockout((11,), window, (0,))]]).logits).all()
    with pytest.raises(InputError, match=r"the query at position 11 .* no key"):
        forward(model, ids, interventions=[[Knockout((11,), window, (1,))]])
    with pytest.raises(InputError, match=r"the query at position 3 .* no key"):
        forward(tiny.model("OPTForCausalLM"), ids, interventions=[[Knockout((3,), (0, 1, 2, 3), (0,))]])


def test_a_mask_that_attention_never_reads_is_an_error() -> None:
    """As where a block computes its attention elsewhere than between the hook points at its ends."""
    model = tiny.model("OPTForCausalLM")
    mask = knockout_mask([[Knockout((2,), (1,), (0,))]], 4, 3)
    (_, prepare), (_, heard) = mask_hooks(model, 0, mask, 0)
    prepare(torch.zeros(1), None)
    with pytest.raises(InputError, match=r"blocks\.0\.attn\.hook_in: attention was computed without its mask"):
        heard(torch.zeros(1), None)
    assert not model.bridge.blocks[0].attn.original_component._forward_pre_hooks


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_scores_that_were_scaled_after_the_mask_hide_the_future(dtype: str) -> None:
    """CodeGen divides what hides the future by the root of the heads' width."""
    lowest = torch.finfo(getattr(torch, dtype)).min / (1 if dtype == "float16" else 16)
    scores = torch.zeros(1, 1, 2, 2, dtype=getattr(torch, dtype))
    scores[0, 0, 0, 1] = lowest
    cut = knockout_mask([[Knockout((0,), (0,), (0,))]], 1, 2)
    with pytest.raises(InputError, match=r"the query at position 0 .* no key"):
        hidden(scores, cut, 0, "scores")
    assert Counter(hidden(scores, cut.roll(1, 2), 0, "scores").isinf().flatten().tolist())[True] == 1


@pytest.mark.parametrize("architecture", MASKED)
def test_cells_that_are_swept_together_have_masks_of_their_own(architecture: str) -> None:
    model, pair = tiny.model(architecture, "float64"), contexts(architecture, dtype="float64").pair
    cells = [Cell((0, 1), (layer,)) for layer in LAYERS] + [Cell((3, 4), LAYERS, (1,)), Cell((5,), (0, 3))]
    together = knockout_effects(model, pair, cells, BOTH)
    alone = np.concatenate([knockout_effects(model, pair, [cell], BOTH) for cell in cells], axis=1)
    np.testing.assert_allclose(together, alone, atol=1e-10, rtol=0)
    assert np.ptp(alone, axis=1).min() > 1e-4
