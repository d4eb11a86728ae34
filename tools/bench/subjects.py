"""What is measured on: models, items, and the interventions that all variants make alike."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from mediate.mediation.branching import branched_outcomes, branching_point
from mediate.mediation.encoding import EncodedPair, Readers, encode_pair
from mediate.mediation.kinds.state import Direction, other_world
from mediate.mediation.outcomes import Outcome, read_off
from mediate.mediation.sequences import Sequences, sequences
from mediate.models.model import Model
from mediate.models.prompts import ANSWER_CUE, Style, Template
from mediate.models.sites import Component, Site
from mediate.passes.interventions import Interventions, Patch, Reference, Values
from mediate.tasks import few_shot_prompt, generate_pairs
from mediate.traces.trace import Trace, given_trace

Y = Outcome.LOGIT_DIFF
# Neighbouring positions that are patched in every layer.
POSITIONS = 20


def an_item(model: Model, shots: int, steps: int = 2) -> EncodedPair:
    """A word problem after some worked examples of two steps."""
    (pair,) = generate_pairs(1, steps=steps, with_cot=True)
    template = Template(Style.COMPLETION, few_shot_prompt(shots=shots)) if shots else Template(Style.NONE)
    chains = (given_trace(str(item.cot), model.tokenizer) for item in (pair.source, pair.base))
    return encode_pair(model, pair, template, ANSWER_CUE, *chains)


def of_length(model: Model, length: int, steps: int = 8, seed: int = 0) -> EncodedPair:
    """A chain of random tokens, one in twenty of them another in the source world."""
    generator = torch.Generator().manual_seed(seed)

    def drawn(count: int) -> Tensor:
        return torch.randint(1, model.facts.d_vocab - 1, (count,), generator=generator)

    questions = (tuple(drawn(16).tolist()), tuple(drawn(16).tolist()))
    base = drawn(length)
    source = torch.where(torch.rand(length, generator=generator) < 0.05, drawn(length), base)
    numbers = tuple(place * steps // length for place in range(length))
    source_trace, base_trace = (
        Trace("", tuple(ids.tolist()), ("",) * length, numbers, False) for ids in (source, base)
    )
    return EncodedPair(f"of {length}", "g", questions, (source_trace, base_trace), Readers((1, 2, 3), (4,), (5,)))


@dataclass(frozen=True)
class Subject:
    """One item, and patches of its residual stream by layer and position, for every variant to make.

    Args:
        model: The hooked model.
        pair: The item.
        run: Its base world.
        other: Its source world.
        places: Layer and position, absolute, of each patch.
        values: What is put in place.
    """

    model: Model
    pair: EncodedPair
    run: Sequences
    other: Sequences
    places: tuple[tuple[int, int], ...]
    values: Values

    @property
    def branches(self) -> list[Interventions]:
        """The patches for a sweep."""
        return [
            (Patch(Site(Component.RESID_PRE, layer), (position,), None, Reference.SOURCE),)
            for layer, position in self.places
        ]

    def outcome(self, logits: Tensor) -> float:
        """What is read off, from logits at all positions."""
        return read_off(self.run.readout, logits[:, -self.run.readout.last :], Y)

    def swept(self, branches: Sequence[Interventions]) -> tuple[np.ndarray, np.ndarray]:
        """The outcome of the run as it is, and under each branch, as a map takes them."""
        clean = branching_point(self.model, self.run, [Y])
        here, y = branched_outcomes(self.model, self.run, [Y], branches, self.values, clean)
        return here, y[0]

    def __str__(self) -> str:
        length, chain = int(self.run.ids.shape[1]), self.run.stop - self.run.start
        return f"{length} tokens, {chain} of them CoT"


def subject(model: Model, pair: EncodedPair) -> Subject:
    """An item with a patch at every layer and at the CoT positions in the middle, which cost what the mean one does."""
    run, other = (sequences(model, pair, world, [Y]) for world in (1, 0))
    first = max(run.start, (run.start + run.stop - POSITIONS) // 2)
    middle = range(first, min(first + POSITIONS, run.stop))
    places = tuple((layer, place) for layer in range(model.facts.layers) for place in middle)
    values = other_world(model, pair, [Component.RESID_PRE], Direction.NOISING, run)
    return Subject(model, pair, run, other, places, values)
