"""Models whose layers are attention and one MLP."""

from tools.architectures.shapes import (
    ALTERNATING,
    BARE,
    CONTEXT,
    GEMMA4,
    GPT,
    HEAD_WIDTH,
    HEADS,
    LAYERS,
    MLA,
    SHAPE,
    VISION,
    WIDTH,
    WINDOW,
    Subject,
    text,
)

DENSE: tuple[Subject, ...] = (
    Subject("ApertusForCausalLM", SHAPE),
    Subject("ArceeForCausalLM", SHAPE),
    Subject("BertLMHeadModel", BARE | {"is_decoder": True}),
    Subject("BitNetForCausalLM", SHAPE),
    Subject("BloomForCausalLM", {"hidden_size": WIDTH, "n_layer": LAYERS, "n_head": HEADS}),
    Subject("CodeGenForCausalLM", GPT | {"rotary_dim": 4}),
    Subject("Cohere2ForCausalLM", SHAPE | {"sliding_window": WINDOW}),
    Subject("CohereForCausalLM", SHAPE),
    Subject("Ernie4_5ForCausalLM", SHAPE),
    Subject("Exaone4ForCausalLM", SHAPE | {"sliding_window": WINDOW, "sliding_window_pattern": 2}),
    Subject("FalconForCausalLM", BARE | {"alibi": False, "new_decoder_architecture": True, "num_kv_heads": 2}),
    Subject("FalconForCausalLM", BARE | {"alibi": False}, "multi-query"),
    Subject("FalconForCausalLM", BARE | {"alibi": True, "multi_query": False, "parallel_attn": False}, "ALiBi"),
    Subject("GPT2LMHeadModel", GPT),
    Subject("GPTBigCodeForCausalLM", GPT),
    Subject("GPTJForCausalLM", GPT | {"rotary_dim": 4}),
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
    Subject("GPTNeoXForCausalLM", BARE),
    Subject("GPTNeoXForCausalLM", BARE | {"use_parallel_residual": False}, "sequential"),
    Subject("Gemma2ForCausalLM", SHAPE | {"sliding_window": WINDOW, "query_pre_attn_scalar": 8}),
    Subject(
        "Gemma3ForCausalLM",
        SHAPE | {"sliding_window": WINDOW, "query_pre_attn_scalar": 8, "layer_types": ALTERNATING},
    ),
    Subject(
        "Gemma3ForConditionalGeneration",
        text(
            "gemma3_text",
            SHAPE | {"sliding_window": WINDOW, "query_pre_attn_scalar": 8, "layer_types": ALTERNATING},
            vision_config=VISION,
            mm_tokens_per_image=4,
        ),
    ),
    Subject(
        "Gemma3nForCausalLM",
        SHAPE
        | {
            "layer_types": ALTERNATING,
            "sliding_window": WINDOW,
            "num_kv_shared_layers": 2,
            "hidden_size_per_layer_input": 8,
            "laurel_rank": 8,
            "altup_num_inputs": 2,
            "activation_sparsity_pattern": [0.0] * LAYERS,
        },
    ),
    Subject("Gemma4ForCausalLM", GEMMA4, "head widths by layer"),
    Subject("Gemma4ForCausalLM", GEMMA4 | {"num_kv_shared_layers": 2}, "head widths by layer, shared keys"),
    Subject("Gemma4ForCausalLM", GEMMA4 | {"global_head_dim": HEAD_WIDTH}, "one head width"),
    Subject(
        "Gemma4ForConditionalGeneration",
        text("gemma4_text", GEMMA4, vision_config=VISION | {"num_key_value_heads": 2, "head_dim": 8}),
    ),
    Subject("Gemma4UnifiedForConditionalGeneration", text("gemma4_unified_text", GEMMA4)),
    Subject("GemmaForCausalLM", SHAPE),
    Subject("Glm4ForCausalLM", SHAPE),
    Subject("GlmForCausalLM", SHAPE),
    Subject("GraniteForCausalLM", SHAPE),
    Subject("HrmTextForCausalLM", BARE | {"head_dim": HEAD_WIDTH}),
    Subject("HunYuanDenseV1ForCausalLM", SHAPE),
    Subject("Jais2ForCausalLM", SHAPE),
    Subject("LlamaForCausalLM", SHAPE),
    Subject(
        "LlamaForCausalLM",
        SHAPE
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
        SHAPE
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
    Subject("Ministral3ForCausalLM", SHAPE),
    Subject(
        "Ministral3ForCausalLM",
        SHAPE
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
    Subject("MistralForCausalLM", SHAPE | {"sliding_window": None}),
    Subject("MistralForCausalLM", SHAPE | {"sliding_window": WINDOW}, "window"),
    Subject("ModernBertDecoderForCausalLM", BARE | {"local_attention": WINDOW}),
    Subject("MptForCausalLM", {"d_model": WIDTH, "n_layers": LAYERS, "n_heads": HEADS, "max_seq_len": CONTEXT}),
    Subject("NanoChatForCausalLM", SHAPE),
    Subject("NemotronForCausalLM", SHAPE),
    Subject("OPTForCausalLM", BARE | {"ffn_dim": 48, "word_embed_proj_dim": WIDTH}),
    Subject(
        "OPTForCausalLM",
        BARE | {"ffn_dim": 48, "word_embed_proj_dim": WIDTH // 2, "do_layer_norm_before": False},
        "norm after, projected embedding",
    ),
    Subject("Olmo2ForCausalLM", SHAPE),
    Subject("Olmo3ForCausalLM", SHAPE | {"sliding_window": WINDOW}),
    Subject("OlmoForCausalLM", SHAPE | {"clip_qkv": 0.5}),
    Subject("OpenAIGPTLMHeadModel", GPT),
    Subject("Phi3ForCausalLM", SHAPE),
    Subject("Phi3ForCausalLM", SHAPE | {"sliding_window": WINDOW, "partial_rotary_factor": 0.5}, "window, partial"),
    Subject("PhiForCausalLM", SHAPE),
    Subject("Qwen2ForCausalLM", SHAPE),
    Subject(
        "Qwen2ForCausalLM",
        SHAPE | {"use_sliding_window": True, "sliding_window": WINDOW, "max_window_layers": 2},
        "window in later layers",
    ),
    Subject("Qwen3ForCausalLM", SHAPE),
    Subject("SeedOssForCausalLM", SHAPE),
    Subject("SmolLM3ForCausalLM", SHAPE),
    Subject("StableLmForCausalLM", SHAPE | {"use_qkv_bias": True}),
    Subject("StableLmForCausalLM", SHAPE | {"qk_layernorm": True, "use_parallel_residual": True}, "parallel, normed"),
    Subject("Starcoder2ForCausalLM", SHAPE),
    Subject("VaultGemmaForCausalLM", SHAPE | {"sliding_window": WINDOW, "query_pre_attn_scalar": 8}),
    Subject(
        "XGLMForCausalLM",
        {"d_model": WIDTH, "ffn_dim": 48, "num_layers": LAYERS, "attention_heads": HEADS}
        | {"max_position_embeddings": CONTEXT},
    ),
    Subject("YoutuForCausalLM", MLA),
)
