"""What the residual stream says in each layer, and what each component adds to the outcome directly.

Neither is a causal effect: nothing is intervened on, one run is read. The outcome is the logit difference of the base
and the source answer.

- *Logit lens* (nostalgebraist 2020): the outcome if the residual stream after a layer went straight into the final
  norm and the unembedding. `transformer_lens.tools.analysis.logit_readout` computes it, soft cap included.
- *Direct logit attribution* (Elhage et al. 2021): the residual stream is a sum of what components wrote, and with the
  final norm held at the scale that it had in this run, the logit difference is a sum over components, too.
  `transformer_lens.tools.analysis.direct_logit_attribution` is not used: it refuses a bridge as loaded, since it wants
  the norms folded into rewritten weights (`enable_compatibility_mode`, which changes the model for all that follows).
  After that its heads miss the norm after attention of Gemma-3 and OLMo2, and its terms leave out the bias of the
  unembedding and a soft cap on the logits.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mediate.errors import InputError, one_line
from mediate.mediation.encoding import EncodedPair
from mediate.mediation.kinds.kind import effect_map
from mediate.mediation.outcomes import Outcome, read_off
from mediate.mediation.sequences import Sequences, sequences
from mediate.models.float64 import in_float64
from mediate.models.model import Model
from mediate.models.sites import EMBEDDED, Component, Site
from mediate.pairs.pair import World
from mediate.passes.forward import forward
from mediate.results.maps import EffectMap

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True, slots=True, eq=False)
class DirectAttribution:
    """What each component adds directly to the logit difference of one run, in nats, positive towards the base answer.

    Every norm between a component and the logits is held at the scale that it had in this run. The terms sum to `y` up
    to rounding: `embedding`, `attn_out`, `mlp_out`, `bias` and `capped`.

    Args:
        item: The item's id.
        group: The item's group.
        world: The world of the run: 1 is the base.
        y: The logit difference in this run.
        te: The item's total effect, for scale.
        embedding: Of token and position embeddings.
        attn_out: Of attention in each layer, with its biases.
        mlp_out: Of the MLP in each layer, with its biases.
        bias: Of the biases of the final norm and of the unembedding, which no component writes.
        capped: What a soft cap on the logits changes; 0 without one.
        heads: Of each attention head, with its values' bias; `attn_out` less their sum is the bias of attention's
            output. None where not asked for.
    """

    item: str
    group: str
    world: int
    y: float
    te: float
    embedding: float
    attn_out: Float[np.ndarray, " layer"]
    mlp_out: Float[np.ndarray, " layer"]
    bias: float
    capped: float
    heads: Float[np.ndarray, "layer head"] | None = None

    def __post_init__(self) -> None:
        lengths = {len(each) for each in (self.attn_out, self.mlp_out, self.heads) if each is not None}
        if len(lengths) != 1:
            raise ValueError(f"item {self.item!r}: terms of {sorted(lengths)} layers")
        if not np.isfinite(self.total):
            raise ValueError(f"item {self.item!r}: a term is NaN or infinite")

    @property
    def total(self) -> float:
        """The sum of all terms."""
        return float(self.embedding + self.attn_out.sum() + self.mlp_out.sum() + self.bias + self.capped)

    def to_frame(self) -> "pandas.DataFrame":
        """A row a term, which sum to `y`: item, group, kind, outcome, component, layer, head, te, effect.

        Layer and head are missing where a term has none. With heads, component `z` has a row a head, and `attn_bias`
        stands for `attn_out`.
        """
        import pandas

        rows: list[tuple[str, int | None, int | None, float]] = [("embedding", None, None, self.embedding)]
        for layer, (attn, mlp) in enumerate(zip(self.attn_out, self.mlp_out, strict=True)):
            if self.heads is None:
                rows.append(("attn_out", layer, None, attn))
            else:
                rows += [("z", layer, head, effect) for head, effect in enumerate(self.heads[layer])]
                rows.append(("attn_bias", layer, None, attn - self.heads[layer].sum()))
            rows.append(("mlp_out", layer, None, mlp))
        rows += [("bias", None, None, self.bias), ("capped", None, None, self.capped)]
        labels = (self.item, self.group, _kind("direct", self.world), str(Outcome.LOGIT_DIFF))
        names = ["item", "group", "kind", "outcome", "component", "layer", "head", "te", "effect"]
        frame = pandas.DataFrame([(*labels, *row[:3], self.te, row[3]) for row in rows], columns=names)
        return frame.astype({"layer": "Int64", "head": "Int64"})


@dataclass(frozen=True, slots=True, eq=False)
class _FrozenNorm:
    """A norm held at the scale that it had on one vector: each vector, less its mean if `centred`, times `gain`."""

    gain: Float[Tensor, " d_model"]
    centred: bool
    bias: Float[Tensor, " d_model"]

    def of(self, vectors: Float[Tensor, "*term d_model"]) -> Float[Tensor, "*term d_model"]:
        """What becomes of each vector, without the bias."""
        return (vectors - vectors.mean(dim=-1, keepdim=True) if self.centred else vectors) * self.gain


def logit_lens(model: Model, pair: EncodedPair, *, world: int = World.BASE, readers: bool = False) -> EffectMap:
    """The logit difference read off the residual stream after each layer, at each position of the chain.

    The axes are position and layer; with `readers` they are reader and layer, readers counted from the answer cue's
    first token up to the position that predicts the answer: there, the last layer gives the outcome itself.

    Args:
        model: The hooked model.
        pair: The pair in tokens.
        world: Whose run is read: 1 is the base, 0 the source.
        readers: Whether to read at the readers' positions instead of the chain's.

    Raises:
        InputError: Another world, or a model whose logits do not follow from its last residual stream.
    """
    layers = range(model.facts.layers)
    component = model.need(Component.RESID_POST)
    run, kept, _, te = _one_run(model, pair, world, [Site(component, layer) for layer in layers])
    start, stop = (run.stop, int(run.ids.shape[1])) if readers else (run.start, run.stop)
    stream = torch.stack([kept[Site(component, layer)][start:stop] for layer in layers], dim=1)
    axis = "reader" if readers else "position"
    coords = {axis: tuple(range(stop - start)), "layer": tuple(layers)}
    return effect_map(pair, _kind("logit_lens", world), coords, _read(model, pair, stream), Outcome.LOGIT_DIFF, te)


def direct_logit_attribution(
    model: Model, pair: EncodedPair, *, world: int = World.BASE, heads: bool = False
) -> DirectAttribution:
    """What each component adds directly to the logit difference, at the position that predicts the answer.

    Args:
        model: The hooked model.
        pair: The pair in tokens.
        world: Whose run is read: 1 is the base, 0 the source.
        heads: Whether attention is taken apart into heads.

    Raises:
        InputError: Another world, or a model whose logits are not the sum of what its components write.
    """
    layers = range(model.facts.layers)
    parts = [Component.ATTN_OUT, Component.MLP_OUT, *([Component.Z] if heads else [])]
    sites = [EMBEDDED, *(Site(model.need(part), layer) for part in parts for layer in layers)]
    _, kept, y, te = _one_run(model, pair, world, sites)
    answer = {site: value[-1] for site, value in kept.items()}
    written = torch.stack([answer[site] for site in sites if site.component is not Component.Z]).double()
    stream, final = answer[Site(Component.RESID_POST, layers[-1])], getattr(model.bridge, "ln_final", None)
    with torch.no_grad(), in_float64(model.plain):
        leaving = (stream if final is None else final(stream[None, None])[0, 0]).double()
    norm = _frozen(model, final, written, leaving)
    if norm is None:
        raise _not_a_sum(model, "the final norm's output is not linear in what the components write")
    answers = list(_answers(pair))
    unembedding, offset = model.bridge.W_U[:, answers].double(), model.bridge.b_U[answers].double()
    direction = unembedding[:, 0] - unembedding[:, 1]
    slope, capped = _transform(model, leaving @ unembedding + offset)

    def direct(vectors: Float[Tensor, "*term d_model"]) -> Float[np.ndarray, "*term"]:
        return np.asarray((slope * norm.of(vectors) @ direction).cpu())

    terms = direct(written)
    return DirectAttribution(
        item=pair.id,
        group=pair.group,
        world=world,
        y=y,
        te=te,
        embedding=float(terms[0]),
        attn_out=terms[1 : 1 + len(layers)],
        mlp_out=terms[1 + len(layers) :],
        bias=float(slope * (norm.bias @ direction + offset[0] - offset[1])),
        capped=capped,
        heads=direct(torch.stack([_head_outputs(model, layer, answer) for layer in layers])) if heads else None,
    )


def _one_run(
    model: Model, pair: EncodedPair, world: int, sites: Collection[Site]
) -> tuple[Sequences, dict[Site, Float[Tensor, "pos ..."]], float, float]:
    """One world's run up to the position that predicts the answer, what was kept of it, its outcome and the pair's TE.

    Raises:
        InputError: The last residual stream does not give the outcome.
    """
    if world not in (0, 1):
        raise InputError(f"world {world}; 1 is the base and 0 the source")
    runs = [sequences(model, pair, each, [Outcome.LOGIT_DIFF]) for each in World]
    run, stream = runs[world], Site(model.need(Component.RESID_POST), model.facts.layers - 1)
    found = forward(model, runs[world].ids, keep={stream, *sites}, last=run.readout.last)
    kept = {site: value[0] for site, value in found.kept.items()}
    y = read_off(run.readout, found.logits, Outcome.LOGIT_DIFF)
    there = runs[1 - world]
    other = read_off(there.readout, forward(model, there.ids, last=there.readout.last).logits, Outcome.LOGIT_DIFF)
    read = float(_read(model, pair, kept[stream][-1]))
    if not abs(read - y) <= _tolerance(model) * max(1.0, float(found.logits.abs().max())):
        raise _not_a_sum(model, f"read off the last residual stream, the outcome is {read:.6g} and not {y:.6g}")
    return run, kept, y, (y - other) * (1 if world else -1)


def _read(model: Model, pair: EncodedPair, stream: Float[Tensor, "*place d_model"]) -> Float[np.ndarray, "*place"]:
    """The logit difference that the final norm and the unembedding make of each vector."""
    from transformer_lens.tools.analysis.logit_lens import logit_readout

    try:
        with in_float64(model.plain):
            logits = logit_readout(model.bridge, stream, targets=list(_answers(pair))).values.double()
    except (ValueError, TypeError, NotImplementedError) as error:
        raise _not_a_sum(model, one_line(error)) from error
    return np.asarray((logits[..., 0] - logits[..., 1]).cpu())


def _head_outputs(model: Model, layer: int, answer: dict[Site, Float[Tensor, "..."]]) -> Float[Tensor, "head d_model"]:
    """What each head of a layer adds to the residual stream.

    A norm between attention and the residual stream, as in Gemma-3, is held at its scale; which norm that is differs
    between families, so the one is taken that leads from the heads to what attention added.
    """
    block, z = model.bridge.blocks[layer], answer[Site(Component.Z, layer)].double()
    weight, bias = (getattr(block.attn, name, None) for name in ("W_O", "b_O"))
    if weight is None or weight.shape[:2] != z.shape:
        raise _not_a_sum(model, f"attention in layer {layer} has no output weights head by head")
    written = torch.einsum("hd,hdm->hm", z, weight.double())
    terms = written if bias is None else torch.cat([written, bias.double()[None]])
    for norm in (None, *(getattr(block, name) for name in ("ln1_post", "ln1") if hasattr(block, name))):
        frozen = _frozen(model, norm, terms, answer[Site(Component.ATTN_OUT, layer)].double())
        if frozen is not None:
            return frozen.of(written)
    raise _not_a_sum(model, f"attention's output in layer {layer} is not the sum of its heads")


def _frozen(
    model: Model, norm: Any, terms: Float[Tensor, "term d_model"], leaving: Float[Tensor, " d_model"]
) -> _FrozenNorm | None:
    """The norm, held at the scale at which it turned the sum of the terms into `leaving`; None if it cannot have.

    The scale is fitted rather than computed, so that it is the one that the model used, whatever its epsilon and the
    precision in which it took the mean of squares. Without a norm, what is fitted is a plain factor.
    """
    inside = getattr(norm, "original_component", None)
    weight, bias = (getattr(inside, name, None) for name in ("weight", "bias"))
    gain = torch.ones_like(leaving) if weight is None else weight.double() + float(norm.uses_weight_offset)
    offset = torch.zeros_like(leaving) if bias is None else bias.double()
    shape = _FrozenNorm(gain, norm is not None and not norm.uses_rms_norm, offset)
    parts, target = shape.of(terms), leaving - offset
    whole = parts.sum(dim=0)
    scale = float(whole @ target) / max(float(whole @ whole), torch.finfo(torch.float64).tiny)
    frozen = _FrozenNorm(scale * gain, shape.centred, offset)
    rounding = _tolerance(model) * float((abs(scale) * parts.abs().sum(dim=0) + offset.abs()).max())
    return frozen if float((scale * whole - target).abs().max()) <= rounding else None


def _transform(model: Model, logits: Float[Tensor, "2"]) -> tuple[float, float]:
    """What becomes of logits after the unembedding, a factor (Granite) or a soft cap (Gemma-2): its slope at 0, and how
    much more than that it changes their difference."""
    after = model.bridge.adapter.apply_output_logits_transform
    with torch.enable_grad():
        zero = torch.zeros(1, dtype=torch.float64, device=logits.device, requires_grad=True)
        slope = float(torch.autograd.grad(after(zero).sum(), zero)[0])
    return slope, float((after(logits) - slope * logits) @ logits.new_tensor([1.0, -1.0]))


def _answers(pair: EncodedPair) -> tuple[int, int]:
    """The base and the source answer's first token in which they differ."""
    readers = pair.readers
    return readers.base[readers.shared], readers.source[readers.shared]


def _tolerance(model: Model) -> float:
    """Relative rounding, as in the check at load."""
    return model.rounding * (64 if model.rounding < 1e-5 else 8)


def _kind(name: str, world: int) -> str:
    return name if world else f"{name}.source"


def _not_a_sum(model: Model, reason: str) -> InputError:
    named = f"model {model.facts.name!r} ({model.facts.architecture})"
    return InputError(f"{named} cannot be read layer by layer: {reason}")
