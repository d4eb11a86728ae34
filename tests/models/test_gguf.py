"""A GGUF file with known weights becomes the model with these weights, once."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mediate.errors import InputError
from mediate.models.gguf import _GIVEN, converted
from mediate.models.gguf_rope import llama3_scaling
from mediate.models.loading import load_tokenizer_of
from mediate.models.loading import load_unchecked as load
from tests import tiny
from tests.models.folders import IDS, logits

BASE = 500000.0
# transformers' names of a block's weights and those of the format.
BLOCK = {
    "input_layernorm": "attn_norm",
    "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


def llama(rope: dict[str, Any] | None = None) -> Any:
    """A tiny Llama over the byte-level vocabulary, its rotary embedding scaled as given."""
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=len(tiny.byte_level()),
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=64,
        tie_word_embeddings=False,
        rope_parameters={"rope_theta": BASE, "rope_type": "default"} | (rope or {}),
    )
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = LlamaForCausalLM(config).eval()
        with torch.no_grad():
            for weight in model.parameters():
                weight.copy_(torch.randn_like(weight) * 0.3)
    return model


def interleaved(weight: np.ndarray, heads: int) -> np.ndarray:
    """Rows of a query or key projection in the format's order, which turns neighbours and not halves."""
    return weight.reshape(heads, 2, -1, weight.shape[1]).swapaxes(1, 2).reshape(weight.shape)


def write_gguf(
    path: Path, model: Any, scaled: Callable[[Any], object] = lambda writer: None, stored: str = "F32"
) -> Path:
    """Writes the model, whole rows of blocks as `stored`; `scaled` adds what a file says of its rotary embedding."""
    import gguf

    kind = gguf.GGMLQuantizationType[stored]

    def add(name: str, weight: np.ndarray) -> None:
        if weight.ndim == 2 and weight.shape[1] % 32 == 0:
            writer.add_tensor(name, gguf.quants.quantize(weight, kind), raw_dtype=kind)
        else:
            writer.add_tensor(name, weight)

    config, tokenizer = model.config, tiny.byte_level()
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(BASE)
    writer.add_vocab_size(config.vocab_size)
    writer.add_tokenizer_model("gpt2")
    names = tokenizer.convert_ids_to_tokens(range(len(tokenizer)))
    writer.add_token_list(names)
    control = set(tokenizer.added_tokens_encoder)
    writer.add_token_types([3 if name in control else 1 for name in names])
    rules = json.loads(tokenizer.backend_tokenizer.to_str())["model"]["merges"]
    writer.add_token_merges([" ".join(pair) for pair in rules])
    writer.add_bos_token_id(tokenizer.bos_token_id)
    writer.add_eos_token_id(tokenizer.eos_token_id)
    weights = {name: weight.numpy() for name, weight in model.state_dict().items()}
    for layer in range(config.num_hidden_layers):
        for ours, theirs in BLOCK.items():
            weight = weights[f"model.layers.{layer}.{ours}.weight"]
            if theirs in ("attn_q", "attn_k"):
                heads = config.num_attention_heads if theirs == "attn_q" else config.num_key_value_heads
                weight = interleaved(weight, heads)
            add(f"blk.{layer}.{theirs}.weight", weight)
    for ours, theirs in (("model.embed_tokens", "token_embd"), ("model.norm", "output_norm"), ("lm_head", "output")):
        add(f"{theirs}.weight", weights[f"{ours}.weight"])
    scaled(writer)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MEDIATE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "models"


def test_a_gguf_file_says_what_its_weights_say(tmp_path: Path, cache: Path) -> None:
    plain = llama()
    path = write_gguf(tmp_path / "tiny.gguf", plain)
    found = load(path, device="cpu")
    wanted = logits(plain)
    assert wanted.std() > 0.1
    torch.testing.assert_close(logits(found.plain), wanted, atol=1e-4, rtol=0)
    assert (found.facts.name, found.facts.source, found.facts.dtype) == ("tiny", "gguf", "float32")
    for tokenizer in (found.need_tokenizer(), load_tokenizer_of(str(path))):
        for text in ("Tom has 3 apples\n🙂", "  two  spaces"):
            ids = tokenizer(text, add_special_tokens=False)["input_ids"]
            assert ids == tiny.byte_level()(text, add_special_tokens=False)["input_ids"]


