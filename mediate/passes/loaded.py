"""A model as everything else takes it: loaded, hooked and checked."""

from pathlib import Path
from typing import Any, Unpack

from mediate.models.load_spec import LoadOptions
from mediate.models.loading import load_unchecked
from mediate.models.model import Model
from mediate.models.steered import steer
from mediate.models.steering_vector import SteeringVector, as_vector
from mediate.passes.selfcheck import checked


def load(model: Any, **options: Unpack[LoadOptions]) -> Model:
    """Loads a causal language model, hooks it and checks it.

    Args:
        model: A hub id, a folder, a `.gguf` file, the name of a fetched model, `BASE+ADAPTER`, or a transformers or
            peft model in memory.
        **options: Those of `mediate.models.load_spec.LoadSpec`.

    Raises:
        InputError: A choice is wrong, the model cannot be loaded, or hooking it changes its logits.
    """
    return checked(load_unchecked(model, **options))


def steered(model: Model, vector: SteeringVector | str | Path, alpha: float = 1.0) -> Model:
    """`mediate.models.steered.steer`, with the same checks as a model that is loaded."""
    return checked(steer(model, as_vector(vector), alpha))
