"""Causality: nothing reaches back, and what comes after the reading place cannot matter (I20 to I24)."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mediate.mediation import sequences as sequences_module
from mediate.mediation.kinds.state import Direction, state_effects
from mediate.mediation.outcomes import USUAL, Outcome
from mediate.mediation.sequences import outcomes_under, sequences
from mediate.models.sites import BY_HEAD, BY_KV_HEAD, Component, Site
from mediate.passes.forward import forward
from mediate.passes.interventions import Knockout, Patch, Reference
from tests import tiny
from tests.identities import draws
from tests.identities.draws import LAYERS, MODELS, kept_values, model_of, tolerance

pytestmark = draws.CHECKED
BOTH = USUAL


@contextmanager
def one_by_one() -> Iterator[None]:
    """Every cell in a pass of its own. Side by side, equal rows of one pass may differ in their last bits: how a
    matrix product is cut into tiles depends on the row. In float64 that is seen here, at 2e-15."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sequences_module, "PASS_TOKENS", 1)
        yield


@pytest.mark.parametrize(("architecture", "dtype"), MODELS)
@draws.examples(5)
@given(data=st.data())
def test_nothing_reaches_back(architecture: str, dtype: str, data: st.DataObject) -> None:
    """I20, I22 (B): patches and knockouts from position p on leave all logits before p as they were."""
    model, ids = model_of(architecture, dtype), data.draw(draws.rows(2))
    length = ids.shape[1]
    first = data.draw(st.integers(1, length - 1))
    patches = draws.apart(data.draw(st.lists(draws.patches(architecture, length, first=first), min_size=1, max_size=3)))
    readers = tuple(first + place for place in data.draw(draws.some(length - first)))
    keys = data.draw(draws.some(first))
    cut = Knockout(readers, keys, data.draw(draws.some(len(LAYERS))), None, data.draw(st.booleans()))
    values = kept_values(architecture, dtype, ids[1:], [patch.site for patch in patches])
    clean = forward(model, ids[:1]).logits
    # The window of Gemma-3 may hide all of a reader's other keys, and the pattern's hooks are then without effect.
    found = forward(model, ids[:1], interventions=[(*patches, cut)], values=values).logits
    assert torch.equal(found[:, :first], clean[:, :first])
    assert not torch.equal(found, clean)


@pytest.mark.parametrize(("architecture", "dtype"), MODELS)
@draws.examples(4)
@given(data=st.data())
def test_a_prefix_says_what_the_whole_says(architecture: str, dtype: str, data: st.DataObject) -> None:
    """I21 (F, as kernels depend on the length): logits of a prefix are those of the whole up to there; and a later
    token changes only later logits (B)."""
    model, ids = model_of(architecture, dtype), data.draw(draws.rows(1))
    count = data.draw(st.integers(1, ids.shape[1] - 1))
    whole, part = forward(model, ids).logits, forward(model, ids[:, :count]).logits
    torch.testing.assert_close(part, whole[:, :count], atol=tolerance(architecture, dtype, whole), rtol=0)
    other = ids.clone()
    other[:, count] = (other[:, count] + 1) % draws.VOCABULARY
    changed = forward(model, other).logits
    assert torch.equal(changed[:, :count], whole[:, :count])
    assert not torch.equal(changed[:, count], whole[:, count])


@pytest.mark.parametrize(("architecture", "dtype"), MODELS)
@draws.examples(4)
@given(data=st.data())
def test_what_comes_after_the_answer_is_a_placebo(architecture: str, dtype: str, data: st.DataObject) -> None:
    """I22 (B, passes of one shape): patches after the position at which the outcome is read have no effect at all."""
    model, pair = model_of(architecture, dtype), data.draw(draws.pairs())
    run = sequences(model, pair, 1, BOTH)
    length = int(run.ids.shape[1])
    read_at = run.stop + len(pair.readers.cue) - 1 + pair.readers.shared
    if read_at + 1 >= length:  # one-token answers: nothing comes after
        run = sequences(model, pair, 1, [Outcome.LOGIT_DIFF])
        assert read_at + 1 == run.ids.shape[1]
        return
    patch = data.draw(draws.patches(architecture, length, first=read_at + 1))
    other = draws.tokens(data.draw(draws.seeds), 1, length)
    values = kept_values(architecture, dtype, other, [patch.site])
    with one_by_one():
        y = outcomes_under(model, run, [Outcome.LOGIT_DIFF], [(), (patch,)], values)
    assert y[0, 0] == y[0, 1]
    y = outcomes_under(model, run, [Outcome.LOGIT_DIFF], [(), (patch,)], values)
    np.testing.assert_allclose(y[0, 0], y[0, 1], atol=tolerance(architecture, dtype), rtol=0)
    at = Patch(patch.site, (read_at,))
    if patch.site.component not in (Component.K, Component.Q, Component.PATTERN):
        moved = outcomes_under(model, run, [Outcome.LOGIT_DIFF], [(), (at,)], values)
        assert moved[0, 0] != moved[0, 1]


