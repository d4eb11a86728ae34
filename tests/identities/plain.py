"""A Llama by hand: its forward pass in plain torch, with every intervention written where it happens.

Nothing here comes from transformers' modules, from transformer-lens or from mediate: weights are read out of a state
dict, and the rest is the published architecture (RMSNorm, rotary positions, grouped queries, gated MLP). One sequence
at a time, one head at a time, so that there is no batch and no broadcasting over them to get wrong.

All is in the dtype of the weights, but for the rotary frequencies, which a Llama holds in float32.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

EPSILON, THETA = 1e-6, 10_000.0  # as the published Llama has them

# What is put in place of one vector (or number): component, layer, position, head or channel (None: all), value.
Edit = tuple[str, int, int, int | None, Tensor]
# Layer, head, query, key.
Edge = tuple[int, int, int, int]
# What an activation is called: component, layer.
Point = tuple[str, int]


@dataclass(frozen=True)
class Seen:
    """Keys (before rotary) and values of other origin that some queries see in place of their own sequence's.

    Args:
        first: The first query that sees them.
        vectors: By component (`k` or `v`), layer, position and KV head.
    """

    first: int
    vectors: Mapping[tuple[str, int, int, int], Tensor]


@dataclass(frozen=True)
class Changes:
    """All interventions of one pass: what is replaced, which edges are masked or zeroed, what the readers see.

    Masked and zeroed edges of queries that the sequence does not have are no edges.
    """

    edits: Sequence[Edit] = ()
    masked: frozenset[Edge] = frozenset()
    zeroed: frozenset[Edge] = frozenset()
    seen: Seen | None = None


@dataclass
class Pass:
    """Logits at every position and each activation as it is after the interventions; shapes as in `Component`,
    without the batch."""

    logits: Tensor
    at: dict[Point, Tensor] = field(default_factory=dict)


class Llama:
    """The weights, and the forward pass.

    Args:
        weights: transformers' state dict of a Llama.
        heads: Query heads.
        kv_heads: Key-value heads.
    """

    def __init__(self, weights: Mapping[str, Tensor], heads: int, kv_heads: int) -> None:
        self.weights = {name: value.detach().clone() for name, value in weights.items()}
        self.layers = 1 + max(int(name.split(".")[2]) for name in weights if name.startswith("model.layers."))
        self.heads, self.kv_heads = heads, kv_heads
        self.d_head = self.weights["model.layers.0.self_attn.q_proj.weight"].shape[0] // heads

    def weight(self, layer: int, name: str) -> Tensor:
        return self.weights[f"model.layers.{layer}.{name}.weight"]

    def run(self, ids: Sequence[int], changes: Changes | None = None, leaves: Iterable[Point] = ()) -> Pass:
        """One pass over one sequence.

        Args:
            ids: Token ids; positions count from 0.
            changes: The interventions.
            leaves: Activations that gradients will be asked of, with `torch.autograd.grad` and `Pass.at`.
        """
        found, changes = Pass(torch.empty(0)), changes or Changes()

        def point(component: str, layer: int, value: Tensor) -> Tensor:
            value = edited(value, component, layer, changes.edits)
            if component == "pattern" and changes.zeroed:
                kept = torch.ones_like(value)
                for at, head, query, key in changes.zeroed:
                    if at == layer and query < len(ids):
                        kept[head, query, key] = 0.0
                value = value * kept
            if (component, layer) in leaves and not value.requires_grad:
                value = value.requires_grad_(True)
            found.at[component, layer] = value
            return value

        stream = self.weights["model.embed_tokens.weight"][list(ids)]
        for layer in range(self.layers):
            stream = point("resid_pre", layer, stream)
            attention = point("attn_out", layer, self.attention(layer, stream, changes, point))
            stream = point("resid_mid", layer, stream + attention)
            inside = rms_norm(stream, self.weight(layer, "post_attention_layernorm"))
            gate = inside @ self.weight(layer, "mlp.gate_proj").T
            neurons = gate * torch.sigmoid(gate) * (inside @ self.weight(layer, "mlp.up_proj").T)
            neurons = point("mlp_post", layer, neurons)
            out = point("mlp_out", layer, neurons @ self.weight(layer, "mlp.down_proj").T)
            stream = point("resid_post", layer, stream + out)
        found.logits = rms_norm(stream, self.weights["model.norm.weight"]) @ self.weights["lm_head.weight"].T
        return found

    def attention(self, layer: int, stream: Tensor, changes: Changes, point: Any) -> Tensor:
        inside = rms_norm(stream, self.weight(layer, "input_layernorm"))
        length = len(inside)
        # Contiguous channels belong to one head.
        q, k, v = (
            point(name, layer, (inside @ self.weight(layer, f"self_attn.{name}_proj").T).reshape(length, count, -1))
            for name, count in (("q", self.heads), ("k", self.kv_heads), ("v", self.kv_heads))
        )
        turned = rotated(q), rotated(k)
        views = [(range(length), turned[1], v)]
        if changes.seen is not None:
            first, other = changes.seen.first, {"k": k.clone(), "v": v.clone()}
            for (name, at, position, head), vector in changes.seen.vectors.items():
                if at == layer:
                    other[name][position, head] = vector
            views = [(range(first), turned[1], v), (range(first, length), rotated(other["k"]), other["v"])]
        patterns = []
        for head in range(self.heads):
            rows = []
            for queries, keys, _ in views:
                hidden = [
                    [key > query or (layer, head, query, key) in changes.masked for key in range(length)]
                    for query in queries
                ]
                scores = turned[0][list(queries), head] @ keys[:, self.shared(head)].T / self.d_head**0.5
                mask = torch.tensor(hidden, dtype=torch.bool).reshape(scores.shape)
                rows.append(scores.masked_fill(mask, -torch.inf).softmax(dim=1))
            patterns.append(torch.cat(rows))
        pattern = point("pattern", layer, torch.stack(patterns))
        found = [
            torch.cat([pattern[head, list(queries)] @ values[:, self.shared(head)] for queries, _, values in views])
            for head in range(self.heads)
        ]
        z = torch.stack(found, dim=1)
        z = point("z", layer, z)
        return z.reshape(length, -1) @ self.weight(layer, "self_attn.o_proj").T

    def shared(self, head: int) -> int:
        """The KV head that a query head reads."""
        return head * self.kv_heads // self.heads


def edited(value: Tensor, component: str, layer: int, edits: Sequence[Edit]) -> Tensor:
    """A copy with the edits of this point made; a pattern's position is its query, its channel a head, and keys that
    the new row does not name are not attended to."""
    here = [edit for edit in edits if edit[:2] == (component, layer)]
    if not here:
        return value
    value = value.clone()
    for _, _, position, unit, new in here:
        if component == "pattern":
            for head in range(len(value)) if unit is None else [unit]:
                row = new[head] if unit is None else new
                value[head, position] = torch.cat([row, row.new_zeros(value.shape[-1] - len(row))])
        elif unit is None:
            value[position] = new
        else:
            value[position, unit] = new
    return value


def rms_norm(value: Tensor, weight: Tensor) -> Tensor:
    return weight * value * (value.square().mean(dim=-1, keepdim=True) + EPSILON).rsqrt()


def rotated(vectors: Tensor) -> Tensor:
    """Rotary embedding: channel i and channel i + half are turned by position * theta^(-i / half)."""
    length, _, width = vectors.shape
    half = width // 2
    speed = 1.0 / (THETA ** (torch.arange(0, width, 2, dtype=torch.float32) / width))
    angle = torch.arange(length, dtype=vectors.dtype)[:, None, None] * speed
    cos, sin = angle.cos(), angle.sin()
    first, second = vectors[..., :half], vectors[..., half:]
    return torch.cat([first * cos - second * sin, second * cos + first * sin], dim=-1)


def logit_diff(logits: Tensor, position: int, one: int, other: int) -> Tensor:
    """The logit of one token less that of another."""
    return logits[position, one] - logits[position, other]


def logprob(logits: Tensor, first: int, answer: Sequence[int]) -> Tensor:
    """Log-probability of an answer whose first token is predicted at position `first`."""
    total = torch.zeros((), dtype=logits.dtype)
    for place, token in enumerate(answer):
        total = total + logits[first + place, token] - logits[first + place].logsumexp(dim=0)
    return total
