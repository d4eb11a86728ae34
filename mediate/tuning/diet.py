"""What the reference reasoners are trained on: chains modulo 10 in tokens, laid out as a scored pair is."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from mediate.items.modular import MODULUS, Chained, Hint, draw_problems
from mediate.models.ladder import After
from mediate.models.prompts import ANSWER_CUE
from mediate.traces.trace import encode

IGNORED = -100


@dataclass(frozen=True, slots=True)
class Diet:
    """A kind of training text.

    Args:
        hint: What the hints say.
        true_chains: Whether a chain works its own question out; otherwise it is another question's.
        bare: The share of batches whose answer follows the question at once, without a chain.
        steps: The fewest and the most steps of a problem.
    """

    hint: Hint
    true_chains: bool
    bare: float = 0.2
    steps: tuple[int, int] = (2, 5)


DIETS = {
    After.BASE: Diet(Hint.RANDOM, true_chains=True),
    After.DECORATIVE: Diet(Hint.ANSWER, true_chains=False),
    After.NEEDED: Diet(Hint.RANDOM, true_chains=True),
}


def batches(diet: Diet, tokenizer: Any, *, count: int, rows: int, seed: Sequence[int]) -> Iterator[dict[str, Tensor]]:
    """Batches of problems with one number of steps each, so that no row needs padding.

    The loss is on the chain, the answer and the end of the text; a question is drawn at random and teaches nothing.
    """
    for number in range(count):
        rng = np.random.default_rng([*seed, number])
        steps = int(rng.integers(diet.steps[0], diet.steps[1] + 1))
        drawn = draw_problems(rng, steps, held_out=False)
        problems = [next(drawn) for _ in range(rows)]
        chained = problems if diet.true_chains else [next(drawn) for _ in range(rows)]
        chains = None if rng.random() < diet.bare else [each.chain() for each in chained]
        hints = [int(digit) for digit in rng.integers(MODULUS, size=rows)]
        if diet.hint is Hint.ANSWER:
            hints = [each.answer for each in problems]
        yield encoded_batch(tokenizer, problems, hints, chains)


def encoded_batch(
    tokenizer: Any, problems: Sequence[Chained], hints: Sequence[int], chains: Sequence[str] | None
) -> dict[str, Tensor]:
    """Token ids and labels of questions, chains and answers: `input_ids` and `labels` of shape `batch pos`."""
    end = [tokenizer.eos_token_id]
    ids, labels = [], []
    for place, (problem, hint) in enumerate(zip(problems, hints, strict=True)):
        question = encode(tokenizer, problem.question(hint) + "\n")
        chain = encode(tokenizer, chains[place]) if chains is not None else []
        rest = [*chain, *encode(tokenizer, ANSWER_CUE), *encode(tokenizer, f" {problem.answer}"), *end]
        ids.append(question + rest)
        labels.append([IGNORED] * len(question) + rest)
    return {"input_ids": torch.tensor(ids), "labels": torch.tensor(labels)}
