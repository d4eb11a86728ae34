"""Keeping and writing activations: what is written happens, in every layer, and nothing else does."""

import pytest
import torch

from mediate.errors import InputError
from mediate.models.sites import Component, Site
from mediate.passes.forward import forward
from mediate.passes.interventions import Patch, Reference
from mediate.passes.one_pass import one_pass
from tests import tiny

LAYERS = tiny.LAYERS


def probes(architecture: str) -> torch.Tensor:
    vocabulary = tiny.model(architecture).facts.d_vocab
    return torch.randint(0, vocabulary, (2, 12), generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_keeping_changes_nothing_and_copies(architecture: str) -> None:
    model, ids = tiny.model(architecture), probes(architecture)
    site = Site(Component.RESID_POST, 1)
    run = forward(model, ids, keep=[site])
    assert torch.equal(run.logits, forward(model, ids).logits)
    before = run.kept[site].clone()
    forward(model, ids.flip(1))
    assert torch.equal(run.kept[site], before)


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
@pytest.mark.parametrize("component", [Component.RESID_PRE, Component.RESID_MID, Component.RESID_POST])
@pytest.mark.parametrize("layer", range(LAYERS))
def test_a_whole_residual_stream_decides_the_logits(architecture: str, component: Component, layer: int) -> None:
    model, ids = tiny.model(architecture), probes(architecture)
    if component in model.refused:
        assert architecture == "neox"
        with pytest.raises(InputError, match="does not offer resid_mid"):
            model.need(component)
        return
    site = Site(component, layer)
    clean = forward(model, ids, keep=[site])
    swapped = forward(model, ids, writes={site: clean.kept[site].flip(0)}).logits
    assert not torch.allclose(clean.logits, clean.logits.flip(0), atol=1e-2)
    torch.testing.assert_close(swapped, clean.logits.flip(0), atol=1e-5, rtol=0)


def test_writing_the_bare_mid_hook_would_be_wrong() -> None:
    """The trap that `resid_mid`'s two hooks avoid: alone, its hook point is only the MLP's input."""
    model, ids = tiny.model("llama"), probes("llama")
    site = Site(Component.RESID_MID, 1)
    clean = forward(model, ids, keep=[site])
    target = clean.kept[site].flip(0)
    bare = model.bridge.run_with_hooks(
        ids, fwd_hooks=[(site.hook_name, lambda value, hook: target)], return_type="logits"
    )
    assert (bare - clean.logits.flip(0)).abs().max() > 1e-3


@pytest.mark.parametrize("other", [Component.RESID_PRE, Component.ATTN_OUT])
@pytest.mark.parametrize("architecture", ["llama", "gpt2", "gemma3"])
def test_mid_is_written_last_whatever_else_is(other: Component, architecture: str) -> None:
    """A written `resid_mid` stands, beside a patch of what leads to it in the same layer, and the other way round."""
    model, ids = tiny.model(architecture), probes(architecture)
    mid, before = Site(Component.RESID_MID, 1), Site(other, 1)
    whole = torch.randn(ids.shape[1], model.facts.d_model, generator=torch.Generator().manual_seed(0))
    row = (Patch(before, tuple(range(ids.shape[1]))),)
    written = forward(
        model,
        ids,
        writes={mid: whole.expand(len(ids), -1, -1)},
        interventions=[row, row],
        values={(Reference.SOURCE, before): whole.flip(0)},
        keep=[mid],
    )
    torch.testing.assert_close(written.kept[mid][0], whole, atol=1e-5, rtol=0)
    row = (Patch(mid, tuple(range(ids.shape[1]))),)
    patched = forward(
        model,
        ids,
        writes={before: whole.flip(0).expand(len(ids), -1, -1)},
        interventions=[row, row],
        values={(Reference.SOURCE, mid): whole},
        keep=[mid],
    )
    torch.testing.assert_close(patched.kept[mid][0], whole, atol=1e-5, rtol=0)
    torch.testing.assert_close(written.logits, patched.logits, atol=1e-4, rtol=0)


def test_a_site_both_written_and_patched_is_an_error() -> None:
    model, ids = tiny.model("llama"), probes("llama")
    site = Site(Component.RESID_PRE, 1)
    value = forward(model, ids, keep=[site]).kept[site]
    with pytest.raises(InputError, match="both written and patched"):
        forward(
            model,
            ids,
            writes={site: value},
            interventions=[[], [Patch(site, (0,))]],
            values={(Reference.SOURCE, site): value[0]},
        )


def test_an_inert_hook_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    model, ids = tiny.model("llama"), probes("llama")
    monkeypatch.setattr(Site, "hook_name", property(lambda site: "rotary_emb.hook_out"))
    with pytest.raises(InputError, match="never fired"):
        forward(model, ids, keep=[Site(Component.Z, 0)])


def test_an_unknown_hook_is_an_error() -> None:
    with pytest.raises(InputError, match=r"no hook 'blocks.7.hook_resid_pre'"):
        forward(tiny.model("llama"), probes("llama"), keep=[Site(Component.RESID_PRE, 7)])


@pytest.mark.parametrize("change", [lambda v: v[:1], lambda v: v.double(), lambda v: v[..., :1]])
def test_what_is_written_must_be_like_what_it_replaces(change) -> None:
    model, ids = tiny.model("llama"), probes("llama")
    site = Site(Component.ATTN_OUT, 1)
    value = forward(model, ids, keep=[site]).kept[site]
    with pytest.raises(InputError, match=r"blocks.1.hook_attn_out: the written value has (shape|dtype)"):
        forward(model, ids, writes={site: change(value)})


def test_state_is_as_before_after_success_and_after_an_error() -> None:
    model, ids = tiny.model("qwen3"), probes("qwen3")
    before, generator = forward(model, ids).logits, torch.get_rng_state()
    site = Site(Component.RESID_MID, 0)
    with pytest.raises(InputError):
        forward(model, ids, writes={site: torch.zeros(1)})
    forward(model, ids, keep=[site])
    assert sum(len(hook.fwd_hooks) + len(hook.bwd_hooks) for hook in model.bridge.hook_dict.values()) == 0
    assert torch.equal(forward(model, ids).logits, before)
    assert torch.equal(torch.get_rng_state(), generator)
    assert not model.plain.training
    assert all(weight.grad is None for weight in model.plain.parameters())


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
@pytest.mark.parametrize("layer", range(LAYERS))
def test_resumed_equals_full(architecture: str, layer: int) -> None:
    model, ids = tiny.model(architecture), probes(architecture)
    site = Site(Component.RESID_PRE, layer)
    run = forward(model, ids, keep=[site])
    torch.testing.assert_close(one_pass(model, run.kept[site], first=layer), run.logits, atol=0, rtol=0)
    assert torch.equal(forward(model, ids).logits, run.logits), "the skipped blocks must be back"
