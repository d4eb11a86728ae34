"""Cut sets: a set through which everything flows, patched from another run, makes that run (I11 to I19).

The package offers no site at the embeddings and none after the final norm: I11 is of `resid_pre` of the first block,
which is the embeddings with their positions, and I19 applies the final norm and the unembedding by hand.
"""

from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mediate.models.sites import Component, Site
from mediate.passes.forward import forward
from mediate.passes.interventions import Patch
from tests import tiny
from tests.identities import draws
from tests.identities.draws import LAYERS, MODELS, kept_values, model_of, tolerance

pytestmark = draws.CHECKED


def stream_of(architecture: str) -> list[Component]:
    """The components of the residual stream that a model offers."""
    return [each for each in draws.RESIDUAL if each in draws.offered(architecture)]


def swapped(architecture: str, dtype: str, ids: torch.Tensor, patches: list[Patch]) -> torch.Tensor:
    """The first sequence's logits under patches from the second."""
    values = kept_values(architecture, dtype, ids[1:], [patch.site for patch in patches])
    return forward(model_of(architecture, dtype), ids[:1], interventions=[patches], values=values).logits


def alone(architecture: str, dtype: str, ids: torch.Tensor) -> list[torch.Tensor]:
    """Each sequence's logits from a pass of its own."""
    return [forward(model_of(architecture, dtype), ids[row : row + 1]).logits for row in range(len(ids))]


def everywhere(ids: torch.Tensor) -> tuple[int, ...]:
    return tuple(range(ids.shape[1]))


def assert_written(found: torch.Tensor, wanted: torch.Tensor, component: Component, close: float) -> None:
    """Bit by bit; `resid_mid` is written by way of a difference, which rounds."""
    torch.testing.assert_close(found, wanted, atol=close if component is Component.RESID_MID else 0, rtol=0)


@pytest.mark.parametrize(("architecture", "dtype"), MODELS)
@draws.examples(4)
@given(data=st.data())
def test_a_whole_residual_stream_is_the_other_run(architecture: str, dtype: str, data: st.DataObject) -> None:
    """I11, I12 (B): the embeddings, and the residual stream at any layer and place in it, at all positions."""
    ids = data.draw(draws.rows(2))
    site = Site(data.draw(st.sampled_from(stream_of(architecture))), data.draw(st.sampled_from(LAYERS)))
    own, other = alone(architecture, dtype, ids)
    close = tolerance(architecture, dtype, other)
    assert_written(swapped(architecture, dtype, ids, [Patch(site, everywhere(ids))]), other, site.component, close)
    embedded = Patch(Site(Component.RESID_PRE, 0), everywhere(ids))
    assert torch.equal(swapped(architecture, dtype, ids, [embedded]), other)
    assert (own - other).abs().max() > 0.1


@pytest.mark.parametrize(("architecture", "dtype"), MODELS)
@draws.examples(4)
@given(data=st.data())
def test_only_what_differs_needs_patching(architecture: str, dtype: str, data: st.DataObject) -> None:
    """I13 (B): sequences that differ at some positions; the embeddings there alone make the other run."""
    ids = data.draw(draws.rows(2))
    changed = data.draw(draws.some(ids.shape[1]))
    kept = [place for place in everywhere(ids) if place not in changed]
    ids[1, kept] = ids[0, kept]
    other = alone(architecture, dtype, ids)[1]
    assert torch.equal(swapped(architecture, dtype, ids, [Patch(Site(Component.RESID_PRE, 0), changed)]), other)


@pytest.mark.parametrize(("architecture", "dtype"), MODELS)
@draws.examples(4)
@given(data=st.data())
def test_the_last_residual_decides_its_own_position_alone(architecture: str, dtype: str, data: st.DataObject) -> None:
    """I14 (B): the last block's output at some positions decides the logits there and no others."""
    ids = data.draw(draws.rows(2))
    places = list(data.draw(draws.some(ids.shape[1])))
    own, other = alone(architecture, dtype, ids)
    wanted = own.clone()
    wanted[:, places] = other[:, places]
    patch = Patch(Site(Component.RESID_POST, LAYERS[-1]), tuple(places))
    assert torch.equal(swapped(architecture, dtype, ids, [patch]), wanted)


