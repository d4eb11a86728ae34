"""Sign flips of a family of differences, also of one in which nothing differs."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from mediate.compare.settings import Settings
from mediate.stats.signflip import sign_flip_max_t


class Flipped(NamedTuple):
    """What sign flips say of each cell: its mean difference, its p values, and half the width of the common band.

    All but the mean are NaN where a cell is not tested: nothing differs there, or there is one group.
    """

    mean: Float[np.ndarray, " cell"]
    p: Float[np.ndarray, " cell"]
    p_adjusted: Float[np.ndarray, " cell"]
    reach: Float[np.ndarray, " cell"]


def flip_family(values: Float[np.ndarray, "item cell"], groups: Sequence[str], how: Settings) -> Flipped:
    """Flips the signs of whole groups; see `mediate.stats.signflip.sign_flip_max_t`. NaN is a cell without a value."""
    moving = np.nan_to_num(values) != 0
    if len(set(groups)) < 2 or not moving.any():
        none = np.full(values.shape[1], np.nan)
        return Flipped(values.mean(axis=0), none, none, none)
    found = sign_flip_max_t(values, groups, seed=how.seed, draws=how.flips, level=how.level)
    return Flipped(found.mean, found.p, found.p_adjusted, found.reach)
