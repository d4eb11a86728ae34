"""Ablation: activations at CoT positions are replaced by reference values that carry no world.

The effect is Y(base) - Y(ablated), positive where what was there speaks for the base answer. Zeros, means and noise
take the model off its distribution (Zhang and Nanda 2024), so every ablation comes with the ratio of norms of what is
put in place to what was there.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mediate.errors import InputError
from mediate.mediation.cells import Cell, check_cell
from mediate.mediation.encoding import EncodedPair
from mediate.mediation.kinds.state import chain_activations, placed, replaced_effects
from mediate.mediation.outcomes import Outcome
from mediate.mediation.sequences import Sequences, sequences
from mediate.models.model import Model
from mediate.models.sites import Component, Site
from mediate.passes.interventions import Reference, Values


@dataclass(frozen=True, slots=True, eq=False)
class Ablated:
    """The effects of an ablation and how far it leaves the distribution.

    Args:
        effects: In nats.
        norm_ratio: Of each cell: the norm of what is put in place over the norm of what was there, averaged over
            positions; 1 for `noise` by construction, 0 for `zero`.
    """

    effects: Float[np.ndarray, "outcome cell"]
    norm_ratio: Float[np.ndarray, " cell"]


def ablation_effects(
    model: Model,
    pair: EncodedPair,
    components: Sequence[Component],
    cells: Sequence[Cell],
    outcomes: Sequence[Outcome],
    by: Reference,
    *,
    others: Sequence[EncodedPair] = (),
    filler: int | None = None,
    seed: int = 0,
) -> Ablated:
    """Ablates each cell of the base run.

    Args:
        model: The hooked model.
        pair: The pair in tokens; its base run is ablated.
        components: What is replaced in every cell, together.
        cells: Where.
        outcomes: What to read off.
        by: `mean` is over all CoT positions of the other pairs' base chains; `resample` takes the first other pair's
            base chain, from its start, again from its start where it is shorter; `filler` and `shuffled` run the
            question with a chain of filler tokens or of the chain's own steps in another order; `noise` is a Gaussian
            direction of the norm that was there, at each position and head.
        others: Pairs that `mean` and `resample` draw from.
        filler: The filler's token id.
        seed: Of the shuffling and the noise.

    Raises:
        InputError: `source`, which is no ablation; other pairs or the filler's token missing; a chain of one step that
            cannot be shuffled; or a cell that does not exist.
    """
    for cell in cells:
        check_cell(model, pair, cell)
    if Component.PATTERN in components and by is not Reference.ZERO:
        raise InputError(f"{by} ablation of patterns: a row must sum to 1 over its own keys; use a knockout")
    run = sequences(model, pair, 1, outcomes)
    own = chain_activations(model, pair.context(1, 1), run.start, components)
    values = placed(_reference(model, pair, own, by, others, filler, seed), run, by)
    there = placed(own, run, Reference.SOURCE)
    effects = replaced_effects(model, run, components, cells, outcomes, values, there, by)
    return Ablated(effects, _norm_ratio(run, components, cells, values, there, by))


def _reference(
    model: Model,
    pair: EncodedPair,
    own: dict[Site, Float[Tensor, "..."]],
    by: Reference,
    others: Sequence[EncodedPair],
    filler: int | None,
    seed: int,
) -> dict[Site, Float[Tensor, "..."]]:
    components = list(dict.fromkeys(site.component for site in own))
    question, chain = pair.questions[1], pair.traces[1].ids
    if by is Reference.ZERO:
        return {site: torch.zeros_like(value) for site, value in own.items()}
    if by is Reference.NOISE:
        return {site: norm_matched_noise(value, seed + place) for place, (site, value) in enumerate(own.items())}
    if by in (Reference.MEAN, Reference.RESAMPLE):
        if not others:
            raise InputError(f"item {pair.id!r}: {by} ablation needs other pairs; give others=[...]")
        chains = [
            chain_activations(model, each.context(1, 1), len(each.questions[1]), components)
            for each in (others if by is Reference.MEAN else others[:1])
        ]
        if by is Reference.RESAMPLE:
            again = torch.arange(len(chain)) % len(others[0].traces[1].ids)
            return {site: value[again] for site, value in chains[0].items()}
        means = {site: torch.cat([each[site] for each in chains]).mean(dim=0) for site in own}
        return {site: mean.expand_as(own[site]) for site, mean in means.items()}
    if by is Reference.FILLER:
        if filler is None or not 0 <= filler < model.facts.d_vocab:
            raise InputError(f"item {pair.id!r}: filler token {filler}; give one from 0 to {model.facts.d_vocab - 1}")
        return chain_activations(model, question + (filler,) * len(chain), len(question), components)
    if by is Reference.SHUFFLED:
        order = shuffled_steps(pair, seed)
        return chain_activations(model, question + tuple(chain[place] for place in order), len(question), components)
    raise InputError(f"item {pair.id!r}: {by} is no ablation; it is the other world's activation (a state effect)")


def shuffled_steps(pair: EncodedPair, seed: int) -> tuple[int, ...]:
    """The base chain's token places with its steps in another order, drawn until some token is at another place.

    Raises:
        InputError: The chain has fewer than two steps.
    """
    spans = pair.traces[1].step_spans
    if len(spans) < 2:
        raise InputError(f"item {pair.id!r}: a chain of {len(spans)} step cannot be shuffled; give one of two or more")
    generator = np.random.default_rng(seed)
    order = np.arange(len(spans))
    while (order == np.arange(len(spans))).all():
        order = generator.permutation(len(spans))
    return tuple(place for step in order for place in range(*spans[step]))


def norm_matched_noise(value: Float[Tensor, "pos ..."], seed: int) -> Float[Tensor, "pos ..."]:
    """A Gaussian direction with the norm that `value` has along its last axis."""
    noise = torch.from_numpy(np.random.default_rng(seed).standard_normal(tuple(value.shape))).to(value)
    scale: Tensor = value.norm(dim=-1, keepdim=True) / noise.norm(dim=-1, keepdim=True)
    return noise * scale


def _norm_ratio(
    run: Sequences, components: Sequence[Component], cells: Sequence[Cell], values: Values, own: Values, by: Reference
) -> Float[np.ndarray, " cell"]:
    ratios = np.full(len(cells), np.nan)
    for place, cell in enumerate(cells):
        found = []
        for patch in cell.patches(components, run.start, by):
            if patch.site.component is Component.PATTERN:
                continue
            positions = list(patch.positions)
            new, old = values[by, patch.site][positions], own[Reference.SOURCE, patch.site][positions]
            if patch.units is not None:
                new, old = new[:, list(patch.units)], old[:, list(patch.units)]
            size = old.flatten(1).norm(dim=1).clamp_min(torch.finfo(old.dtype).tiny)
            found.append(float((new.flatten(1).norm(dim=1) / size).mean()))
        ratios[place] = float(np.mean(found)) if found else np.nan
    return ratios
