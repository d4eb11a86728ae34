"""What the residual stream says in each layer, and what each component adds to the outcome directly.

Neither is a causal effect: nothing is intervened on, one run is read. The outcome is the logit difference of the base
and the source answer; of an item without a twin, the logit of its answer less the mean over all.

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
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from mediate.errors import InputError
from mediate.mediation.encoding import EncodedPair
from mediate.mediation.item import Encoded
from mediate.mediation.kinds.kind import effect_map
from mediate.mediation.kinds.logit_sums import (
    LogitSum,
    frozen,
    head_outputs,
    logit_sum,
    not_a_sum,
    tolerance,
    transform,
)
from mediate.mediation.names import LOGIT
from mediate.mediation.outcomes import Outcome, read_off
from mediate.mediation.sequences import Sequences, own_sequences, sequences
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
        outcome: The outcome that they sum to.
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
    outcome: str = str(Outcome.LOGIT_DIFF)

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
        labels = (self.item, self.group, _kind("direct", self.world), self.outcome)
        names = ["item", "group", "kind", "outcome", "component", "layer", "head", "te", "effect"]
        frame = pandas.DataFrame([(*labels, *row[:3], self.te, row[3]) for row in rows], columns=names)
        return frame.astype({"layer": "Int64", "head": "Int64"})


def logit_lens(
    model: Model, pair: Encoded, *, world: int = World.BASE, readers: bool = False, te: float = float("nan")
) -> EffectMap:
    """The logit difference read off the residual stream after each layer, at each position of the chain.

    Of an item without a twin it is the logit of its answer, less the mean over all.

    The axes are position and layer; with `readers` they are reader and layer, readers counted from the answer cue's
    first token up to the position that predicts the answer: there, the last layer gives the outcome itself.

    Args:
        model: The hooked model.
        pair: The pair in tokens.
        world: Whose run is read: 1 is the base, 0 the source.
        readers: Whether to read at the readers' positions instead of the chain's.
        te: Of an item without a twin, its total effect on that, for scale.

    Raises:
        InputError: Another world, or a model whose logits do not follow from its last residual stream.
    """
    layers = range(model.facts.layers)
    component = model.need(Component.RESID_POST)
    run, kept, _, te, sums = _one_run(model, pair, world, [Site(component, layer) for layer in layers], te)
    start, stop = (run.stop, int(run.ids.shape[1])) if readers else (run.start, run.stop)
    stream = torch.stack([kept[Site(component, layer)][start:stop] for layer in layers], dim=1)
    axis = "reader" if readers else "position"
    coords = {axis: tuple(range(stop - start)), "layer": tuple(layers)}
    return effect_map(pair, _kind("logit_lens", world), coords, sums.read(model, stream), sums.outcome, te)


def direct_logit_attribution(
    model: Model, pair: Encoded, *, world: int = World.BASE, heads: bool = False, te: float = float("nan")
) -> DirectAttribution:
    """What each component adds directly to the logit difference, at the position that predicts the answer.

    Of an item without a twin, to the logit of its answer less the mean over all.

    Args:
        model: The hooked model.
        pair: The pair in tokens.
        world: Whose run is read: 1 is the base, 0 the source.
        heads: Whether attention is taken apart into heads.
        te: Of an item without a twin, its total effect on that, for scale.

    Raises:
        InputError: Another world, or a model whose logits are not the sum of what its components write.
    """
    layers = range(model.facts.layers)
    parts = [Component.ATTN_OUT, Component.MLP_OUT, *([Component.Z] if heads else [])]
    sites = [EMBEDDED, *(Site(model.need(part), layer) for part in parts for layer in layers)]
    _, kept, y, te, sums = _one_run(model, pair, world, sites, te)
    answer = {site: value[-1] for site, value in kept.items()}
    written = torch.stack([answer[site] for site in sites if site.component is not Component.Z]).double()
    stream, final = answer[Site(Component.RESID_POST, layers[-1])], getattr(model.bridge, "ln_final", None)
    with torch.no_grad(), in_float64(model.plain):
        leaving = (stream if final is None else final(stream[None, None])[0, 0]).double()
    norm = frozen(model, final, written, leaving)
    if norm is None:
        raise not_a_sum(model, "the final norm's output is not linear in what the components write")
    direction, offset = sums.direction(model.bridge.W_U), model.bridge.b_U[sums.tokens].double() @ sums.weights
    slope, capped = transform(model, leaving, sums)

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
        bias=float(slope * (norm.bias @ direction + offset)),
        capped=capped,
        heads=direct(torch.stack([head_outputs(model, layer, answer) for layer in layers])) if heads else None,
        outcome=str(sums.outcome),
    )


def _one_run(
    model: Model, pair: Encoded, world: int, sites: Collection[Site], te: float
) -> tuple[Sequences, dict[Site, Float[Tensor, "pos ..."]], float, float, LogitSum]:
    """One world's run up to the position that predicts the answer, what was kept of it, its outcome, and its TE.

    An item without a twin has one run, and its TE is known. Last comes what its outcome is of the logits.

    Raises:
        InputError: The last residual stream does not give the outcome.
    """
    if world not in (0, 1):
        raise InputError(f"world {world}; 1 is the base and 0 the source")
    there: Sequences | None = None
    if isinstance(pair, EncodedPair):
        runs = [sequences(model, pair, each, [Outcome.LOGIT_DIFF]) for each in World]
        run, there = runs[world], runs[1 - world]
    else:
        run = own_sequences(model, pair, [LOGIT])
    stream = Site(model.need(Component.RESID_POST), model.facts.layers - 1)
    found = forward(model, run.ids, keep={stream, *sites}, last=run.readout.last)
    kept = {site: value[0] for site, value in found.kept.items()}
    sums = logit_sum(pair, found.logits)
    y = read_off(run.readout, found.logits, sums.outcome)
    if there is not None:
        other = read_off(there.readout, forward(model, there.ids, last=there.readout.last).logits, sums.outcome)
        te = (y - other) * (1 if world else -1)
    read = float(sums.read(model, kept[stream][-1:])[0])
    largest = float(found.logits[found.logits.isfinite()].abs().max())
    if not abs(read - y) <= tolerance(model) * max(1.0, largest):
        raise not_a_sum(model, f"read off the last residual stream, the outcome is {read:.6g} and not {y:.6g}")
    return run, kept, y, te, sums


def _kind(name: str, world: int) -> str:
    return name if world else f"{name}.source"
