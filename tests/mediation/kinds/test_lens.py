"""Logit lens and direct logit attribution: against plain transformers with hand-made norms, and transformer-lens'."""

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from jaxtyping import TypeCheckError

import mediate
from mediate.errors import InputError
from mediate.mediation.encoding import EncodedPair, encode_pair
from mediate.mediation.kinds.lens import DirectAttribution, direct_logit_attribution, logit_lens
from mediate.models.float64 import in_float64
from mediate.models.loading import load_unchecked
from mediate.models.prompts import ANSWER_CUE, Style, Template
from mediate.models.sites import Component, Site
from mediate.pairs.pair import Item, Pair
from mediate.traces.trace import given_trace
from tests import tiny
from tests.plainly import kept

BASE = ("Tom has 3 apples.", "Tom buys 3 apples. Tom has 3 + 9 = 12.", "12")
SOURCE = ("Tom has 2 apples.", "Tom buys 2 apples. Tom has 2 + 9 = 11.", "11")
ARCHITECTURES = (*tiny.ARCHITECTURES, "softcap", "olmo2", "granite", "phi")
BIASED = ("gpt2", "neox", "phi")
EXACT = 1e-10
CAP = 0.5
SILENCED = Site(Component.MLP_OUT, 1)


@cache
def plain(name: str) -> Any:
    """A plain model in float64 whose norms and biases are random, too, so that leaving one out shows.

    `softcap` is Gemma-3 with a cap on the logits, `olmo2` has norms after its blocks only, `granite` scales what blocks
    add and the logits, and `phi` has parallel blocks under one norm and a bias in the unembedding.
    """
    import transformers as tf

    if name in tiny.ARCHITECTURES or name == "softcap":
        model = tiny.plain_model("gemma3" if name == "softcap" else name, "float64")
        if name == "softcap":
            model.config.final_logit_softcapping = CAP
    else:
        shape: dict[str, Any] = {
            "vocab_size": len(tiny.words()) + 1,
            "hidden_size": 32,
            "intermediate_size": 48,
            "num_hidden_layers": tiny.LAYERS,
            "num_attention_heads": 4,
            "num_key_value_heads": 2,
            "max_position_embeddings": 256,
        }
        factors = {"residual_multiplier": 0.3, "logits_scaling": 4.0, "embedding_multiplier": 3.0}
        config = {
            "olmo2": lambda: tf.Olmo2Config(**shape),
            "granite": lambda: tf.GraniteConfig(**shape, **factors),
            "phi": lambda: tf.PhiConfig(**shape),
        }[name]()
        config.eos_token_id = config.bos_token_id = config.pad_token_id = None
        with torch.random.fork_rng():
            torch.manual_seed(0)
            model = tf.AutoModelForCausalLM.from_config(config, attn_implementation="eager").double().eval()
    generator = torch.Generator().manual_seed(1)
    for weight in model.parameters():
        if weight.ndim == 1 or name in ("olmo2", "granite", "phi"):
            weight.data += 0.3 * torch.randn(weight.shape, generator=generator, dtype=torch.float64)
    return model


@cache
def hooked(name: str, dtype: str = "float64") -> Any:
    return mediate.load(plain(name), tokenizer=tiny.tokenizer(), dtype=dtype, device="cpu")


@cache
def encoded(name: str, dtype: str = "float64") -> EncodedPair:
    pair = Pair("a", "g", *(Item(question, answer, cot) for question, cot, answer in (BASE, SOURCE)))
    chains = (given_trace(each[1], tiny.tokenizer()) for each in (SOURCE, BASE))
    return encode_pair(hooked(name, dtype), pair, Template(Style.NONE), ANSWER_CUE, *chains)


@dataclass(frozen=True)
class Plain:
    """What plain forward hooks saw at the last position, and the pieces that turn it into logits."""

    ids: torch.Tensor
    embedding: torch.Tensor
    stream: list[torch.Tensor]  # after each layer, at all positions
    attn: list[torch.Tensor]
    mlp: list[torch.Tensor]
    heads: list[torch.Tensor]  # layer by layer, head d_model
    logits: torch.Tensor


