"""The reference values that carry no world. A new one may be a file of its own; it is a line in `REFERENCES`.

Zeros, means and noise are of no chain at all; a resampled, filled or shuffled chain is one that the model has run.
"""

from functools import partial

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mediate.errors import InputError, ItemError
from mediate.mediation.encoding import EncodedPair
from mediate.mediation.item import Encoded
from mediate.mediation.kinds.reference_value import Activations, Material, ReferenceValue
from mediate.mediation.kinds.state import chain_activations
from mediate.models.model import Model
from mediate.models.sites import Component
from mediate.passes.interventions import Reference
from mediate.results.reference_words import OTHER
from mediate.traces.edits import shuffled_places


def _zeros(model: Model, pair: Encoded, own: Activations, material: Material) -> Activations:
    return {site: torch.zeros_like(value) for site, value in own.items()}


def _noise(model: Model, pair: Encoded, own: Activations, material: Material) -> Activations:
    """A Gaussian direction of the norm that was there, at each position and head."""
    return {site: norm_matched_noise(value, material.seed + place) for place, (site, value) in enumerate(own.items())}


def _mean(model: Model, pair: Encoded, own: Activations, material: Material) -> Activations:
    """Over all CoT positions of the others' base chains."""
    count = sum(len(each.trace.ids) for each in material.others)
    sums = [_summed(model, each, own, material) for each in material.others]
    return {
        site: (torch.stack([each[site] for each in sums]).sum(dim=0) / count).to(value.dtype).expand_as(value)
        for site, value in own.items()
    }


def _summed(model: Model, pair: Encoded, own: Activations, material: Material) -> Activations:
    """The sum over a base chain's positions, in float64, computed where it is not known."""
    keys = {site: (id(model.plain), pair.whole, site) for site in own}
    if not all(key in material.sums for key in keys.values()):
        found = _base_chain(model, pair, own)
        material.sums.update({key: found[site].double().sum(dim=0) for site, key in keys.items()})
    return {site: material.sums[key] for site, key in keys.items()}


def _resample(model: Model, pair: Encoded, own: Activations, material: Material) -> Activations:
    """The first other pair's base chain, from its start, again from its start where it is shorter."""
    return _in_turn(model, material.others[0], pair, own)


def _other(model: Model, pair: Encoded, own: Activations, material: Material) -> Activations:
    """The nearest other item's chain in the same way."""
    assert material.nearest is not None, "checked by its needs"
    return _in_turn(model, material.nearest, pair, own)


def _in_turn(model: Model, other: Encoded, pair: Encoded, own: Activations) -> Activations:
    again = torch.arange(len(pair.trace.ids), device=model.device) % len(other.trace.ids)
    return {site: value[again] for site, value in _base_chain(model, other, own).items()}


def _filler(model: Model, pair: Encoded, own: Activations, material: Material) -> Activations:
    """The question with a chain of filler tokens."""
    assert material.filler is not None, "checked by its needs"
    return _in_place(model, pair, own, (material.filler,) * len(pair.trace.ids))


def _shuffled(model: Model, pair: Encoded, own: Activations, material: Material) -> Activations:
    """The question with the chain's own steps in another order."""
    chain = pair.trace.ids
    return _in_place(model, pair, own, tuple(chain[place] for place in shuffled_steps(pair, material.seed)))


def _in_place(model: Model, pair: Encoded, own: Activations, chain: tuple[int, ...]) -> Activations:
    """What another chain is after the base question."""
    question = pair.question
    return chain_activations(model, question + chain, len(question), _components(own))


def _base_chain(model: Model, pair: Encoded, own: Activations) -> Activations:
    return chain_activations(model, pair.whole, len(pair.question), _components(own))


def _components(own: Activations) -> list[Component]:
    return list(dict.fromkeys(site.component for site in own))


def _needs_others(by: Reference, model: Model, pair: Encoded, material: Material) -> None:
    if not material.others:
        noun = "pairs" if isinstance(pair, EncodedPair) else "items of other groups"
        raise InputError(f"item {pair.id!r}: {by} ablation needs other {noun}; give others=[...]")


def _needs_nearest(model: Model, pair: Encoded, material: Material) -> None:
    if material.nearest is None:
        raise InputError(f"item {pair.id!r}: there is no other item of another group and answer; give others=[...]")


def _needs_filler(model: Model, pair: Encoded, material: Material) -> None:
    if material.filler is None or not 0 <= material.filler < model.facts.d_vocab:
        raise InputError(
            f"item {pair.id!r}: filler token {material.filler}; give one from 0 to {model.facts.d_vocab - 1}"
        )


def shuffled_steps(pair: Encoded, seed: int) -> tuple[int, ...]:
    """The base chain's token places with its steps in another order, drawn until some token is at another place.

    Raises:
        InputError: The chain has fewer than two steps.
    """
    try:
        return shuffled_places(pair.trace, seed)
    except ItemError as error:
        raise ItemError(pair.id, error.reason, code=error.code) from None


def norm_matched_noise(value: Float[Tensor, "pos ..."], seed: int) -> Float[Tensor, "pos ..."]:
    """A Gaussian direction with the norm that `value` has along its last axis."""
    noise = torch.from_numpy(np.random.default_rng(seed).standard_normal(tuple(value.shape))).to(value)
    scale: Tensor = value.norm(dim=-1, keepdim=True) / noise.norm(dim=-1, keepdim=True)
    return noise * scale


REFERENCES = (
    ReferenceValue(Reference.ZERO, _zeros, of_patterns=True),
    ReferenceValue(Reference.MEAN, _mean, partial(_needs_others, Reference.MEAN)),
    ReferenceValue(Reference.RESAMPLE, _resample, partial(_needs_others, Reference.RESAMPLE)),
    ReferenceValue(OTHER, _other, _needs_nearest),
    ReferenceValue(Reference.FILLER, _filler, _needs_filler),
    ReferenceValue(Reference.SHUFFLED, _shuffled),
    ReferenceValue(Reference.NOISE, _noise),
)


def reference_named(pair: Encoded, name: str) -> ReferenceValue:
    """The reference value of that name.

    Raises:
        InputError: There is none, or it is the other world's activation.
    """
    if name == Reference.SOURCE:
        raise InputError(
            f"item {pair.id!r}: {name} is no ablation; it is the other world's activation (a state effect)"
        )
    found = next((each for each in REFERENCES if each.name == name), None)
    if found is None:
        raise InputError(f"no reference value {name!r}; there are {', '.join(each.name for each in REFERENCES)}")
    return found
