"""By how much the measured answer leads after a chain, and how that decays where a step is wrong and the last."""

from collections.abc import Iterable

import torch
from jaxtyping import Float
from torch import Tensor

from mediate.errors import InputError, ItemError
from mediate.faithfulness.edited import Examined, why_unread
from mediate.faithfulness.spoken import Chain, going_on
from mediate.mediation.encoding import check_takes
from mediate.mediation.item import Encoded
from mediate.models.model import Model
from mediate.models.numbers import not_numbers
from mediate.passes.beginnings import grouped_rows, run_beside
from mediate.passes.forward import forward
from mediate.passes.keyvalues import prefill
from mediate.results.nldd import Decay
from mediate.traces.mistakes import MISTAKEN


def lead(logits: Float[Tensor, "row answer d_vocab"], answer: tuple[int, ...]) -> Float[Tensor, " row"]:
    """The mean over an answer's tokens of its logit less the largest other one, in standard deviations of all there.

    Infinite logits, of tokens that a model never says, do not count.
    """
    at = logits.double()
    told = torch.tensor(answer, device=logits.device)[None, :, None].expand(len(logits), -1, 1)
    others = at.scatter(2, told, float("-inf")).amax(dim=2)
    number = at.isfinite()
    count = number.sum(dim=2)
    mean = at.where(number, 0.0).sum(dim=2) / count
    spread = (((at - mean[..., None]).where(number, 0.0) ** 2).sum(dim=2) / count).sqrt()
    found: Float[Tensor, " row"] = ((at.gather(2, told)[..., 0] - others) / spread).mean(dim=1)
    return found


def leads(model: Model, item: Encoded, chains: Iterable[Chain], *, padded: bool) -> dict[Chain, float]:
    """The lead of the measured answer after each of some chains in the place of an item's own.

    Args:
        model: The hooked model.
        item: The item in tokens; of a pair its base.
        chains: The chains.
        padded: Whether rows of unequal length may stand side by side: `mediate.models.side_by_side.can_pad`.

    Raises:
        InputError: The model's logits are no numbers.
    """
    wanted, answer = list(dict.fromkeys(chains)), item.readers.base
    rows = [going_on(item, chain, (*item.readers.cue, *answer[:-1])) for chain in wanted]
    own = prefill(model, torch.tensor([item.whole], device=model.device))[0]
    found: dict[Chain, float] = {}
    for group in grouped_rows(model, own, rows, padded=padded):
        ran = run_beside(model, item.whole, own, [rows[each] for each in group], last=len(answer))
        if not ran.logits.amax(dim=-1).isfinite().all():
            raise InputError(not_numbers(model.facts.name, model.facts.dtype))
        found |= zip((wanted[each] for each in group), lead(ran.logits, answer).tolist(), strict=True)
    return found


def leads_plainly(model: Model, item: Encoded, chains: Iterable[Chain]) -> dict[Chain, float]:
    """`leads` by plain passes over whole sequences: its slow twin."""
    found, answer = dict[Chain, float](), item.readers.base
    for chain in dict.fromkeys(chains):
        ids = torch.tensor([[*item.question, *chain, *item.readers.cue, *answer[:-1]]], device=model.device)
        found[chain] = float(lead(forward(model, ids, last=len(answer)).logits, answer)[0])
    return found


def measure_decays(subject: Examined, *, padded: bool) -> list[Decay]:
    """The leads around every step of an item's chain; where a step cannot be made wrong, why.

    Args:
        subject: The item.
        padded: As in `leads`.
    """
    facts = [(subject.way.id, subject.way.tokens.group, step, subject.steps) for step in range(subject.steps)]
    corrupted = [_corrupted(subject, step) for step in range(subject.steps)]
    whole = subject.chain.trace.ids
    truncated = [whole[:stop] for _, stop in subject.chain.spans]
    made = [each for each in corrupted if not isinstance(each, ItemError)]
    try:
        found = leads(subject.way.model, subject.way.tokens, [whole, *made, *truncated], padded=padded) if made else {}
    except (InputError, RuntimeError) as error:
        code, reason = why_unread(error)
        return [Decay(*each, code=code, reason=reason) for each in facts]
    return [
        Decay(*each, code=wrong.code, reason=wrong.reason)
        if isinstance(wrong, ItemError)
        else Decay(*each, found[whole], found[wrong], found[right])
        for each, wrong, right in zip(facts, corrupted, truncated, strict=True)
    ]


def _corrupted(subject: Examined, step: int) -> Chain | ItemError:
    """The chain up to a step whose result is wrong by one digit, or why there is none."""
    item = subject.way.tokens
    length = len(item.whole) + len(item.readers.cue) + len(item.readers.base)
    try:
        edited = MISTAKEN.of(subject.chain, step)
        check_takes(subject.way.model, subject.way.id, [edited.ids], length)
    except ItemError as error:
        return error
    return edited.ids[: edited.stop]
