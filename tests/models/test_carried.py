"""Models that carry more than keys and values from position to position are refused at load, with the reason."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from mediate.errors import InputError
from mediate.models.loading import load_unchecked as load
from tests import tiny
from tests.models import architectures, folders

SHAPE: dict[str, Any] = {
    "vocab_size": 96,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 128,
} | dict.fromkeys(("bos_token_id", "eos_token_id", "pad_token_id"))
EXPERTS: dict[str, Any] = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 16}
STATE = "carry a state that is not in keys and values, so channels cannot be told apart"


def configs() -> dict[str, tuple[Callable[[], Any], str]]:
    import transformers as tf

    return {
        "lfm2": (
            lambda: tf.Lfm2Config(**SHAPE, layer_types=["conv", "full_attention"] * 2),
            f"2 of its 4 layers (conv) {STATE}",
        ),
        "qwen3-next": (
            lambda: tf.Qwen3NextConfig(**SHAPE, **EXPERTS, head_dim=8, shared_expert_intermediate_size=16),
            f"3 of its 4 layers (linear_attention) {STATE}",
        ),
        "mamba": (lambda: tf.MambaConfig(vocab_size=96, hidden_size=32, num_hidden_layers=2, state_size=4), STATE),
        "recurrent gemma": (
            lambda: tf.RecurrentGemmaConfig(**SHAPE, head_dim=8, lru_width=32, attention_window_size=8),
            STATE,
        ),
        "openai-gpt": (
            lambda: tf.OpenAIGPTConfig(vocab_size=96, n_embd=32, n_layer=2, n_head=4, n_positions=64),
            "its pass hands out no keys and values",
        ),
        "an encoder that looks ahead": (
            lambda: tf.BertConfig(**{key: value for key, value in SHAPE.items() if key != "num_key_value_heads"}),
            "its pass hands out no keys and values",
        ),
    }


def made(name: str) -> tuple[Any, str]:
    """A tiny model, and what is said of it."""
    import transformers as tf

    config, reason = configs()[name]
    with torch.random.fork_rng():
        model = tf.AutoModelForCausalLM.from_config(config(), attn_implementation="eager")
    return model.float().eval(), reason


@pytest.mark.parametrize("name", configs())
def test_a_model_that_carries_something_else(name: str) -> None:
    plain, reason = made(name)
    with pytest.raises(InputError) as caught:
        load(plain, tokenizer=tiny.tokenizer(), device="cpu")
    said = str(caught.value)
    assert said.startswith(f"model {type(plain).__name__!r} (")
    assert reason in said
    assert said.endswith("give a model that looks back through attention alone")
    assert "\n" not in said


def test_a_folder_is_refused_by_its_configuration(tmp_path: Path) -> None:
    plain, reason = made("lfm2")
    plain.save_pretrained(tmp_path / "mine")
    (tmp_path / "mine" / "model.safetensors").write_bytes(b"never read")
    with pytest.raises(InputError, match="'mine' \\(lfm2\\)") as caught:
        load(tmp_path / "mine", device="cpu")
    assert reason in str(caught.value)


@pytest.mark.parametrize("name", architectures.NAMES)
def test_models_of_attention_alone_are_loaded(name: str) -> None:
    plain = architectures.plain_model(name)
    wanted = folders.logits(plain)
    torch.testing.assert_close(folders.logits(load(plain, device="cpu").plain), wanted, atol=1e-4, rtol=0)
