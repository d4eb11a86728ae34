"""What steers a network: its vector, added where a token of the pass opens a thought, in every pass there is.

The addition is a hook of the network's own block, under transformer-lens' hook points and inside transformers' module
alike, so that plain generation, passes with a past, sweeps and gradients all meet it. It depends on a position's own
token and on nothing before it: what is read from a past was steered when it was computed. Ids are taken as they enter
the network; a pass that begins with a residual stream is told them (`reading`), and without is an error.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from mediate.errors import InputError
from mediate.models.past import arguments_of
from mediate.models.steering_vector import SteeringVector

_IDS = "input_ids"


class Adding:
    """The hooks of one network; bound methods, so that a copied network has a copy that is bound to itself.

    Args:
        opening: Of every token, whether it opens a thought.
        added: What is added there, in the network's dtype.
    """

    def __init__(self, opening: Bool[Tensor, " d_vocab"], added: Float[Tensor, " d_model"]) -> None:
        self.opening, self.added = opening, added
        self.entered: Tensor | None = None
        self.told: Tensor | None = None

    def put_on(self, network: Any, block: Any) -> None:
        """Puts the hooks on a network and its body, each of which may be given ids, and on the block that ends so."""
        for module in {id(each): each for each in (network, network.base_model)}.values():
            module.register_forward_pre_hook(self.enter, with_kwargs=True)
            module.register_forward_hook(self.leave, always_call=True)
        block.register_forward_hook(self.add)

    def enter(self, module: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """Takes the ids of a pass that begins."""
        names = [name for name in arguments_of(type(module).forward) if name != "self"]
        self.entered = (kwargs | dict(zip(names, args, strict=False))).get(_IDS)

    def leave(self, module: Any, args: Any, output: Any) -> None:
        """Forgets them."""
        self.entered = None

    @property
    def ids(self) -> Int[Tensor, "row pos"] | None:
        """Of the pass that runs."""
        return self.told if self.entered is None else self.entered

    @contextmanager
    def reading(self, ids: Int[Tensor, "row pos"] | None) -> Iterator[None]:
        """While open, these are the ids of passes that are given none."""
        before, self.told = self.told, ids
        try:
            yield
        finally:
            self.told = before

    def add(self, block: Any, args: Any, output: Any) -> Any:
        """A block's output, steered; rows that share their tokens with others follow one another in their order."""
        stream = output[0] if isinstance(output, tuple) else output
        if self.ids is None:
            raise InputError(
                "a steered model's pass without token ids: where a thought opens is told by them; give ids, not "
                "embeddings"
            )
        opens = self.opening[self.ids]
        if len(opens) != len(stream):
            opens = opens.repeat(len(stream) // len(opens), 1)
        steered = torch.where(opens[..., None], stream + self.added, stream)
        return (steered, *output[1:]) if isinstance(output, tuple) else steered


@dataclass(frozen=True, slots=True, eq=False)
class Steering:
    """How a model is steered.

    Args:
        vector: What is added.
        alpha: How often.
        base: The facts of the model that is steered: `mediate.models.model.Facts`.
        network: The hooks; None where alpha is 0, and nothing is put on.
    """

    vector: SteeringVector
    alpha: float
    base: Any
    network: Adding | None

    def describe(self) -> dict[str, Any]:
        """What a manifest says of it."""
        base = {name: getattr(self.base, name) for name in ("name", "fingerprint")}
        return {"alpha": self.alpha, "base": base, **self.vector.describe()}

    def added(self, layer: int, ids: Int[Tensor, "row pos"]) -> Float[Tensor, "row pos d_model"] | float:
        """What is added to the residual stream as it leaves a block, at each token; 0 where nothing is."""
        if self.network is None or layer != self.vector.layer:
            return 0.0
        return self.network.opening[ids][..., None] * self.network.added


def reading(model: Any, ids: Int[Tensor, "row pos"] | None) -> AbstractContextManager[None]:
    """For passes that begin with a residual stream: while open, a steered model takes these for its tokens' ids."""
    network = None if model.steering is None else model.steering.network
    return nullcontext() if network is None else network.reading(ids)


def ids_read(model: Any) -> Int[Tensor, "row pos"] | None:
    """The ids of the pass that runs, of a steered model; None of any other."""
    network = None if model.steering is None else model.steering.network
    return None if network is None else network.ids
