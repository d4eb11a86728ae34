"""Planted models: GPT-2s with weights set by hand, whose direct, text and latent effects have closed forms.

The question is one digit x, the chain of thought one digit w, and the outcome, the logit of `yes` less that of `no`, is

    Y = direct * x_d + m + gate * relu(x_d + m - threshold),    m = text * w_t + latent * x_h,

where x_d is the digit that the answer reads in the question, w_t the digit that stands in the chain, and x_h the digit
of the question under which the chain was computed: the position of the chain copies it into its activations.

Two blocks suffice. In block 0 the chain attends to the question and keeps its digit; in block 1 the last token attends
to the question with one head and to the chain with another, and its MLP holds the gate. Attention is hard because
scores differ by thousands. LayerNorm does nothing, exactly: its epsilon is 2**80 and its weight 2**40, and the residual
stream has mean zero because every channel has a mirror channel of the opposite sign.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from mediate.pairs.pair import Item, Pair
from mediate.results.cube import CELLS

# Channels of the residual stream; each has its mirror `CHANNELS` places later.
DIGIT, AT_QUESTION, AT_CHAIN, AT_ANSWER, CARRIED, DIRECT, MEDIATED, GATE = range(8)
CHANNELS = 8
HARD = 2.0**14
# The tokens: the question's digit and a newline, the chain's digit, then the cue "\nThe answer is".
QUESTION_AT, CHAIN_AT, ANSWER_AT = 0, 2, 6
CONTEXT = 32


@dataclass(frozen=True, slots=True)
class Planted:
    """The constants of a planted model and the two worlds that it is asked about.

    Args:
        name: What it shows.
        direct: Weight of the digit read in the question.
        text: Weight of the digit that stands in the chain.
        latent: Weight of the question's digit carried by the chain's activations.
        gate: Weight of the rectified sum.
        threshold: Where the gate opens.
        questions: The question's digit in the source and the base world.
        chains: The chain's digit in the source and the base world.
    """

    name: str
    direct: float = 0.0
    text: float = 0.0
    latent: float = 0.0
    gate: float = 0.0
    threshold: float = 0.0
    questions: tuple[int, int] = (2, 4)
    chains: tuple[int, int] = (2, 4)

    def outcome(self, d: int, t: int, h: int) -> float:
        """Y[d, t, h] in closed form."""
        mediated = self.text * self.chains[t] + self.latent * self.questions[h]
        opened = max(0.0, self.questions[d] + mediated - self.threshold)
        return self.direct * self.questions[d] + mediated + self.gate * opened

    def cube(self) -> Float[np.ndarray, "2 2 2"]:
        """All eight outcomes."""
        y = np.empty((2, 2, 2))
        for cell in CELLS:
            y[cell] = self.outcome(*cell)
        return y

    def pair(self) -> Pair:
        """The two worlds as a pair."""
        source, base = (
            Item(str(question), answer, str(chain))
            for question, chain, answer in zip(self.questions, self.chains, ("no", "yes"), strict=True)
        )
        return Pair(self.name, self.name, base, source)


SETTINGS = (
    Planted("full", text=1.5),
    Planted("none", direct=0.75),
    Planted("half", direct=2.0, text=1.0, latent=1.0),
    Planted("latent", latent=2.0, chains=(5, 5)),
    Planted("inconsistent", direct=3.0, text=-1.0, latent=-1.0),
    Planted("no total effect", direct=2.0, text=-1.0, latent=-1.0),
    Planted("interaction", direct=1.0, text=1.0, latent=0.5, gate=1.0, threshold=9.0),
)


def planted_tokenizer() -> Any:
    """Digits, newline and the words of the cue and the answers, one token each."""
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = [*map(str, range(10)), "\n", "The", " answer", " is", " yes", " no", "<unk>"]
    toy = Tokenizer(models.WordLevel({word: number for number, word in enumerate(words)}, unk_token="<unk>"))
    toy.pre_tokenizer = pre_tokenizers.Split(Regex(r" ?[A-Za-z]+|[0-9]|\n"), behavior="isolated")
    toy.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(tokenizer_object=toy, unk_token="<unk>")


def planted_model(planted: Planted, dtype: torch.dtype = torch.float64) -> tuple[Any, Any]:
    """The plain transformers model with the weights set, and its tokenizer."""
    tokenizer = planted_tokenizer()
    model = blank_gpt2(len(tokenizer), channels=CHANNELS, layers=2, heads=2, dtype=dtype)
    with torch.no_grad():
        _set_weights(model, tokenizer, planted)
    return model, tokenizer


def blank_gpt2(vocabulary: int, *, channels: int, layers: int, heads: int, dtype: torch.dtype) -> Any:
    """A GPT-2 with ReLU whose weights are all 0 and whose LayerNorm does nothing to streams with mirror channels."""
    from transformers import GPT2Config, GPT2LMHeadModel

    config = GPT2Config(
        vocab_size=vocabulary,
        n_embd=2 * channels,
        n_layer=layers,
        n_head=heads,
        n_inner=4,
        n_positions=CONTEXT,
        activation_function="relu",
        layer_norm_epsilon=2.0**80,
        tie_word_embeddings=False,
        bos_token_id=None,
        eos_token_id=None,
        attn_implementation="eager",
    )
    with torch.random.fork_rng(devices=[]):  # transformers draws initial weights from the global generator
        model = GPT2LMHeadModel(config).to(dtype).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.fill_(2.0**40 if "ln_" in name and name.endswith("weight") else 0.0)
    model.config.architectures = ["GPT2LMHeadModel"]
    return model


def _set_weights(model: Any, tokenizer: Any, planted: Planted) -> None:
    body = model.transformer
    for digit in range(10):
        write(body.wte.weight[tokenizer.convert_tokens_to_ids(str(digit))], DIGIT, float(digit))
    for position, mark in ((QUESTION_AT, AT_QUESTION), (CHAIN_AT, AT_CHAIN), (ANSWER_AT, AT_ANSWER)):
        write(body.wpe.weight[position], mark, 1.0)
    carry, answer = body.h[0].attn, body.h[1].attn
    attend(carry, 0, AT_CHAIN, AT_QUESTION, {DIGIT: 1.0}, CARRIED)
    attend(answer, 0, AT_ANSWER, AT_QUESTION, {DIGIT: 1.0}, DIRECT)
    attend(answer, 1, AT_ANSWER, AT_CHAIN, {DIGIT: planted.text, CARRIED: planted.latent}, MEDIATED)
    mlp = body.h[1].mlp
    for channel in (DIRECT, MEDIATED):
        listen(mlp.c_fc.weight[:, 0], channel, 1.0)
    mlp.c_fc.bias[0] = -planted.threshold
    write(mlp.c_proj.weight[0], GATE, planted.gate)
    yes = model.lm_head.weight[tokenizer.convert_tokens_to_ids(" yes")]
    for channel, weight in ((DIRECT, planted.direct), (MEDIATED, 1.0), (GATE, 1.0)):
        listen(yes, channel, weight)


def write(row: torch.Tensor, channel: int, value: float) -> None:
    """Sets a channel of the residual stream and its mirror, in the second half."""
    row[channel], row[channel + len(row) // 2] = value, -value


def listen(column: torch.Tensor, channel: int, value: float) -> None:
    """Reads a channel, half of it in its mirror, so that what rounding leaves of the stream's mean cancels."""
    write(column, channel, value / 2)


def attend(attention: Any, head: int, query: int, key: int, values: dict[int, float], out: int) -> None:
    """Lets a head look from the marked query to the marked key, and write a sum of what is there to a channel."""
    width, first = attention.embed_dim, head * attention.head_dim
    columns = attention.c_attn.weight
    listen(columns[:, first], query, HARD)
    listen(columns[:, width + first], key, 1.0)
    for channel, weight in values.items():
        listen(columns[:, 2 * width + first], channel, weight)
    write(attention.c_proj.weight[first], out, 1.0)
