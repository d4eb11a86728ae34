"""What an identity is: a statement, how far a model may be from it, and the pair of tokens that it is tried on."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from mediate.mediation.encoding import EncodedPair, Readers
from mediate.models.model import Model
from mediate.models.sites import Component
from mediate.traces.trace import Trace

# Lengths of what `token_pair` draws; the answers begin with a token in common.
QUESTION, STEPS, CUE = 5, (3, 4), 3


class Size(StrEnum):
    """How large an identity's number may be: not at all, as float64 or the model's dtype rounds, or it must be large.

    `rounded` numbers are as large as logits, and `shares` are at most 1.
    """

    EXACT = "exact"
    ARITHMETIC = "arithmetic"
    ROUNDED = "rounded"
    SHARES = "shares"
    DIFFERENT = "different"


@dataclass(frozen=True, slots=True)
class Identity:
    """One statement that is tried on a model and a pair.

    Args:
        name: The statement.
        deviation: The number that it is about.
        kind: How large that may be.
        check: The model's own check without which it is not tried.
        components: Those without which it is not tried.
    """

    name: str
    deviation: Callable[[Model, EncodedPair], float]
    kind: Size = Size.ROUNDED
    check: str = ""
    components: tuple[Component, ...] = ()

    def why_not(self, model: Model) -> str:
        """What the model lacks, in words; empty where the identity can be tried."""
        lacking = [f"{each} is not offered" for each in self.components if each in model.refused]
        if self.check and not (tried := model.check(self.check)).passed:
            lacking.append(tried.detail or f"{self.check} failed at load")
        return ", ".join(lacking)


def token_pair(model: Model, seed: int = 0) -> EncodedPair:
    """A pair of random tokens of a model's vocabulary, in chains of two steps."""
    generator = np.random.default_rng(seed)

    def drawn(count: int) -> tuple[int, ...]:
        return tuple(generator.choice(model.facts.d_vocab, size=count, replace=False).tolist())

    steps = tuple(step for step, length in enumerate(STEPS) for _ in range(length))
    source, base = (Trace("", drawn(len(steps)), ("",) * len(steps), steps) for _ in (0, 1))
    first, one, other = drawn(3)
    readers = Readers(drawn(CUE), (first, one), (first, other))
    return EncodedPair("tokens", "tokens", (drawn(QUESTION), drawn(QUESTION)), (source, base), readers)
