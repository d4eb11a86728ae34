"""A model's twin with random weights: what an effect looks like that nothing was learnt for."""

import copy
from typing import Any

import torch

from mediate.errors import InputError
from mediate.models.loading import load
from mediate.models.model import Model


def random_weights(model: Model, seed: int = 0) -> Model:
    """A model of the same configuration, dtype, device and tokenizer, initialised as transformers initialises it.

    transformer-lens' `random_init_bridge` does the same for a model that has a name on the hub.

    Raises:
        InputError: transformers cannot build the model from its configuration alone.
    """
    from transformers import AutoModelForCausalLM

    config: Any = copy.deepcopy(model.plain.config)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        try:
            plain = AutoModelForCausalLM.from_config(config, attn_implementation="eager")
        except Exception as error:  # classes that are not transformers' own raise what they like
            raise InputError(
                f"model {model.facts.name!r}: no twin with random weights ({' '.join(str(error).split())[:200]})"
            ) from error
    for weight in plain.parameters():
        weight.data = weight.data.to(model.dtype)
    plain.config.architectures = [type(plain).__name__]
    return load(plain, tokenizer=model.tokenizer, device=model.facts.device, copy=False)
