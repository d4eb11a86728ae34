"""Layers of models of different depth on one grid of relative depth."""

import numpy as np
from jaxtyping import Float

# At every layer the whole residual stream: neighbouring layers hold the same effect, not parts of one.
CUMULATIVE = (".resid_pre", ".resid_mid", ".resid_post")


def cumulative(kind: str) -> bool:
    """Whether a map's layers each hold the effect of all layers before, so that a sum over layers counts it again."""
    return any(name in kind for name in CUMULATIVE)


def depth_weights(layers: int, bins: int, *, average: bool = False) -> Float[np.ndarray, "bin layer"]:
    """How much of each layer counts in each bin of relative depth.

    Layer l of L fills the depths from l / L to (l + 1) / L, bin b of B those from b / B to (b + 1) / B, and a layer's
    effect is spread evenly over its depths. So the sum over bins is the sum over layers, whatever their number; an
    interpolation between layers would keep no sum. With `average` a bin is the mean over its depths instead, for
    effects that do not add up over layers. With as many bins as layers this is the identity.
    """
    edges, cuts = np.arange(layers + 1) * bins, np.arange(bins + 1) * layers  # in units of 1 / (layers * bins)
    shared = np.minimum(edges[None, 1:], cuts[1:, None]) - np.maximum(edges[None, :-1], cuts[:-1, None])
    overlap: Float[np.ndarray, "bin layer"] = np.maximum(shared, 0) / (layers if average else bins)
    return overlap
