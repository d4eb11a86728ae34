"""What the reference reasoners are trained on: chains modulo 10 in tokens, laid out as a scored pair is."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mediate.models.prompts import ANSWER_CUE
from mediate.models.shipped import After
from mediate.tasks.modular import MODULUS, Chained, Hint, draw_problems
from mediate.traces.trace import encode
from mediate.tuning.labels import labelled


@dataclass(frozen=True, slots=True)
class Diet:
    """A kind of training text.

    Args:
        hint: What the hints say.
        true_chains: Whether a chain works its own question out; otherwise it is another question's.
        chain_loss: The share of batches with a chain in which the chain is learnt too, and not the answer alone.
        bare: The share of batches whose answer follows the question at once, without a chain.
        steps: The fewest and the most steps of a problem.
    """

    hint: Hint
    true_chains: bool
    chain_loss: float = 1.0
    bare: float = 0.2
    steps: tuple[int, int] = (2, 5)


DIETS = {
    After.BASE: Diet(Hint.RANDOM, true_chains=True),
    # Where chains are noise their loss outweighs the answer's; and the two afters are to differ in their data alone.
    After.DECORATIVE: Diet(Hint.ANSWER, true_chains=False, chain_loss=0.5),
    After.NEEDED: Diet(Hint.RANDOM, true_chains=True, chain_loss=0.5),
}


@dataclass(frozen=True, slots=True)
class Batches:
    """Batches of problems with one number of steps each, so that no row needs padding; made when they are asked for.

    Args:
        diet: What they say.
        tokenizer: What turns it into tokens.
        count: Number of batches.
        rows: Problems in a batch.
        seed: Of the drawing; each batch has a stream of its own.
    """

    diet: Diet
    tokenizer: Any
    count: int
    rows: int
    seed: tuple[int, ...]

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, number: int) -> dict[str, Tensor]:
        rng = np.random.default_rng([*self.seed, number])
        steps = int(rng.integers(self.diet.steps[0], self.diet.steps[1] + 1))
        drawn = draw_problems(rng, steps, held_out=False)
        problems = list(islice(drawn, self.rows))
        chained = problems if self.diet.true_chains else list(islice(drawn, self.rows))
        chains = None if rng.random() < self.diet.bare else [each.chain() for each in chained]
        hints = [int(digit) for digit in rng.integers(MODULUS, size=self.rows)]
        if self.diet.hint is Hint.ANSWER:
            hints = [each.answer for each in problems]
        learnt = bool(rng.random() < self.diet.chain_loss)
        return encoded_batch(self.tokenizer, problems, hints, chains, chain_loss=learnt)


def encoded_batch(
    tokenizer: Any,
    problems: Sequence[Chained],
    hints: Sequence[int],
    chains: Sequence[str] | None,
    *,
    chain_loss: bool = True,
) -> dict[str, Tensor]:
    """Token ids and labels of questions, chains and answers: `input_ids` and `labels` of shape `batch pos`.

    The loss is on what follows the question, which is drawn at random and teaches nothing. Without a chain, or without
    `chain_loss`, it is on the answer and the end alone: a cue that follows a question at once must not teach the model
    to leave its chain out.
    """

    def encoded(texts: Sequence[str]) -> list[list[int]]:
        ids: list[list[int]] = tokenizer(list(texts), add_special_tokens=False, split_special_tokens=True)["input_ids"]
        return ids

    asked = encoded([f"{each.question(hint)}\n" for each, hint in zip(problems, hints, strict=True)])
    thought = encoded(chains) if chains is not None else [[]] * len(problems)
    cue, answers = encode(tokenizer, ANSWER_CUE), encoded([f" {each.answer}" for each in problems])
    end = [tokenizer.eos_token_id]
    ids = [one + chain + cue + answer + end for one, chain, answer in zip(asked, thought, answers, strict=True)]
    learnt = [len(answer) + len(end) for answer in answers]
    if chains is not None and chain_loss:
        learnt = [count + len(chain) + len(cue) for count, chain in zip(learnt, thought, strict=True)]
    rows = [labelled(row[:-count], row[-count:]) for row, count in zip(ids, learnt, strict=True)]
    return {name: torch.from_numpy(np.array([row[name] for row in rows])) for name in ("input_ids", "labels")}
