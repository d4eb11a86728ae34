"""Measured arrays in the form of others' tools: labelled arrays of xarray, under the names that the tables have.

xarray is not installed with mediate: it is imported where it is asked for. Every array is a copy, in nats.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from mediate.effects.cube import CHANNELS, Cube
from mediate.effects.maps import EffectMap
from mediate.effects.results import Results
from mediate.errors import InputError

if TYPE_CHECKING:
    import xarray

UNITS = "nats"
CUBE_DIMS = ("item", "d", "t", "h")
_WORLDS = "1 the base world, 0 the source"


def map_array(effects: EffectMap) -> "xarray.DataArray":
    """One item's map: its axes as dimensions, and item, group and te as coordinates without a dimension.

    `xarray.concat(arrays, "item", join="outer", coords=["group", "te"])` lays maps of several items side by side.

    Raises:
        InputError: xarray is not installed.
    """
    labels = {name: list(effects.coords[name]) for name in effects.dims}
    verdict = {} if effects.agreement is None else {"verdict": effects.agreement.verdict}
    array: xarray.DataArray = _xarray().DataArray(
        effects.values.copy(),
        dims=effects.dims,
        coords=labels | {"item": effects.item, "group": effects.group, "te": effects.te},
        name=effects.kind,
        attrs={"units": UNITS, "kind": effects.kind, "outcome": effects.outcome} | verdict,
    )
    return array


def cube_array(cube: Cube) -> "xarray.DataArray":
    """A cube with dimensions item, d, t and h, and each item's group along item.

    Raises:
        InputError: xarray is not installed.
    """
    array: xarray.DataArray = _xarray().DataArray(
        cube.y.copy(),
        dims=CUBE_DIMS,
        coords=_cube_coords(cube.items, cube.groups),
        name=cube.outcome,
        attrs={"units": UNITS, "outcome": cube.outcome},
    )
    return array


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
    variables = {"y": (("outcome", *CUBE_DIMS), y, {"units": UNITS}), "te": (("outcome", "item"), te, {"units": UNITS})}
    for kind, dims in dict.fromkeys((each.kind, each.dims) for each in results.maps):
        maps = [each for each in results.maps if (each.kind, each.dims) == (kind, dims)]
        values = _side_by_side(maps, outcomes, rows, labels)
        variables[f"{kind}:{','.join(dims)}"] = (("outcome", "item", *dims), values, {"units": UNITS})
    coords = _cube_coords(list(groups), list(groups.values())) | labels | {"outcome": outcomes}
    data: xarray.Dataset = _xarray().Dataset(variables, coords=coords)
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


def _cube_coords(items: Sequence[str], groups: Sequence[str]) -> dict[str, Any]:
    worlds = {
        letter: (letter, [0, 1], {"long_name": f"{channel}: {_WORLDS}"})
        for letter, channel in zip("dth", CHANNELS, strict=True)
    }
    return {"item": list(items), "group": ("item", list(groups)), **worlds}


def _xarray() -> Any:
    try:
        import xarray
    except ImportError as error:
        raise InputError("labelled arrays need the package xarray: pip install xarray") from error
    return xarray
