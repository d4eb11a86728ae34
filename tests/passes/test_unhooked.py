"""Attention in stretches against attention written out, and the blocks that run without hook points."""

from types import SimpleNamespace

import pytest
import torch
from torch import Tensor

from mediate.errors import InputError
from mediate.models.generation import Decoding, generate
from mediate.models.sites import Component, Site
from mediate.passes import attention, fused
from mediate.passes import unhooked as lean
from mediate.passes.attention import SharedPast, Swapped, Unseen, attend
from mediate.passes.forward import forward
from mediate.passes.gradients import gradients
from mediate.passes.one_pass import one_pass
from mediate.passes.unhooked import layers_computed_whole, lean_blocks, leanly
from tests import tiny

BATCH, HEADS, KV_HEADS, WIDTH, BEFORE, OWN = 3, 4, 2, 5, 6, 7
LAYER = SimpleNamespace(layer_idx=1)


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def written_out(query: Tensor, keys: Tensor, values: Tensor, mask: Tensor, softcap: float | None = None) -> Tensor:
    """Every head, query and key by itself."""
    mixed = torch.zeros(*query.shape[:3], values.shape[-1], dtype=query.dtype)
    for row in range(query.shape[0]):
        for head in range(HEADS):
            kv_head = head * KV_HEADS // HEADS
            scores = query[row, head] @ keys[row, kv_head].T / WIDTH**0.5
            if softcap:
                scores = softcap * torch.tanh(scores / softcap)
            here = mask if mask.ndim == 2 else mask[head]
            mixed[row, head] = torch.softmax(scores + here, dim=-1) @ values[row, kv_head]
    return mixed.transpose(1, 2)


def hidden_future(queries: int, keys: int, window: int | None = None) -> Tensor:
    at = torch.arange(keys - queries, keys)[:, None] - torch.arange(keys)
    hidden = (at < 0) | (at >= (window or keys))
    return torch.zeros(queries, keys, dtype=torch.float64).masked_fill(hidden, torch.finfo(torch.float64).min)


@pytest.mark.parametrize("scores", [1, 60, 10**9])
@pytest.mark.parametrize("window", [None, 3])
@pytest.mark.parametrize("softcap", [None, 2.0])
def test_attention(monkeypatch: pytest.MonkeyPatch, scores: int, window: int | None, softcap: float | None) -> None:
    monkeypatch.setattr(attention, "SCORES", scores)
    query = drawn(BATCH, HEADS, OWN, WIDTH)
    keys, values = (drawn(BATCH, KV_HEADS, BEFORE + OWN, WIDTH, seed=seed) for seed in (1, 2))
    mask = hidden_future(OWN, BEFORE + OWN, window)
    found, _ = attend(LAYER, query, keys, values, mask[None, None].expand(BATCH, -1, -1, -1), softcap=softcap)
    torch.testing.assert_close(found, written_out(query, keys, values, mask, softcap), atol=1e-12, rtol=0)


@pytest.mark.parametrize("scores", [1, 60, 10**9])
def test_attention_to_a_shared_past(monkeypatch: pytest.MonkeyPatch, scores: int) -> None:
    monkeypatch.setattr(attention, "SCORES", scores)
    query = drawn(BATCH, HEADS, OWN, WIDTH)
    shared = [drawn(2, KV_HEADS, BEFORE, WIDTH, seed=seed) for seed in (1, 2)]
    own = [drawn(BATCH, KV_HEADS, OWN, WIDTH, seed=seed) for seed in (3, 4)]
    rows, places, heads = torch.tensor([0, 2]), torch.tensor([[1, 4], [0, 5]]), torch.tensor([1])
    swapped = [drawn(2, 1, 2, WIDTH, seed=seed) for seed in (5, 6)]
    past = SharedPast(*shared, {1: [Swapped(rows, places, heads, *swapped)]})
    whole = [
        torch.cat([each[1].expand(BATCH, -1, -1, -1), mine], dim=2).clone()
        for each, mine in zip(shared, own, strict=True)
    ]
    for each, new in zip(whole, swapped, strict=True):
        for number, row in enumerate(rows.tolist()):
            each[row, 1, places[number]] = new[number, 0]
    mask = hidden_future(OWN, BEFORE + OWN)
    found, _ = attend(LAYER, query, *own, mask[None, None], past=past)
    torch.testing.assert_close(found, written_out(query, *whole, mask), atol=1e-12, rtol=0)
    last, _ = attend(LAYER, query, *own, mask[None, None], past=past, trimmed=(1, 2))
    torch.testing.assert_close(last[:, -2:], found[:, -2:], atol=1e-12, rtol=0)
    assert not last[:, :-2].any()
    elsewhere, _ = attend(LAYER, query, *own, mask[None, None], past=past, trimmed=(0, 2))
    torch.testing.assert_close(elsewhere, found, atol=1e-12, rtol=0)


