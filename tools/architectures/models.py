"""Tiny random models of the causal language models that transformers has and transformer-lens bridges, by class.

Each is made from its configuration class with a few small numbers, saved as a user's model folder is, and read from
there. Shapes are such that what an architecture does differently is in use: windows are shorter than the sequences,
some layers have no rotary embedding where the family has such layers, experts are routed to.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

LAYERS, WIDTH, HEADS, KV_HEADS, HEAD_WIDTH = 4, 32, 4, 2, 8
# Shorter than the sequences that are measured, so that a window hides something.
WINDOW = 6
CONTEXT = 256
# Of the drawn matrices: larger than an initialisation's, so that attention is not uniform and every path has an effect.
SCALE = 0.3

_SHAPE: Mapping[str, Any] = {
    "hidden_size": WIDTH,
    "intermediate_size": 48,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": HEADS,
    "num_key_value_heads": KV_HEADS,
    "head_dim": HEAD_WIDTH,
    "max_position_embeddings": CONTEXT,
}
_BARE: Mapping[str, Any] = {
    key: value for key, value in _SHAPE.items() if key not in ("head_dim", "num_key_value_heads")
}
_MLA: Mapping[str, Any] = _BARE | {
    "num_key_value_heads": HEADS,
    "kv_lora_rank": 16,
    "q_lora_rank": 16,
    "qk_rope_head_dim": 4,
    "qk_nope_head_dim": 8,
    "v_head_dim": 12,
}
_EXPERTS: Mapping[str, Any] = {"moe_intermediate_size": 16, "n_routed_experts": 4, "num_experts_per_tok": 2}
_GROUPED: Mapping[str, Any] = _EXPERTS | {"n_shared_experts": 1, "n_group": 1, "topk_group": 1}
_NUMBERED: Mapping[str, Any] = {"moe_intermediate_size": 16, "num_experts": 4, "num_experts_per_tok": 2}
_LOCAL: Mapping[str, Any] = {"num_local_experts": 4, "num_experts_per_tok": 2}
_GPT: Mapping[str, Any] = {"n_embd": WIDTH, "n_layer": LAYERS, "n_head": HEADS, "n_positions": CONTEXT}
_DELTA: Mapping[str, Any] = {
    "linear_num_key_heads": 2,
    "linear_num_value_heads": 4,
    "linear_key_head_dim": 8,
    "linear_value_head_dim": 8,
}
_MAMBA: Mapping[str, Any] = {
    "mamba_n_heads": 4,
    "mamba_d_head": 16,
    "mamba_d_state": 8,
    "mamba_n_groups": 1,
    "mamba_chunk_size": 8,
    "mamba_d_conv": 4,
}
_SLIDING, _FULL, _LINEAR = "sliding_attention", "full_attention", "linear_attention"
_ALTERNATING = [_SLIDING, _FULL] * (LAYERS // 2)
_VISION: Mapping[str, Any] = {
    "hidden_size": 16,
    "intermediate_size": 16,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "image_size": 28,
    "patch_size": 14,
}
# Of Gemma 4: narrow heads in windows, wide ones elsewhere, and the last layers read the keys of the ones before.
_GEMMA4: Mapping[str, Any] = _SHAPE | {
    "layer_types": _ALTERNATING,
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


def _text(name: str, config: Mapping[str, Any], **beside: Any) -> dict[str, Any]:
    return {"text_config": {"model_type": name, **config}, **beside}


SUBJECTS: tuple[Subject, ...] = (
    Subject(
        "AfmoeForCausalLM",
        _SHAPE | _NUMBERED | {"num_shared_experts": 1, "sliding_window": WINDOW, "num_dense_layers": 1},
    ),
    Subject("ApertusForCausalLM", _SHAPE),
    Subject("ArceeForCausalLM", _SHAPE),
    Subject("BambaForCausalLM", _SHAPE | _MAMBA | {"attn_layer_indices": [1, 3]}),
    Subject("BertLMHeadModel", _BARE | {"is_decoder": True}),
    Subject("BitNetForCausalLM", _SHAPE),
    Subject("BloomForCausalLM", {"hidden_size": WIDTH, "n_layer": LAYERS, "n_head": HEADS}),
    Subject("CodeGenForCausalLM", _GPT | {"rotary_dim": 4}),
    Subject("Cohere2ForCausalLM", _SHAPE | {"sliding_window": WINDOW}),
    Subject("CohereForCausalLM", _SHAPE),
    Subject("DeepseekV2ForCausalLM", _MLA | _GROUPED | {"first_k_dense_replace": 1}),
    Subject("DeepseekV3ForCausalLM", _MLA | _GROUPED | {"first_k_dense_replace": 1}),
    Subject(
        "DeepseekV4ForCausalLM",
        _SHAPE
        | _EXPERTS
        | {
            "num_key_value_heads": 1,
            "q_lora_rank": 16,
            "o_groups": 2,
            "o_lora_rank": 8,
            "index_n_heads": 2,
            "index_head_dim": 8,
            "index_topk": 4,
            "n_shared_experts": 1,
            "hc_mult": 2,
            "sliding_window": WINDOW,
            "partial_rotary_factor": 0.5,
        },
    ),
    Subject("Ernie4_5ForCausalLM", _SHAPE),
    Subject(
        "Ernie4_5_MoeForCausalLM",
        _SHAPE | {"moe_intermediate_size": 16, "moe_num_experts": 4, "moe_k": 2, "moe_num_shared_experts": 1},
    ),
    Subject("Exaone4ForCausalLM", _SHAPE | {"sliding_window": WINDOW, "sliding_window_pattern": 2}),
    Subject("FalconForCausalLM", _BARE | {"alibi": False, "new_decoder_architecture": True, "num_kv_heads": 2}),
    Subject("FalconForCausalLM", _BARE | {"alibi": False}, "multi-query"),
    Subject("FalconForCausalLM", _BARE | {"alibi": True, "multi_query": False, "parallel_attn": False}, "ALiBi"),
    Subject("FalconH1ForCausalLM", _SHAPE | _MAMBA | {"mamba_d_ssm": 64}),
    Subject("FalconMambaForCausalLM", {"hidden_size": WIDTH, "num_hidden_layers": LAYERS, "state_size": 8}),
    Subject("FlexOlmoForCausalLM", _SHAPE | {"num_experts": 4, "num_experts_per_tok": 2}),
    Subject("GPT2LMHeadModel", _GPT),
    Subject("GPTBigCodeForCausalLM", _GPT),
    Subject("GPTJForCausalLM", _GPT | {"rotary_dim": 4}),
    Subject(
        "GPTNeoForCausalLM",
        {
            "hidden_size": WIDTH,
            "num_layers": LAYERS,
            "num_heads": HEADS,
            "attention_types": [[["global", "local"], LAYERS // 2]],
            "window_size": WINDOW,
            "max_position_embeddings": CONTEXT,
        },
    ),
    Subject("GPTNeoXForCausalLM", _BARE),
    Subject("GPTNeoXForCausalLM", _BARE | {"use_parallel_residual": False}, "sequential"),
    Subject("Gemma2ForCausalLM", _SHAPE | {"sliding_window": WINDOW, "query_pre_attn_scalar": 8}),
    Subject(
        "Gemma3ForCausalLM",
        _SHAPE | {"sliding_window": WINDOW, "query_pre_attn_scalar": 8, "layer_types": _ALTERNATING},
    ),
    Subject(
        "Gemma3ForConditionalGeneration",
        _text(
            "gemma3_text",
            _SHAPE | {"sliding_window": WINDOW, "query_pre_attn_scalar": 8, "layer_types": _ALTERNATING},
            vision_config=_VISION,
            mm_tokens_per_image=4,
        ),
    ),
    Subject(
        "Gemma3nForCausalLM",
        _SHAPE
        | {
            "layer_types": _ALTERNATING,
            "sliding_window": WINDOW,
            "num_kv_shared_layers": 2,
            "hidden_size_per_layer_input": 8,
            "laurel_rank": 8,
            "altup_num_inputs": 2,
            "activation_sparsity_pattern": [0.0] * LAYERS,
        },
    ),
    Subject("Gemma4ForCausalLM", _GEMMA4, "head widths by layer"),
    Subject("Gemma4ForCausalLM", _GEMMA4 | {"num_kv_shared_layers": 2}, "head widths by layer, shared keys"),
    Subject("Gemma4ForCausalLM", _GEMMA4 | {"global_head_dim": HEAD_WIDTH}, "one head width"),
    Subject(
        "Gemma4ForConditionalGeneration",
        _text("gemma4_text", _GEMMA4, vision_config=_VISION | {"num_key_value_heads": 2, "head_dim": 8}),
    ),
    Subject("Gemma4UnifiedForConditionalGeneration", _text("gemma4_unified_text", _GEMMA4)),
    Subject("GemmaForCausalLM", _SHAPE),
    Subject("Glm4ForCausalLM", _SHAPE),
    Subject("Glm4MoeForCausalLM", _SHAPE | _GROUPED | {"first_k_dense_replace": 1}),
    Subject("Glm4MoeLiteForCausalLM", _MLA | _GROUPED),
    Subject("GlmForCausalLM", _SHAPE),
    Subject("GlmMoeDsaForCausalLM", _MLA | _GROUPED | {"index_topk": 64, "index_head_dim": 8, "index_n_heads": 2}),
    Subject("GptOssForCausalLM", _SHAPE | _LOCAL | {"sliding_window": WINDOW}),
    Subject("GraniteForCausalLM", _SHAPE),
    Subject("GraniteMoeForCausalLM", _SHAPE | _LOCAL),
    Subject(
        "GraniteMoeHybridForCausalLM",
        _SHAPE | _LOCAL | _MAMBA | {"layer_types": ["mamba", "attention"] * 2, "shared_intermediate_size": 16},
    ),
    Subject("HrmTextForCausalLM", _BARE | {"head_dim": HEAD_WIDTH}),
    Subject("HunYuanDenseV1ForCausalLM", _SHAPE),
    Subject("Jais2ForCausalLM", _SHAPE),
    Subject("JambaForCausalLM", _SHAPE | {"attn_layer_period": 2, "attn_layer_offset": 1, "num_experts": 4}),
    Subject("JetMoeForCausalLM", _BARE | _LOCAL | {"kv_channels": HEAD_WIDTH, "num_key_value_heads": 2}),
    Subject(
        "LagunaForCausalLM",
        _SHAPE | _NUMBERED | {"shared_expert_intermediate_size": 16, "sliding_window": WINDOW},
    ),
    Subject(
        "LagunaForCausalLM",
        _SHAPE
        | _NUMBERED
        | {
            "shared_expert_intermediate_size": 16,
            "sliding_window": WINDOW,
            "num_attention_heads_per_layer": [HEADS, HEADS // 2] * (LAYERS // 2),
        },
        "heads by layer",
    ),
    Subject("Lfm2ForCausalLM", _BARE | {"num_key_value_heads": 2, "layer_types": ["conv", _FULL] * 2}),
    Subject(
        "Lfm2MoeForCausalLM",
        _BARE | _NUMBERED | {"num_key_value_heads": 2, "layer_types": ["conv", _FULL] * 2, "num_dense_layers": 1},
    ),
    Subject(
        "Llama4ForCausalLM",
        _SHAPE | {"num_local_experts": 4, "num_experts_per_tok": 1, "intermediate_size_mlp": 48},
    ),
    Subject(
        "Llama4ForCausalLM",
        _SHAPE
        | {"num_local_experts": 4, "num_experts_per_tok": 1, "intermediate_size_mlp": 48, "attention_chunk_size": 8},
        "chunks shorter than the text",
    ),
    Subject(
        "Llama4ForCausalLM",
        _SHAPE | {"num_local_experts": 4, "num_experts_per_tok": 1, "intermediate_size_mlp": 48, "floor_scale": 4},
        "temperature within the text",
    ),
    Subject("LlamaForCausalLM", _SHAPE),
    Subject(
        "LlamaForCausalLM",
        _SHAPE
        | {
            "rope_parameters": {
                "rope_type": "llama3",
                "rope_theta": 10000.0,
                "factor": 8.0,
                "low_freq_factor": 1.0,
                "high_freq_factor": 4.0,
                "original_max_position_embeddings": 64,
            }
        },
        "Llama 3 scaling",
    ),
    Subject(
        "LlamaForCausalLM",
        _SHAPE
        | {
            "rope_parameters": {
                "rope_type": "yarn",
                "rope_theta": 10000.0,
                "factor": 4.0,
                "original_max_position_embeddings": 64,
            }
        },
        "YaRN",
    ),
    Subject("Mamba2ForCausalLM", {"hidden_size": WIDTH, "num_hidden_layers": LAYERS, "num_heads": 4, "head_dim": 16}),
    Subject("MambaForCausalLM", {"hidden_size": WIDTH, "num_hidden_layers": LAYERS, "state_size": 8}),
    Subject("MiniMaxM2ForCausalLM", _SHAPE | _LOCAL | {"rotary_dim": 4}),
    Subject("Ministral3ForCausalLM", _SHAPE),
    Subject(
        "Ministral3ForCausalLM",
        _SHAPE
        | {
            "rope_parameters": {
                "rope_type": "yarn",
                "rope_theta": 10000.0,
                "factor": 4.0,
                "original_max_position_embeddings": 8,
                "llama_4_scaling_beta": 0.5,
                "beta_fast": 32.0,
                "beta_slow": 1.0,
                "mscale": 1.0,
                "mscale_all_dim": 1.0,
            }
        },
        "scaled within the text",
    ),
    Subject("MistralForCausalLM", _SHAPE | {"sliding_window": None}),
    Subject("MistralForCausalLM", _SHAPE | {"sliding_window": WINDOW}, "window"),
    Subject("MixtralForCausalLM", _SHAPE | _LOCAL),
    Subject("ModernBertDecoderForCausalLM", _BARE | {"local_attention": WINDOW}),
    Subject("MptForCausalLM", {"d_model": WIDTH, "n_layers": LAYERS, "n_heads": HEADS, "max_seq_len": CONTEXT}),
    Subject("NanoChatForCausalLM", _SHAPE),
    Subject("NemotronForCausalLM", _SHAPE),
    Subject(
        "NemotronHForCausalLM",
        _SHAPE
        | {
            "layers_block_type": ["mamba", "attention", "mamba", "mlp"],
            "mamba_num_heads": 4,
            "mamba_head_dim": 16,
            "ssm_state_size": 8,
            "n_groups": 1,
            "chunk_size": 8,
        },
    ),
    Subject("OPTForCausalLM", _BARE | {"ffn_dim": 48, "word_embed_proj_dim": WIDTH}),
    Subject(
        "OPTForCausalLM",
        _BARE | {"ffn_dim": 48, "word_embed_proj_dim": WIDTH // 2, "do_layer_norm_before": False},
        "norm after, projected embedding",
    ),
    Subject("Olmo2ForCausalLM", _SHAPE),
    Subject("Olmo3ForCausalLM", _SHAPE | {"sliding_window": WINDOW}),
    Subject("OlmoForCausalLM", _SHAPE | {"clip_qkv": 0.5}),
    Subject("OlmoHybridForCausalLM", _SHAPE | _DELTA | {"layer_types": [_LINEAR, _FULL] * 2}),
    Subject("OlmoeForCausalLM", _SHAPE | {"num_experts": 4, "num_experts_per_tok": 2}),
    Subject("OpenAIGPTLMHeadModel", _GPT),
    Subject("Phi3ForCausalLM", _SHAPE),
    Subject("Phi3ForCausalLM", _SHAPE | {"sliding_window": WINDOW, "partial_rotary_factor": 0.5}, "window, partial"),
    Subject("PhiForCausalLM", _SHAPE),
    Subject("Qwen2ForCausalLM", _SHAPE),
    Subject(
        "Qwen2ForCausalLM",
        _SHAPE | {"use_sliding_window": True, "sliding_window": WINDOW, "max_window_layers": 2},
        "window in later layers",
    ),
    Subject("Qwen2MoeForCausalLM", _SHAPE | _NUMBERED | {"shared_expert_intermediate_size": 16}),
    Subject("Qwen3ForCausalLM", _SHAPE),
    Subject("Qwen3MoeForCausalLM", _SHAPE | _NUMBERED),
    Subject(
        "Qwen3NextForCausalLM",
        _SHAPE | _NUMBERED | _DELTA | {"shared_expert_intermediate_size": 16, "layer_types": [_LINEAR, _FULL] * 2},
    ),
    Subject("Qwen3_5ForCausalLM", _SHAPE | _DELTA | {"layer_types": [_LINEAR, _FULL] * 2}),
    Subject(
        "Qwen3_5MoeForCausalLM",
        _SHAPE | _NUMBERED | _DELTA | {"shared_expert_intermediate_size": 16, "layer_types": [_LINEAR, _FULL] * 2},
    ),
    Subject("RecurrentGemmaForCausalLM", _SHAPE | {"attention_window_size": WINDOW, "lru_width": WIDTH}),
    Subject("RwkvForCausalLM", {"hidden_size": WIDTH, "num_hidden_layers": LAYERS, "attention_hidden_size": WIDTH}),
    Subject("SeedOssForCausalLM", _SHAPE),
    Subject("SmolLM3ForCausalLM", _SHAPE),
    Subject("StableLmForCausalLM", _SHAPE | {"use_qkv_bias": True}),
    Subject("StableLmForCausalLM", _SHAPE | {"qk_layernorm": True, "use_parallel_residual": True}, "parallel, normed"),
    Subject("Starcoder2ForCausalLM", _SHAPE),
    Subject("VaultGemmaForCausalLM", _SHAPE | {"sliding_window": WINDOW, "query_pre_attn_scalar": 8}),
    Subject(
        "XGLMForCausalLM",
        {"d_model": WIDTH, "ffn_dim": 48, "num_layers": LAYERS, "attention_heads": HEADS}
        | {"max_position_embeddings": CONTEXT},
    ),
    Subject("YoutuForCausalLM", _MLA),
    Subject(
        "Zamba2ForCausalLM",
        _SHAPE
        | {
            "mamba_d_state": 8,
            "n_mamba_heads": 4,
            "mamba_headdim": 16,
            "mamba_ngroups": 1,
            "chunk_size": 8,
            "num_mem_blocks": 1,
            "layer_types": ["mamba", "hybrid", "mamba", "hybrid"],
            "hybrid_layer_ids": [1, 3],
        },
    ),
)


def save(subject: Subject, vocabulary: int, folder: Path, seed: int) -> int:
    """Draws a model's weights, saves it as `save_pretrained` does, and returns how many weights it has."""
    import torch
    import transformers as tf

    own = {"vocab_size": vocabulary, "vocab_size_per_layer_input": vocabulary}
    given = dict(subject.config)
    if "text_config" in given:
        given["text_config"] = own | given["text_config"]
    ends = {"bos_token_id": None, "eos_token_id": None, "pad_token_id": None}
    architecture = getattr(tf, subject.architecture)
    try:
        config = architecture.config_class(**own | ends | given)
    except Exception:  # some insist on numbers; the last token is one that no text has
        config = architecture.config_class(**own | dict.fromkeys(ends, vocabulary - 1) | given)
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = architecture(config).eval()
    with torch.no_grad():
        for weight in model.parameters():
            noise = torch.randn(weight.shape, generator=generator)
            weight.copy_(noise * SCALE if weight.ndim > 1 else weight + noise * SCALE / 3)
    model.save_pretrained(folder)
    return sum(weight.numel() for weight in model.parameters())
