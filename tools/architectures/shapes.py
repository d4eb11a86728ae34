"""The small numbers that tiny models are made of, and the record of one."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LAYERS, WIDTH, HEADS, KV_HEADS, HEAD_WIDTH = 4, 32, 4, 2, 8
# Shorter than the sequences that are measured, so that a window hides something.
WINDOW = 6
CONTEXT = 256
# Of the drawn matrices: larger than an initialisation's, so that attention is not uniform and every path has an effect.
SCALE = 0.3

SHAPE: dict[str, Any] = {
    "hidden_size": WIDTH,
    "intermediate_size": 48,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "num_key_value_heads": KV_HEADS,
    "head_dim": HEAD_WIDTH,
    "max_position_embeddings": CONTEXT,
}
BARE: dict[str, Any] = {key: value for key, value in SHAPE.items() if key not in ("head_dim", "num_key_value_heads")}
MLA: dict[str, Any] = BARE | {
    "num_key_value_heads": HEADS,
    "kv_lora_rank": 16,
    "q_lora_rank": 16,
    "qk_rope_head_dim": 4,
    "qk_nope_head_dim": 8,
    "v_head_dim": 12,
}
ROUTED: dict[str, Any] = {"moe_intermediate_size": 16, "n_routed_experts": 4, "num_experts_per_tok": 2}
GROUPED: dict[str, Any] = ROUTED | {"n_shared_experts": 1, "n_group": 1, "topk_group": 1}
NUMBERED: dict[str, Any] = {"moe_intermediate_size": 16, "num_experts": 4, "num_experts_per_tok": 2}
LOCAL: dict[str, Any] = {"num_local_experts": 4, "num_experts_per_tok": 2}
GPT: dict[str, Any] = {"n_embd": WIDTH, "n_layer": LAYERS, "n_head": HEADS, "n_positions": CONTEXT}
DELTA: dict[str, Any] = {
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 4,
    "linear_key_head_dim": 8,
    "linear_value_head_dim": 8,
}
MAMBA: dict[str, Any] = {
    "mamba_n_heads": 4,
    "mamba_d_head": 16,
    "mamba_d_state": 8,
    "mamba_n_groups": 1,
    "mamba_chunk_size": 8,
    "mamba_d_conv": 4,
}
SLIDING, FULL, LINEAR = "sliding_attention", "full_attention", "linear_attention"
ALTERNATING = [SLIDING, FULL] * (LAYERS // 2)
VISION: dict[str, Any] = {
    "hidden_size": 16,
    "intermediate_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "image_size": 28,
    "patch_size": 14,
}
# Of Gemma 4: narrow heads in windows, wide ones elsewhere, and the last layers read the keys of the ones before.
GEMMA4: dict[str, Any] = SHAPE | {
    "layer_types": ALTERNATING,
    "sliding_window": WINDOW,
    "global_head_dim": 16,
    "hidden_size_per_layer_input": 8,
}


@dataclass(frozen=True, slots=True)
class Subject:
    """A tiny model.

    Args:
        architecture: The transformers class.
        config: What its configuration is given, beside the vocabulary.
        variant: What sets this one apart from others of its class.
    """

    architecture: str
    config: Mapping[str, Any]
    variant: str = ""

    @property
    def name(self) -> str:
        """The class, and the variant in brackets."""
        return f"{self.architecture} ({self.variant})" if self.variant else self.architecture


def text(name: str, config: Mapping[str, Any], **beside: Any) -> dict[str, Any]:
    """The configuration of a model of several kinds of input, of which the text's part is given."""
    return {"text_config": {"model_type": name, **config}, **beside}
