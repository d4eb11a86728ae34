"""Identity and composition: what changes nothing, what adds up, and what each patch must change (I01 to I10)."""

from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mediate.errors import InputError
from mediate.mediation.encoding import EncodedPair
from mediate.mediation.kinds.attribution import attributions
from mediate.mediation.kinds.cube import measure_cube, run_contexts
from mediate.mediation.kinds.knockout import knockout_effects
from mediate.mediation.kinds.read import read_effects
from mediate.mediation.kinds.state import Direction, state_effects
from mediate.mediation.outcomes import USUAL
from mediate.models.sites import Component, Site
from mediate.passes.forward import forward
from mediate.passes.interventions import Knockout, Patch, Reference
from mediate.results.cube import corners
from tests.identities import draws
from tests.identities.draws import MODELS, kept_values, model_of, tolerance

pytestmark = draws.CHECKED
BOTH = USUAL


@st.composite
def patched(draw: Any, architecture: str, count: int = 3, least: int = 3) -> tuple[torch.Tensor, list[Patch]]:
    """Two sequences and some patches for the first that do not overlap."""
    ids = draw(draws.rows(2, least=least))
    return ids, draws.apart(draw(st.lists(draws.patches(architecture, ids.shape[1]), min_size=1, max_size=count)))


@pytest.mark.parametrize(("architecture", "dtype"), MODELS)
@draws.examples(5)
@given(data=st.data())
def test_its_own_activation_changes_nothing(architecture: str, dtype: str, data: st.DataObject) -> None:
    """I01 (B): every component at once, each at any layer, positions and units. Whole writes of `resid_mid` go by way
    of a difference, and are F."""
    model, ids = model_of(architecture, dtype), data.draw(draws.rows(2))
    patches = [
        data.draw(draws.patches(architecture, ids.shape[1], components=(component,)))
        for component in draws.offered(architecture)
    ]
    sites = [patch.site for patch in patches]
    clean = forward(model, ids, keep=sites)
    own = {(Reference.SOURCE, site): value[0] for site, value in clean.kept.items()}
    assert torch.equal(forward(model, ids, interventions=[patches, ()], values=own).logits, clean.logits)
    written = forward(model, ids, writes=dict(clean.kept)).logits
    torch.testing.assert_close(written, clean.logits, atol=tolerance(architecture, dtype, clean.logits), rtol=0)
    exact = {site: value for site, value in clean.kept.items() if site.component is not Component.RESID_MID}
    assert torch.equal(forward(model, ids, writes=exact).logits, clean.logits)


@pytest.mark.parametrize(("architecture", "dtype"), MODELS)
@draws.examples(4)
@given(ids=draws.rows(2))
def test_nothing_asked_for_is_nothing_done(architecture: str, dtype: str, ids: torch.Tensor) -> None:
    """I02 (B): empty sets of patches, of knockouts and of kept sites."""
    model = model_of(architecture, dtype)
    clean = forward(model, ids).logits
    assert torch.equal(forward(model, ids, interventions=[(), ()], values={}, keep=[]).logits, clean)
    assert torch.equal(forward(model, ids, writes={}).logits, clean)


def test_empty_places_are_refused() -> None:
    """I02: a patch or knockout of no positions, units, readers or keys says so, and does not stand for all of them."""
    with pytest.raises(InputError, match="no positions"):
        Patch(Site(Component.Z, 0), ())
    with pytest.raises(InputError, match="no units"):
        Patch(Site(Component.Z, 0), (1,), ())
    for places in (((), (1,), (0,)), ((1,), (), (0,)), ((1,), (0,), ())):
        with pytest.raises(InputError, match="knockout: no"):
            Knockout(*places)


@draws.examples(6)
@given(pair=draws.pairs())
def test_no_cells_have_no_effects(pair: EncodedPair) -> None:
    """I02: effects of an empty list of cells are an empty array."""
    model, contexts = model_of("llama"), draws.contexts_of("llama", "float32", pair)
    assert state_effects(model, pair, [Component.Z], [], BOTH).shape == (2, 0)
    assert knockout_effects(model, pair, [], BOTH).shape == (2, 0)
    assert read_effects(model, contexts, [], BOTH[0]).shape == (0,)


@pytest.mark.parametrize(("architecture", "dtype"), MODELS)
@draws.examples(4)
@given(data=st.data())
def test_keeping_is_only_looking(architecture: str, dtype: str, data: st.DataObject) -> None:
    """I03 (B): logits are those of a plain pass, and a site's activation is the same whatever else is kept."""
    model, ids = model_of(architecture, dtype), data.draw(draws.rows(2))
    sites = draws.all_sites(architecture)
    chosen = data.draw(st.lists(st.sampled_from(sites), min_size=1, max_size=4, unique=True))
    plain, every, few = forward(model, ids), forward(model, ids, keep=sites), forward(model, ids, keep=chosen)
    assert torch.equal(plain.logits, every.logits)
    assert torch.equal(plain.logits, few.logits)
    assert all(torch.equal(few.kept[site], every.kept[site]) for site in chosen)


