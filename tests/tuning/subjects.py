"""Tiny models in folders, a byte-level tokenizer with an EOS, and examples short enough for them."""

import copy
import json
from pathlib import Path
from typing import Any

import torch

from mediate.tasks import generate_pairs
from mediate.tuning.examples import Example, examples_of_pairs
from tests import tiny

CONTEXT = 512


def base_folder(path: Path, *, architecture: str = "llama", seed: int = 0, tokenizer: Any = None) -> Path:
    """A model of two layers with the byte-level tokenizer, as a folder."""
    import transformers as tf

    tokens = tiny.byte_level() if tokenizer is None else tokenizer
    size = len(tokens)
    shape = {"vocab_size": size, "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2,
             "num_attention_heads": 2, "max_position_embeddings": CONTEXT}  # fmt: skip
    configs = {
        "llama": lambda: tf.LlamaConfig(**shape, num_key_value_heads=1),
        "gpt2": lambda: tf.GPT2Config(vocab_size=size, n_embd=16, n_layer=2, n_head=2, n_positions=CONTEXT),
        "neox": lambda: tf.GPTNeoXConfig(**shape),
        "gemma3": lambda: tf.Gemma3TextConfig(
            **shape, num_key_value_heads=1, head_dim=8, sliding_window=16, query_pre_attn_scalar=8,
            layer_types=["sliding_attention", "full_attention"],
        ),
        "qwen3": lambda: tf.Qwen3Config(**shape, num_key_value_heads=1, head_dim=8),
    }  # fmt: skip
    config = configs[architecture]()
    config.bos_token_id, config.eos_token_id = tokens.bos_token_id, tokens.eos_token_id
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = tf.AutoModelForCausalLM.from_config(config)
    model.save_pretrained(path)
    tokens.save_pretrained(path)
    return path


def examples(count: int = 6) -> tuple[Example, ...]:
    """Two-step problems, each pair's two worlds one after the other."""
    return examples_of_pairs(generate_pairs((count + 1) // 2, steps=2, with_cot=True))[:count]


def written(path: Path, rows: list[Any]) -> Path:
    """A data file; a row that is text stands there as it is."""
    lines = (row if isinstance(row, str) else json.dumps(row) for row in rows)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def without_eos() -> Any:
    """The byte-level tokenizer without EOS and padding."""
    tokens = copy.deepcopy(tiny.byte_level())
    tokens.eos_token = None
    return tokens
