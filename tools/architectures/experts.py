"""Models with experts."""

from tools.architectures.shapes import (
    BARE,
    GROUPED,
    HEAD_WIDTH,
    HEADS,
    LAYERS,
    LOCAL,
    MLA,
    NUMBERED,
    ROUTED,
    SHAPE,
    WINDOW,
    Subject,
)

EXPERTS: tuple[Subject, ...] = (
    Subject(
        "AfmoeForCausalLM",
        SHAPE | NUMBERED | {"num_shared_experts": 1, "sliding_window": WINDOW, "num_dense_layers": 1},
    ),
    Subject("DeepseekV2ForCausalLM", MLA | GROUPED | {"first_k_dense_replace": 1}),
    Subject("DeepseekV3ForCausalLM", MLA | GROUPED | {"first_k_dense_replace": 1}),
    Subject(
        "DeepseekV4ForCausalLM",
        SHAPE
        | ROUTED
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
    Subject(
        "Ernie4_5_MoeForCausalLM",
        SHAPE | {"moe_intermediate_size": 16, "moe_num_experts": 4, "moe_k": 2, "moe_num_shared_experts": 1},
    ),
    Subject("FlexOlmoForCausalLM", SHAPE | {"num_experts": 4, "num_experts_per_tok": 2}),
    Subject("Glm4MoeForCausalLM", SHAPE | GROUPED | {"first_k_dense_replace": 1}),
    Subject("Glm4MoeLiteForCausalLM", MLA | GROUPED),
    Subject("GlmMoeDsaForCausalLM", MLA | GROUPED | {"index_topk": 64, "index_head_dim": 8, "index_n_heads": 2}),
    Subject("GptOssForCausalLM", SHAPE | LOCAL | {"sliding_window": WINDOW}),
    Subject("GraniteMoeForCausalLM", SHAPE | LOCAL),
    Subject("JetMoeForCausalLM", BARE | LOCAL | {"kv_channels": HEAD_WIDTH, "num_key_value_heads": 2}),
    Subject(
        "LagunaForCausalLM",
        SHAPE | NUMBERED | {"shared_expert_intermediate_size": 16, "sliding_window": WINDOW},
    ),
    Subject(
        "LagunaForCausalLM",
        SHAPE
        | NUMBERED
        | {
            "shared_expert_intermediate_size": 16,
            "sliding_window": WINDOW,
            "num_attention_heads_per_layer": [HEADS, HEADS // 2] * (LAYERS // 2),
        },
        "heads by layer",
    ),
    Subject(
        "Llama4ForCausalLM",
        SHAPE | {"num_local_experts": 4, "num_experts_per_tok": 1, "intermediate_size_mlp": 48},
    ),
    Subject(
        "Llama4ForCausalLM",
        SHAPE
        | {"num_local_experts": 4, "num_experts_per_tok": 1, "intermediate_size_mlp": 48, "attention_chunk_size": 8},
        "chunks shorter than the text",
    ),
    Subject(
        "Llama4ForCausalLM",
        SHAPE | {"num_local_experts": 4, "num_experts_per_tok": 1, "intermediate_size_mlp": 48, "floor_scale": 4},
        "temperature within the text",
    ),
    Subject("MiniMaxM2ForCausalLM", SHAPE | LOCAL | {"rotary_dim": 4}),
    Subject("MixtralForCausalLM", SHAPE | LOCAL),
    Subject("OlmoeForCausalLM", SHAPE | {"num_experts": 4, "num_experts_per_tok": 2}),
    Subject("Qwen2MoeForCausalLM", SHAPE | NUMBERED | {"shared_expert_intermediate_size": 16}),
    Subject("Qwen3MoeForCausalLM", SHAPE | NUMBERED),
)
