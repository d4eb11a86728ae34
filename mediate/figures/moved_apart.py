"""Words beside a figure, moved apart where they would touch."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float


def moved_apart(
    heights: Sequence[float] | Float[np.ndarray, " word"], apart: float, ceiling: float = 1.0
) -> Float[np.ndarray, " word"]:
    """Heights in ascending order, each moved up as far as the one below it needs, and down again from the ceiling.

    Args:
        heights: Where words would best stand, ascending.
        apart: How far two of them are apart at least.
        ceiling: The highest that one may stand.
    """
    found = np.array(heights, dtype=float)
    for place in range(1, len(found)):
        found[place] = max(found[place], found[place - 1] + apart)
    for place in reversed(range(len(found))):
        found[place] = min(found[place], ceiling)
        ceiling = found[place] - apart
    return found
