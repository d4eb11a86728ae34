"""The number read at the answer: from the readers' tokens to logits to outcomes."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from mediate.mediation.encoding import Readers
from mediate.mediation.names import OUTCOMES as OUTCOMES
from mediate.mediation.names import USUAL as USUAL
from mediate.mediation.names import Outcome as Outcome
from mediate.mediation.names import at_home

# Logits of passes that are read off side by side, in numbers.
LOGITS = 2**22


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """The rows of tokens that a set of outcomes needs, ready for one short pass.

    Args:
        ids: Cue and answer, without the answer's last token; rows are padded at the end, where causal attention keeps
            the padding from mattering. Answers that differ in their last token alone share one row.
        last: How many positions at the end of the rows predict answer tokens.
        readers: The tokens that were laid out.
        whole: The logits of the run as it is, where an outcome is held against them.
    """

    ids: Int[Tensor, "row pos"]
    last: int
    readers: Readers
    whole: Float[Tensor, "row last d_vocab"] | None = None

    @property
    def layout(self) -> tuple[int, ...]:
        """What readers have in common that are read off side by side: rows, positions and the answers' lengths."""
        readers = self.readers
        return *self.ids.shape, self.last, readers.shared, len(readers.base), len(readers.source)


def reading(readers: Readers, device: torch.device, outcomes: Collection[Outcome] = USUAL) -> Reading:
    """Lays out the readers' tokens: both answers, or only their common beginning where no outcome takes whole ones."""
    whole = any(each.whole_answers for each in outcomes)
    answers = [readers.base, readers.source] if readers.source else [readers.base]
    wanted = [each[:-1] for each in answers] if whole else [readers.base[: readers.decisive]]
    rows = list(dict.fromkeys(wanted))
    width = max(map(len, rows))
    ids = torch.tensor([[*readers.cue, *row, *[0] * (width - len(row))] for row in rows], device=device)
    return Reading(ids, width + 1, readers)


def narrowed(reading: Reading, outcomes: Collection[Outcome]) -> tuple[Reading, Int[Tensor, " token"] | None]:
    """The same outcomes from fewer logits: at one position, and of two tokens alone, where that is all it takes.

    Returns:
        How to read off, and the tokens whose logits are then given, in order; None for the whole vocabulary.
    """
    readers = reading.readers
    if all(each.one_place for each in outcomes) and reading.last == readers.spoken + 1:
        spoken = replace(readers, base=(readers.base[readers.spoken],), source=(), spoken=0)
        return replace(reading, last=1, readers=spoken), None
    if not all(each.two_logits for each in outcomes):
        return reading, None
    if reading.last != readers.shared + 1:
        return reading, None
    tokens = torch.tensor([each[readers.shared] for each in (readers.base, readers.source)], device=reading.ids.device)
    return replace(reading, last=1, readers=replace(readers, base=(0,), source=(1,))), tokens


def read_off(reading: Reading, logits: Float[Tensor, "row last d_vocab"], outcome: Outcome) -> float:
    """The outcome of one short pass, from the logits at the positions that predict answer tokens."""
    return float(outcome_tensor(reading, logits.detach(), outcome))


def read_off_each(
    reading: Reading, logits: Float[Tensor, "cell row last d_vocab"], outcome: Outcome
) -> Float[np.ndarray, " cell"]:
    """`read_off` of several passes by the same readers."""
    if not outcome.stacks:
        return np.array([read_off(reading, each, outcome) for each in logits])
    found: Float[np.ndarray, " cell"] = at_home(outcome.home)(reading, logits.detach()).cpu().numpy()
    return found


