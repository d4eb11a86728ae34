"""models.alike: layers that share keys and values, or have other heads, are refused with the reason, before weights."""

from pathlib import Path
from typing import Any

import pytest

from mediate.errors import InputError
from mediate.models.loading import load_unchecked as load
from tests import tiny
from tests.models import folders

SHAPE = {"num_hidden_layers": 4, "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 8}
MIXED = {"layer_types": ["sliding_attention", "full_attention"] * 2}
LAGUNA = {"model_type": "laguna", "architectures": ["LagunaForCausalLM"], **SHAPE}
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "Gemma 4": (
        {"model_type": "gemma4_text", "architectures": ["Gemma4ForCausalLM"], **SHAPE, **MIXED, "global_head_dim": 32},
        r"\(gemma4_text\): layer 1 has heads 32 wide, others heads 8 wide",
    ),
    "Gemma 4, shared": (
        {"model_type": "gemma4_text", "architectures": ["Gemma4ForCausalLM"], **SHAPE, **MIXED}
        | {"global_head_dim": 8, "num_kv_shared_layers": 2},
        "its last 2 layers have no keys and values of their own and read those of earlier layers",
    ),
    "Gemma 4, fewer KV heads": (
        {"model_type": "gemma4_text", "architectures": ["Gemma4ForCausalLM"], **SHAPE, **MIXED, "global_head_dim": 8}
        | {"attention_k_eq_v": True, "num_global_key_value_heads": 1},
        "layer 1 has 1 KV heads, others 2 KV heads",
    ),
    "Gemma 4 with pictures": (
        {"model_type": "gemma4", "architectures": ["Gemma4ForConditionalGeneration"]}
        | {"text_config": {"model_type": "gemma4_text", **SHAPE, **MIXED}},
        r"\(gemma4\): layer 1 has heads 512 wide",
    ),
    "Gemma 3n": (
        {"model_type": "gemma3n_text", "architectures": ["Gemma3nForCausalLM"]},
        "its last 15 layers have no keys and values of their own",
    ),
    "Laguna": (LAGUNA | {"num_attention_heads_per_layer": [4, 2, 4, 2]}, "its layers have from 2 to 4 query heads"),
}


@pytest.mark.parametrize(("config", "reason"), REFUSED.values(), ids=REFUSED)
def test_layers_that_differ(tmp_path: Path, config: dict[str, Any], reason: str) -> None:
    """The weights are another model's: they are not read."""
    path = folders.saved(tmp_path / "llama")
    folders.edit(path / "config.json", **config)
    with pytest.raises(InputError, match=reason) as caught:
        load(path, device="cpu")
    assert "give another model" in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["Gemma4ForCausalLM (head widths by layer)", "LagunaForCausalLM (heads by layer)"])
def test_models_in_memory(name: str) -> None:
    with pytest.raises(InputError, match=r"layer 1 has heads 16 wide|from 2 to 4 query heads"):
        load(tiny.plain_model(name), device="cpu", copy=False)


def test_layers_that_are_alike_are_loaded() -> None:
    assert tiny.model("Gemma4ForCausalLM (one head width)").facts.layers == 4
    assert tiny.model("LagunaForCausalLM").facts.heads == 4