@pytest.mark.parametrize(("architecture", "dtype"), MODELS)
@draws.examples(4)
@given(data=st.data())
def test_a_prefix_of_the_stream_decides_the_prefix_of_the_logits(
    architecture: str, dtype: str, data: st.DataObject
) -> None:
    """I15 (B): all positions up to p at one layer fix all logits up to p, whatever stands after them."""
    ids = data.draw(draws.rows(2))
    count = data.draw(st.integers(1, ids.shape[1]))
    site = Site(data.draw(st.sampled_from(stream_of(architecture))), data.draw(st.sampled_from(LAYERS)))
    other = alone(architecture, dtype, ids)[1]
    found = swapped(architecture, dtype, ids, [Patch(site, tuple(range(count)))])
    close = tolerance(architecture, dtype, other)
    assert_written(found[:, :count], other[:, :count], site.component, close)


@pytest.mark.parametrize(("architecture", "dtype"), MODELS)
@draws.examples(4)
@given(ids=draws.rows(2), whole_heads=st.booleans())
def test_all_that_blocks_add_makes_the_other_run(
    architecture: str, dtype: str, ids: torch.Tensor, whole_heads: bool
) -> None:
    """I16 (F): embeddings, and what attention and MLP add in every layer; attention's as its output or as `z`."""
    added = [Component.Z if whole_heads else Component.ATTN_OUT, Component.MLP_OUT]
    sites = [Site(Component.RESID_PRE, 0), *draws.all_sites(architecture, *added)]
    patches = [Patch(site, everywhere(ids)) for site in sites]
    own, other = alone(architecture, dtype, ids)
    close = tolerance(architecture, dtype, other)
    torch.testing.assert_close(swapped(architecture, dtype, ids, patches), other, atol=close, rtol=0)
    # Without the embeddings something of the first run is left.
    assert (swapped(architecture, dtype, ids, patches[1:]) - other).abs().max() > 1e-3
    assert (own - other).abs().max() > 1e-3


