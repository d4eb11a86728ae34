"""Tiny models in folders, a byte-level tokenizer with an EOS, and examples short enough for them."""

import copy
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from mediate.passes.loaded import load
from mediate.tasks import generate_pairs
from mediate.tuning.arms.arm import Arranged, Side
from mediate.tuning.arranging import arrange
from mediate.tuning.base import load_base
from mediate.tuning.examples import Example, examples_of_pairs
from mediate.tuning.spec import make_tune_spec
from mediate.tuning.student import Student
from mediate.tuning.tokens import taught_example
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


def arranged(
    given: Sequence[Example],
    arm: str,
    *,
    model: str = "reference-0.1m",
    parts: Mapping[str, float] = {},
    **choices: Any,
) -> Arranged:
    """What an arm makes of a training part, under a reference reasoner."""
    base, spec = load_base(model), make_tune_spec(arm=arm, **choices)
    taught = [taught_example(base.tokenizer, each, spec) for each in given]
    student = Student(
        base.tokenizer, base.context, lambda: load(base.plain, tokenizer=base.tokenizer, device="cpu"), load
    )
    return arrange(Side(taught, student, parts or {}), spec)
