"""The record of a loaded model: the hooked network, its tokenizer, the facts about it and what was checked."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from mediate.errors import InputError
from mediate.models.float64 import keeps_float64
from mediate.models.sites import Component
from mediate.models.steering import Steering
from mediate.models.turning import Turning
from mediate.results.precision import precision_words
from mediate.showing import record_cell

# How attention is computed, by transformers' name for it: patterns are read and written, so no other way will do.
ATTENTION = "eager"


@dataclass(frozen=True, slots=True)
class Facts:
    """What a model is, in numbers and words; goes into every run's manifest.

    Args:
        name: The name that the caller used, without any folder.
        source: How it was loaded: hub, folder, gguf, memory, with the adapter's name where there is one.
        fingerprint: sha256 over configuration and weights; never over the path.
        tokenizer: sha256 over the tokenizer; empty without one.
        architecture: The transformers class, such as `LlamaForCausalLM`.
        layers: Number of blocks.
        heads: Query heads a layer.
        kv_heads: Key-value heads a layer.
        d_model: Width of the residual stream.
        d_head: Width of a head.
        d_vocab: Rows of the unembedding.
        context: The longest sequence that the model was made for.
        parameters: Number of weights, tied ones once.
        dtype: Of the weights, such as `float32`.
        device: Where the weights are.
        ends: Tokens that end what it writes, beside its tokenizer's own.
        revision: The commit of a model of the hub; empty of any other.
        files: The sha256 of the files that it was loaded from, by their names; empty where that is not known.
        weights: What they were before they were made into `dtype`, such as `4-bit GGUF, Q4_1`; empty where they were
            not quantised.
    """

    name: str
    source: str
    fingerprint: str
    tokenizer: str
    architecture: str
    layers: int
    heads: int
    kv_heads: int
    d_model: int
    d_head: int
    d_vocab: int
    context: int
    parameters: int
    dtype: str
    device: str
    ends: tuple[int, ...] = ()
    revision: str = ""
    files: Mapping[str, str] = field(default_factory=dict)
    weights: str = ""

    @property
    def precision(self) -> str:
        """The dtype, and what the weights were before."""
        return precision_words({"dtype": self.dtype, "weights": self.weights})


@dataclass(frozen=True, slots=True)
class Check:
    """One identity that was tried on the loaded model.

    Args:
        name: The identity.
        component: The component that it vouches for; None where it is about the model as a whole.
        error: The largest deviation found; infinite where the identity could not be run.
        tolerance: What the dtype and the scale of the logits allow.
        detail: Why it failed, where there is more to say than the number.
    """

    name: str
    component: Component | None
    error: float
    tolerance: float
    detail: str = ""

    @property
    def passed(self) -> bool:
        """Whether the error is within the tolerance; a NaN is not."""
        return self.error <= self.tolerance


@dataclass(frozen=True, slots=True, eq=False)
class Probe:
    """Two short token sequences and the plain transformers model's logits on them, from before it was hooked."""

    ids: Int[Tensor, "world pos"]
    logits: Float[Tensor, "world pos d_vocab"]


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A hooked language model that takes token ids.

    Args:
        bridge: The transformer-lens bridge; its own tokenizer is never used.
        tokenizer: The Hugging Face tokenizer as loaded, or None.
        facts: What the model is.
        probe: The plain model's logits, for the self-check.
        checks: The identities tried at load.
        refused: Components that failed, each with the reason.
        weights: Under transformers' names, which hooking changes; tied ones once.
        masked: Whether attention is knocked out by the mask that it is given, because its scores cannot be written.
        turnings: How each layer's keys turn with their position; empty where all do in the usual way.
        steering: What is added where thoughts open; None of a model as it is.

    Example:
        >>> model.facts.name, model.facts.context
        ('reference-0.1m', 128)
    """

    bridge: Any
    tokenizer: Any
    facts: Facts
    probe: Probe
    checks: tuple[Check, ...] = ()
    refused: Mapping[Component, str] = field(default_factory=dict)
    weights: Mapping[str, Tensor] = field(default_factory=dict)
    masked: bool = False
    turnings: tuple[Turning, ...] = ()
    steering: Steering | None = None

    @property
    def plain(self) -> Any:
        """The transformers model under the bridge; in float64 its forward pass is kept there throughout."""
        return self.bridge.original_model

    @property
    def device(self) -> torch.device:
        """Where token ids go."""
        return torch.device(self.facts.device)

    @property
    def dtype(self) -> torch.dtype:
        """The dtype of the weights."""
        dtype: torch.dtype = getattr(torch, self.facts.dtype)
        return dtype

    @property
    def rounding(self) -> float:
        """What a pass rounds to, relative to a number's size: float64's or half precision's own, and else float32's."""
        coarsest = torch.float64 if keeps_float64(self.plain) else torch.float32
        return max(torch.finfo(each).eps for each in (self.dtype, coarsest))

    def check(self, name: str) -> Check:
        """The model-wide check of that name."""
        return next(check for check in self.checks if check.name == name and check.component is None)

    def need_tokenizer(self) -> Any:
        """The tokenizer.

        Raises:
            InputError: The model has none.
        """
        if self.tokenizer is None:
            raise InputError(f"model {self.facts.name!r} has no tokenizer; give one with load(..., tokenizer=...)")
        return self.tokenizer

    def need(self, component: Component) -> Component:
        """The component, if the model offers it.

        Raises:
            InputError: The load-time check refused it.
        """
        if component in self.refused:
            offered = ", ".join(each for each in Component if each not in self.refused)
            raise InputError(
                f"model {self.facts.name!r} does not offer {component}: {self.refused[component]}; it offers {offered}"
            )
        return component

    def describe(self) -> dict[str, Any]:
        """The facts and checks as plain values, for a manifest."""
        checks = [
            {
                "name": check.name,
                "site": check.component or "model",
                "error": check.error if check.error < float("inf") else None,
                "tolerance": check.tolerance,
                "passed": check.passed,
            }
            for check in self.checks
        ]
        told = asdict(self.facts) | {"ends": list(self.facts.ends), "files": dict(self.facts.files)}
        told |= {"attention": ATTENTION, "threads": torch.get_num_threads()}
        told |= {"checks": checks, "refused_sites": {str(k): v for k, v in self.refused.items()}}
        return told if self.steering is None else told | {"steering": self.steering.describe()}

    def __repr__(self) -> str:
        facts = self.facts
        size = f"{facts.layers} layers, {facts.parameters:,} parameters, {facts.precision}, {facts.device}"
        return f"Model({facts.name!r}, {facts.architecture}, {size})"

    def _repr_html_(self) -> str:
        facts, passed = self.facts, sum(each.passed for each in self.checks)
        rows = [
            ("architecture", facts.architecture),
            ("parameters", f"{facts.parameters:,}"),
            ("layers", facts.layers),
            ("heads", f"{facts.heads} of queries, {facts.kv_heads} of keys and values, of width {facts.d_head}"),
            ("residual stream", f"width {facts.d_model}"),
            ("vocabulary", f"{facts.d_vocab:,} tokens"),
            ("context", f"{facts.context:,} positions"),
            ("precision", f"{facts.precision} on {facts.device}"),
            ("loaded from", facts.source),
            ("sha256", facts.fingerprint),
            ("checks at load", f"{passed} of {len(self.checks)} passed"),
            ("not offered", tuple(f"{component} ({why})" for component, why in self.refused.items())),
            ("steered", "" if self.steering is None else "yes"),
        ]
        return record_cell(f"Model {facts.name}", rows)
