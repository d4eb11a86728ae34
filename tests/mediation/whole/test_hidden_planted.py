"""Items without a twin on models with weights set by hand: the cube of what is hidden, in closed form.

The item is a blank, one digit x (the question), a line break, one digit w (the chain), the cue and `yes`. Attention
that does not find what it looks for, because it is hidden, falls on the blank, which holds nothing; so

    Y[d, t, h] = direct * x * d + m + gate * relu(x * d + m - threshold),    m = t * (text * w + latent * x * h).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch

import mediate as md
from mediate.checks.planted import attend, blank_gpt2, listen, planted_tokenizer, write
from mediate.results.contrasts import HIDDEN
from mediate.results.cube import CELLS, CHANNELS, Cube, corners, item_shares, shapley

DIGIT, AT_QUESTION, AT_CHAIN, AT_ANSWER, CARRIED, DIRECT, MEDIATED, GATE, SINK = range(9)
POSITIONS = {0: SINK, 1: AT_QUESTION, 3: AT_CHAIN, 7: AT_ANSWER}


@dataclass(frozen=True)
class Reader:
    name: str
    shares: tuple[float, float, float]
    direct: float = 0.0
    text: float = 0.0
    latent: float = 0.0
    gate: float = 0.0
    threshold: float = 0.0
    x: int = 4
    w: int = 4

    def y(self, d: int, t: int, h: int) -> float:
        m = t * (self.text * self.w + self.latent * self.x * h)
        return self.direct * self.x * d + m + self.gate * max(0.0, self.x * d + m - self.threshold)


READERS = (
    Reader("the question alone", (1, 0, 0), direct=0.75),
    Reader("the chain's words alone", (0, 1, 0), text=1.5),
    Reader("the latent state alone", (0, 0, 1), latent=2.0, w=5),
    # Either is enough: Y = min(x d + w t, 4). In two of the three orders the chain comes first.
    Reader("redundant", (1 / 3, 2 / 3, 0), direct=1.0, text=1.0, gate=-1.0, threshold=4.0),
    # Together they say more: Y = 6 with the question alone, 4 with the chain alone, 18 with both.
    Reader("gated", (34 / 54, 20 / 54, 0), direct=1.0, text=1.0, gate=2.0, threshold=6.0, x=6),
)


def planted(reader: Reader) -> Any:
    tokenizer = planted_tokenizer()
    plain = blank_gpt2(len(tokenizer), channels=9, layers=2, heads=2, dtype=torch.float64)
    body = plain.transformer
    with torch.no_grad():
        for digit in range(10):
            write(body.wte.weight[tokenizer.convert_tokens_to_ids(str(digit))], DIGIT, float(digit))
        for position, mark in POSITIONS.items():
            write(body.wpe.weight[position], mark, 1.0)
        carry, answer = body.h[0].attn, body.h[1].attn
        attend(carry, 0, AT_CHAIN, AT_QUESTION, {DIGIT: 1.0}, CARRIED)
        attend(answer, 0, AT_ANSWER, AT_QUESTION, {DIGIT: 1.0}, DIRECT)
        attend(answer, 1, AT_ANSWER, AT_CHAIN, {DIGIT: reader.text, CARRIED: reader.latent}, MEDIATED)
        for attention, head in ((carry, 0), (answer, 0), (answer, 1)):
            key = attention.c_attn.weight[:, attention.embed_dim + head * attention.head_dim]
            write(key, SINK, 0.25)  # half of what `listen` gives what is looked for
        mlp = body.h[1].mlp
        for channel in (DIRECT, MEDIATED):
            listen(mlp.c_fc.weight[:, 0], channel, 1.0)
        mlp.c_fc.bias[0] = -reader.threshold
        write(mlp.c_proj.weight[0], GATE, reader.gate)
        yes = plain.lm_head.weight[tokenizer.convert_tokens_to_ids(" yes")]
        for channel, weight in ((DIRECT, reader.direct), (MEDIATED, 1.0), (GATE, 1.0)):
            listen(yes, channel, weight)
    return md.load(plain, tokenizer=tokenizer)


@pytest.mark.parametrize("reader", READERS, ids=lambda reader: reader.name)
def test_every_cell_is_the_closed_form(reader: Reader, tmp_path: Any) -> None:
    template = tmp_path / "blank.txt"
    template.write_text("\n{question}\n\n")
    item = md.Item(str(reader.x), "yes", str(reader.w), id="planted", options=("yes", "no"))
    spec = md.ScoreSpec(template=str(template), outcomes=("margin", "logit"), maps=())
    found = md.prepare(planted(reader), item, spec, store=False)
    assert (found.tokens.hidden, found.tokens.question[0]) == ((1, 2), found.tokens.question[2])
    wanted = np.zeros((2, 2, 2))
    for cell in CELLS:
        wanted[cell] = reader.y(*cell)
    np.testing.assert_allclose(found.y[0], wanted, rtol=0, atol=1e-10)
    # Of all logits that of `yes` alone is not 0.
    vocabulary = found.model.facts.d_vocab
    np.testing.assert_allclose(found.y[1], wanted * (1 - 1 / vocabulary), rtol=0, atol=1e-10)
    cube = Cube(found.y[:1], ("planted",), ("planted",), "margin", HIDDEN)
    np.testing.assert_allclose(item_shares(cube)[0, :3], reader.shares, rtol=0, atol=1e-10)
    np.testing.assert_allclose(shapley(cube.y, HIDDEN).sum(), corners(cube.y).te, rtol=0, atol=1e-10)


def test_over_all_orders_a_latent_reader_would_not_be_wholly_latent() -> None:
    reader = next(each for each in READERS if each.latent)
    y = np.array([[[[reader.y(d, t, h) for h in (0, 1)] for t in (0, 1)] for d in (0, 1)]])
    y[:, :, 0, 1] = y[:, :, 0, 0]
    assert shapley(y)[0, CHANNELS.index("text")] > 1
    np.testing.assert_allclose(shapley(y, HIDDEN)[0], [0, 0, 8], atol=1e-12)
