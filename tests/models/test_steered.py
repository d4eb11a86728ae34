"""models.steered: a model with a vector added where thoughts open, against a plain model with a hook of one's own."""

import gc
from dataclasses import replace

import pytest
import torch

import mediate
from mediate.errors import InputError
from mediate.models.generation import Decoding, generate
from mediate.models.model import Model
from mediate.models.steered import steer, steered_fingerprint
from mediate.passes.forward import forward
from mediate.passes.loaded import steered
from tests import tiny
from tests.models.vectors import OPENING, by_hand, vector_of

# Of the table of architectures: joint matrices, blocks that scale what they add, a decoder within, parallel blocks.
MORE = (
    *("BloomForCausalLM", "GPTBigCodeForCausalLM", "Gemma2ForCausalLM", "GraniteForCausalLM", "MptForCausalLM"),
    *("OPTForCausalLM", "Phi3ForCausalLM"),
)
IDS = torch.tensor([[3, 0, 20, 1, 14, 33, 40, 0, 9], [0, 5, 6, 7, 8, 9, 10, 11, 12]])
PROMPTS = ([3, 0, 20, 1, 14, 33], [3, 0, 20, 1, 14, 33, 21, 9, 0, 4], [7, 8, 9, 1])


@pytest.mark.parametrize("architecture", [*tiny.ARCHITECTURES, *MORE])
def test_a_steered_model_is_a_plain_one_with_a_hook(architecture: str) -> None:
    base = tiny.model(architecture)
    before = forward(base, IDS).logits
    for layer, make in ((0, steered), (base.facts.layers - 1, steer)):
        vector = vector_of(base, layer)
        model = make(base, vector, 1.5)
        failed, before_failed = (
            {(each.name, each.component) for each in one.checks if not each.passed} for one in (model, base)
        )
        assert failed <= before_failed
        plain = by_hand(tiny.plain_model(architecture), vector, 1.5)
        with torch.no_grad():
            wanted = plain(input_ids=IDS, use_cache=False).logits
        scale = float(wanted.abs().max())
        torch.testing.assert_close(forward(model, IDS).logits, wanted, atol=2e-6 * scale + 2e-6, rtol=1e-5)
        with torch.no_grad():
            torch.testing.assert_close(model.plain(IDS).logits, wanted, atol=2e-6 * scale + 2e-6, rtol=1e-5)
        assert (wanted - before).abs().amax() > 1e-3
    assert torch.equal(forward(base, IDS).logits, before)


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_cached_and_uncached_decoding_agree(architecture: str) -> None:
    """Token by token behind a cache, side by side and padded, against passes over all that stands before."""
    base = tiny.model(architecture)
    vector = vector_of(base, 1)
    model, plain = steer(base, vector, 20.0), by_hand(tiny.plain_model(architecture), vector, 20.0)
    together = generate(model, PROMPTS, Decoding(max_new_tokens=8))
    for prompt, written in zip(PROMPTS, together, strict=True):
        ids = list(prompt)
        for _ in range(8):
            with torch.no_grad():
                ids.append(int(plain(input_ids=torch.tensor([ids]), use_cache=False).logits[0, -1].argmax()))
        assert list(written.ids) == ids[len(prompt) :]
        with torch.no_grad():
            given = torch.tensor([prompt])
            hooked = plain.generate(given, attention_mask=torch.ones_like(given), max_new_tokens=8, do_sample=False)
        assert hooked[0].tolist() == ids
    assert [each.ids for each in together] != [each.ids for each in generate(base, PROMPTS, Decoding(8))]


@pytest.mark.parametrize("architecture", tiny.ARCHITECTURES)
def test_an_alpha_of_0_changes_nothing(architecture: str) -> None:
    base = tiny.model(architecture)
    model = steer(base, vector_of(base, 1), 0.0)
    assert torch.equal(forward(model, IDS).logits, forward(base, IDS).logits)
    decoding = Decoding(8, temperature=1.0, seed=2)
    assert generate(model, PROMPTS, decoding) == generate(base, PROMPTS, decoding)
    assert model.facts.fingerprint != base.facts.fingerprint


