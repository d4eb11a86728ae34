"""Planted models whose chain has two steps: steps that stand in for one another, need one another, or are repaired.

The question is a digit x and the chain of thought two digits, each a step of its own. A digit's position carries
p = text * (the digit that stands there) + latent * (the question's digit), and the outcome is

    Y = direct * x + passed * (a + repair * (c - a)) + gate * clamp(a + b - low, 0, 1),

where a and b are what the answer reads of the first and the second digit in block 1, and c what it reads of the first
digit again in block 2. In an untouched run c = a.

- *Redundant steps*: with digits 0 or 1 and low = 0, the gate opens if either digit is 1.
- *A conjunction*: with low = 1, it opens if both are.
- *Self-repair* (McGrath et al. 2023): the head of block 1 carries a, a backup head finds c, and the last MLP adds
  `repair` times what is missing. Replacing what the first head reads has 1 - repair of its direct effect.

In block 0 the chain's digits read the question. Everything else is built as in `mediate.checks.planted`; over 24
channels, LayerNorm does nothing up to rounding.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float

from mediate.checks.planted import attend, blank_gpt2, listen, planted_tokenizer, write
from mediate.models.sites import Component
from mediate.pairs.pair import Item, Pair
from mediate.results.cube import CELLS

# Channels of the residual stream; each has its mirror `CHANNELS` places later.
DIGIT, AT_QUESTION, AT_FIRST, AT_SECOND, AT_ANSWER, CARRIED, DIRECT, FIRST, SECOND, GATE, AGAIN, REPAIR = range(12)
CHANNELS = 12
# The tokens: the question's digit and a newline, the chain's digits with a newline between them, then the cue.
QUESTION_AT, FIRST_AT, SECOND_AT, ANSWER_AT = 0, 2, 4, 8
# The head of block 1 that self-repair makes up for, and the block whose MLP does so.
REPAIRED_HEAD, REPAIR_BLOCK = 1, 2
Steps = Collection[int]


@dataclass(frozen=True, slots=True)
class Reach:
    """What a replacement at a digit's position changes of what the answer reads there.

    Args:
        text: Whether the digit itself.
        latent: Whether the question's digit that the position carries.
        blocks: In which blocks it is read changed.
    """

    text: bool
    latent: bool
    blocks: tuple[int, ...] = (1, 2)


# By the components that are replaced together and the layers. After block 0, nothing is read of what heads write at the
# chain's positions.
REACHES: dict[tuple[tuple[Component, ...], tuple[int, ...]], Reach] = {
    ((Component.RESID_PRE,), (0,)): Reach(text=True, latent=False),
    ((Component.Z,), (0,)): Reach(text=False, latent=True),
    ((Component.RESID_POST,), (0,)): Reach(text=True, latent=True),
    ((Component.V,), (1,)): Reach(text=True, latent=True, blocks=(1,)),
    ((Component.V,), (2,)): Reach(text=True, latent=True, blocks=(2,)),
    ((Component.Z,), (1, 2)): Reach(text=False, latent=False),
    ((Component.K, Component.V), (0, 1, 2)): Reach(text=True, latent=True),
}


@dataclass(frozen=True, slots=True)
class TwoSteps:
    """The constants of a planted model with two steps and the two worlds that it is asked about.

    Args:
        name: What it shows.
        direct: Weight of the digit read in the question.
        text: Weight of a digit that stands in the chain.
        latent: Weight of the question's digit carried by the chain's activations.
        passed: Weight of what is read of the first digit.
        repair: How much of a change in that the last MLP makes up for, from 0 to 1.
        gate: Weight of the gate.
        low: Where the gate begins to open; it is open 1 above.
        questions: The question's digit in the source and the base world.
        chains: The chain's two digits in the source and the base world.
    """

    name: str
    direct: float = 0.0
    text: float = 0.0
    latent: float = 0.0
    passed: float = 0.0
    repair: float = 0.0
    gate: float = 0.0
    low: float = 0.0
    questions: tuple[int, int] = (2, 4)
    chains: tuple[tuple[int, int], tuple[int, int]] = ((0, 0), (1, 1))

    def carried(self, step: int, t: int, h: int) -> float:
        """What the position of a step's digit carries: chain t, computed under question h."""
        return self.text * self.chains[t][step] + self.latent * self.questions[h]

    def answer(self, question: int, first: float, second: float, repaired: float) -> float:
        """Y from what is read, and from what the last MLP adds before its weight."""
        opened = min(1.0, max(0.0, first + second - self.low))
        return self.direct * question + self.passed * (first + repaired) + self.gate * opened

    def outcome(self, d: int, t: int, h: int) -> float:
        """Y[d, t, h] in closed form; nothing is missing, so nothing is repaired."""
        return self.answer(self.questions[d], self.carried(0, t, h), self.carried(1, t, h), 0.0)

    def cube(self) -> Float[np.ndarray, "2 2 2"]:
        """All eight outcomes."""
        y = np.empty((2, 2, 2))
        for cell in CELLS:
            y[cell] = self.outcome(*cell)
        return y

    def replaced(self, world: int, steps: Steps, reach: Reach) -> float:
        """The outcome of a world's run in which some steps' activations come from the other world."""

        def read(step: int, block: int) -> float:
            there = step in steps and block in reach.blocks
            t, h = (1 - world if there and moved else world for moved in (reach.text, reach.latent))
            return self.carried(step, t, h)

        first = read(0, 1)
        return self.answer(self.questions[world], first, read(1, 1), self.repair * (read(0, 2) - first))

    def noising(self, steps: Steps, reach: Reach) -> float:
        """The state effect of putting the source run's activations into the base run."""
        return self.outcome(1, 1, 1) - self.replaced(1, steps, reach)

    def denoising(self, steps: Steps, reach: Reach) -> float:
        """The state effect of putting the base run's activations into the source run."""
        return self.replaced(0, steps, reach) - self.outcome(0, 0, 0)

    def read_effect(self, steps: Steps, layers: tuple[int, ...]) -> float:
        """What the answer reads from some steps in some layers."""
        return self.noising(steps, Reach(text=True, latent=True, blocks=layers))

    def step_shapley(self) -> Float[np.ndarray, " step"]:
        """The Shapley values of two players: what each adds to nothing and to the other, in equal parts."""
        one, other, both = (self.read_effect(steps, (0, 1, 2)) for steps in ((0,), (1,), (0, 1)))
        return np.array([both - other + one, both - one + other]) / 2

    def interaction(self) -> float:
        """What losing both steps does beyond the sum of losing each."""
        one, other, both = (self.read_effect(steps, (0, 1, 2)) for steps in ((0,), (1,), (0, 1)))
        return both - one - other

    def head_effects(self) -> tuple[float, float]:
        """Total and direct effect of the head of block 1 that reads the first digit, at the answer's position.

        The source run's output of the head is put into the base run; for the direct effect the last MLP is held at what
        it adds in the base run.
        """
        base, source = (self.carried(0, world, world) for world in (1, 0))
        second = self.carried(1, 1, 1)
        changed = (
            self.answer(self.questions[1], source, second, repaired)
            for repaired in (self.repair * (base - source), 0.0)
        )
        total, direct = (self.outcome(1, 1, 1) - each for each in changed)
        return total, direct

    def pair(self) -> Pair:
        """The two worlds as a pair."""
        source, base = (
            Item(str(question), answer, f"{chain[0]}\n{chain[1]}")
            for question, chain, answer in zip(self.questions, self.chains, ("no", "yes"), strict=True)
        )
        return Pair(self.name, self.name, base, source)


