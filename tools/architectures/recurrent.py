"""Models with layers that look back by other means than attention; most are refused."""

from tools.architectures.shapes import (
    BARE,
    DELTA,
    FULL,
    LAYERS,
    LINEAR,
    LOCAL,
    MAMBA,
    NUMBERED,
    SHAPE,
    WIDTH,
    WINDOW,
    Subject,
)

RECURRENT: tuple[Subject, ...] = (
    Subject("BambaForCausalLM", SHAPE | MAMBA | {"attn_layer_indices": [1, 3]}),
    Subject("FalconH1ForCausalLM", SHAPE | MAMBA | {"mamba_d_ssm": 64}),
    Subject("FalconMambaForCausalLM", {"hidden_size": WIDTH, "num_hidden_layers": LAYERS, "state_size": 8}),
    Subject(
        "GraniteMoeHybridForCausalLM",
        SHAPE | LOCAL | MAMBA | {"layer_types": ["mamba", "attention"] * 2, "shared_intermediate_size": 16},
    ),
    Subject("JambaForCausalLM", SHAPE | {"attn_layer_period": 2, "attn_layer_offset": 1, "num_experts": 4}),
    Subject("Lfm2ForCausalLM", BARE | {"num_key_value_heads": 2, "layer_types": ["conv", FULL] * 2}),
    Subject(
        "Lfm2MoeForCausalLM",
        BARE | NUMBERED | {"num_key_value_heads": 2, "layer_types": ["conv", FULL] * 2, "num_dense_layers": 1},
    ),
    Subject("Mamba2ForCausalLM", {"hidden_size": WIDTH, "num_hidden_layers": LAYERS, "num_heads": 4, "head_dim": 16}),
    Subject("MambaForCausalLM", {"hidden_size": WIDTH, "num_hidden_layers": LAYERS, "state_size": 8}),
    Subject(
        "NemotronHForCausalLM",
        SHAPE
        | {
            "layers_block_type": ["mamba", "attention", "mamba", "mlp"],
            "mamba_num_heads": 4,
            "mamba_head_dim": 16,
            "ssm_state_size": 8,
            "n_groups": 1,
            "chunk_size": 8,
        },
    ),
    Subject("OlmoHybridForCausalLM", SHAPE | DELTA | {"layer_types": [LINEAR, FULL] * 2}),
    Subject(
        "Qwen3NextForCausalLM",
        SHAPE | NUMBERED | DELTA | {"shared_expert_intermediate_size": 16, "layer_types": [LINEAR, FULL] * 2},
    ),
    Subject("Qwen3_5ForCausalLM", SHAPE | DELTA | {"layer_types": [LINEAR, FULL] * 2}),
    Subject(
        "Qwen3_5MoeForCausalLM",
        SHAPE | NUMBERED | DELTA | {"shared_expert_intermediate_size": 16, "layer_types": [LINEAR, FULL] * 2},
    ),
    Subject("RecurrentGemmaForCausalLM", SHAPE | {"attention_window_size": WINDOW, "lru_width": WIDTH}),
    Subject("RwkvForCausalLM", {"hidden_size": WIDTH, "num_hidden_layers": LAYERS, "attention_hidden_size": WIDTH}),
    Subject(
        "Zamba2ForCausalLM",
        SHAPE
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
