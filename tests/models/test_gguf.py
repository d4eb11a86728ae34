"""A GGUF file with known weights becomes the model with these weights, once."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from mediate.models.gguf import converted
from mediate.models.loading import load, load_tokenizer_of
from tests import tiny
from tests.models.folders import logits

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


def llama() -> Any:
    """A tiny Llama over the byte-level vocabulary."""
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


def write_gguf(path: Path, model: Any) -> Path:
    import gguf

    config, tokenizer = model.config, tiny.byte_level()
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(10000.0)
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
            writer.add_tensor(f"blk.{layer}.{theirs}.weight", weight)
    for ours, theirs in (("model.embed_tokens", "token_embd"), ("model.norm", "output_norm"), ("lm_head", "output")):
        writer.add_tensor(f"{theirs}.weight", weights[f"{ours}.weight"])
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