TWO_STEPS = (
    TwoSteps("redundant steps", text=1.0, gate=2.0),
    TwoSteps("unequal redundant steps", direct=0.5, text=0.5, gate=2.0, chains=((0, 0), (2, 1))),
    TwoSteps("conjunction", text=1.0, gate=2.0, low=1.0),
    TwoSteps("latent conjunction", latent=1.0, gate=2.0, low=1.0, questions=(0, 1), chains=((5, 5), (5, 5))),
    TwoSteps("self-repair", direct=0.25, text=1.0, latent=0.5, passed=1.5, repair=0.75, chains=((2, 3), (4, 5))),
    TwoSteps("complete self-repair", text=1.0, passed=1.0, repair=1.0, chains=((2, 3), (4, 5))),
)


def two_step_model(planted: TwoSteps, dtype: torch.dtype = torch.float64) -> tuple[Any, Any]:
    """The plain transformers model with the weights set, and its tokenizer."""
    tokenizer = planted_tokenizer()
    model = blank_gpt2(len(tokenizer), channels=CHANNELS, layers=3, heads=3, dtype=dtype)
    with torch.no_grad():
        _set_weights(model, tokenizer, planted)
    return model, tokenizer


def _set_weights(model: Any, tokenizer: Any, planted: TwoSteps) -> None:
    body = model.transformer
    for digit in range(10):
        write(body.wte.weight[tokenizer.convert_tokens_to_ids(str(digit))], DIGIT, float(digit))
    marks = ((QUESTION_AT, AT_QUESTION), (FIRST_AT, AT_FIRST), (SECOND_AT, AT_SECOND), (ANSWER_AT, AT_ANSWER))
    for position, mark in marks:
        write(body.wpe.weight[position], mark, 1.0)
    carry, answer, backup = (block.attn for block in body.h)
    # One head for both digits: where a head is not told where to look, it writes the mean of all that it sees.
    attend(carry, 0, AT_FIRST, AT_QUESTION, {DIGIT: 1.0}, CARRIED)
    attend(carry, 0, AT_SECOND, AT_QUESTION, {DIGIT: 1.0}, CARRIED)
    content = {DIGIT: planted.text, CARRIED: planted.latent}
    attend(answer, 0, AT_ANSWER, AT_QUESTION, {DIGIT: 1.0}, DIRECT)
    attend(answer, REPAIRED_HEAD, AT_ANSWER, AT_FIRST, content, FIRST)
    attend(answer, 2, AT_ANSWER, AT_SECOND, content, SECOND)
    attend(backup, 0, AT_ANSWER, AT_FIRST, content, AGAIN)
    _set_gate(body.h[1].mlp, planted)
    _set_repair(body.h[REPAIR_BLOCK].mlp, planted)
    yes = model.lm_head.weight[tokenizer.convert_tokens_to_ids(" yes")]
    for channel, weight in ((DIRECT, planted.direct), (FIRST, planted.passed), (REPAIR, planted.passed), (GATE, 1.0)):
        listen(yes, channel, weight)


def _set_gate(mlp: Any, planted: TwoSteps) -> None:
    """clamp(s, 0, 1) is relu(s) - relu(s - 1)."""
    for neuron, sign in enumerate((1.0, -1.0)):
        for channel in (FIRST, SECOND):
            listen(mlp.c_fc.weight[:, neuron], channel, 1.0)
        mlp.c_fc.bias[neuron] = -planted.low - neuron
        write(mlp.c_proj.weight[neuron], GATE, sign * planted.gate)


def _set_repair(mlp: Any, planted: TwoSteps) -> None:
    """c - a is relu(c - a) - relu(a - c)."""
    for neuron, sign in enumerate((1.0, -1.0)):
        for channel, part in ((AGAIN, sign), (FIRST, -sign)):
            listen(mlp.c_fc.weight[:, neuron], channel, part)
        write(mlp.c_proj.weight[neuron], REPAIR, sign * planted.repair)