@pytest.mark.parametrize("queries", [1, 5, 10**9])
@pytest.mark.parametrize("by_head", [False, True])
@pytest.mark.parametrize("window", [None, 9])
def test_fused_attention_to_a_shared_past(
    monkeypatch: pytest.MonkeyPatch, queries: int, by_head: bool, window: int | None
) -> None:
    """Rows side by side, some positions at a time, with keys hidden from some of them: what each sees by itself."""
    before, unseen_rows = 20, torch.tensor([2, 0])
    monkeypatch.setattr(attention, "LONG", 1)
    monkeypatch.setattr(attention, "LONG_PAST", 1)
    monkeypatch.setattr(fused, "QUERIES", queries)
    monkeypatch.setattr(fused, "FEW", 1)
    query = drawn(BATCH, HEADS, OWN, WIDTH)
    shared = [drawn(2, KV_HEADS, before, WIDTH, seed=seed) for seed in (1, 2)]
    own = [drawn(BATCH, KV_HEADS, OWN, WIDTH, seed=seed) for seed in (3, 4)]
    whole = [
        torch.cat([each[1].expand(BATCH, -1, -1, -1), mine], dim=2) for each, mine in zip(shared, own, strict=True)
    ]
    cut = torch.zeros(2, HEADS if by_head else 1, OWN, before + OWN, dtype=torch.bool)
    cut[0, -1, :, 3:17] = True
    cut[1, 0, 4:, 18:22] = True
    past = SharedPast(*shared, unseen={1: Unseen(unseen_rows, cut, before)})
    mask = hidden_future(OWN, before + OWN, window)
    masks = mask.expand(BATCH, HEADS, -1, -1).clone()
    masks[unseen_rows] = masks[unseen_rows].masked_fill(cut, float("-inf"))
    wanted = torch.stack(
        [
            written_out(query[row : row + 1], *(each[row : row + 1] for each in whole), masks[row])[0]
            for row in range(BATCH)
        ]
    )
    found, _ = attend(LAYER, query, *own, mask[None, None], past=past)
    torch.testing.assert_close(found, wanted, atol=1e-12, rtol=0)
    last, _ = attend(LAYER, query, *own, mask[None, None], past=past, trimmed=(1, 2))
    torch.testing.assert_close(last[:, -2:], wanted[:, -2:], atol=1e-12, rtol=0)
    assert not last[:, :-2].any()


def test_a_knockout_of_all_that_a_long_past_is_read_through_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attention, "LONG", 1)
    monkeypatch.setattr(attention, "LONG_PAST", 1)
    shared = [drawn(2, KV_HEADS, BEFORE, WIDTH, seed=seed) for seed in (1, 2)]
    own = [drawn(1, KV_HEADS, OWN, WIDTH, seed=seed) for seed in (3, 4)]
    cut = torch.ones(1, 1, OWN, BEFORE + OWN, dtype=torch.bool)
    past = SharedPast(*shared, unseen={1: Unseen(torch.tensor([0]), cut, BEFORE)})
    with pytest.raises(InputError, match="leaves the query at position 6"):
        attend(LAYER, drawn(1, HEADS, OWN, WIDTH), *own, hidden_future(OWN, BEFORE + OWN)[None, None], past=past)


def test_attention_of_another_kind_is_refused() -> None:
    query, mask = drawn(1, HEADS, 2, WIDTH), hidden_future(2, 2)[None, None]
    keys = drawn(1, KV_HEADS, 2, WIDTH)
    for options in ({"dropout": 0.1}, {"s_aux": drawn(HEADS)}):
        with pytest.raises(NotImplementedError):
            attend(LAYER, query, keys, keys, mask, **options)
    with pytest.raises(NotImplementedError):
        attend(LAYER, query, keys, keys, None)


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_gradients_of_stretches_are_those_of_the_whole(monkeypatch: pytest.MonkeyPatch, architecture: str) -> None:
    """In stretches, patterns are computed again on the way back."""
    model, ids = tiny.model(architecture, "float64"), torch.arange(1, 15)[None]
    sites = [Site(component, layer) for component in (Component.RESID_PRE, Component.ATTN_OUT) for layer in range(3)]
    found = []
    for scores in (10**9, 50):
        monkeypatch.setattr(attention, "SCORES", scores)
        found.append(gradients(model, ids, sites, lambda logits: logits[0, -1, 3] - logits[0, -1, 4], last=1))
    for site in sites:
        torch.testing.assert_close(found[0][site], found[1][site], atol=1e-10, rtol=1e-10)
        assert found[0][site].abs().max() > 1e-3


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_hook_points_that_want_the_whole_pattern_get_it(architecture: str) -> None:
    """Kept under `lean_blocks`, every component is what it is without, and the pattern is there at all."""
    model, ids = tiny.model(architecture), torch.arange(1, 15)[None]
    sites = [Site(each, layer) for each in Component if each not in model.refused for layer in (0, 2)]
    names = [site.hook_name for site in sites]
    wanted = forward(model, ids, keep=sites)
    with leanly(model, names):
        found = forward(model, ids, keep=sites)
    for site in sites:
        torch.testing.assert_close(found.kept[site], wanted.kept[site], atol=1e-5, rtol=1e-5)
    assert layers_computed_whole(model, names) == {0, 2}
    apart = layers_computed_whole(model, [Site(Component.Q, 1).hook_name])
    assert apart == ({1} if architecture in ("gpt2", "neox") else set())
    assert layers_computed_whole(model, [Site(Component.ATTN_OUT, 1).hook_name]) == set()


