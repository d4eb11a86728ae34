"""One world's run in full, as tokens, and outcomes under interventions by plain passes over it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from mediate.mediation.encoding import EncodedPair, Readers
from mediate.mediation.item import Encoded
from mediate.mediation.outcomes import USUAL, Outcome, Reading, read_off, reading
from mediate.models.model import Model
from mediate.passes.forward import forward
from mediate.passes.interventions import Interventions, Values

# Sequences that are patched side by side hold about this many tokens.
PASS_TOKENS = 2048


@dataclass(frozen=True, slots=True, eq=False)
class Sequences:
    """One world's run in full: question, chain and readers, in as many rows as the outcomes need.

    Args:
        ids: The tokens; rows differ in the readers only.
        start: Where the chain begins.
        stop: Where the readers begin.
        readout: The readers' tokens, and how outcomes are read off.
    """

    ids: Int[Tensor, "row pos"]
    start: int
    stop: int
    readout: Reading

    @property
    def readers(self) -> tuple[int, ...]:
        """The readers' positions."""
        return tuple(range(self.stop, int(self.ids.shape[1])))


def sequences(model: Model, pair: EncodedPair, world: int, outcomes: Collection[Outcome] = USUAL) -> Sequences:
    """A world's question and chain, followed by the cue and the answers."""
    return _followed(model, pair.context(world, world), len(pair.questions[world]), pair.readers, outcomes)


def own_sequences(model: Model, given: Encoded, outcomes: Collection[Outcome] = USUAL) -> Sequences:
    """An item as it is, which of a pair is the base: question and chain, followed by the cue and the answers."""
    return _followed(model, given.whole, len(given.question), given.readers, outcomes)


def _followed(
    model: Model, ids: tuple[int, ...], start: int, readers: Readers, outcomes: Collection[Outcome]
) -> Sequences:
    readout = reading(readers, model.device, outcomes)
    context = torch.tensor([ids], device=model.device).expand(len(readout.ids), -1)
    return Sequences(torch.cat([context, readout.ids], dim=1), start, len(ids), readout)


def outcomes_under(
    model: Model,
    run: Sequences,
    outcomes: Sequence[Outcome],
    interventions: Sequence[Interventions],
    values: Values,
) -> Float[np.ndarray, "outcome cell"]:
    """Each outcome under each set of interventions, by plain hooked passes over whole sequences.

    The slow twin of `mediate.mediation.branching.branched_outcomes`, and what stands in for it where a model's
    self-check failed.

    Args:
        model: The hooked model.
        run: The sequence that is intervened on.
        outcomes: What to read off.
        interventions: Those of each cell; an empty set is the run as it is.
        values: What they put in place, in the sequence's own coordinates.
    """
    rows, per_pass = len(run.ids), max(1, PASS_TOKENS // run.ids.numel())
    y = np.full((len(outcomes), len(interventions)), np.nan)
    for first in range(0, len(interventions), per_pass):
        some = range(first, min(first + per_pass, len(interventions)))
        logits = forward(
            model,
            run.ids.repeat(len(some), 1),
            [interventions[cell] for cell in some for _ in range(rows)],
            values,
            last=run.readout.last,
        ).logits
        for cell, each in zip(some, logits.reshape(len(some), rows, *logits.shape[1:]), strict=True):
            y[:, cell] = [read_off(run.readout, each, outcome) for outcome in outcomes]
    return y
