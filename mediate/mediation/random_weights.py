"""The control of random weights: what the same pair looks like in a model of the same shape that has learnt nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.stats import spearmanr

from mediate.mediation.cube import Contexts, laid_out, read_rows, run_all_contexts
from mediate.mediation.encoding import EncodedPair
from mediate.mediation.outcomes import Outcome, read_off, reading
from mediate.mediation.reads import is_aligned, read_map
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


def measure_unlearnt(twin: Model, pairs: Sequence[EncodedPair], outcome: Outcome) -> list[Unlearnt]:
    """TE and read effects of pairs in a model of random weights, from `mediate.models.random_twin`; side by side."""
    contexts = run_all_contexts(twin, pairs, _OWN)
    tokens = [reading(pair.readers, twin.device, whole_answers=outcome is Outcome.LOGPROB_DIFF) for pair in pairs]
    by_length: dict[int, list[tuple[int, int]]] = {}
    for number, pair in enumerate(pairs):
        for world in (0, 1):
            by_length.setdefault(len(pair.context(world, world)), []).append((number, world))
    y = np.full((len(pairs), 2), np.nan)
    for same in by_length.values():
        rows = [laid_out(twin, contexts[number], world, world, world) for number, world in same]
        read = read_rows(twin, [tokens[number] for number, _ in same], rows)
        for (number, world), logits in zip(same, read, strict=True):
            y[number, world] = read_off(tokens[number], logits, outcome)
    return [
        _unlearnt(twin, each, outcome, float(base - source)) for each, (source, base) in zip(contexts, y, strict=True)
    ]


def _unlearnt(twin: Model, contexts: Contexts, outcome: Outcome, te: float) -> Unlearnt:
    if not np.isfinite(te) or not is_aligned(contexts.pair):
        return Unlearnt(te, None)
    return Unlearnt(te, read_map(twin, contexts, AXES, outcome, te).values)


def rank_correlation(one: Reads | None, other: Reads | None) -> float:
    """Spearman's, over steps and layers; NaN where a map is missing, or too small or too flat to be ranked."""
    if one is None or other is None or one.size < 3 or not (np.ptp(one) > 0 and np.ptp(other) > 0):
        return float("nan")
    return float(spearmanr(one.ravel(), other.ravel()).statistic)