@pytest.mark.parametrize(("architecture", "dtype"), MODELS)
@draws.examples(4)
@given(data=st.data())
def test_the_last_layer_speaks_at_its_own_position(architecture: str, dtype: str, data: st.DataObject) -> None:
    """I23 (B, passes of one shape): in the last layer, all but what later positions read has no effect at any other
    position, in both directions; keys and values have one."""
    model, pair = model_of(architecture, dtype), data.draw(draws.pairs())
    direction = data.draw(st.sampled_from(Direction))
    carried = {Component.RESID_PRE, *BY_KV_HEAD}  # what later positions read
    component = data.draw(st.sampled_from([each for each in draws.offered(architecture) if each not in carried]))
    last = draws.whole(pair, LAYERS[-1:])
    # Sweeps leave out what cannot be heard; the long way measures it.
    assert (state_effects(model, pair, [component], [last], BOTH, direction) == 0).all()
    with one_by_one():
        assert (state_effects(tiny.unswept(model), pair, [component], [last], BOTH, direction) == 0).all()
    together = state_effects(tiny.unswept(model), pair, [component], [last], BOTH, direction)
    np.testing.assert_allclose(together, 0, atol=tolerance(architecture, dtype), rtol=0)
    values = state_effects(model, pair, [Component.V], [last], [Outcome.LOGIT_DIFF], direction)
    if architecture != "gemma3":  # its window may end before the chain
        assert (values != 0).all()


@pytest.mark.parametrize(("architecture", "dtype"), MODELS)
@draws.examples(5)
@given(data=st.data())
def test_patterns_are_causal_and_sum_to_one(architecture: str, dtype: str, data: st.DataObject) -> None:
    """I24 (F / B): rows sum to 1 and the future has exactly nothing, also after knockouts and patches upstream; a
    zeroed pattern keeps the future at nothing and loses what was zeroed."""
    model, ids = model_of(architecture, dtype), data.draw(draws.rows(2))
    length, sites = ids.shape[1], draws.all_sites(architecture, Component.PATTERN)
    masks = data.draw(st.lists(draws.knockouts(length, renormalised=True), max_size=3))
    upstream = tuple(each for each in draws.offered(architecture) if each not in BY_HEAD)
    patch = data.draw(draws.patches(architecture, length, components=upstream))
    values = kept_values(architecture, dtype, ids[1:], [patch.site])
    found = forward(model, ids[:1], keep=sites, interventions=[(patch, *masks)], values=values).kept
    for site, pattern in found.items():
        assert (pattern.triu(1) == 0).all()
        assert (pattern >= 0).all()
        close = tolerance(architecture, dtype)
        torch.testing.assert_close(pattern.sum(dim=-1), torch.ones_like(pattern[..., 0]), atol=close, rtol=0)
        for cut in masks:
            if site.layer in cut.layers:
                heads = list(cut.heads) if cut.heads is not None else list(range(draws.HEADS))
                assert (pattern[0, heads][:, list(cut.readers)][..., list(cut.keys)] == 0).all()
    zero = data.draw(draws.knockouts(length, renormalised=False))
    plain, zeroed = (forward(model, ids[:1], keep=sites, interventions=[cuts]).kept for cuts in ([], [zero]))
    first = Site(Component.PATTERN, zero.layers[0])
    heads = list(zero.heads) if zero.heads is not None else list(range(draws.HEADS))
    wanted = plain[first].clone()
    for head in heads:
        for reader in zero.readers:
            wanted[0, head, reader, list(zero.keys)] = 0
    assert torch.equal(zeroed[first], wanted)
    assert all((pattern.triu(1) == 0).all() for pattern in zeroed.values())


def test_a_placebo_could_fail() -> None:
    """I22: the same patch one position earlier, at the reading place, has an effect."""
    model, pair = model_of("llama"), draws.pair_from(draws.Shape((2, 2), (2, 2), 2, (3, 3), 0), 7)
    run = sequences(model, pair, 1, BOTH)
    read_at = run.stop + len(pair.readers.cue) - 1
    site = Site(Component.RESID_PRE, 1)
    values = {
        (Reference.SOURCE, site): torch.from_numpy(np.random.default_rng(0).normal(size=(run.ids.shape[1], 32))).float()
    }
    patches = [(), (Patch(site, (read_at + 1,)),), (Patch(site, (read_at,)),)]
    clean, after, at = outcomes_under(model, run, [Outcome.LOGIT_DIFF], patches, values)[0]
    assert clean == after
    assert abs(clean - at) > 1e-2
