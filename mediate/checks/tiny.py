"""Tiny random models from a configuration: identities hold on any weights, so nothing has to be fetched to try them."""

from enum import StrEnum
from typing import Any

import torch

LAYERS = 3
VOCABULARY = 48
WIDTH = 32
HEADS = 4
CONTEXT = 64


class Tiny(StrEnum):
    """The architectures: rotary positions with grouped keys and values, and learned positions with LayerNorm."""

    LLAMA = "llama"
    GPT2 = "gpt2"


def tiny_model(architecture: Tiny, dtype: torch.dtype = torch.float32, seed: int = 0) -> Any:
    """A plain transformers model of three layers and four heads, the same weights for the same seed.

    Weights are larger than an initialisation's, so that attention is not uniform and every path has an effect.
    """
    import transformers as tf

    if architecture is Tiny.LLAMA:
        config = tf.LlamaConfig(
            vocab_size=VOCABULARY,
            hidden_size=WIDTH,
            intermediate_size=WIDTH,
            num_hidden_layers=LAYERS,
            num_attention_heads=HEADS,
            num_key_value_heads=HEADS // 2,
            max_position_embeddings=CONTEXT,
        )
    else:
        config = tf.GPT2Config(vocab_size=VOCABULARY, n_embd=WIDTH, n_layer=LAYERS, n_head=HEADS, n_positions=CONTEXT)
    config.eos_token_id = config.bos_token_id = None
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):  # transformers draws initial weights from the global generator
        model = tf.AutoModelForCausalLM.from_config(config, attn_implementation="eager").to(dtype).eval()
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim > 1:
                weight.copy_(torch.randn(weight.shape, generator=generator, dtype=dtype, device=weight.device) * 0.3)
    model.config.architectures = [type(model).__name__]
    return model
