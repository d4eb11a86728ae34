"""What is compared: the shares and effects of a cube, item by item, and shares to first order."""

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from mediate.results import CHANNELS, Cube, corners, shapley

SHARES = (*CHANNELS, "mediated")
EFFECTS = ("te", *CHANNELS, "nde", "nie", "tde", "tie", "interaction")
SHARE, EFFECT = "share", "effect"
ROUNDING = 1e-12


def share_numerators(cube: Cube) -> Float[np.ndarray, "share item"]:
    """What a share has over TE: the three Shapley values and TIE, rows as in `SHARES`."""
    return np.vstack([shapley(cube.y, cube.contrast).T, corners(cube.y).tie])


def effect_values(cube: Cube) -> Float[np.ndarray, "effect item"]:
    """Each item's effects in nats, rows as in `EFFECTS`."""
    channels, classical = shapley(cube.y, cube.contrast).T, corners(cube.y)
    return np.stack([classical.te, *channels, *classical[1:]])


def linearised(
    numerator: Float[np.ndarray, "*cells item"], denominator: Float[np.ndarray, " item"]
) -> Float[np.ndarray, "*cells item"]:
    """Values of single items whose mean is the ratio of sums, and whose spread is the ratio's to first order.

    R + (n_i - R d_i) / mean(d) with R = sum(n) / sum(d): the Taylor linearisation of a ratio (Woodruff 1971). Tests of
    means that take items, such as sign flips, then test ratios. The mean of `denominator` must not be 0.
    """
    ratio = numerator.sum(axis=-1, keepdims=True) / denominator.sum()
    found: Float[np.ndarray, "*cells item"] = ratio + (numerator - ratio * denominator) / denominator.mean()
    return found


def difference_of(
    a: Float[np.ndarray, "quantity item"], b: Float[np.ndarray, "quantity item"]
) -> Float[np.ndarray, "quantity item"]:
    """b - a, where what is rounding beside the item's largest quantity is exactly 0, so that no test finds it."""
    scale = np.maximum(abs(a), abs(b)).max(axis=0)
    return np.where(abs(b - a) <= ROUNDING * scale, 0.0, b - a)


def aligned(cube: Cube, items: tuple[str, ...]) -> Cube:
    """The cube of the named items, in their order."""
    rows = {item: row for row, item in enumerate(cube.items)}
    places = [rows[item] for item in items]
    return replace(cube, y=cube.y[places], items=items, groups=tuple(cube.groups[place] for place in places))