def test_the_context_is_left_as_it_was_found() -> None:
    model = tiny.model("gemma3")
    before = forward(model, torch.arange(1, 9)[None]).logits
    with lean_blocks(model, ()):
        assert model.plain.config._attn_implementation == lean.NAME

    def fail() -> None:
        with lean_blocks(model, ()):
            raise ArithmeticError

    with pytest.raises(ArithmeticError):
        fail()
    assert model.plain.config._attn_implementation == "eager"
    assert not any("forward" in vars(module) for module in model.bridge.modules())
    assert torch.equal(forward(model, torch.arange(1, 9)[None]).logits, before)
    unchecked = tiny.unswept(model)
    assert torch.equal(one_pass(unchecked, torch.arange(1, 9)[None]), before)


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_hooks_that_were_there_before_go_on_firing(architecture: str) -> None:
    """A study may steer the model by hooks of its own on the bridge: no short cut passes them over."""
    model, ids = tiny.model(architecture), torch.arange(1, 9)[None]
    for component in (Component.Z, Component.MLP_OUT, Component.RESID_POST, Component.PATTERN, Component.ATTN_OUT):
        name = Site(component, 1).hook_name
        # Not a plain factor, which a norm would take out again.
        with model.bridge.hooks(fwd_hooks=[(name, lambda value, hook: value * torch.linspace(0, 1, value.shape[-1]))]):
            wanted = one_pass(model, ids)
            with leanly(model):
                found = one_pass(model, ids)
        torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-5)
        assert (wanted - one_pass(model, ids)).abs().max() > 1e-3
    tokens = torch.tensor([7, 3])
    with model.bridge.hooks(fwd_hooks=[("unembed.hook_out", lambda value, hook: value + 1.0)]):
        wanted = one_pass(model, ids)
        with lean_blocks(model, (), tokens=tokens):
            found = one_pass(model, ids)
    torch.testing.assert_close(found, wanted[..., tokens], atol=1e-5, rtol=1e-5)
    assert (wanted - one_pass(model, ids)).abs().min() > 0.9


@pytest.mark.parametrize("architecture", ["llama", "qwen3", "gemma3"])
def test_long_sequences_take_torchs_own_blocks_to_the_same_end(
    architecture: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tiny.model(architecture)
    ids = torch.arange(90)[None] % len(tiny.words())
    with torch.no_grad(), leanly(model):
        whole = one_pass(model, ids)
    fused: list[int] = []
    own = torch.nn.functional.scaled_dot_product_attention

    def counted(query: torch.Tensor, *args: torch.Tensor, **options: object) -> torch.Tensor:
        fused.append(query.shape[2])
        return own(query, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(torch.nn.functional, "scaled_dot_product_attention", counted)
    for name, value in (("attention.LONG", 1), ("fused.QUERIES", 32), ("attention.SCORES", 1024)):
        monkeypatch.setattr(f"mediate.passes.{name}", value)
    with torch.no_grad(), leanly(model):
        blocks = one_pass(model, ids)
    assert fused == [32, 32, 26] * tiny.LAYERS
    torch.testing.assert_close(blocks, whole, rtol=0, atol=1e-4)


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_what_is_written_without_hook_points_is_what_is_written_with_them(architecture: str) -> None:
    model = tiny.model(architecture)
    beginning = list(range(5, 25))
    prompts = [[*beginning, *rest] for rest in ([7], [8, 9, 10], [11, 12])]
    for decoding in (Decoding(max_new_tokens=12), Decoding(max_new_tokens=12, temperature=1.0, seed=3)):
        wanted = generate(model, prompts, decoding)
        with lean_blocks(model, ()):
            assert generate(model, prompts, decoding) == wanted