def read_off_all(
    readouts: Sequence[Reading], logits: Sequence[Float[Tensor, "row last d_vocab"]], outcomes: Sequence[Outcome]
) -> Float[np.ndarray, "outcome pass"]:
    """`read_off` of many passes; those by readers that are laid out alike side by side.

    Args:
        readouts: The readers of each pass; those of several passes are one object, where they are the same.
        logits: Of each pass.
        outcomes: What to read off.
    """
    found = np.empty((len(outcomes), len(logits)))
    layouts = {id(each): each.layout for each in readouts}
    for number, outcome in enumerate(outcomes):
        alike: dict[object, list[int]] = {}
        for place, each in enumerate(readouts):
            alike.setdefault(layouts[id(each)] if outcome.beside else id(each), []).append(place)
        for places in alike.values():
            count = max(1, LOGITS // logits[places[0]].numel())
            for some in (places[first : first + count] for first in range(0, len(places), count)):
                together = torch.stack([logits[place] for place in some])
                if outcome.beside:
                    own = [readouts[place] for place in some]
                    found[number, some] = at_home(outcome.beside)(own, together.detach()).cpu().numpy()
                else:
                    found[number, some] = read_off_each(readouts[some[0]], together, outcome)
    return found


def outcome_tensor(reading: Reading, logits: Float[Tensor, "row last d_vocab"], outcome: Outcome) -> Float[Tensor, ""]:
    """`read_off` as a tensor, so that it can be differentiated."""
    found: Float[Tensor, ""] = at_home(outcome.home)(reading, logits)
    return found


def logit_diff(reading: Reading, logits: Float[Tensor, "*cell row last d_vocab"]) -> Float[Tensor, "*cell"]:
    """The base answer's logit less the source answer's, at the first token where they differ."""
    readers, shared = reading.readers, reading.readers.shared
    # The common beginning is the same in every row.
    at = logits[..., 0, shared, :].double()
    return at[..., readers.base[shared]] - at[..., readers.source[shared]]


def logit_diffs(readings: Sequence[Reading], logits: Float[Tensor, "pass row last d_vocab"]) -> Float[Tensor, " pass"]:
    """`logit_diff` of passes by different readers that are laid out alike."""
    shared = readings[0].readers.shared
    at = logits[:, 0, shared, :].double()
    both = [(each.readers.base[shared], each.readers.source[shared]) for each in readings]
    base, source = at.gather(1, torch.tensor(both, device=at.device)).unbind(dim=1)
    return base - source


def logprob_diff(reading: Reading, logits: Float[Tensor, "*cell row last d_vocab"]) -> Float[Tensor, "*cell"]:
    """The whole base answer's log-probability less the source answer's."""
    readers, source_row = reading.readers, len(reading.ids) - 1
    source = answer_logprob(logits[..., source_row, :, :], readers.source)
    return answer_logprob(logits[..., 0, :, :], readers.base) - source


def answer_logprob(logits: Float[Tensor, "*cell last d_vocab"], answer: tuple[int, ...]) -> Float[Tensor, "*cell"]:
    """Sum over an answer's tokens of their log-probabilities, each given the ones before it."""
    logprobs = logits[..., : len(answer), :].double().log_softmax(dim=-1)
    return logprobs[..., range(len(answer)), list(answer)].sum(dim=-1)


def logprob_diffs(
    readings: Sequence[Reading], logits: Float[Tensor, "pass row last d_vocab"]
) -> Float[Tensor, " pass"]:
    """`logprob_diff` of passes by different readers that are laid out alike."""
    source_row = len(readings[0].ids) - 1
    source = _answers_logprob(logits[:, source_row], [each.readers.source for each in readings])
    return _answers_logprob(logits[:, 0], [each.readers.base for each in readings]) - source


def _answers_logprob(
    logits: Float[Tensor, "pass last d_vocab"], answers: Sequence[tuple[int, ...]]
) -> Float[Tensor, " pass"]:
    """`answer_logprob` of answers of one length, each after a pass of its own."""
    ids = torch.tensor(answers, device=logits.device)
    logprobs = logits[:, : ids.shape[1], :].double().log_softmax(dim=-1)
    return logprobs.gather(2, ids[..., None]).squeeze(2).sum(dim=-1)
