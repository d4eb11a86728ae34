"""A model with a vector added where thoughts open: a model of its own, with the weights of its base."""

import copy
import hashlib
import math
from dataclasses import replace
from typing import Any

import torch
from jaxtyping import Int
from torch import Tensor, nn

from mediate.errors import InputError, one_line
from mediate.models.model import Model, Probe
from mediate.models.sites import Component, Site
from mediate.models.steering import Adding, Steering
from mediate.models.steering_vector import SteeringVector, check_fits
from mediate.models.trial import tried_hooked

# Positions of the probe that are given an opening token; the first is left out, as no chain opens there.
_OPENED = (2, 5)


def steer(model: Model, vector: SteeringVector, alpha: float, *, name: str | None = None, copied: bool = True) -> Model:
    """The model with `alpha` times a vector added at every opening token, after the vector's block.

    `mediate.passes.loaded.steered` checks it, too. Block `layer` ends with the addition: activations at `resid_post`
    are kept with it, and what is written there replaces it; what is written elsewhere in the block comes before it.
    With an alpha of 0 nothing is put on the network.

    Args:
        model: The hooked model, as it is.
        vector: The direction, its layer and its opening tokens.
        alpha: How often it is added.
        name: What to call the steered model; by default after the model, the layer and alpha.
        copied: Whether the network is copied, with the same weights in memory, so that the model itself stays as it is.

    Raises:
        InputError: The model is steered already, the vector is another model's, alpha is no number, or the network
            cannot be copied or does not run.
    """
    if model.steering is not None:
        raise InputError(f"model {model.facts.name!r} is steered already; give its base")
    if not math.isfinite(alpha):
        raise InputError(f"alpha {alpha}: not a number to multiply with; give one such as 1.0")
    check_fits(vector, model.facts)
    facts = model.facts
    steered = replace(
        model,
        bridge=_copied(model) if copied else model.bridge,
        facts=replace(
            facts,
            name=name or f"{facts.name}-steered-L{vector.layer}-a{alpha:g}",
            source=f"{facts.source}+steering",
            fingerprint=steered_fingerprint(facts.fingerprint, vector, alpha),
            files={},
        ),
        checks=(),
        refused={},
        masked=False,
        turnings=(),
        steering=Steering(vector, alpha, facts, None),
    )
    if not alpha:
        return steered
    added = (alpha * vector.direction.double()).to(model.device, model.dtype)
    ids = _opened(model.probe.ids, vector)
    probe = Probe(ids, tried_hooked(model, lambda: _by_hand(model, ids, vector, added)))
    opening = torch.zeros(facts.d_vocab, dtype=torch.bool, device=model.device)
    opening[vector.opening] = True
    network = Adding(opening, added)
    network.put_on(steered.plain, steered.bridge.blocks[vector.layer].original_component)
    return replace(steered, probe=probe, steering=replace(_steering(steered), network=network))


def steered_fingerprint(base: str, vector: SteeringVector, alpha: float) -> str:
    """sha256 over the model's own fingerprint, the vector with its layer and tokens, and alpha."""
    return hashlib.sha256(f"steered {base} {vector.digest} {float(alpha)!r}".encode()).hexdigest()


def _steering(model: Model) -> Steering:
    assert model.steering is not None
    return model.steering


def _copied(model: Model) -> Any:
    """The bridge and the network under it, with modules and hooks of their own on the same weights."""
    shared: dict[int, Any] = {
        id(each): each for each in [*nn.Module.parameters(model.bridge), *nn.Module.buffers(model.bridge)]
    }
    # An attention keeps the pattern of its last pass, which belongs to a graph where that pass had gradients.
    left = (each for module in nn.Module.modules(model.bridge) for each in vars(module).values())
    shared |= {id(each): each.detach() for each in left if isinstance(each, Tensor) and not each.is_leaf}
    try:
        copied = copy.deepcopy(model.bridge, shared)
        for block in copied.blocks:
            # They reach modules of the network that was copied; the next pass puts others on.
            block._teardown_capture_hooks()
        return copied
    except Exception as error:  # modules of some 140 architectures raise what they like
        raise InputError(
            f"model {model.facts.name!r} ({model.facts.architecture}): its network cannot be copied "
            f"({one_line(error, 200)}); give another model"
        ) from error


def _opened(ids: Int[Tensor, "world pos"], vector: SteeringVector) -> Int[Tensor, "world pos"]:
    """The probe with opening tokens, at the same places in both rows, so that an exchange of the rows exchanges all."""
    opened = ids.clone()
    openers = set(vector.opening.tolist())
    other = next((token for token in ids.flatten().tolist() if token not in openers), None)
    for row in range(len(ids)):
        for place, token in enumerate(ids[row].tolist()):
            if place in _OPENED:
                opened[row, place] = vector.opening[(row + place) % len(vector.opening)]
            elif token in openers and other is not None:
                opened[row, place] = other
    return opened


def _by_hand(model: Model, ids: Int[Tensor, "world pos"], vector: SteeringVector, added: Tensor) -> Tensor:
    """The logits that steering must lead to: the model as it is, with the sum written where block `layer` ends."""
    opens = torch.isin(ids, vector.opening.to(ids.device))[..., None]

    def add(stream: Tensor, hook: Any) -> Tensor:
        return stream + opens * added

    with torch.no_grad():
        logits: Tensor = model.bridge.run_with_hooks(
            ids,
            fwd_hooks=[(Site(Component.RESID_POST, vector.layer).hook_name, add)],
            return_type="logits",
            position_ids=torch.arange(ids.shape[1], device=ids.device).expand(ids.shape),
            use_cache=False,
        )
    return logits
