"""Tiny random models of families that place tokens in other ways than the five of `tests.tiny`."""

import copy
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from tests import tiny

LAYERS, WINDOW, CONTEXT = 2, 5, 128
# LongRoPE turns by other factors past so many tokens.
ORIGINAL = 40

_SHAPE: Mapping[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": CONTEXT,
}
_HEADS: Mapping[str, Any] = _SHAPE | {"head_dim": 8}
_MIXED: Mapping[str, Any] = {"sliding_window": WINDOW, "layer_types": ["sliding_attention", "full_attention"]}
_LONGROPE: Mapping[str, Any] = {
    "rope_type": "longrope",
    "rope_theta": 10000.0,
    "short_factor": [1.0] * 4,
    "long_factor": [2.0, 3.0, 4.0, 5.0],
    "original_max_position_embeddings": ORIGINAL,
}


def _configs() -> dict[str, Callable[[dict[str, Any]], Any]]:
    import transformers as tf

    return {
        "mistral, window": lambda own: tf.MistralConfig(**_SHAPE, **own, sliding_window=WINDOW),
        "phi3, window": lambda own: tf.Phi3Config(**_SHAPE, **own, sliding_window=WINDOW),
        "phi3, longrope": lambda own: tf.Phi3Config(
            **_SHAPE, **own, original_max_position_embeddings=ORIGINAL, rope_parameters=dict(_LONGROPE)
        ),
        "qwen2, window in the last layer": lambda own: tf.Qwen2Config(
            **_SHAPE, **own, use_sliding_window=True, sliding_window=WINDOW, max_window_layers=1
        ),
        "gemma2": lambda own: tf.Gemma2Config(**_HEADS, **own, **_MIXED, query_pre_attn_scalar=8),
        "gpt-oss, sinks": lambda own: tf.GptOssConfig(
            **_HEADS, **own, **_MIXED, num_local_experts=4, num_experts_per_tok=2
        ),
        "gpt-neo, local": lambda own: tf.GPTNeoConfig(
            **own,
            hidden_size=32,
            num_layers=LAYERS,
            num_heads=4,
            max_position_embeddings=CONTEXT,
            window_size=WINDOW,
            attention_types=[[["local", "global"], 1]],
        ),
        "bloom": lambda own: tf.BloomConfig(**own, hidden_size=32, n_layer=LAYERS, n_head=4),
        "falcon, alibi": lambda own: tf.FalconConfig(
            **own, hidden_size=32, num_hidden_layers=LAYERS, num_attention_heads=4, alibi=True, multi_query=False
        ),
        "mpt": lambda own: tf.MptConfig(**own, d_model=32, n_layers=LAYERS, n_heads=4, max_seq_len=CONTEXT),
        "opt": lambda own: tf.OPTConfig(
            **own,
            hidden_size=32,
            ffn_dim=48,
            num_hidden_layers=LAYERS,
            num_attention_heads=4,
            max_position_embeddings=CONTEXT,
            word_embed_proj_dim=32,
        ),
        "llama4, chunks": lambda own: tf.Llama4TextConfig(
            **_HEADS,
            **own,
            intermediate_size_mlp=48,
            num_local_experts=2,
            attention_chunk_size=WINDOW,
            attn_temperature_tuning=False,
        ),
        "llama4, scaled by place": lambda own: tf.Llama4TextConfig(
            **_HEADS, **own, intermediate_size_mlp=48, num_local_experts=2, floor_scale=24, no_rope_layers=[1, 0]
        ),
    }


NAMES = tuple(_configs())


def plain_model(name: str) -> Any:
    """A plain transformers model, the same weights on every call; a copy of its own for each caller."""
    return copy.deepcopy(_plain_model(name))


@cache
def _plain_model(name: str) -> Any:
    import torch
    import transformers as tf

    ends = dict.fromkeys(("bos_token_id", "eos_token_id", "pad_token_id"))
    config = _configs()[name]({"vocab_size": len(tiny.words()) + 1, **ends})
    return drawn(tf.AutoModelForCausalLM.from_config(config, attn_implementation="eager"), torch.float32)


def drawn(model: Any, dtype: Any, scale: float = 0.3) -> Any:
    """The model with weights that are larger than an initialisation, so that every path has an effect."""
    import torch

    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for weight in model.parameters():
            noise = torch.randn(weight.shape, generator=generator) * scale
            weight.copy_(noise if weight.ndim > 1 else weight + noise / 3)
    model.config.architectures = [type(model).__name__]
    return model.to(dtype).eval()
