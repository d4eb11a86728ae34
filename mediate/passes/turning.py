"""Which way each layer's keys turn: no configuration says it in one place, so the model is asked.

The keys of the same tokens at two places are compared layer by layer, under each way that a family is known to have.
What was found is put to the test by the self-check, at other places.
"""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from mediate.errors import InputError
from mediate.models.model import Model
from mediate.models.turning import WAYS, Turning, spun
from mediate.passes.keyvalues import prefill, spins

# How far apart the two places are.
APART = 5
# A key that is turned wrongly is off by about its own size.
CLOSE = 0.02


def with_turnings(model: Model) -> Model:
    """The model with how each layer's keys turn; as it was, where all turn as usual or one as none is known to."""
    try:
        here, there = (prefill(model, model.probe.ids[:1], start=start)[0] for start in (0, APART))
    except Exception:  # models without such keys raise what they like
        return model  # the self-check meets it again, and says so
    places = torch.arange(len(here), device=model.device)
    try:
        by: list[Any] = spins(model, places, places + APART)
    except InputError:
        by = [None] * model.facts.layers
    found: list[Turning] = []
    for old, new, spin in zip(here.keys, there.keys, by, strict=True):
        size = float(new.abs().max())
        ways = [*(WAYS if spin is not None else ()), Turning(still=True)]
        off = [float((_turned(old, spin, way) - new).abs().max()) for way in ways]
        best = min(range(len(ways)), key=lambda each: off[each])
        if not off[best] <= CLOSE * size:
            return model
        found.append(ways[best])
    return model if all(each.usual for each in found) else replace(model, turnings=tuple(found))


def _turned(keys: Tensor, spin: Any, way: Turning) -> Tensor:
    return keys if way.still or spin is None else spun(keys, spin, way)