@pytest.mark.parametrize(("architecture", "dtype"), MODELS)
@draws.examples(4)
@given(data=st.data())
def test_all_heads_are_the_output_of_attention(architecture: str, dtype: str, data: st.DataObject) -> None:
    """I17 (F): `z` of all heads and attention's output are one patch; of queries, keys and values in another's run,
    and of neurons and the MLP's output, the same."""
    ids = data.draw(draws.rows(2))
    layer, places = data.draw(st.sampled_from(LAYERS)), data.draw(draws.some(ids.shape[1]))
    close = tolerance(architecture, dtype, alone(architecture, dtype, ids)[0])
    for parts, sum_ in ((Component.Z, Component.ATTN_OUT), (Component.MLP_POST, Component.MLP_OUT)):
        count = draws.units_of(architecture, parts)
        some = data.draw(draws.some(count - 1))
        rest = tuple(unit for unit in range(count) if unit not in some)
        apart = [Patch(Site(parts, layer), places, units) for units in (some, rest)]
        one, other, third = (
            swapped(architecture, dtype, ids, patches)
            for patches in (apart, [Patch(Site(parts, layer), places)], [Patch(Site(sum_, layer), places)])
        )
        assert torch.equal(one, other)
        torch.testing.assert_close(one, third, atol=close, rtol=0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("architecture", [name for name in tiny.ARCHITECTURES if name != "gemma3"])
@draws.examples(5)
@given(ids=draws.rows(1), layer=st.sampled_from(LAYERS))
def test_heads_add_up_to_the_output_of_attention(architecture: str, dtype: str, ids: torch.Tensor, layer: int) -> None:
    """I17 (F): attention's output is linear in `z`: what single heads give adds up, the bias counted once.

    Gemma-3 is left out: a norm follows the output projection.
    """
    model, out = model_of(architecture, dtype), Site(Component.ATTN_OUT, layer)
    site = Site(Component.Z, layer)
    clean = forward(model, ids, keep=[site, out]).kept
    parts = []
    for heads in [[], *([head] for head in range(draws.HEADS))]:
        value = torch.zeros_like(clean[site])
        value[:, :, heads] = clean[site][:, :, heads]
        parts.append(forward(model, ids, writes={site: value}, keep=[out]).kept[out])
    total = sum(part - parts[0] for part in parts[1:]) + parts[0]
    torch.testing.assert_close(total, clean[out], atol=tolerance(architecture, dtype, clean[out]), rtol=0)


@pytest.mark.parametrize(("architecture", "dtype"), MODELS)
@draws.examples(4)
@given(data=st.data())
def test_the_stream_is_a_sum(architecture: str, dtype: str, data: st.DataObject) -> None:
    """I18 (B; F where blocks are parallel): what leaves a block is what entered it and what was added, also when
    something in it is patched. Gemma-3's outputs are taken after their norms, so that they add up too."""
    model, ids = model_of(architecture, dtype), data.draw(draws.rows(2))
    inside = tuple(each for each in draws.offered(architecture) if each not in draws.RESIDUAL)
    patch = data.draw(draws.patches(architecture, ids.shape[1], components=inside))
    values = kept_values(architecture, dtype, ids[1:], [patch.site])
    kept = forward(model, ids[:1], keep=draws.all_sites(architecture), interventions=[[patch]], values=values).kept

    def at(component: Component, layer: int) -> torch.Tensor:
        return kept[Site(component, layer)]

    for layer in LAYERS:
        middle = at(Component.RESID_PRE, layer) + at(Component.ATTN_OUT, layer)
        after = middle + at(Component.MLP_OUT, layer)
        if architecture == "neox":
            close = tolerance(architecture, dtype, after)
            torch.testing.assert_close(at(Component.RESID_POST, layer), after, atol=close, rtol=0)
        else:
            assert torch.equal(at(Component.RESID_MID, layer), middle)
            assert torch.equal(at(Component.RESID_POST, layer), after)
        if layer:
            assert torch.equal(at(Component.RESID_PRE, layer), at(Component.RESID_POST, layer - 1))


def head_of(architecture: str, dtype: str) -> tuple[Any, Any]:
    """The plain model's final norm and unembedding."""
    plain = tiny.plain_model(architecture, dtype)
    body = plain.get_decoder()
    norm = next(getattr(body, name) for name in ("norm", "ln_f", "final_layer_norm") if hasattr(body, name))
    return norm, plain.get_output_embeddings()


@pytest.mark.parametrize(("architecture", "dtype"), MODELS)
@draws.examples(4)
@given(ids=draws.rows(1))
def test_logits_are_those_of_the_last_residual(architecture: str, dtype: str, ids: torch.Tensor) -> None:
    """I19 (F): norm and unembedding of the last block's output; and with the norm's scale held fixed, the shares of
    the embedding and of each layer's attention and MLP add up to every logit."""
    sites = [
        Site(Component.RESID_PRE, 0),
        *draws.all_sites(architecture, Component.ATTN_OUT, Component.MLP_OUT),
        Site(Component.RESID_POST, LAYERS[-1]),
    ]
    run = forward(model_of(architecture, dtype), ids, keep=sites)
    norm, unembed = head_of(architecture, dtype)
    last, close = run.kept[sites[-1]], tolerance(architecture, dtype, run.logits)
    with torch.no_grad():
        torch.testing.assert_close(unembed(norm(last)), run.logits, atol=close, rtol=0)
        centred = isinstance(norm, torch.nn.LayerNorm)
        middle = last - last.mean(dim=-1, keepdim=True) if centred else last
        epsilon = norm.eps if hasattr(norm, "eps") else norm.variance_epsilon
        scale = (middle.square().mean(dim=-1, keepdim=True) + epsilon).sqrt()
        weight = 1 + norm.weight if architecture == "gemma3" else norm.weight
        shares = []
        for site in sites[:-1]:
            part = run.kept[site]
            part = part - part.mean(dim=-1, keepdim=True) if centred else part
            shares.append(torch.nn.functional.linear(part / scale * weight, unembed.weight))
        total = sum(shares)
        if centred:
            total = total + unembed.weight @ norm.bias
    torch.testing.assert_close(total, run.logits, atol=4 * close, rtol=0)
    assert min(float(share.abs().max()) for share in shares) > 1e-3
