"""The same patches on a GPU."""

import torch

import mediate
from tests import tiny
from tools.bench.bench import Bench, Setting
from tools.bench.patching import patching
from tools.bench.subjects import of_length, subject
from tools.bench.timing import Record

# Width, layers and heads.
SHAPES = {"1B": (2048, 16, 32), "7B": (4096, 32, 32)}


def run(record: Record, setting: Setting) -> None:
    """On models of random weights in the shapes of 1B and 7B parameters; there is no shorter form."""
    if not torch.cuda.is_available():
        record.skip("state, a cell, on a GPU (1B- and 7B-shaped)", "no GPU at hand")
        return
    import transformers

    record.dtype = "bfloat16"
    for name, (width, layers, heads) in SHAPES.items():
        record.model = f"{name}-shaped Llama of random weights on {torch.cuda.get_device_name()}"
        config = transformers.LlamaConfig(
            vocab_size=32000, hidden_size=width, intermediate_size=4 * width, num_hidden_layers=layers,
            num_attention_heads=heads, num_key_value_heads=8, max_position_embeddings=4096,
        )  # fmt: skip
        config.eos_token_id = config.bos_token_id = None
        with torch.device("cuda"):
            plain = transformers.AutoModelForCausalLM.from_config(
                config, attn_implementation="eager", dtype=torch.bfloat16
            )
        plain.config.architectures = [type(plain).__name__]
        model = mediate.load(plain.eval(), tokenizer=tiny.tokenizer(), device="cuda", copy=False)
        print(f"{name}-shaped: {model!r}")
        patching(record, subject(model, of_length(model, 128)), 12, of=f"{name}-shaped, ")
        del model, plain
        torch.cuda.empty_cache()


GPU = Bench("gpu", run, minutes=5)
