"""Sums of logits, and what of them is linear in what a model's components write.

The outcome that a lens reads is a sum of logits with weights: of a pair, the base answer's less the source's; of an
item by itself, the answer's less the mean over all that are finite.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from mediate.errors import InputError
from mediate.mediation.encoding import EncodedPair
from mediate.mediation.item import Encoded
from mediate.mediation.names import LOGIT, Outcome
from mediate.models.float64 import in_float64
from mediate.models.model import Model
from mediate.models.sites import Component, Site

# Vectors whose logits over the whole vocabulary, and tokens whose rows of the unembedding, are held at once.
ROWS, TOKENS = 64, 8192


@dataclass(frozen=True, slots=True, eq=False)
class LogitSum:
    """Tokens, and with what weights their logits are added up to the outcome."""

    outcome: Outcome
    tokens: Int[Tensor, " token"]
    weights: Float[Tensor, " token"]

    def parts(self) -> Iterator[tuple[Int[Tensor, " some"], Float[Tensor, " some"]]]:
        """The tokens and their weights, some at a time."""
        yield from zip(torch.split(self.tokens, TOKENS), torch.split(self.weights, TOKENS), strict=True)

    def direction(self, unembedding: Float[Tensor, "d_model d_vocab"]) -> Float[Tensor, " d_model"]:
        """What of the residual stream the outcome is."""
        found: Tensor = sum(
            (unembedding[:, tokens].double() @ weights for tokens, weights in self.parts()),
            start=torch.zeros(len(unembedding), dtype=torch.float64, device=unembedding.device),
        )
        return found

    def read(self, model: Model, stream: Float[Tensor, "*place d_model"]) -> Float[np.ndarray, "*place"]:
        """The outcome that the final norm and the unembedding make of each vector.

        Raises:
            InputError: The model's logits do not follow from its residual stream.
        """
        from transformer_lens.tools.analysis.logit_lens import logit_readout

        found = []
        try:
            with in_float64(model.plain):
                for some in torch.split(stream.flatten(0, -2), ROWS):
                    logits = logit_readout(model.bridge, some, vocab=self.tokens).values.double()
                    found.append(logits @ self.weights)
        except (ValueError, TypeError, NotImplementedError) as error:
            raise not_a_sum(model, " ".join(str(error).split())[:200]) from error
        return np.asarray(torch.cat(found).reshape(stream.shape[:-1]).cpu())


def logit_sum(encoded: Encoded, logits: Float[Tensor, "row last d_vocab"]) -> LogitSum:
    """What is read of a pair or item, given its run's logits."""
    readers, device = encoded.readers, logits.device
    if isinstance(encoded, EncodedPair):
        answers = [each[readers.shared] for each in (readers.base, readers.source)]
        weights = torch.tensor([1.0, -1.0], dtype=torch.float64, device=device)
        return LogitSum(Outcome.LOGIT_DIFF, torch.tensor(answers, device=device), weights)
    tokens = logits[0, -1].isfinite().nonzero()[:, 0]
    answered = (tokens == readers.base[readers.spoken]).double()
    return LogitSum(LOGIT, tokens, answered - 1 / len(tokens))


@dataclass(frozen=True, slots=True, eq=False)
class FrozenNorm:
    """A norm held at the scale that it had on one vector: each vector, less its mean if `centred`, times `gain`."""

    gain: Float[Tensor, " d_model"]
    centred: bool
    bias: Float[Tensor, " d_model"]

    def of(self, vectors: Float[Tensor, "*term d_model"]) -> Float[Tensor, "*term d_model"]:
        """What becomes of each vector, without the bias."""
        return (vectors - vectors.mean(dim=-1, keepdim=True) if self.centred else vectors) * self.gain


def head_outputs(model: Model, layer: int, answer: dict[Site, Float[Tensor, "..."]]) -> Float[Tensor, "head d_model"]:
    """What each head of a layer adds to the residual stream.

    A norm between attention and the residual stream, as in Gemma-3, is held at its scale; which norm that is differs
    between families, so the one is taken that leads from the heads to what attention added.
    """
    block, z = model.bridge.blocks[layer], answer[Site(Component.Z, layer)].double()
    weight, bias = (getattr(block.attn, name, None) for name in ("W_O", "b_O"))
    if weight is None or weight.shape[:2] != z.shape:
        raise not_a_sum(model, f"attention in layer {layer} has no output weights head by head")
    written = torch.einsum("hd,hdm->hm", z, weight.double())
    terms = written if bias is None else torch.cat([written, bias.double()[None]])
    for norm in (None, *(getattr(block, name) for name in ("ln1_post", "ln1") if hasattr(block, name))):
        held = frozen(model, norm, terms, answer[Site(Component.ATTN_OUT, layer)].double())
        if held is not None:
            return held.of(written)
    raise not_a_sum(model, f"attention's output in layer {layer} is not the sum of its heads")


def frozen(
    model: Model, norm: Any, terms: Float[Tensor, "term d_model"], leaving: Float[Tensor, " d_model"]
) -> FrozenNorm | None:
    """The norm, held at the scale at which it turned the sum of the terms into `leaving`; None if it cannot have.

    The scale is fitted rather than computed, so that it is the one that the model used, whatever its epsilon and the
    precision in which it took the mean of squares. Without a norm, what is fitted is a plain factor.
    """
    inside = getattr(norm, "original_component", None)
    weight, bias = (getattr(inside, name, None) for name in ("weight", "bias"))
    gain = torch.ones_like(leaving) if weight is None else weight.double() + float(norm.uses_weight_offset)
    offset = torch.zeros_like(leaving) if bias is None else bias.double()
    shape = FrozenNorm(gain, norm is not None and not norm.uses_rms_norm, offset)
    parts, target = shape.of(terms), leaving - offset
    whole = parts.sum(dim=0)
    scale = float(whole @ target) / max(float(whole @ whole), torch.finfo(torch.float64).tiny)
    frozen = FrozenNorm(scale * gain, shape.centred, offset)
    rounding = tolerance(model) * float((abs(scale) * parts.abs().sum(dim=0) + offset.abs()).max())
    return frozen if float((scale * whole - target).abs().max()) <= rounding else None


def transform(model: Model, stream: Float[Tensor, " d_model"], sums: LogitSum) -> tuple[float, float]:
    """What becomes of logits after the unembedding, a factor (Granite) or a soft cap (Gemma-2): its slope at 0, and how
    much more than that it changes a sum of them. `stream` is what leaves the final norm."""
    after, bridge = model.bridge.adapter.apply_output_logits_transform, model.bridge
    with torch.enable_grad():
        zero = torch.zeros(1, dtype=torch.float64, device=stream.device, requires_grad=True)
        slope = float(torch.autograd.grad(after(zero).sum(), zero)[0])
    capped = 0.0
    for tokens, weights in sums.parts():
        logits = stream @ bridge.W_U[:, tokens].double() + bridge.b_U[tokens].double()
        capped += float((after(logits) - slope * logits) @ weights)
    return slope, capped


def tolerance(model: Model) -> float:
    """Relative rounding, as in the check at load."""
    return model.rounding * (64 if model.rounding < 1e-5 else 8)


def not_a_sum(model: Model, reason: str) -> InputError:
    named = f"model {model.facts.name!r} ({model.facts.architecture})"
    return InputError(f"{named} cannot be read layer by layer: {reason}")