def blocks(name: str) -> tuple[Any, Any, list[Any]]:
    """The model's body, its final norm and its blocks."""
    model = plain(name)
    if name == "gpt2":
        return model.transformer, model.transformer.ln_f, list(model.transformer.h)
    if name == "neox":
        return model.gpt_neox, model.gpt_neox.final_layer_norm, list(model.gpt_neox.layers)
    return model.model, model.model.final_layernorm if name == "phi" else model.model.norm, list(model.model.layers)


def seen(name: str, world: int = 1) -> Plain:
    """One run of the unhooked model; attention's and the MLP's part are taken where they join the residual stream."""
    model, readers, pair = plain(name), encoded(name).readers, encoded(name)
    ids = torch.tensor([[*pair.context(world, world), *readers.cue, *readers.base[: readers.shared]]])
    _, _, layers = blocks(name)
    caught: dict[Any, torch.Tensor] = {}

    def keep(key: Any, inputs: bool = False):
        def hook(module: Any, given: Any, made: Any = None) -> None:
            value = given[0] if inputs else made
            caught[key] = (value[0] if isinstance(value, tuple) else value).detach().clone()

        return hook

    handles = []
    for number, layer in enumerate(layers):
        handles.append(layer.register_forward_pre_hook(keep(("pre", number), inputs=True)))
        handles.append(layer.register_forward_hook(keep(("post", number))))
        attention = layer.attn if name == "gpt2" else layer.attention if name == "neox" else layer.self_attn
        out = {"gpt2": "c_proj", "neox": "dense", "phi": "dense"}.get(name, "o_proj")
        joined = (layer.post_attention_layernorm, layer.post_feedforward_layernorm) if normed_after(name) else ()
        handles.append((joined[0] if joined else attention).register_forward_hook(keep(("attn", number))))
        handles.append((joined[1] if joined else layer.mlp).register_forward_hook(keep(("mlp", number))))
        handles.append(getattr(attention, out).register_forward_pre_hook(keep(("z", number), inputs=True)))
    with torch.no_grad(), kept(model):
        logits = model(ids).logits[0]
    for handle in handles:
        handle.remove()
    factor = 0.3 if name == "granite" else 1.0
    count = range(len(layers))
    return Plain(
        ids=ids,
        embedding=caught["pre", 0][0, -1],
        stream=[caught["post", number][0] for number in count],
        attn=[factor * caught["attn", number][0, -1] for number in count],
        mlp=[factor * caught["mlp", number][0, -1] for number in count],
        heads=[factor * by_head(name, layer, caught["z", number][0, -1]) for number, layer in enumerate(layers)],
        logits=logits,
    )


def gemma(name: str) -> bool:
    return name in ("gemma3", "softcap")


def normed_after(name: str) -> bool:
    return gemma(name) or name == "olmo2"


def by_head(name: str, layer: Any, z: torch.Tensor) -> torch.Tensor:
    """Each head's part of what attention adds; a norm after attention is worked out by hand and held."""
    if name == "gpt2":
        weight = layer.attn.c_proj.weight.T
    else:
        attention = layer.attention if name == "neox" else layer.self_attn
        weight = (attention.dense if name in ("neox", "phi") else attention.o_proj).weight
    split = torch.zeros(4, len(z), dtype=torch.float64)
    for head in range(4):
        split[head, 8 * head : 8 * head + 8] = z[8 * head : 8 * head + 8]
    parts = split @ weight.T
    if normed_after(name):
        gain, eps = rms(name, layer.post_attention_layernorm)
        parts = parts * gain / (parts.sum(0).pow(2).mean() + eps).sqrt()
    return parts


def rms(name: str, norm: Any) -> tuple[torch.Tensor, float]:
    """What an RMSNorm multiplies with, and its epsilon."""
    return (1 + norm.weight, norm.eps) if gemma(name) else (norm.weight, norm.variance_epsilon)


