"""An outcome of one's own, for answers that are one of ten digits: the answer held against these, not all tokens."""

from functools import cache

from jaxtyping import Float
from torch import Tensor

from mediate.mediation.outcomes import Reading
from mediate.models.shipped import ladder_tokenizer
from mediate.tasks.modular import MODULUS


def among_digits(reading: Reading, logits: Float[Tensor, "row last d_vocab"]) -> Float[Tensor, ""]:
    """The logit of a reference reasoner's answer less the mean over the ten digits', in nats; a guess has about 0."""
    place = reading.readers.spoken
    at = logits[0, place].double()
    value: Float[Tensor, ""] = at[reading.readers.base[place]] - at[list(_digits())].mean()
    return value


@cache
def _digits() -> tuple[int, ...]:
    tokenizer = ladder_tokenizer()
    return tuple(tokenizer.convert_tokens_to_ids(f" {digit}") for digit in range(MODULUS))
