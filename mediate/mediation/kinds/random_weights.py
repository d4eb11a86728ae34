"""The control of random weights: what the same item looks like in a model of the same shape that has learnt nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from scipy.stats import spearmanr

from mediate.errors import ItemError
from mediate.mediation.alignment import is_aligned
from mediate.mediation.batching import PADDING, of_like_length, side_by_side
from mediate.mediation.cells import cells_of
from mediate.mediation.encoding import EncodedPair
from mediate.mediation.item import Encoded
from mediate.mediation.kinds.controls import Found, controlled
from mediate.mediation.kinds.cube import Contexts, Ids
from mediate.mediation.kinds.read import read_effects
from mediate.mediation.outcomes import Outcome, read_off, reading
from mediate.models.model import Model
from mediate.models.rope import depends_on_length
from mediate.pairs.pair import World
from mediate.passes.keyvalues import KeyValues, prefill, run_on
from mediate.results.controls import Control, Controlled
from mediate.results.maps import NonFiniteError
from mediate.traces.trace import shared_beginning

# The axes of the read effects that are ranked.
RANKED = ("step", "layer")
Reads = Float[np.ndarray, "step layer"]
"""Effects by step and layer, which the two models are compared by: read effects, or an item's knockout effects."""


@dataclass(frozen=True, slots=True, eq=False)
class Unlearnt:
    """A pair, or an item by itself, in a model of random weights.

    Args:
        te: Its total effect, in nats.
        reads: Its read effects, in nats, or an item's knockout effects; None where the chains cannot be aligned, the
            logits are no numbers, or an item's are not asked for.
    """

    te: float
    reads: Reads | None


def measure_unlearnt(twin: Model, pairs: Sequence[EncodedPair], outcome: Outcome) -> list[Unlearnt]:
    """TE and read effects of pairs in a model of random weights, from `mediate.models.random_twin`; side by side.

    Each question with its own chain is run with the readers at the end, those of like length in one pass, padded at the
    end; what all begin with is run once.
    """
    readouts = [reading(pair.readers, twin.device, [outcome]) for pair in pairs]
    wanted = {(number, world): pair.context(world, world) for number, pair in enumerate(pairs) for world in World}
    common = shared_beginning(list(wanted.values()))
    past = prefill(twin, torch.tensor([common], device=twin.device))[0] if common else None
    rows = {
        (number, world): [[*context[len(common) :], *row] for row in readouts[number].ids.tolist()]
        for (number, world), context in wanted.items()
    }
    lengths = {key: len(some) * len(some[0]) for key, some in rows.items()}
    runs: list[dict[tuple[Ids, Ids], KeyValues]] = [{} for _ in pairs]
    y = np.full((len(pairs), 2), np.nan)
    for keys in of_like_length(lengths, side_by_side(twin), 0.0 if depends_on_length(twin.plain.config) else PADDING):
        width = max(len(rows[key][0]) for key in keys)
        ids = [row + [0] * (width - len(row)) for key in keys for row in rows[key]]
        last = width - min(len(rows[key][0]) - readouts[key[0]].last for key in keys)
        found, logits = run_on(twin, torch.tensor(ids, device=twin.device), past=past, last=last)
        first = 0
        for number, world in keys:
            own, some = readouts[number], rows[number, world]
            end = last - (width - len(some[0]))
            y[number, world] = read_off(own, logits[first : first + len(some), end - own.last : end], outcome)
            pair = pairs[number]
            context = found[first].part(0, len(wanted[number, world]))
            runs[number][pair.questions[world], pair.traces[world].ids] = context
            first += len(some)
    return [
        _unlearnt(twin, Contexts(pair, own), outcome, float(base - source))
        for pair, own, (source, base) in zip(pairs, runs, y, strict=True)
    ]


def _unlearnt(twin: Model, contexts: Contexts, outcome: Outcome, te: float) -> Unlearnt:
    return Unlearnt(te, ranked_reads(twin, contexts, outcome) if np.isfinite(te) else None)


def ranked_reads(model: Model, contexts: Contexts, outcome: Outcome) -> Reads | None:
    """The read effects that are held against those of the other model, in nats; None where chains cannot be aligned.

    Raises:
        NonFiniteError: The logits are no numbers.
    """
    if not is_aligned(contexts.pair):
        return None
    cells, coords = cells_of(model, contexts.pair, RANKED)
    effects = read_effects(model, contexts, cells, outcome)
    if not np.isfinite(effects).all():
        raise NonFiniteError(f"item {contexts.pair.id!r}: a read effect is NaN or infinite")
    return effects.reshape([len(coords[name]) for name in RANKED])


def beside_random_weights(
    tokens: Encoded, outcome: Outcome, te: float, reads: Reads | None, unlearnt: Unlearnt | str
) -> Controlled:
    """The control of one pair or item.

    Args:
        tokens: The pair or item.
        outcome: What was read off.
        te: Its total effect in the model itself, in nats.
        reads: Its read effects there, where they are ranked.
        unlearnt: What random weights make of it, or why nothing was found.
    """

    def measure() -> Found:
        if isinstance(unlearnt, str):
            raise ItemError(tokens.id, unlearnt, code="no_twin")
        return {"effect": unlearnt.te, "beside": te, "rank": rank_correlation(reads, unlearnt.reads)}

    return controlled(tokens, Control.RANDOM_WEIGHTS, outcome, measure)


def rank_correlation(one: Reads | None, other: Reads | None) -> float:
    """Spearman's, over steps and layers; NaN where a map is missing, or too small or too flat to be ranked."""
    if one is None or other is None or one.size < 3 or not (np.ptp(one) > 0 and np.ptp(other) > 0):
        return float("nan")
    return float(spearmanr(one.ravel(), other.ravel()).statistic)
