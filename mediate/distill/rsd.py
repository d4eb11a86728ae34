"""Reverse speculative decoding: a teacher proposes each token, and the student accepts it or draws one itself.

Both read what was written so far, each in its own tokens, with keys and values kept. What is drawn at a position of a
trace depends on the trace's own seed alone, so a trace is the same in any batch.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
import torch

from mediate.distill.speculative import SpeculativeRule, decide
from mediate.distill.vocabularies import Shared
from mediate.errors import InputError
from mediate.models.generation import eos_ids
from mediate.models.model import Model
from mediate.models.stepping import Stepping
from mediate.passes.unhooked import leanly

# A trace of which none of the first so many tokens was the teacher's is the student's own, and is given up.
NONE_ACCEPTED = 64


class Ending(StrEnum):
    """Why a trace is at its end."""

    CLOSED = "closed"
    LENGTH = "length"
    APART = "apart"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class ToWrite:
    """One trace that is to be written.

    Args:
        teacher: The question in the teacher's tokens, as it is put to it.
        student: The same in the student's.
        seed: Of its draws.
        most: The most tokens that it may have.
    """

    teacher: tuple[int, ...]
    student: tuple[int, ...]
    seed: tuple[int, ...]
    most: int


@dataclass(slots=True)
class Together:
    """A trace that both wrote.

    Args:
        tokens: The student's tokens, without the one that ends it.
        draws: Of each, the teacher's draw that was accepted, from 1, or 0 where the student drew itself.
        ending: Why it is at its end: `closed` by the student's end of text, too long (`length`), without a token that
            both have (`apart`), or nothing of the teacher's accepted in `NONE_ACCEPTED` tokens (`rejected`).
    """

    tokens: list[int] = field(default_factory=list)
    draws: list[int] = field(default_factory=list)
    ending: Ending = Ending.LENGTH

    @property
    def fallback(self) -> float:
        """The share of its tokens that the student drew itself; 0 of no tokens."""
        return self.draws.count(0) / len(self.draws) if self.draws else 0.0


def write_together(
    models: tuple[Model, Model], traces: Sequence[ToWrite], shared: Shared, rule: SpeculativeRule
) -> list[Together]:
    """Writes some traces side by side.

    Args:
        models: The teacher and the student.
        traces: What is to be written; of unequal lengths only where both models can pad.
        shared: The tokens that both have.
        rule: The rule.

    Raises:
        InputError: A model's logits are no numbers, or the student has no token that ends a text.
    """
    teacher, student = models
    ends = eos_ids(student)
    if not ends:
        raise InputError(f"model {student.facts.name!r} has no token that ends a text, so no trace would be closed")
    found = [Together() for _ in traces]
    drawing = [np.random.default_rng(each.seed) for each in traces]
    with ExitStack() as stack:
        for model in {id(each): each for each in models}.values():
            stack.enter_context(leanly(model))
        beside = (
            Stepping(teacher, [each.teacher for each in traces]),
            Stepping(student, [each.student for each in traces]),
        )
        going = list(range(len(traces)))
        while going:
            uniform = torch.from_numpy(np.stack([drawing[row].random(rule.trials + 1) for row in going]))
            decided = decide(beside[0].logits.cpu(), beside[1].logits.cpu(), shared, uniform, rule)
            tokens, draws = decided.token.tolist(), decided.draw.tolist()
            left = [
                place
                for place, row in enumerate(going)
                if not _is_over(found[row], tokens[place], draws[place], ends, traces[row].most)
            ]
            if not left:
                break
            where = torch.tensor(left, device=decided.token.device)
            if len(left) < len(going):
                for each in beside:
                    each.keep(where)
            beside[0].grow(shared.teacher[decided.token[where]])
            beside[1].grow(decided.token[where])
            going = [going[place] for place in left]
    return found


def _is_over(trace: Together, token: int, draw: int, ends: Sequence[int], most: int) -> bool:
    """Writes a token down, and says whether the trace is at its end."""
    if token < 0:
        trace.ending = Ending.APART
        return True
    if token in ends:
        trace.ending = Ending.CLOSED
        return True
    trace.tokens.append(token)
    trace.draws.append(draw)
    if len(trace.draws) == NONE_ACCEPTED and not any(trace.draws):
        trace.ending = Ending.REJECTED
        return True
    return len(trace.tokens) >= most
