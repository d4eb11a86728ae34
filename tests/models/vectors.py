"""Steering vectors drawn at random, and the same addition by hand in a plain transformers model."""

from typing import Any

import torch
from torch import Tensor

from mediate.models.model import Model
from mediate.models.steering_vector import SteeringVector

# The toy vocabulary's line break and full stop, and a word.
OPENING = (0, 1, 14)


def vector_of(model: Model, layer: int, seed: int = 0, opening: tuple[int, ...] = OPENING) -> SteeringVector:
    """A direction, three long, as if it had been fitted on the model."""
    drawn = torch.randn(model.facts.d_model, generator=torch.Generator().manual_seed(seed))
    own = {name: getattr(model.facts, name) for name in ("name", "fingerprint", "tokenizer", "dtype")}
    return SteeringVector(3 * drawn / drawn.norm(), layer, torch.tensor(opening), own)


def by_hand(plain: Any, vector: SteeringVector, alpha: float) -> Any:
    """A plain transformers model with a forward hook on its decoder block that reads the ids it is called with."""
    blocks = next(
        each for each in plain.modules() if isinstance(each, torch.nn.ModuleList) and len(each) == depth(plain)
    )
    seen: list[Tensor] = []

    def note(module: Any, args: Any, kwargs: dict[str, Any]) -> None:
        seen[:] = [kwargs["input_ids"] if "input_ids" in kwargs else args[0]]

    def add(module: Any, args: Any, output: Any) -> Any:
        stream = output[0] if isinstance(output, tuple) else output
        for row, place in torch.isin(seen[0], vector.opening).nonzero().tolist():
            stream = stream.index_put(
                (torch.tensor(row), torch.tensor(place)),
                stream[row, place] + (alpha * vector.direction.double()).to(stream.dtype),
            )
        return (stream, *output[1:]) if isinstance(output, tuple) else stream

    plain.register_forward_pre_hook(note, with_kwargs=True)
    blocks[vector.layer].register_forward_hook(add)
    return plain


def depth(plain: Any) -> int:
    return int(plain.config.get_text_config().num_hidden_layers)