def test_nothing_before_the_first_opening_changes() -> None:
    base = tiny.model("llama")
    model = steer(base, vector_of(base, 1), 1.5)
    ids = torch.tensor([[3, 4, 20, 1, 33, 40]])
    off = (forward(model, ids).logits - forward(base, ids).logits)[0].abs().amax(dim=-1)
    assert not off[:3].any()
    assert (off[3:] > 1e-4).all()
    assert not set(ids[0, :3].tolist()) & set(OPENING)


def test_the_fingerprint_holds_vector_layer_and_alpha() -> None:
    base = tiny.model("llama")
    ways = [(1, 0, 1.0), (1, 0, 2.0), (2, 0, 1.0), (1, 1, 1.0), (1, 0, -1.0), (1, 0, 0.0)]
    found = {steer(base, vector_of(base, layer, seed), alpha).facts.fingerprint for layer, seed, alpha in ways}
    assert len(found | {base.facts.fingerprint}) == len(ways) + 1
    again = steer(base, vector_of(base, 1), 1.0).facts.fingerprint
    assert again == steered_fingerprint(base.facts.fingerprint, vector_of(base, 1), 1.0)


def test_store_keys_and_manifests_tell_it() -> None:
    from mediate.passes.store import model_spec

    base = tiny.model("llama")
    model = steer(base, vector_of(base, 1), 1.5)
    assert model_spec(model)["model"] == model.facts.fingerprint != base.facts.fingerprint
    told = model.describe()["steering"]
    assert (told["alpha"], told["layer"], told["base"]["fingerprint"]) == (1.5, 1, base.facts.fingerprint)
    assert told["vector"] == vector_of(base, 1).digest
    assert "steering" not in base.describe()
    assert model.facts.name == "LlamaForCausalLM-steered-L1-a1.5"


@pytest.mark.parametrize("architecture", ["llama", "gpt2"])
def test_the_base_may_go(architecture: str) -> None:
    base = mediate.load(tiny.plain_model(architecture), tokenizer=tiny.tokenizer(), device="cpu")
    model = mediate.steered(base, vector_of(base, 1), 1.5)
    wanted = forward(model, IDS).logits
    assert all(model.weights[name] is weight for name, weight in base.weights.items())
    del base
    gc.collect()
    assert torch.equal(forward(model, IDS).logits, wanted)


@pytest.mark.parametrize("dtype", ["float64", "bfloat16"])
def test_other_dtypes(dtype: str) -> None:
    base = tiny.model("llama", dtype)
    model = steered(base, vector_of(base, 1), 1.5)
    assert all(check.passed for check in model.checks if check.component is None)
    assert forward(model, IDS).logits.dtype is getattr(torch, dtype)


def test_what_cannot_be_steered_is_one_line() -> None:
    base = tiny.model("llama")
    model = steer(base, vector_of(base, 1), 1.0)
    with pytest.raises(InputError, match="steered already"):
        steer(model, vector_of(base, 1), 1.0)
    with pytest.raises(InputError, match="other weights"):
        steer(base, vector_of(tiny.model("qwen3"), 1), 1.0)
    with pytest.raises(InputError, match="has layers 0 to 2"):
        steer(base, vector_of(base, 3), 1.0)
    with pytest.raises(InputError, match="alpha nan"):
        steer(base, vector_of(base, 1), float("nan"))
    with pytest.raises(InputError, match="load it first"):
        mediate.steered("llama", vector_of(base, 1))  # type: ignore[arg-type]


def test_embeddings_have_no_ids() -> None:
    base = tiny.model("llama")
    model = steer(base, vector_of(base, 1), 1.0)
    embedded = base.plain.get_input_embeddings()(IDS)
    with pytest.raises(InputError, match="without token ids"):
        model.plain(inputs_embeds=embedded)
    forward(model, IDS)  # what was begun leaves nothing behind
    with pytest.raises(InputError, match="without token ids"):
        model.plain(inputs_embeds=embedded)


def test_a_network_that_cannot_be_copied_is_one_line() -> None:
    class Stubborn(torch.nn.Module):
        def __deepcopy__(self, memo: object) -> "Stubborn":
            raise RuntimeError("no copy")

    base: Model = tiny.model("llama")
    with pytest.raises(InputError, match="cannot be copied \\(no copy\\)"):
        steer(replace(base, bridge=Stubborn()), vector_of(base, 1), 1.0)
