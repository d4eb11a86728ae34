"""How far an estimated map agrees with exact patching, on cells drawn at random and on the map's own top."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.stats import spearmanr

# From here on a map's values, or at least its ranking, may be used.
RELIABLE, RANKING = 0.9, 0.7
SIZES = (0.8, 1.25)
# Fewer random cells say nothing of a map.
LEAST_CELLS = 10
TOP_SHARE = 0.1
VERDICTS = ("reliable", "ranking only", "unreliable", "not assessed")


@dataclass(frozen=True, slots=True)
class Agreement:
    """An estimate against the exact effects of the same cells.

    Args:
        spearman: Rank correlation over the random cells; NaN where either side is constant.
        signs: Share of random cells with a nonzero exact effect whose estimate has its sign; NaN without any.
        missed_mass: Of the sum of |exact| over the tenth of the random cells that is largest by exact effect, the part
            that the tenth that is largest by estimate does not hold.
        top_signs: As `signs`, over the map's own largest cells.
        top_ratio: Sum of |estimate| over sum of |exact| at the map's own largest cells; 1 is the right size.
        n_random: Random cells in which anything moves.
        n_top: Top cells.
        seed: Of the drawing.
        completeness: Of integrated gradients, how far the sum over a whole cut is from its exact effect, in nats; NaN
            of other methods.
    """

    spearman: float
    signs: float
    missed_mass: float
    top_signs: float
    top_ratio: float
    n_random: int
    n_top: int
    seed: int
    completeness: float = float("nan")

    @property
    def verdict(self) -> str:
        """`reliable` (rank correlation and signs from 0.9 on, and a size at the top from 0.8 to 1.25), `ranking only`
        (rank correlation from 0.7), else `unreliable`; `not assessed` with fewer than 10 random cells."""
        if self.n_random < LEAST_CELLS or self.spearman != self.spearman:
            return "not assessed"
        sized = SIZES[0] <= self.top_ratio <= SIZES[1]
        if sized and all(each >= RELIABLE for each in (self.spearman, self.signs, self.top_signs)):
            return "reliable"
        return "ranking only" if self.spearman >= RANKING else "unreliable"


def agreement(
    estimate: Float[np.ndarray, " random"],
    exact: Float[np.ndarray, " random"],
    top_estimate: Float[np.ndarray, " top"],
    top_exact: Float[np.ndarray, " top"],
    *,
    seed: int,
    signed: bool = True,
    completeness: float = float("nan"),
) -> Agreement:
    """Compares estimates with exact effects, at random cells and at the estimate's largest.

    Estimates without a sign are compared with the size of the exact effects, and have no sign agreement. Random cells
    in which both are exactly 0 are left out: nothing moves there, and ties at 0 would look like agreement.
    """
    moving = (estimate != 0) | (exact != 0)
    estimate, exact = estimate[moving], exact[moving]
    if not signed:
        exact, top_exact = abs(exact), abs(top_exact)
    varied = len(exact) > 2 and np.ptp(exact) > 0 and np.ptp(estimate) > 0
    count = max(1, round(TOP_SHARE * len(exact)))
    best = np.sort(abs(exact))[::-1][:count].sum()
    held = abs(exact)[np.argsort(-abs(estimate), kind="stable")[:count]].sum()
    size = abs(top_exact).sum()
    return Agreement(
        spearman=float(spearmanr(estimate, exact).statistic) if varied else float("nan"),
        signs=_signs(estimate, exact) if signed else float("nan"),
        missed_mass=float(1 - held / best) if best > 0 else float("nan"),
        top_signs=_signs(top_estimate, top_exact) if signed else float("nan"),
        top_ratio=float(abs(top_estimate).sum() / size) if size > 0 else float("nan"),
        n_random=len(exact),
        n_top=len(top_exact),
        seed=seed,
        completeness=completeness,
    )


def _signs(estimate: Float[np.ndarray, " cell"], exact: Float[np.ndarray, " cell"]) -> float:
    there = exact != 0
    return float((np.sign(estimate[there]) == np.sign(exact[there])).mean()) if there.any() else float("nan")
