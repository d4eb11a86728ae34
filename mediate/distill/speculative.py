"""The rule of reverse speculative decoding, for many rows at a time: arrays only.

The teacher proposes and the student, who is to learn it, accepts what it finds likely enough (arXiv 2509.22230).
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from mediate.distill.vocabularies import MISSING, Shared


@dataclass(frozen=True, slots=True)
class SpeculativeRule:
    """The numbers of the rule.

    Args:
        top: The teacher proposes from, and the student accepts from, so many of its likeliest tokens.
        likely: The least probability under the student, at temperature 1.
        trials: How many draws of the teacher are tried.
        temperature: Of what is drawn, from either model.
        top_p: The nucleus that is drawn from, of either model.
    """

    top: int = 20
    likely: float = 0.01
    trials: int = 5
    temperature: float = 0.7
    top_p: float = 0.95


@dataclass(frozen=True, slots=True, eq=False)
class Decided:
    """What was decided at one position of each row.

    Args:
        token: The student's token; -1 where neither model has a token that the other knows.
        draw: The draw of the teacher that was accepted, from 1; 0 where the student drew itself.
    """

    token: Int[Tensor, " row"]
    draw: Int[Tensor, " row"]


def decide(
    teacher: Float[Tensor, "row teacher_vocab"],
    student: Float[Tensor, "row student_vocab"],
    shared: Shared,
    uniform: Float[Tensor, "row draws"],
    rule: SpeculativeRule,
) -> Decided:
    """The next token of each row.

    Args:
        teacher: What the teacher expects, as logits.
        student: What the student expects, as logits.
        shared: Which tokens both have.
        uniform: Numbers from 0 to below 1: one for each trial, and one for the student's own draw.
        rule: The rule.
    """
    logits, tokens = _likeliest(teacher, rule.top)
    tokens = shared.student[tokens]
    proposed, there = _drawn(logits, tokens, uniform[:, : rule.trials], rule)
    own, likeliest = _likeliest(student, rule.top)
    least = own[:, -1:]
    said = student.gather(1, proposed.clamp(min=0))
    probability = (said - student.logsumexp(dim=1, keepdim=True)).exp()
    fits = there & (said >= least) & (probability >= rule.likely)
    first = torch.where(fits.any(dim=1), fits.int().argmax(dim=1), MISSING)
    # Both must read what is written on.
    known = torch.where(shared.teacher[likeliest] >= 0, likeliest, MISSING)
    fallback, _ = _drawn(own, known, uniform[:, rule.trials :], rule)
    chosen = proposed.gather(1, first.clamp(min=0)[:, None])[:, 0]
    return Decided(torch.where(first >= 0, chosen, fallback[:, 0]), first + 1)


def _likeliest(logits: Float[Tensor, "row vocab"], top: int) -> tuple[Float[Tensor, "row top"], Int[Tensor, "row top"]]:
    """The largest logits in falling order, and their tokens."""
    values, tokens = logits.topk(min(top, logits.shape[1]), dim=1)
    return values, tokens


def _drawn(
    logits: Float[Tensor, "row top"],
    tokens: Int[Tensor, "row top"],
    uniform: Float[Tensor, "row draw"],
    rule: SpeculativeRule,
) -> tuple[Int[Tensor, "row draw"], Bool[Tensor, "row draw"]]:
    """Draws from a nucleus of those candidates that are tokens, by inverting their cumulative probabilities.

    Returns:
        The tokens, and whether there was any to draw; where there was none, the token is -1.
    """
    inside = tokens >= 0
    probability = (logits.double() / rule.temperature).masked_fill(~inside, -torch.inf).softmax(dim=1).nan_to_num()
    before = probability.cumsum(dim=1) - probability
    probability = probability.masked_fill(before >= rule.top_p, 0.0)
    total = probability.cumsum(dim=1)
    at = torch.searchsorted(total, uniform.double() * total[:, -1:], right=True)
    last = probability.shape[1] - 1 - (probability.flip(1) > 0).int().argmax(dim=1, keepdim=True)
    found = tokens.gather(1, torch.minimum(at, last))
    any_there = inside.any(dim=1, keepdim=True).expand_as(found)
    return torch.where(any_there, found, MISSING), any_there
