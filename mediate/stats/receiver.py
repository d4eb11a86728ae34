"""The area under the receiver operating characteristic: how well a score finds the items of one class."""

import numpy as np
from jaxtyping import Bool, Float
from scipy import stats


def receiver_area(positive: Bool[np.ndarray, " item"], score: Float[np.ndarray, " item"]) -> float:
    """The share of pairs, one item of the class and one of the rest, in which the first has the larger score.

    Ties of the score count half, which is the area under the straight lines between the curve's points, and Mann and
    Whitney's U over the number of pairs. NaN where all items are of the class, or none.
    """
    return float(receiver_areas(positive, score[None])[0])


def receiver_areas(
    positive: Bool[np.ndarray, " item"], scores: Float[np.ndarray, "score item"]
) -> Float[np.ndarray, " score"]:
    """`receiver_area` of several scores of the same items."""
    count = int(positive.sum())
    rest = len(positive) - count
    if not count or not rest:
        return np.full(len(scores), np.nan)
    larger = stats.rankdata(scores, axis=1)[:, positive].sum(axis=1) - count * (count + 1) / 2
    areas: Float[np.ndarray, " score"] = larger / (count * rest)
    return areas
