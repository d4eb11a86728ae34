"""A difference of maps by step and layer as a matrix, as figures take it."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from mediate.compare.maps import MapDifference
from mediate.compare.stacks import LAYER, STEP


@dataclass(frozen=True, slots=True)
class Grid:
    """A difference of maps by step and layer, as a matrix.

    Args:
        steps: Names of the rows.
        layers: Names of the columns: layers, or of models of different depth relative depths, as text.
        there: The first run's map, as shares of its total effect.
        here: The other run's.
        difference: The one less the other.
        found: Cells that were found to differ.
    """

    steps: list[int | str]
    layers: list[int | str]
    there: Float[np.ndarray, "step layer"]
    here: Float[np.ndarray, "step layer"]
    difference: Float[np.ndarray, "step layer"]
    found: Bool[np.ndarray, "step layer"]


def grid_of(each: MapDifference, alpha: float) -> Grid:
    """The difference of maps by step and layer of one run, with the cells that differ at this false discovery rate."""
    steps, depths = (list(dict.fromkeys(each.labels[name].tolist())) for name in (STEP, LAYER))
    shape = [len(np.unique(values)) for values in each.labels.values()]
    turned = list(each.labels) == [LAYER, STEP]
    cells = [values.reshape(shape) for values in (each.there, each.here, each.difference, found_cells(each, alpha))]
    there, here, difference, found = (values.T if turned else values for values in cells)
    layers: list[int | str] = [f"{depth:.2f}" for depth in depths] if each.regridded else [*range(len(depths))]
    return Grid([int(step) for step in steps], layers, there, here, difference, found)


def found_cells(each: MapDifference, alpha: float) -> np.ndarray:
    """Cells that were found to differ; one without a test was not."""
    found: np.ndarray = np.nan_to_num(each.p_adjusted, nan=1.0) <= alpha
    return found.astype(bool)
