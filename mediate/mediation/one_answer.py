"""Outcomes of an item without a twin: numbers read at its one answer, from the logits that predict its tokens.

Seeing speaks for the measured answer where the number falls as something is hidden; a wrong given answer may have a
negative total effect.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from mediate.mediation.outcomes import Reading, answer_logprob


def logit(reading: Reading, logits: Float[Tensor, "row last d_vocab"]) -> Float[Tensor, ""]:
    """The logit of the answer's first token that is more than white space, less the mean over all finite logits there.

    A logit by itself means nothing: adding one number to all of them changes no probability. Less their mean it does,
    and unlike a log-probability it does not saturate.
    """
    place = reading.readers.spoken
    at = logits[0, place].double()
    value: Float[Tensor, ""] = at[reading.readers.base[place]] - at[at.isfinite()].mean()
    return value


def logprob(reading: Reading, logits: Float[Tensor, "row last d_vocab"]) -> Float[Tensor, ""]:
    """The whole answer's log-probability."""
    return answer_logprob(logits[0], reading.readers.base)


def prob(reading: Reading, logits: Float[Tensor, "row last d_vocab"]) -> Float[Tensor, ""]:
    """The whole answer's probability."""
    return logprob(reading, logits).exp()


def margin(reading: Reading, logits: Float[Tensor, "row last d_vocab"]) -> Float[Tensor, ""]:
    """The answer's logit less its rival's, at the first token where they differ; NaN without a rival.

    The rival is one for all cells: see `mediate.mediation.contrasts.hidden.rival`.
    """
    readers = reading.readers
    if not readers.source:
        return torch.tensor(float("nan"), dtype=torch.float64, device=logits.device)
    at = logits[0, readers.shared].double()
    return at[readers.base[readers.shared]] - at[readers.source[readers.shared]]


def kl(reading: Reading, logits: Float[Tensor, "row last d_vocab"]) -> Float[Tensor, ""]:
    """Less the KL divergence from the whole run's next token to this one's, where the answer's logit is read.

    So it is 0 of the whole run and falls as less of it is left.
    """
    assert reading.whole is not None, "kl is held against the whole run; see `grounded`"
    place = reading.readers.spoken
    whole, here = (each[0, place].double().log_softmax(dim=-1) for each in (reading.whole, logits))
    likely = whole > float("-inf")
    value: Float[Tensor, ""] = -(whole.exp()[likely] * (whole - here)[likely]).sum()
    return value


def same_answer(reading: Reading, logits: Float[Tensor, "row last d_vocab"]) -> Float[Tensor, ""]:
    """1 where each of the answer's tokens is the likeliest after those before it, else 0."""
    base = torch.tensor(reading.readers.base, device=logits.device)
    return (logits[0, : len(base)].argmax(dim=-1) == base).all().double()


def greedy_rival(reading: Reading, logits: Float[Tensor, "row last d_vocab"]) -> tuple[int, ...]:
    """What some logits would rather say: the answer up to its first token that is not the likeliest, and the likeliest.

    Empty where the answer itself is likeliest throughout, so that there is no rival.
    """
    base = reading.readers.base
    likeliest = logits[0, : len(base)].argmax(dim=-1).tolist()
    first = next((place for place, token in enumerate(base) if likeliest[place] != token), None)
    return () if first is None else (*base[:first], likeliest[first])
