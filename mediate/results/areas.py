"""How far an answer holds while a chain is edited: areas over curves, and the mean over places. Arrays only.

`y[i]` says whether the answer with i steps before the edit is the one after the whole chain; the last, with all steps,
always is.
"""

import numpy as np
from jaxtyping import Float
from scipy.integrate import trapezoid

FEWEST_STEPS = 2


def area_over(y: Float[np.ndarray, " place"]) -> float:
    """The area over the curve of y on i / n, by the trapezoid (Lanham et al. 2023); in [0, 1].

    0 where the answer is there from the start. Where it comes with the last step it is `1 - 1 / (2n)`, which depends on
    the number of steps n; `normalised_area` does not. NaN below two steps. The mean over chains is Lanham's: by number
    of steps, weighted by how many chains have so many.
    """
    if len(y) <= FEWEST_STEPS:
        return float("nan")
    return float(1 - trapezoid(y, dx=1 / (len(y) - 1)))


def normalised_area(y: Float[np.ndarray, " place"]) -> float:
    """`area_over` divided by `1 - 1 / (2n)`: 1 for a chain that is needed to its last step, whatever its length."""
    return area_over(y) / (1 - 1 / (2 * (len(y) - 1)))


def unchanged(y: Float[np.ndarray, " place"]) -> float:
    """The share of places at which the answer stays: `1/n sum_(i < n) y[i]`, without the whole chain."""
    return float(y[:-1].mean()) if len(y) > 1 else float("nan")


def at_shares(y: Float[np.ndarray, " place"], shares: Float[np.ndarray, " share"]) -> Float[np.ndarray, " share"]:
    """The curve at shares of the chain between 0 and 1, in straight lines from place to place.

    So the mean of several chains' curves has the mean of their areas, whatever their numbers of steps.
    """
    found: Float[np.ndarray, " share"] = np.interp(shares, np.linspace(0, 1, len(y)), y)
    return found
