"""Which cells of a mean map cannot be told from 0: pointwise intervals of every cell, over groups of items."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float

from mediate.results import EffectMap, mean_map
from mediate.stats.columnwise import interval_of_means

# Of maps with more cells a mark could not be seen, and their intervals would take longer than the drawing.
MOST_CELLS = 1500


def cell_intervals(
    maps: Sequence[EffectMap], *, seed: int = 0, level: float = 0.95
) -> tuple[Float[np.ndarray, "..."], Float[np.ndarray, "..."]]:
    """Both ends of the interval of each cell of the mean of maps, laid out as `mean_map` has them.

    A cell is a mean over the items that have it and a number there; NaN where these are of one group, and in all cells
    of maps with more than 1,500.
    """
    mean, coords, _ = mean_map(maps)
    low, high = np.full(mean.size, np.nan), np.full(mean.size, np.nan)
    if mean.size <= MOST_CELLS:
        values = np.full((len(maps), *mean.shape), np.nan)
        for row, each in enumerate(maps):
            places = np.ix_(*(np.searchsorted(coords[name], each.coords[name]) for name in each.dims))
            values[row][places] = each.values
        cells = values.reshape(len(maps), -1)
        # One draw for all cells that the same items have.
        patterns, which = np.unique(~np.isnan(cells), axis=1, return_inverse=True)
        for place, having in enumerate(patterns.T):
            columns = np.flatnonzero(which.ravel() == place)
            groups = [each.group for each, has in zip(maps, having, strict=True) if has]
            if len(set(groups)) > 1:
                there = cells[np.ix_(having, columns)]
                low[columns], high[columns] = interval_of_means(there, groups, seed=seed, level=level)
    return low.reshape(mean.shape), high.reshape(mean.shape)


def crossed_of(
    maps: Sequence[EffectMap], axes: Sequence[str], *, seed: int = 0, level: float = 0.95
) -> Bool[np.ndarray, "row column"] | None:
    """The cells that are not told from 0, the maps' axes in this order: their interval holds it, or they have none.

    None where no cell has an interval, or the maps have other axes.
    """
    if set(axes) != set(maps[0].dims):
        return None
    low, high = cell_intervals(maps, seed=seed, level=level)
    if not np.isfinite(low).any():
        return None
    found: Bool[np.ndarray, "row column"] = ~((low > 0) | (high < 0))
    return found.transpose([maps[0].dims.index(name) for name in axes])


def crossed_words(level: float = 0.95) -> str:
    """What a key says of the cells that are crossed."""
    return f"not told from 0 (pointwise {level * 100:g} % interval)"
