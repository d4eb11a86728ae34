"""The control of random weights: what the same pair looks like in a model of the same shape that has learnt nothing."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.stats import spearmanr

from mediate.errors import ItemError
from mediate.mediation.cube import laid_out, read_rows, run_all_contexts
from mediate.mediation.encoding import EncodedPair
from mediate.mediation.outcomes import Outcome, read_off, reading
from mediate.mediation.reads import read_map
from mediate.models.model import Model

AXES = ("step", "layer")
Reads = Float[np.ndarray, "step layer"]
# Each question with its own chain; crossed ones are not needed for TE and read effects.
_OWN = ((0, 0), (1, 1))


@dataclass(frozen=True, slots=True, eq=False)
class Unlearnt:
    """A pair in a model of random weights.

    Args:
        te: Its total effect, in nats.
        reads: Its read effects, in nats; None where the chains cannot be aligned, or the logits are no numbers.
    """

    te: float
    reads: Reads | None


def measure_unlearnt(twin: Model, pair: EncodedPair, outcome: Outcome) -> Unlearnt:
    """TE and read effects of a pair in a model of random weights, from `mediate.models.random_twin`."""
    contexts = run_all_contexts(twin, [pair], _OWN)[0]
    tokens = reading(pair.readers, twin.device, whole_answers=outcome is Outcome.LOGPROB_DIFF)
    worlds = [laid_out(twin, contexts, world, world, world) for world in (0, 1)]
    together = len(pair.context(0, 0)) == len(pair.context(1, 1))
    read = [worlds] if together else [worlds[:1], worlds[1:]]
    source, base = (
        read_off(tokens, logits, outcome) for rows in read for logits in read_rows(twin, [tokens] * len(rows), rows)
    )
    te = base - source
    if not np.isfinite(te):
        return Unlearnt(te, None)
    try:
        return Unlearnt(te, read_map(twin, contexts, AXES, outcome, te).values)
    except ItemError:
        return Unlearnt(te, None)


def rank_correlation(one: Reads | None, other: Reads | None) -> float:
    """Spearman's, over steps and layers; NaN where a map is missing, or too small or too flat to be ranked."""
    if one is None or other is None or one.size < 3 or not (np.ptp(one) > 0 and np.ptp(other) > 0):
        return float("nan")
    return float(spearmanr(one.ravel(), other.ravel()).statistic)
