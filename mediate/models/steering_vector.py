"""A direction that is added where a thought opens: the record, its file, and what it must fit."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mediate.errors import InputError, one_line
from mediate.files import write_atomic
from mediate.models.fingerprint import tensor_bytes
from mediate.showing import record_cell

# What the header of a file says that it is.
FORMAT = "mediate steering vector 1"


@dataclass(frozen=True, slots=True, eq=False)
class SteeringVector:
    """A direction of the residual stream as it leaves one block, and the tokens at which it is added.

    Args:
        direction: In float32, on the processor; as long as the difference of means that it is.
        layer: The block, counted from 0.
        opening: The ids of the tokens that open a thought, ascending.
        model: Name, fingerprint, tokenizer and dtype of the model that it was fitted on.
        facts: How it came about: the formula, counts by kind, norms, the cosine of two halves; JSON.

    Example:
        >>> vector = md.SteeringVector.read("vector.safetensors")  # doctest: +SKIP
        >>> vector.norm, vector.layer  # doctest: +SKIP
    """

    direction: Float[Tensor, " d_model"]
    layer: int
    opening: Int[Tensor, " token"]
    model: Mapping[str, str]
    facts: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.layer < 0 or not len(self.opening):
            raise ValueError(f"a vector of layer {self.layer} with {len(self.opening)} opening tokens")
        if not self.direction.isfinite().all() or not self.norm:
            raise ValueError("a vector of no length, or with numbers that are none")

    def _repr_html_(self) -> str:
        rows = [("layer", self.layer), ("norm", f"{self.norm:.4g}"), ("width", len(self.direction))]
        rows += [("opening tokens", tuple(self.opening.tolist())), *self.model.items(), *self.facts.items()]
        return record_cell("SteeringVector", rows)

    @property
    def norm(self) -> float:
        """Its length."""
        return float(self.direction.double().norm())

    @property
    def digest(self) -> str:
        """sha256 over what it does: its numbers, its layer, and where it is added."""
        digest = hashlib.sha256(f"{self.layer} {tuple(self.direction.shape)}".encode())
        for each in (self.direction, self.opening):
            digest.update(tensor_bytes(each))
        return digest.hexdigest()

    def random(self, seed: int) -> "SteeringVector":
        """A direction drawn at random, as long as this one, for the same layer and tokens: its control."""
        drawing, here = torch.Generator().manual_seed(seed), self.direction.device
        drawn = torch.randn(len(self.direction), dtype=torch.float64, device=here, generator=drawing)
        direction = (drawn * (self.norm / drawn.norm())).float()
        return replace(self, direction=direction, facts={"random": seed, "instead_of": self.digest})

    def describe(self) -> dict[str, Any]:
        """What a manifest says of it."""
        return {"layer": self.layer, "vector": self.digest, "norm": self.norm, **self.facts}

    def save(self, path: str | Path) -> Path:
        """Writes it as one safetensors file, with its facts in the header."""
        from safetensors.torch import save_file

        facts = {"layer": self.layer, "model": dict(self.model), "facts": dict(self.facts)}
        header = {"format": FORMAT, "facts": json.dumps(facts, sort_keys=True), "sha256": self.digest}
        tensors = {"direction": self.direction.contiguous(), "opening": self.opening.contiguous()}
        write_atomic(Path(path), lambda part: save_file(tensors, part, metadata=header))
        return Path(path)

    @classmethod
    def read(cls, path: str | Path) -> "SteeringVector":
        """Reads what `save` wrote.

        Raises:
            InputError: No such file, another file, or a damaged one.
        """
        from safetensors import safe_open

        remedy = "give a file that 'mediate steer fit' wrote"
        if not Path(path).is_file():
            raise InputError(f"{path}: no such file; {remedy}")
        try:
            with safe_open(path, framework="pt") as file:
                header = file.metadata() or {}
                if header.get("format") != FORMAT:
                    raise ValueError("it holds no steering vector")
                told = json.loads(header["facts"])
                found = cls(
                    file.get_tensor("direction"),
                    int(told["layer"]),
                    file.get_tensor("opening"),
                    dict(told["model"]),
                    dict(told["facts"]),
                )
            if found.digest != header["sha256"]:
                raise ValueError("its data are damaged")
        except Exception as error:  # safetensors raises its own errors, a header of another hand what it likes
            raise InputError(f"{path}: cannot be read ({one_line(error, 200)}); {remedy}") from error
        return found


def as_vector(vector: SteeringVector | str | Path) -> SteeringVector:
    """The vector, read where its file is named."""
    return vector if isinstance(vector, SteeringVector) else SteeringVector.read(vector)


def check_fits(vector: SteeringVector, facts: Any) -> None:
    """Raises InputError where a vector is another model's, of which `facts` are `mediate.models.model.Facts`.

    The same weights in another dtype have another fingerprint: there, width, layers and tokenizer must be the same.
    """
    called = f"the vector was fitted on {vector.model.get('name')!r}"
    remedy = f"fit one on {facts.name!r} with 'mediate steer fit'"
    if len(vector.direction) != facts.d_model:
        raise InputError(
            f"{called} and is {len(vector.direction)} wide, the residual stream of {facts.name!r} {facts.d_model}; "
            f"{remedy}"
        )
    check_layer(vector.layer, facts)
    if vector.model.get("tokenizer") != facts.tokenizer or int(vector.opening.max()) >= facts.d_vocab:
        raise InputError(f"{called}, and {facts.name!r} has another tokenizer; {remedy}")
    if vector.model.get("dtype") == facts.dtype and vector.model.get("fingerprint") != facts.fingerprint:
        raise InputError(
            f"{called} ({str(vector.model.get('fingerprint'))[:12]}), and {facts.name!r} has other weights "
            f"({facts.fingerprint[:12]}); {remedy}"
        )


def check_layer(layer: int, facts: Any) -> None:
    """Raises InputError where a model has no such layer."""
    if not 0 <= layer < facts.layers:
        raise InputError(f"layer {layer}: {facts.name!r} has layers 0 to {facts.layers - 1}; name one of them")
