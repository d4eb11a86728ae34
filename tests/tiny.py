"""Tiny models of random weights, one an architecture, and a toy tokenizer; made in memory in milliseconds."""

import copy
from functools import cache
from typing import Any

ARCHITECTURES = ("llama", "qwen3", "gemma3", "gpt2", "neox")
ROTARY = ("llama", "qwen3", "gemma3", "neox")
LAYERS = 3


def plain_model(architecture: str, dtype: str = "float32", layers: int = LAYERS) -> Any:
    """A plain transformers model, the same weights on every call; a copy of its own for each caller."""
    return copy.deepcopy(_plain_model(architecture, dtype, layers))


@cache
def _plain_model(architecture: str, dtype: str, layers: int) -> Any:
    import torch
    import transformers as tf

    vocabulary = len(words()) + 1
    if architecture not in ARCHITECTURES:
        return _of_table(architecture, dtype, vocabulary)
    shape: dict[str, Any] = {
        "vocab_size": vocabulary,
        "hidden_size": 32,
        "intermediate_size": 48,
        "num_hidden_layers": layers,
        "num_attention_heads": 4,
        "max_position_embeddings": 256,
    }
    grouped = shape | {"num_key_value_heads": 2}
    config = {
        "llama": lambda: tf.LlamaConfig(**grouped),
        "qwen3": lambda: tf.Qwen3Config(**grouped, head_dim=8),
        "gemma3": lambda: tf.Gemma3TextConfig(
            **grouped,
            head_dim=8,
            sliding_window=6,
            query_pre_attn_scalar=8,
            layer_types=[("sliding_attention", "full_attention")[layer % 2] for layer in range(layers)],
        ),
        "gpt2": lambda: tf.GPT2Config(vocab_size=vocabulary, n_embd=32, n_layer=layers, n_head=4, n_positions=256),
        "neox": lambda: tf.GPTNeoXConfig(**shape),
    }[architecture]()
    config.eos_token_id = config.bos_token_id = None
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = (
            tf.AutoModelForCausalLM.from_config(config, attn_implementation="eager").to(getattr(torch, dtype)).eval()
        )
        with torch.no_grad():
            for weight in model.parameters():
                # Larger than an initialisation, so that attention is not uniform and every path has an effect.
                if weight.ndim > 1:
                    weight.copy_(torch.randn_like(weight) * 0.3)
    model.config.architectures = [type(model).__name__]
    return model


def _of_table(name: str, dtype: str, vocabulary: int) -> Any:
    """A model of the table of architectures, by its name there; of the layers that it has there."""
    import torch

    from tools.architectures.models import SUBJECTS, made

    plain = made(next(each for each in SUBJECTS if each.name == name), vocabulary, 0)
    plain.set_attn_implementation("eager")
    if dtype == "float64" and hasattr(plain, "set_experts_implementation"):
        plain.set_experts_implementation("eager")
    for weight in plain.parameters():  # what is no weight, such as rotary frequencies, stays in float32
        weight.data = weight.data.to(getattr(torch, dtype))
    return plain


@cache
def model(architecture: str, dtype: str = "float32", layers: int = LAYERS) -> Any:
    """The same model, hooked and checked, with the toy tokenizer."""
    import mediate

    return mediate.load(plain_model(architecture, dtype, layers), tokenizer=tokenizer(), device="cpu")


def unswept(model: Any) -> Any:
    """The same model, as if it had failed the self-check of sweeps: everything is measured the long way."""
    from dataclasses import replace

    from mediate.passes.selfcheck import SWEPT

    checks = tuple(replace(each, error=1.0) if each.name == SWEPT else each for each in model.checks)
    return replace(model, checks=checks)


def words() -> list[str]:
    """The toy vocabulary: pieces of text that the tokenizer splits at, with their leading space."""
    plain = (
        "Tom has had How What many buys sells gives apples pears boxes in all now left and then so each how does have"
    )
    plain += " The answer is"
    marks = ["\n", ".", "?", "=", "+", "-", "x", ",", ":"]
    digits = [str(digit) for digit in range(10)]
    return [
        *marks,
        *digits,
        " ",
        *plain.split(),
        *(f" {word}" for word in [*plain.split(), "=", "+", "-", "x", *digits]),
    ]


@cache
def tokenizer() -> Any:
    """A tokenizer of the toy vocabulary: longest match first, one digit a token, no BOS."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    vocabulary = {word: number for number, word in enumerate(words())} | {"<unk>": len(words())}
    toy = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    pattern = " ?[A-Za-z]+| ?[0-9=+x-]|[^A-Za-z0-9]"
    toy.pre_tokenizer = pre_tokenizers.Split(Regex(pattern), behavior="isolated")
    toy.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(tokenizer_object=toy, unk_token="<unk>")


@cache
def byte_level() -> Any:
    """A byte-level BPE with chat markers: every text can be written, and an emoji takes four tokens."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    tokens = Tokenizer(models.BPE())
    tokens.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokens.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=320, initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()), show_progress=False
    )
    tokens.train_from_iterator(["Tom has 3 apples and 4 pears. He has 7 in all. So the answer is 7.\n"] * 3, trainer)
    found = PreTrainedTokenizerFast(tokenizer_object=tokens, bos_token="<|im_start|>", eos_token="<|im_end|>")
    # A control token without a role, as the header tokens of Llama 3: transformers does not list it as special.
    found.add_tokens([AddedToken("<|header|>", special=True, normalized=False)])
    return found


@cache
def sentencepiece_like(style: str) -> Any:
    """A tokenizer in the way of SentencePiece: `▁` for a space, bytes for what has no piece.

    `metaspace` is today's decoder and `llama2` the older sequence of steps; both drop the space at the very start.
    """
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    letters = [chr(number) for number in range(33, 127)] + ["▁", "\n"]
    pieces = ["<unk>", *(f"<0x{byte:02X}>" for byte in range(256)), *letters, "▁T", "om", "▁Tom", "▁h", "as", "▁has"]
    merges = [("▁", "T"), ("o", "m"), ("▁T", "om"), ("▁", "h"), ("a", "s"), ("▁h", "as")]
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    tokens = Tokenizer(models.BPE(vocabulary, merges, unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    if style == "metaspace":
        tokens.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first")
        tokens.decoder = decoders.Sequence(
            [decoders.ByteFallback(), decoders.Metaspace(prepend_scheme="first"), decoders.Fuse()]
        )
    else:
        tokens.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
        steps = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
        tokens.decoder = decoders.Sequence(steps)
    return PreTrainedTokenizerFast(tokenizer_object=tokens, unk_token="<unk>")


def instead_of_writing(patch: Any, write: Any) -> None:
    """Has `write(model, prompts, decodings, progress=)` stand in for what models write in a run."""
    from mediate.scoring import writing

    def written_in(laid: Any, numbers: Any, *, progress: bool) -> Any:
        for rows in (laid.batches[number] for number in numbers):
            prompts, decodings = [laid.prompts[row] for row in rows], [laid.decodings[row] for row in rows]
            yield rows, write(laid.model, prompts, decodings, progress=progress)

    patch.setattr(writing, "written_in", written_in)
