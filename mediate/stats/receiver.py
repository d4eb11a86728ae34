"""The area under the receiver operating characteristic: how well a score finds the items of one class."""

import numpy as np
from jaxtyping import Bool, Float
from scipy import stats


def receiver_area(positive: Bool[np.ndarray, " item"], score: Float[np.ndarray, " item"]) -> float:
    """The share of pairs, one item of the class and one of the rest, in which the first has the larger score.

    Ties of the score count half, which is the area under the straight lines between the curve's points, and Mann and
    Whitney's U over the number of pairs. NaN where all items are of the class, or none.
    """
    count = int(positive.sum())
    rest = len(positive) - count
    if not count or not rest:
        return float("nan")
    larger = stats.rankdata(score)[positive].sum() - count * (count + 1) / 2
    return float(larger / (count * rest))
