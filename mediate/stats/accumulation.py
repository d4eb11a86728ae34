"""Accuracy by the number of steps where errors accumulate: the formula, its fit and the number of steps it calls best.

The formula is that of Wu et al. 2025 (arXiv 2502.07266), as others tell it, with its best N derived anew: a problem of
T operations that is told in N steps comes out right with probability

    A(N) = alpha ((1 - sigma) (1 - E))^N, with sigma = T / C of misreading the problem and E = T / (N M) of an error,

where C is how much can be read and M how much a step can do. Setting the derivative of ln A(N) to 0 gives

    N* = T Z / (M (Z + 1)), with Z = W_{-1}(-(1 - T / C) / e)

and W_{-1} the lower branch of Lambert's function. The more operations, the more steps; the more a step can do, the
fewer. Only ratios of T to C and M count, so that any unit of T will do.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.optimize import minimize
from scipy.special import lambertw

# Combinations of operations and steps without which three parameters are not found.
FEWEST = 3
_EDGE = 1e-6
_TRIED = (0.02, 0.2, 0.6)


@dataclass(frozen=True, slots=True)
class Accumulation:
    """The formula's parameters.

    Args:
        alpha: What is right of chains without a single error.
        misread: 1 / C: of each operation, the chance that a step misreads the problem.
        error: 1 / M: of each operation that a step does, its chance to go wrong.
    """

    alpha: float
    misread: float
    error: float


def accuracy(
    found: Accumulation, operations: Float[np.ndarray, " cell"], steps: Float[np.ndarray, " cell"]
) -> Float[np.ndarray, " cell"]:
    """A(N) of the module's formula, by cell."""
    right = (1 - operations * found.misread) * np.maximum(1 - operations * found.error / steps, 0.0)
    result: Float[np.ndarray, " cell"] = found.alpha * right**steps
    return result


def best_steps(found: Accumulation, operations: Float[np.ndarray, " cell"]) -> Float[np.ndarray, " cell"]:
    """N* of the module's formula, by cell; infinite where nothing is misread, so that each further step helps."""
    z = lambertw(-(1 - operations * found.misread) / np.e, k=-1).real
    with np.errstate(divide="ignore", invalid="ignore"):
        result: Float[np.ndarray, " cell"] = operations * found.error * z / (z + 1)
    # Where nothing is misread, Z is -1 and the branch ends: rounding may make it undefined there.
    return np.where(np.isnan(result), np.inf, result)


def fit_accumulation(
    operations: Float[np.ndarray, " cell"],
    steps: Float[np.ndarray, " cell"],
    right: Float[np.ndarray, " cell"],
    wrong: Float[np.ndarray, " cell"],
    near: Accumulation | None = None,
) -> Accumulation:
    """The parameters under which what was counted is likeliest: binomial, by scipy's L-BFGS-B.

    Args:
        operations: T of each cell.
        steps: N of each cell.
        right: How many were right there.
        wrong: How many were wrong.
        near: Where to start, such as what was found of all of which this is a resample; None for several starts.
    """
    most = np.array([1.0, (1 - _EDGE) / operations.max(), (1 - _EDGE) / (operations / steps).max()])

    def surprise(shares: Float[np.ndarray, " parameter"]) -> float:
        found = np.clip(accuracy(Accumulation(*(shares * most)), operations, steps), _EDGE, 1 - _EDGE)
        return float(-(right * np.log(found) + wrong * np.log1p(-found)).sum())

    starts = [np.array([0.9, misread, error]) for misread in _TRIED for error in _TRIED]
    if near is not None:
        starts = [np.array([near.alpha, near.misread, near.error]) / most]
    bounds = [(_EDGE, 1.0), (0.0, 1.0), (0.0, 1.0)]
    tried = [minimize(surprise, each, method="L-BFGS-B", bounds=bounds) for each in starts]
    alpha, misread, error = (min(tried, key=lambda each: float(each.fun)).x * most).tolist()
    return Accumulation(alpha, misread, error)
