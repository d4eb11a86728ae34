"""The reference reasoners: ladders of small Llamas that come with the package, and their tokenizers.

Each rung of the first ladder was trained from scratch on chains of arithmetic modulo 10 (`mediate.tasks.modular`), and
has two known "afters": `decorative`, fine-tuned where the hint is the answer and the chain is noise, and `needed`,
fine-tuned as long on chains that are right and hints that are noise. Those of the second ladder, the worded ones, were
trained on chains that are told in many ways (`mediate.tasks.worded`). `mediate.reference.train` trains them; the cards
beside the weights say how well they do.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from mediate.errors import InputError
from mediate.tasks import worded

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
        prefix: What the names of its ladder begin with.
    """

    size: str
    layers: int
    heads: int
    d_model: int
    d_mlp: int
    prefix: str = PREFIX

    def name(self, after: After = After.BASE) -> str:
        """What `--model` calls it, such as `reference-0.1m` or `reference-0.1m-decorative`."""
        return f"{self.prefix}-{self.size}" + ("" if after is After.BASE else f"-{after}")


@dataclass(frozen=True, slots=True)
class Ladder:
    """A family of reference reasoners: rungs that were trained alike on one task.

    Args:
        family: What `mediate tune reference --family` calls it.
        rungs: Its rungs, the smallest first.
        afters: What there is of each rung.
        words: The words of its tokenizer.
        signs: The signs of its tokenizer; digits are in every one.
        context: The most tokens of a text.
    """

    family: str
    rungs: tuple[Rung, ...]
    afters: tuple[After, ...]
    words: tuple[str, ...]
    signs: tuple[str, ...]
    context: int

    @property
    def names(self) -> tuple[str, ...]:
        """The names that `--model` takes, in the order of the ladder."""
        return tuple(rung.name(after) for rung in self.rungs for after in self.afters)


RUNGS = (
    Rung("0.1m", 2, 4, 64, 192),
    Rung("0.3m", 3, 4, 96, 288),
    Rung("1.2m", 4, 4, 160, 480),
    Rung("4m", 5, 8, 256, 768),
)
MODULAR_LADDER = Ladder("modular", RUNGS, tuple(After), WORDS, SIGNS, CONTEXT)
WORDED_LADDER = Ladder(
    "worded",
    tuple(replace(rung, prefix=f"{PREFIX}-worded") for rung in RUNGS[:3]),
    (After.BASE,),
    worded.WORDS,
    worded.SIGNS,
    context=3 * CONTEXT,
)
LADDERS = (MODULAR_LADDER, WORDED_LADDER)
# The names of the first ladder, and of all.
REFERENCE = MODULAR_LADDER.names
REFERENCES = tuple(name for ladder in LADDERS for name in ladder.names)


def reference_folder(name: str) -> Path:
    """Where the weights of a named reference reasoner stand in the package."""
    return FOLDER / name


def shipped_folder(name: str) -> Path:
    """The same, for one that is there.

    Raises:
        InputError: A rung that this version of the package does not bring.
    """
    folder = reference_folder(name)
    if not (folder / "config.json").is_file():
        family = next(ladder.family for ladder in LADDERS if name in ladder.names)
        raise InputError(
            f"model {name!r} is not shipped with this version; train it with: mediate tune reference --family {family} "
            f"--out DIR, and give DIR/{name}"
        )
    return folder


def ladder_tokenizer(ladder: Ladder = MODULAR_LADDER) -> Any:
    """A tokenizer of whole words, single digits and signs, each with and without the space before it."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    pieces = [*ladder.words, *ladder.signs, *map(str, range(10))]
    vocabulary = [EOS, "<unk>", "\n", " ", *pieces, *(f" {each}" for each in pieces)]
    rules = Tokenizer(models.WordLevel({piece: number for number, piece in enumerate(vocabulary)}, unk_token="<unk>"))
    rules.pre_tokenizer = pre_tokenizers.Split(Regex(PIECES), "isolated")
    rules.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(tokenizer_object=rules, eos_token=EOS, pad_token=EOS, unk_token="<unk>")


def ladder_config(rung: Rung, vocabulary: int, eos: int, context: int = CONTEXT) -> Any:
    """The configuration of a rung: a Llama with tied embeddings and grouped keys and values."""
    from transformers import LlamaConfig

    return LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=rung.d_model,
        intermediate_size=rung.d_mlp,
        num_hidden_layers=rung.layers,
        num_attention_heads=rung.heads,
        num_key_value_heads=rung.heads // 2,
        max_position_embeddings=context,
        tie_word_embeddings=True,
        bos_token_id=None,
        eos_token_id=eos,
        pad_token_id=eos,
    )