@pytest.mark.parametrize(
    ("stored", "weights"), [("F32", ""), ("F16", ""), ("Q4_1", "4-bit GGUF, Q4_1"), ("Q8_0", "8-bit GGUF, Q8_0")]
)
def test_weights_that_were_quantised_are_told_with_the_dtype(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch, stored: str, weights: str
) -> None:
    from mediate.models import gguf as room

    path = write_gguf(tmp_path / "tiny.gguf", llama(), stored=stored)
    found = load(path, device="cpu")
    told = f"float32 (from {weights})" if weights else "float32"
    assert (found.facts.dtype, found.facts.precision) == ("float32", told)
    assert f" parameters, {told}, cpu)" in repr(found)
    assert f"{told} on cpu" in found._repr_html_()
    assert found.describe()["weights"] == weights
    monkeypatch.setattr(room, "_most_weights", None)  # reading the file again would fail
    assert load(path, device="cpu").facts.weights == weights


def test_it_is_converted_once_and_named_by_its_content(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mediate.models import gguf as room

    path = write_gguf(tmp_path / "one.gguf", llama())
    folder = converted(path)
    assert folder.parent == cache
    assert (folder / "model.safetensors").is_file()
    monkeypatch.setattr(room, "_convert", None)  # converting again would fail
    assert converted(path) == folder
    assert converted(path.rename(tmp_path / "two.gguf")) == folder
    assert {each.name for each in cache.iterdir()} == {folder.name, f"{folder.name}.lock"}
    changed = llama()
    changed.lm_head.weight.data[0, 0] += 1
    monkeypatch.undo()
    monkeypatch.setenv("MEDIATE_CACHE", str(cache.parent))
    assert converted(write_gguf(tmp_path / "three.gguf", changed)) != folder


def llama3_factors(factor: float, half: int = 4) -> np.ndarray:
    """What llama.cpp's converter stores for Llama 3.1 and later, in its own words."""
    found = []
    for frequency in 1.0 / (BASE ** (np.arange(0, 2 * half, 2) / (2 * half))):
        wavelength = 2 * np.pi / frequency
        if wavelength < 8192 / 4:
            found.append(1.0)
        elif wavelength > 8192:
            found.append(factor)
        else:
            smooth = (8192 / wavelength - 1) / (4 - 1)
            found.append(1 / ((1 - smooth) / factor + smooth))
    return np.array(found, dtype=np.float32)


def keys(**given: Any) -> Callable[[Any], None]:
    """Adds keys below `llama.rope`, dots written as two lines."""

    def add(writer: Any) -> None:
        for name, value in given.items():
            kind = {str: "string", int: "uint32", float: "float32"}[type(value)]
            getattr(writer, f"add_{kind}")(f"llama.rope.{name.replace('__', '.')}", value)

    return add


def tensor(name: str, value: np.ndarray) -> Callable[[Any], None]:
    return lambda writer: writer.add_tensor(name, value.astype(np.float32))


def far_apart(model: Any) -> torch.Tensor:
    """What a model says of tokens with many places between them, where low frequencies show."""
    with torch.no_grad():
        found: torch.Tensor = model(input_ids=IDS, position_ids=40 * torch.arange(IDS.shape[1])[None]).logits
    return found


YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16}
SCALED: dict[str, tuple[Callable[[Any], object], dict[str, Any]]] = {
    "yarn": (keys(scaling__type="yarn", scaling__factor=4.0, scaling__original_context_length=16), YARN),
    "yarn with settings": (
        keys(
            scaling__type="yarn",
            scaling__factor=4.0,
            scaling__original_context_length=16,
            scaling__yarn_beta_fast=8.0,
            scaling__yarn_beta_slow=2.0,
            scaling__attn_factor=0.5,
        ),
        YARN | {"beta_fast": 8.0, "beta_slow": 2.0, "attention_factor": 0.5 * (0.1 * np.log(4.0) + 1)},
    ),
    "linear": (keys(scaling__type="linear", scaling__factor=2.0), {"rope_type": "linear", "factor": 2.0}),
    "linear, as older files have it": (keys(scale_linear=3.0), {"rope_type": "linear", "factor": 3.0}),
    "llama 3.1": (
        tensor("rope_freqs.weight", llama3_factors(8.0)),
        {
            "rope_type": "llama3",
            "factor": 8.0,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": 8192,
        },
    ),
    "none": (keys(scaling__type="none"), {}),
    "a length that was not scaled": (keys(scaling__original_context_length=32), {}),
    "factors of one": (tensor("rope_freqs.weight", np.ones(4)), {}),
}


