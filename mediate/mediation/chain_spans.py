"""What an answer loses where the chain's states in a few layers are those of a run without the chain.

The run without it has filler in its place, as many tokens, so that no position moves; the states put in place are the
streams that enter the layers, and all that follows is computed anew. Beside it stands a control that can move: at the
same positions and layers, states displaced as far in a random direction. Positions of the question are none: chain and
filler come after them, so that their states are the same in both runs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float
from torch import Tensor

from mediate.errors import ItemError
from mediate.mediation.branching import branched_outcomes, branching_point
from mediate.mediation.cells import Cell
from mediate.mediation.encoding import check_takes
from mediate.mediation.item import Encoded
from mediate.mediation.kinds.references import norm_matched_noise
from mediate.mediation.kinds.state import chain_activations, placed
from mediate.mediation.names import LOGPROB
from mediate.mediation.sequences import own_sequences
from mediate.models.model import Model
from mediate.models.sites import Component, Site
from mediate.passes.interventions import Reference
from mediate.traces.edits import filler

# Layers of a span, as many as there are left in the last one.
WIDTH = 3
# Random directions that a control is averaged over.
DRAWS = 8
ENTERING = Component.RESID_PRE


@dataclass(frozen=True, slots=True, eq=False)
class SpanLosses:
    """What the measured answer's log-probability loses, in nats, by span of layers.

    Args:
        first: The first layer of each span.
        width: How many layers it has.
        chain: With the chain's states as they are without it.
        control: With states displaced as far at random, a column a draw.
        question_moved: How far the question's states differ between the two runs at most, as a part of their norm.
    """

    first: tuple[int, ...]
    width: tuple[int, ...]
    chain: Float[np.ndarray, " span"]
    control: Float[np.ndarray, "span draw"]
    question_moved: float


def span_losses(model: Model, item: Encoded, *, seed: int, width: int = WIDTH, draws: int = DRAWS) -> SpanLosses:
    """The losses of one item; of a pair, of its base and the base answer.

    Args:
        model: The hooked model.
        item: The item in tokens.
        seed: Of the random directions.
        width: Layers of a span.
        draws: Directions a span.

    Raises:
        ItemError: The tokenizer has no filler, or the model cannot take it.
    """
    try:
        ids = filler(model.need_tokenizer(), len(item.trace.ids))
    except ItemError as error:
        raise ItemError(item.id, error.reason, code=error.code) from None
    check_takes(model, item.id, [ids], len(item.whole))
    alone = replace(item, readers=replace(item.readers, source=()))
    run = own_sequences(model, alone, [LOGPROB])
    start, length = run.start, len(item.trace.ids)
    own, without = (chain_activations(model, each, 0, [ENTERING]) for each in (item.whole, (*item.question, *ids)))
    clean = branching_point(model, run, [LOGPROB])
    firsts = range(0, model.facts.layers, width)
    spans = [tuple(range(first, min(first + width, model.facts.layers))) for first in firsts]
    losses = []
    for layers in spans:
        here = {site: own[site][start:] for site in (Site(ENTERING, layer) for layer in layers)}
        there = {site: without[site][start:] for site in here}
        names = [str(Reference.FILLER), *(f"displaced {draw}" for draw in range(draws))]
        values = placed(there, run, names[0])
        for draw, name in enumerate(names[1:]):
            values |= placed(_displaced(here, there, seed + draw * model.facts.layers), run, name)
        cell = Cell(tuple(range(length)), layers)
        branches = [cell.patches([ENTERING], start, name) for name in names]
        as_it_is, y = branched_outcomes(
            model, run, [LOGPROB], branches, values, clean=clean, own=placed(here, run, Reference.SOURCE)
        )
        losses.append(as_it_is[0] - y[0])
    found = np.array(losses)
    return SpanLosses(
        tuple(firsts), tuple(map(len, spans)), found[:, 0], found[:, 1:], _most_moved(own, without, start)
    )


def _displaced(
    own: Mapping[Site, Float[Tensor, "pos d_model"]], to: Mapping[Site, Float[Tensor, "pos d_model"]], seed: int
) -> dict[Site, Float[Tensor, "pos d_model"]]:
    """States as far from a chain's own as others are, in a random direction."""
    return {site: own[site] + norm_matched_noise(to[site] - own[site], seed + site.layer) for site in own}


def _most_moved(
    own: Mapping[Site, Float[Tensor, "pos d_model"]], other: Mapping[Site, Float[Tensor, "pos d_model"]], stop: int
) -> float:
    ratios: Sequence[Tensor] = [
        (other[site][:stop] - value[:stop]).norm(dim=1) / value[:stop].norm(dim=1) for site, value in own.items()
    ]
    return float(max(each.max() for each in ratios))
