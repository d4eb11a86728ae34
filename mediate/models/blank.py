"""A model's twin with random weights: what an effect looks like that nothing was learnt for."""

import copy
from typing import Any

import torch

from mediate.models.loading import load
from mediate.models.model import Model


def random_weights(model: Model, seed: int = 0) -> Model:
    """A model of the same configuration, dtype, device and tokenizer, initialised as transformers initialises it.

    transformer-lens' `random_init_bridge` does the same for a model that has a name on the hub.
    """
    from transformers import AutoModelForCausalLM

    config: Any = copy.deepcopy(model.plain.config)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        plain = AutoModelForCausalLM.from_config(config, attn_implementation="eager")
    for weight in plain.parameters():
        weight.data = weight.data.to(model.dtype)
    plain.config.architectures = [type(plain).__name__]
    return load(plain, tokenizer=model.tokenizer, device=model.facts.device, copy=False)
