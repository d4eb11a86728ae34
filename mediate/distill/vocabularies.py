"""The tokens that a teacher and a student have in common, by what they are called."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor

from mediate.errors import InputError
from mediate.models.generation import eos_ids
from mediate.models.model import Model

# The least share of the teacher's tokens that the student must have.
LEAST = 0.5
MISSING = -1


@dataclass(frozen=True, slots=True, eq=False)
class Shared:
    """Which token of the one is which of the other.

    Args:
        student: Of each row of the teacher's unembedding the student's token, or -1.
        teacher: Of each row of the student's unembedding the teacher's token, or -1.
        share: The part of the teacher's tokens that the student has.
    """

    student: Int[Tensor, " teacher_vocab"]
    teacher: Int[Tensor, " student_vocab"]
    share: float


def shared_tokens(teacher: Model, student: Model) -> Shared:
    """The tokens that both have: those whose strings are equal, and each one's end of text for the other's.

    Raises:
        InputError: Less than half of the teacher's tokens are the student's.
    """
    theirs, own = (_tokens(model) for model in (teacher, student))
    to_student = np.full(teacher.facts.d_vocab, MISSING)
    to_teacher = np.full(student.facts.d_vocab, MISSING)
    for token, number in theirs.items():
        if token in own:
            to_student[number], to_teacher[own[token]] = own[token], number
    share = float((to_student >= 0).sum()) / max(1, len(theirs))
    if share < LEAST:
        raise InputError(
            f"the student {student.facts.name!r} has {share:.0%} of the tokens of the teacher {teacher.facts.name!r}, "
            f"and at least {LEAST:.0%} are needed; give models of one family"
        )
    for ends, others, to_other in ((eos_ids(teacher), eos_ids(student), to_student),
                                   (eos_ids(student), eos_ids(teacher), to_teacher)):  # fmt: skip
        if others:
            to_other[ends] = others[0]
    return Shared(torch.from_numpy(to_student), torch.from_numpy(to_teacher), share)


def _tokens(model: Model) -> dict[str, int]:
    """A model's tokens, by what they are called, as far as it has rows for them."""
    found: dict[str, Any] = model.need_tokenizer().get_vocab()
    return {token: number for token, number in found.items() if number < model.facts.d_vocab}