def by_hand(name: str, vectors: torch.Tensor, stream: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Vectors through the final norm held at the scale of `stream`, and the norm's bias."""
    _, norm, _ = blocks(name)
    if isinstance(norm, torch.nn.LayerNorm):
        scale = (stream.var(-1, unbiased=False, keepdim=True) + norm.eps).sqrt()
        return (vectors - vectors.mean(-1, keepdim=True)) / scale * norm.weight, norm.bias
    gain, eps = rms(name, norm)
    return vectors / (stream.pow(2).mean(-1, keepdim=True) + eps).sqrt() * gain, torch.zeros_like(gain)


def answers(name: str) -> list[int]:
    readers = encoded(name).readers
    return [readers.base[readers.shared], readers.source[readers.shared]]


def unembedded(name: str, vectors: torch.Tensor, bias: bool = True) -> torch.Tensor:
    """The two answers' logits before any cap."""
    head = plain(name).lm_head
    logits = vectors @ head.weight[answers(name)].T
    if bias and head.bias is not None:
        logits = logits + head.bias[answers(name)]
    return logits / 4.0 if name == "granite" else logits


def difference(logits: torch.Tensor) -> np.ndarray:
    return (logits[..., 0] - logits[..., 1]).detach().numpy()


@pytest.mark.parametrize("world", [1, 0])
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_lens_is_the_final_norm_and_the_unembedding_by_hand(name: str, world: int) -> None:
    pair, run = encoded(name), seen(name, world)
    chain, readers = (logit_lens(hooked(name), pair, world=world, readers=each) for each in (False, True))
    stream = torch.stack(run.stream, dim=1)  # pos layer d_model
    vectors, bias = by_hand(name, stream, stream)
    logits = unembedded(name, vectors + bias)
    wanted = difference(CAP * torch.tanh(logits / CAP) if name == "softcap" else logits)
    begin, end = len(pair.questions[world]), len(pair.context(world, world))
    assert (chain.dims, readers.dims) == (("position", "layer"), ("reader", "layer"))
    assert chain.coords["position"] == tuple(range(end - begin))
    assert (chain.kind, chain.outcome) == ("logit_lens" if world else "logit_lens.source", "logit_diff")
    y = [float(difference(seen(name, each).logits[-1, answers(name)])) for each in (0, 1)]
    assert chain.te == pytest.approx(y[1] - y[0], abs=EXACT)
    np.testing.assert_allclose(chain.values, wanted[begin:end], atol=EXACT)
    np.testing.assert_allclose(readers.values, wanted[end:], atol=EXACT)
    np.testing.assert_allclose(readers.values[-1, -1], difference(run.logits[-1, answers(name)]), atol=EXACT)
    assert abs(wanted[begin:end, :-1] - wanted[begin:end, 1:]).min(axis=0).max() > 1e-3


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_direct_contributions_are_the_components_through_the_held_norm_by_hand(name: str) -> None:
    run = seen(name)
    found = direct_logit_attribution(hooked(name), encoded(name), heads=True)

    def direct(vectors: torch.Tensor) -> np.ndarray:
        return difference(unembedded(name, by_hand(name, vectors, run.stream[-1][-1])[0], bias=False))

    attn, heads = direct(torch.stack(run.attn)), direct(torch.stack(run.heads))
    np.testing.assert_allclose(found.embedding, direct(run.embedding), atol=EXACT)
    np.testing.assert_allclose(found.attn_out, attn, atol=EXACT)
    np.testing.assert_allclose(found.mlp_out, direct(torch.stack(run.mlp)), atol=EXACT)
    np.testing.assert_allclose(found.heads, heads, atol=EXACT)
    bias = difference(unembedded(name, by_hand(name, run.embedding, run.stream[-1][-1])[1]))
    np.testing.assert_allclose(found.bias, bias, atol=EXACT)
    if name in BIASED:  # their attention has a bias that no head writes
        assert abs(attn - heads.sum(axis=1)).min() > 1e-3
        assert abs(found.bias) > 1e-3
    else:
        np.testing.assert_allclose(heads.sum(axis=1), attn, atol=EXACT)


@pytest.mark.parametrize("heads", [False, True])
@pytest.mark.parametrize("world", [1, 0])
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_terms_sum_to_the_plain_models_logit_difference(name: str, world: int, heads: bool) -> None:
    found = direct_logit_attribution(hooked(name), encoded(name), world=world, heads=heads)
    y = [float(difference(seen(name, each).logits[-1, answers(name)])) for each in (0, 1)]
    assert found.total == pytest.approx(found.y, abs=EXACT)
    assert (found.y, found.te) == pytest.approx((y[world], y[1] - y[0]), abs=EXACT)
    assert found.to_frame()["effect"].sum() == pytest.approx(found.total, abs=1e-12)
    assert (found.heads is not None) is heads
    assert (abs(found.capped) > 0.1) is (name == "softcap")
    assert min(abs(found.embedding), abs(found.attn_out).max(), abs(found.mlp_out).max()) > 1e-3


@pytest.mark.parametrize("name", ["llama", "gemma3", "gpt2", "neox"])
@pytest.mark.parametrize(("dtype", "off"), [("float32", 1e-5), ("bfloat16", 0.1)])
def test_lower_precision_is_read_to_its_own_rounding(name: str, dtype: str, off: float) -> None:
    model, pair = hooked(name, dtype), encoded(name, dtype)
    exact = direct_logit_attribution(hooked(name), encoded(name), heads=True)
    found = direct_logit_attribution(model, pair, heads=True)
    assert found.total == pytest.approx(found.y, abs=off)
    np.testing.assert_allclose(found.heads, exact.heads, atol=2 * off)
    lens = [logit_lens(*both).values for both in ((model, pair), (hooked(name), encoded(name)))]
    np.testing.assert_allclose(lens[0], lens[1], atol=2 * off)


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_transformer_lens_own_lens_agrees(name: str) -> None:
    """`tools.analysis.logit_lens`, given ids and no tokenizer; its stack begins with the embeddings."""
    from transformer_lens.tools.analysis import logit_lens as theirs

    model, run, pair = hooked(name), seen(name), encoded(name)
    with in_float64(model.plain):  # their readout is a norm outside of any pass
        found = theirs(model.bridge, run.ids, positions=None, targets=answers(name)).values[1:, 0]
    begin, end = len(pair.questions[1]), len(pair.context(1, 1))
    np.testing.assert_allclose(difference(found)[:, begin:end].T, logit_lens(model, pair).values, atol=1e-9)


@pytest.mark.parametrize("name", tiny.ARCHITECTURES)
def test_transformer_lens_own_attribution_refuses_a_bridge_as_loaded(name: str) -> None:
    from transformer_lens.tools.analysis import direct_logit_attribution as theirs

    base, source = answers(name)
    with pytest.raises(ValueError, match="requires compatibility mode"):
        theirs(hooked(name).bridge, seen(name).ids, base, source)


def theirs_after_rewriting(name: str, unit: str) -> tuple[np.ndarray, float]:
    """transformer-lens' own attribution on a bridge in compatibility mode, and the bias of its unembedding."""
    from transformer_lens.tools.analysis import direct_logit_attribution as theirs

    bridge = load_unchecked(plain(name), tokenizer=tiny.tokenizer(), device="cpu").bridge
    bridge.enable_compatibility_mode(disable_warnings=True)
    base, source = answers(name)
    found = theirs(bridge, seen(name).ids, base, source, unit=unit).attribution[:, 0]
    return found.detach().numpy(), float(bridge.b_U[base] - bridge.b_U[source])


@pytest.mark.parametrize("name", tiny.ARCHITECTURES)
def test_transformer_lens_own_attribution_in_compatibility_mode(name: str) -> None:
    """Rewritten, its components agree. Its heads lack their values' bias, which the rewriting moves to the bias of
    attention's output, and in Gemma-3 the norm after attention."""
    found = direct_logit_attribution(hooked(name), encoded(name), heads=True)
    parts, bias = theirs_after_rewriting(name, "component")
    ours = np.stack([found.attn_out, found.mlp_out], axis=1).ravel()
    np.testing.assert_allclose(parts[-len(ours) :], ours, atol=1e-5)
    assert parts.sum() + bias == pytest.approx(found.y, abs=1e-5)
    heads = theirs_after_rewriting(name, "head")[0][:-1].reshape(tiny.LAYERS, -1)
    if name == "gemma3":
        assert abs(heads.sum(axis=1) - parts[-len(ours) :: 2]).min() > 0.1
        assert abs(heads - found.heads).max() > 0.1
        return
    run, lacking = seen(name), np.zeros_like(heads)
    if name in BIASED:
        values = torch.stack([by_head(name, layer, value_bias(name, layer)) for layer in blocks(name)[2]])
        lacking = difference(unembedded(name, by_hand(name, values, run.stream[-1][-1])[0], bias=False))
        assert abs(lacking).min() > 1e-3
    np.testing.assert_allclose(heads + lacking, found.heads, atol=1e-5)


def value_bias(name: str, layer: Any) -> torch.Tensor:
    """The part of the values that no token decides, head after head: their bias, and that of the norm before."""
    if name == "gpt2":
        return layer.attn.c_attn(layer.ln_1.bias)[64:]
    return layer.attention.query_key_value(layer.input_layernorm.bias).reshape(4, 3, 8)[:, 2].flatten()


def test_transformer_lens_own_attribution_leaves_a_soft_cap_out() -> None:
    found = direct_logit_attribution(hooked("softcap"), encoded("softcap"))
    parts, bias = theirs_after_rewriting("softcap", "component")
    assert abs(parts.sum() + bias - found.y) > 0.1
    assert parts.sum() + bias == pytest.approx(found.y - found.capped, abs=1e-4)


def test_a_frame_has_a_row_a_term() -> None:
    model, pair = hooked("llama"), encoded("llama")
    frame = direct_logit_attribution(model, pair).to_frame()
    assert list(frame) == ["item", "group", "kind", "outcome", "component", "layer", "head", "te", "effect"]
    assert list(frame["component"]) == ["embedding", *["attn_out", "mlp_out"] * tiny.LAYERS, "bias", "capped"]
    assert frame["layer"].isna().sum() == 3
    assert set(zip(frame["item"], frame["kind"], frame["outcome"], strict=True)) == {("a", "direct", "logit_diff")}
    byhead = direct_logit_attribution(model, pair, world=0, heads=True)
    rows = byhead.to_frame().set_index(["component", "layer", "head"])["effect"]
    assert rows.loc[("z", 2, 3)] == byhead.heads[2, 3]
    assert set(byhead.to_frame()["kind"]) == {"direct.source"}
    assert byhead.to_frame()["layer"].dtype == "Int64"


def test_worlds_and_models_that_cannot_be_read_are_refused() -> None:
    model, pair = hooked("llama"), encoded("llama")
    for call in (logit_lens, direct_logit_attribution):
        with pytest.raises(InputError, match="world 2; 1 is the base"):
            call(model, pair, world=2)
    with pytest.raises(InputError, match="does not offer z"):
        direct_logit_attribution(replace(model, refused={Component.Z: "why"}), pair, heads=True)


def test_logits_that_do_not_follow_from_the_last_residual_stream_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    model, pair = hooked("llama"), encoded("llama")
    monkeypatch.setattr(model.bridge.adapter, "apply_output_logits_transform", lambda logits: 2 * logits)
    for call in (logit_lens, direct_logit_attribution):
        with pytest.raises(InputError, match="read off the last residual stream, the outcome is"):
            call(model, pair)


def test_heads_that_do_not_make_up_attention_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    model, pair = hooked("llama"), encoded("llama")
    weight = model.bridge.blocks[1].attn.W_O
    for wrong, message in (
        (weight.flip(0), "attention's output in layer 0 is not the sum of its heads"),
        (weight[:3], "attention in layer 0 has no output weights head by head"),
    ):
        found = property(lambda attention, wrong=wrong: wrong)
        monkeypatch.setattr(type(model.bridge.blocks[1].attn), "W_O", found, raising=False)
        with pytest.raises(InputError, match=message):
            direct_logit_attribution(model, pair, heads=True)


def test_components_that_do_not_make_up_the_residual_stream_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from mediate.mediation.kinds import lens

    model, pair, run = hooked("llama"), encoded("llama"), lens.forward

    def without_an_mlp(*given: Any, **options: Any) -> Any:
        found = run(*given, **options)
        return replace(found, kept={site: value * (site != SILENCED) for site, value in found.kept.items()})

    monkeypatch.setattr(lens, "forward", without_an_mlp)
    with pytest.raises(InputError, match="final norm's output is not linear in what the components write"):
        direct_logit_attribution(model, pair)


def test_a_record_checks_itself() -> None:
    fields: dict[str, Any] = {"item": "a", "group": "g", "world": 1, "y": 1.0, "te": 1.0, "embedding": 0.0}
    fields |= {"bias": 0.0, "capped": 0.0}
    with pytest.raises((ValueError, TypeCheckError), match=r"terms of \[2, 3\] layers|layer=2"):
        DirectAttribution(**fields, attn_out=np.zeros(2), mlp_out=np.zeros(2), heads=np.zeros((3, 4)))
    with pytest.raises(ValueError, match="item 'a': a term is NaN"):
        DirectAttribution(**fields, attn_out=np.zeros(1), mlp_out=np.full(1, np.nan))
