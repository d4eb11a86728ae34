"""False discovery control over many cells, where some may have no p value."""

from typing import Literal

import numpy as np
from jaxtyping import Float
from scipy import stats


def false_discovery(p: Float[np.ndarray, "..."], *, method: Literal["bh", "by"] = "bh") -> Float[np.ndarray, "..."]:
    """Adjusted p values: cells at most q are found with an expected share of at most q false ones among them.

    By scipy's `false_discovery_control`:
    `bh` (Benjamini and Hochberg 1995) holds for independent or positively dependent cells, `by` (Benjamini and
    Yekutieli 2001) for any. A cell whose p value is NaN is no test: it stays NaN and does not count among the others.

    Raises:
        ValueError: A p value is outside [0, 1].
    """
    adjusted = np.full(p.shape, np.nan)
    tested = ~np.isnan(p)
    if tested.any():
        adjusted[tested] = stats.false_discovery_control(p[tested], method=method)
    return adjusted