@pytest.mark.parametrize(("architecture", "dtype"), MODELS)
@draws.examples(2)
@given(pair=draws.pairs())
def test_asked_twice_the_same_bits(architecture: str, dtype: str, pair: EncodedPair) -> None:
    """I04 (B): cube, state, read and knockout effects and gradients, once more after all the others have run."""
    model = model_of(architecture, dtype)
    cells = [draws.whole(pair), draws.whole(pair, (1,))]

    def everything() -> list[np.ndarray]:
        contexts = run_contexts(model, pair)
        slopes = attributions(model, pair, [Component.V], BOTH[1])[Component.V].values
        return [
            measure_cube(model, contexts),
            read_effects(model, contexts, cells, BOTH[1]),
            state_effects(model, pair, [Component.K, Component.V], cells, BOTH),
            knockout_effects(model, pair, cells, BOTH),
            slopes,
        ]

    for one, other in zip(everything(), everything(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(("architecture", "dtype"), MODELS)
@draws.examples(5)
@given(data=st.data())
def test_patching_once_more_changes_nothing(architecture: str, dtype: str, data: st.DataObject) -> None:
    """I06 (B): P after P is P. The second is of the activations that the first left behind."""
    model, (ids, patches) = model_of(architecture, dtype), data.draw(patched(architecture, count=1))
    values = kept_values(architecture, dtype, ids[1:], [patches[0].site])
    once = forward(model, ids[:1], interventions=[patches], values=values, keep=[patches[0].site])
    left = {(Reference.SOURCE, patches[0].site): once.kept[patches[0].site][0]}
    twice = forward(model, ids[:1], interventions=[patches], values=left)
    assert torch.equal(once.logits, twice.logits)


@pytest.mark.parametrize(("architecture", "dtype"), MODELS)
@draws.examples(5)
@given(data=st.data())
def test_disjoint_patches_commute_and_join(architecture: str, dtype: str, data: st.DataObject) -> None:
    """I06 (B): P_S P_T = P_T P_S = P_{S and T}: over positions, over units, over sites and over `by`."""
    model, (ids, patches) = model_of(architecture, dtype), data.draw(patched(architecture))
    whole = patches[0]
    values = kept_values(architecture, dtype, ids[1:], [patch.site for patch in patches])
    parts = [Patch(whole.site, (position,), whole.units) for position in whole.positions]
    if whole.units is not None:
        parts = [Patch(part.site, part.positions, (unit,)) for part in parts for unit in whole.units]
    shuffled = data.draw(st.permutations([*parts, *patches[1:]]))
    values |= {(Reference.MEAN, site): value for (_, site), value in values.items()}
    renamed = [Patch(patch.site, patch.positions, patch.units, Reference.MEAN) for patch in shuffled]
    first, *others = (
        forward(model, ids[:1], interventions=[each], values=values).logits for each in (patches, shuffled, renamed)
    )
    assert all(torch.equal(first, other) for other in others)


@draws.examples(40)
@given(data=st.data())
def test_overlapping_patches_are_refused_and_only_those(data: st.DataObject) -> None:
    """I07: two patches that write one number raise; two that do not are both made."""
    model, ids = model_of("qwen3"), draws.tokens(0, 2, 4)
    component = data.draw(st.sampled_from(Component))
    one, other = (
        data.draw(draws.patches("qwen3", 4, components=(component,)).filter(lambda patch: patch.site.layer < 2))
        for _ in range(2)
    )
    values = kept_values("qwen3", "float32", ids[1:], [one.site, other.site])
    if draws.overlap(one, other):
        with pytest.raises(InputError, match=r"two patches of one row write position"):
            forward(model, ids[:1], interventions=[[one, other]], values=values)
    else:
        found = forward(model, ids[:1], interventions=[[one, other]], values=values, keep=[one.site, other.site]).kept
        for patch in (one, other):
            at = (slice(None), list(patch.positions)) if component is Component.PATTERN else (list(patch.positions),)
            units = list(patch.units) if patch.units is not None else slice(None)
            new, wanted = found[patch.site][0][at], values[Reference.SOURCE, patch.site][at]
            axis = (units,) if component is Component.PATTERN else (slice(None), units)
            torch.testing.assert_close(new[axis], wanted[axis], atol=1e-5, rtol=0)


@pytest.mark.parametrize("architecture", [name for name in draws.tiny.ARCHITECTURES if name != "neox"])
@draws.examples(4)
@given(ids=draws.rows(2), layer=st.sampled_from(draws.LAYERS))
def test_the_residual_stream_is_written_last(architecture: str, ids: torch.Tensor, layer: int) -> None:
    """I07: `resid_mid` wins over what enters its block and over attention's output, as it comes after them."""
    model = model_of(architecture)
    before = [Site(Component.RESID_PRE, layer), Site(Component.ATTN_OUT, layer)]
    middle, places = Site(Component.RESID_MID, layer), tuple(range(ids.shape[1]))
    values = kept_values(architecture, "float32", ids[1:], [middle])
    values |= {(Reference.SOURCE, site): torch.full((len(places), 32), 1.5) for site in before}
    only, all_three = (
        forward(model, ids[:1], interventions=[[Patch(site, places) for site in sites]], values=values).logits
        for sites in ([middle], [middle, *before])
    )
    clean = forward(model, ids[:1]).logits
    torch.testing.assert_close(only, all_three, atol=tolerance(architecture, "float32", clean), rtol=0)
    assert (only - clean).abs().max() > 1e-3


@pytest.mark.parametrize(("architecture", "dtype"), MODELS)
@draws.examples(4)
@given(data=st.data(), alpha=st.floats(0, 1))
def test_interpolation_begins_and_ends_where_it_should(
    architecture: str, dtype: str, data: st.DataObject, alpha: float
) -> None:
    """I08 (B / F): 0 is the clean run, 1 the full patch, and between an activation and itself there is only itself."""
    model, (ids, patches) = model_of(architecture, dtype), data.draw(patched(architecture, count=1))
    site = patches[0].site
    own, other = (kept_values(architecture, dtype, ids, [site], row)[Reference.SOURCE, site] for row in (0, 1))

    def at(share: float, towards: torch.Tensor) -> torch.Tensor:
        values = {(Reference.SOURCE, site): own + share * (towards - own)}
        return forward(model, ids, interventions=[patches, ()], values=values).logits

    clean = forward(model, ids).logits
    full = forward(model, ids, interventions=[patches, ()], values={(Reference.SOURCE, site): other}).logits
    assert torch.equal(at(0.0, other), clean)
    assert torch.equal(at(alpha, own), clean)
    torch.testing.assert_close(at(1.0, other), full, atol=tolerance(architecture, dtype, clean), rtol=0)


def exchanged(pair: EncodedPair) -> EncodedPair:
    """The worlds exchanged, and the same number read at the answer."""
    return EncodedPair(pair.id, pair.group, pair.questions[::-1], pair.traces[::-1], pair.readers)


@pytest.mark.parametrize(("architecture", "dtype"), MODELS)
@draws.examples(4)
@given(data=st.data())
def test_exchanging_the_worlds_turns_the_effects_round(architecture: str, dtype: str, data: st.DataObject) -> None:
    """I09 (F): TE changes sign, NDE becomes -TDE, NIE becomes -TIE; a noising state effect becomes minus a denoising
    one."""
    model = model_of(architecture, dtype)
    pair = data.draw(draws.pairs(equal_questions=architecture == "gpt2" or data.draw(st.booleans())))
    moved = len(pair.questions[0]) != len(pair.questions[1])
    cells = [data.draw(draws.cells(pair))]
    one, other = pair, exchanged(pair)
    y = [measure_cube(model, run_contexts(model, each)) for each in (one, other)]
    close = tolerance(architecture, dtype, max(1.0, abs(y[0]).max())) * (4 if moved else 1)
    here, there = (corners(each) for each in y)
    for name, mirror in (("te", "te"), ("nde", "tde"), ("nie", "tie"), ("tde", "nde"), ("tie", "nie")):
        np.testing.assert_allclose(getattr(there, name), -getattr(here, mirror), atol=close, rtol=0)
    np.testing.assert_allclose(there.interaction, here.interaction, atol=close, rtol=0)
    found = [
        state_effects(model, each, [Component.ATTN_OUT], cells, BOTH, direction)
        for each, direction in zip((one, other), Direction, strict=True)
    ]
    np.testing.assert_allclose(found[0], -found[1], atol=close, rtol=0)


@pytest.mark.parametrize("component", Component)
@pytest.mark.parametrize("architecture", draws.tiny.ARCHITECTURES)
@draws.examples(2)
@given(data=st.data())
def test_every_place_that_can_be_patched_matters(architecture: str, component: Component, data: st.DataObject) -> None:
    """I10: a random change at any layer, position, head or channel moves a logit there or later.

    The change is random and not constant: LayerNorm would take a constant away.
    """
    if component not in draws.offered(architecture):
        with pytest.raises(InputError, match=f"does not offer {component}"):
            model_of(architecture).need(component)
        return
    model, ids = model_of(architecture, "float64"), data.draw(draws.rows(1, least=4))
    length = ids.shape[1]
    # A first query has one key, so that neither it nor its pattern's row can be anything else.
    position = data.draw(st.integers(component is Component.Q, length - 1))
    unit = data.draw(st.none() | st.integers(0, draws.units_of(architecture, component) - 1))
    site = Site(component, data.draw(st.sampled_from(draws.LAYERS)))
    clean = forward(model, ids, keep=[site])
    noise = np.random.default_rng(data.draw(draws.seeds)).normal(scale=2, size=clean.kept[site][0].shape)
    value = clean.kept[site][0] + torch.from_numpy(noise).to(clean.logits)
    patch = Patch(site, (position,), None if unit is None else (unit,))
    found = forward(model, ids, interventions=[[patch]], values={(Reference.SOURCE, site): value}).logits
    moved = (found - clean.logits)[0].abs().amax(dim=1)
    assert moved[position:].max() > 1e-6