@pytest.mark.parametrize(("scaled", "rope"), SCALED.values(), ids=SCALED)
def test_keys_are_turned_as_the_file_says(
    tmp_path: Path, cache: Path, scaled: Callable[[Any], object], rope: dict[str, Any]
) -> None:
    path = write_gguf(tmp_path / "tiny.gguf", llama(), scaled)
    wanted, unscaled = far_apart(llama(rope)), far_apart(llama())
    torch.testing.assert_close(far_apart(load(path, device="cpu").plain), wanted, atol=1e-3, rtol=0)
    assert (float((wanted - unscaled).abs().max()) > 0.01) == bool(rope)


@pytest.mark.parametrize(
    ("spoilt", "why"),
    [
        (keys(scaling__type="longrope", scaling__factor=4.0), "type 'longrope'"),
        (keys(scaling__type="spiral", scaling__factor=4.0), "type 'spiral'"),
        (keys(scaling__type="yarn", scaling__factor=4.0, scaling__yarn_log_multiplier=0.1), "yarn_log_multiplier"),
        (keys(scaling__type="yarn", scaling__factor=4.0, scaling__yarn_ext_factor=0.0), "yarn_ext_factor"),
        (tensor("rope_factors_long.weight", np.ones(4)), r"rope_factors_long\.weight \(LongRoPE\)"),
        (tensor("rope_freqs.weight", np.array([1.0, 2.0, 3.0, 4.0])), r"rope_freqs\.weight, which is not Llama 3's"),
    ],
)
def test_a_scaling_that_cannot_be_given_is_refused(
    tmp_path: Path, cache: Path, spoilt: Callable[[Any], object], why: str
) -> None:
    path = write_gguf(tmp_path / "tiny.gguf", llama(), spoilt)
    for _ in range(2):
        with pytest.raises(
            InputError, match=rf"tiny\.gguf: its rotary embedding is scaled by [^\n]*{why}[^\n]*; give a folder"
        ):
            load(path, device="cpu")


def test_a_block_more_than_the_file_counts_is_refused(tmp_path: Path, cache: Path) -> None:
    path = write_gguf(tmp_path / "tiny.gguf", llama(), tensor("blk.2.attn_norm.weight", np.ones(32)))
    with pytest.raises(InputError, match="stores a block 2, and counts 2 of them"):
        load(path, device="cpu")


def test_a_folder_of_before_is_made_again_only_where_the_file_scales(
    tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mediate.models import gguf as room

    plain, scaled = (
        write_gguf(tmp_path / f"{n}.gguf", llama(), how) for n, how in enumerate((keys(), SCALED["yarn"][0]))
    )
    for path in (plain, scaled):
        folder = converted(path)
        (folder / _GIVEN).unlink()
        (folder / "of before").touch()
    real, made = room._convert, []
    monkeypatch.setattr(room, "_convert", lambda path, *rest: (made.append(path), real(path, *rest)))
    for _ in range(2):
        assert (converted(plain) / "of before").exists()
        assert not (converted(scaled) / "of before").exists()
    assert made == [scaled]


@pytest.mark.parametrize("factor", [8.0, 32.0])
@pytest.mark.parametrize(("half", "base"), [(32, 500000.0), (64, 500000.0)])
def test_llama_3s_rule_is_told_from_its_factors(factor: float, half: int, base: float) -> None:
    from transformers import LlamaConfig
    from transformers.modeling_rope_utils import ROPE_INIT_FUNCTIONS

    rope = {"rope_theta": base, "rope_type": "llama3", "factor": factor, "low_freq_factor": 1.0}
    rope |= {"high_freq_factor": 4.0, "original_max_position_embeddings": 8192}
    config = LlamaConfig(head_dim=2 * half, max_position_embeddings=131072, rope_parameters=rope)
    scaled, _ = ROPE_INIT_FUNCTIONS["llama3"](config, torch.device("cpu"))
    factors = base ** (-np.arange(half) / half) / scaled.double().numpy()
    found = llama3_scaling(factors, base)
    assert found is not None
    assert found["factor"] == pytest.approx(factor)
    assert {"rope_theta": base, **found, "factor": factor} == rope
    assert llama3_scaling(np.linspace(1, factor, half), base) is None


def test_a_cache_that_cannot_be_written_is_no_reason_to_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("MEDIATE_CACHE", str(tmp_path / "file"))
    plain = llama()
    path = write_gguf(tmp_path / "model.gguf", plain)
    folder = converted(path)
    assert (folder / "model.safetensors").exists()
    assert converted(path) == folder, "once a process"
    assert caplog.text.count("the cache cannot be written") == 1
