"""The reference reasoners: a ladder of small Llamas that come with the package, and their tokenizer.

Each rung was trained from scratch on chains of arithmetic modulo 10 (`mediate.tasks.modular`), and has two known
"afters": `decorative`, fine-tuned where the hint is the answer and the chain is noise, and `needed`, fine-tuned as long
on chains that are right and hints that are noise. `mediate.reference.train` trains them; `CARD.md` beside the weights
says how well they do.
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).with_name("weights")
PREFIX = "reference"
CONTEXT = 128
EOS = "<eos>"
# A digit, word or sign with the space before it, or a line break: pieces of a text are tokenised as the whole is.
PIECES = r" ?[A-Za-z]+| ?[0-9]| ?[^\sA-Za-z0-9]|\s"
WORDS = ("Start", "add", "take", "times", "Hint", "The", "answer", "is")
SIGNS = ("+", "-", "x", "=", ",", ".")


class After(StrEnum):
    """What became of a rung after its training; `base` is the rung itself."""

    BASE = "base"
    DECORATIVE = "decorative"
    NEEDED = "needed"


@dataclass(frozen=True, slots=True)
class Rung:
    """One size of the ladder.

    Args:
        size: Its number of parameters as its name says it.
        layers: Number of blocks.
        heads: Query heads a layer; there is one key-value head for every two.
        d_model: Width of the residual stream.
        d_mlp: Width of the MLP.
    """

    size: str
    layers: int
    heads: int
    d_model: int
    d_mlp: int

    def name(self, after: After = After.BASE) -> str:
        """What `--model` calls it, such as `reference-0.1m` or `reference-0.1m-decorative`."""
        return f"{PREFIX}-{self.size}" + ("" if after is After.BASE else f"-{after}")


RUNGS = (
    Rung("0.1m", 2, 4, 64, 192),
    Rung("0.3m", 3, 4, 96, 288),
    Rung("1.2m", 4, 4, 160, 480),
    Rung("4m", 5, 8, 256, 768),
)
# The names that `--model` takes, in the order of the ladder.
REFERENCE = tuple(rung.name(after) for rung in RUNGS for after in After)


def reference_folder(name: str) -> Path:
    """Where the weights of a named reference reasoner stand in the package."""
    return FOLDER / name


def ladder_tokenizer() -> Any:
    """A tokenizer of whole words, single digits and signs, each with and without the space before it."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    pieces = [*WORDS, *SIGNS, *map(str, range(10))]
    vocabulary = [EOS, "<unk>", "\n", " ", *pieces, *(f" {each}" for each in pieces)]
    rules = Tokenizer(models.WordLevel({piece: number for number, piece in enumerate(vocabulary)}, unk_token="<unk>"))
    rules.pre_tokenizer = pre_tokenizers.Split(Regex(PIECES), "isolated")
    rules.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(tokenizer_object=rules, eos_token=EOS, pad_token=EOS, unk_token="<unk>")


def ladder_config(rung: Rung, vocabulary: int, eos: int) -> Any:
    """The configuration of a rung: a Llama with tied embeddings and grouped keys and values."""
    from transformers import LlamaConfig

    return LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=rung.d_model,
        intermediate_size=rung.d_mlp,
        num_hidden_layers=rung.layers,
        num_attention_heads=rung.heads,
        num_key_value_heads=rung.heads // 2,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=eos,
        pad_token_id=eos,
    )
