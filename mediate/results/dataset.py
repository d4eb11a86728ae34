"""All that a run measured as one dataset of xarray, under the names that the tables have.

Every array is a copy, in nats.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from mediate.results.contrasts import TWIN
from mediate.results.cube import CUBE_DIMS, cube_coords
from mediate.results.folder import Results
from mediate.results.labelled import needed_xarray, units_of
from mediate.results.maps import EffectMap

if TYPE_CHECKING:
    import xarray


def results_dataset(results: Results) -> "xarray.Dataset":
    """All that a run measured: `y` (outcome, item, d, t, h), `te` (outcome, item), and each kind of map by its name.

    A map is named as it is asked for, such as `read:step,layer`, and has the dimensions outcome, item and its axes;
    labels are all that any item has. It is NaN at a cell that the item does not have, and at one that is undefined.

    Raises:
        InputError: xarray is not installed.
        ValueError: Two maps of one item, kind, outcome and axes.
    """
    groups = {item.id: item.group for item in results.items} | {each.item: each.group for each in results.maps}
    rows = {item: row for row, item in enumerate(groups)}
    names = [cube.outcome for cube in results.cubes] + [each.outcome for each in results.maps]
    outcomes = list(dict.fromkeys(names))
    y = np.full((len(outcomes), len(rows), 2, 2, 2), np.nan)
    for cube in results.cubes:
        y[outcomes.index(cube.outcome), [rows[item] for item in cube.items]] = cube.y
    te = y[:, :, 1, 1, 1] - y[:, :, 0, 0, 0]
    labels = {
        name: sorted({label for each in results.maps for label in each.coords.get(name, ())})
        for name in dict.fromkeys(name for each in results.maps for name in each.dims)
    }
    units = {"units": units_of(outcomes)}
    variables = {"y": (("outcome", *CUBE_DIMS), y, units), "te": (("outcome", "item"), te, units)}
    for kind, dims in dict.fromkeys((each.kind, each.dims) for each in results.maps):
        maps = [each for each in results.maps if (each.kind, each.dims) == (kind, dims)]
        values = _side_by_side(maps, outcomes, rows, labels)
        variables[f"{kind}:{','.join(dims)}"] = (
            ("outcome", "item", *dims),
            values,
            {"units": units_of(each.outcome for each in maps)},
        )
    contrast = results.cubes[0].contrast if results.cubes else TWIN
    coords = cube_coords(list(groups), list(groups.values()), contrast) | labels | {"outcome": outcomes}
    data: xarray.Dataset = needed_xarray().Dataset(variables, coords=coords)
    return data


def _side_by_side(
    maps: Sequence[EffectMap], outcomes: Sequence[str], rows: Mapping[str, int], labels: Mapping[str, Sequence[int]]
) -> Float[np.ndarray, "outcome item ..."]:
    """Maps of one kind and the same axes in one array; NaN where there is no cell."""
    dims = maps[0].dims
    values = np.full((len(outcomes), len(rows), *(len(labels[name]) for name in dims)), np.nan)
    filled: set[tuple[str, str]] = set()
    for each in maps:
        if (each.item, each.outcome) in filled:
            raise ValueError(f"item {each.item!r}: two maps {each.kind}:{','.join(dims)} of {each.outcome!r}")
        filled.add((each.item, each.outcome))
        cells = np.ix_(*(np.searchsorted(labels[name], each.coords[name]) for name in dims))
        values[outcomes.index(each.outcome), rows[each.item]][cells] = each.values
    return values
