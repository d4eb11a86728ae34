"""Results of parts of a run as those of the whole, in the order of its items."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields
from itertools import pairwise
from typing import Any

import numpy as np

from mediate.results.cube import Cube
from mediate.results.folder import Results

# Fields whose records are each of one item, which they name.
OF_ITEMS = tuple(
    each.name for each in fields(Results) if each.name not in ("manifest", "items", "cubes", "cut", "rejects")
)


def merged(
    parts: Sequence[Results], order: Sequence[str], *, outcomes: Sequence[str] = (), manifest: Mapping[str, Any]
) -> Results:
    """What parts of a run found, as one: the same whatever the parts are and in whatever order they come.

    What is said of an item stays in the order in which its part says it; no item is in two parts.

    Args:
        parts: What each of them found.
        order: The ids of all items of the run, in the order of its file.
        outcomes: The run's outcomes, in order; by default as they are met.
        manifest: That of the whole.

    Raises:
        ValueError: Two parts hold one item, or one holds an item that is not in the order.
    """
    rank = {item: place for place, item in enumerate(order)}
    items = _sorted([item for part in parts for item in part.items], rank, "id")
    twice = next((one.id for one, next_ in pairwise(items) if one.id == next_.id), None)
    if twice is not None:
        raise ValueError(f"item {twice!r} is in two parts")
    return Results(
        manifest=manifest,
        items=items,
        cubes=_stacked([part.cubes for part in parts], rank, outcomes),
        cut=_stacked([part.cut for part in parts], rank, outcomes),
        rejects=_sorted([reject for part in parts for reject in part.rejects], rank, "item"),
        **{name: _sorted([each for part in parts for each in getattr(part, name)], rank, "item") for name in OF_ITEMS},
    )


def _sorted(records: Sequence[Any], rank: Mapping[str, int], name: str) -> tuple[Any, ...]:
    """Records in the order of their items; those of one item stay as they are.

    Raises:
        ValueError: One is of an item that is not in the order.
    """
    try:
        places = np.fromiter((rank[getattr(each, name)] for each in records), dtype=np.int64, count=len(records))
    except KeyError as error:
        raise ValueError(f"item {error} is none of the run's") from error
    return tuple(records[place] for place in np.argsort(places, kind="stable").tolist())


def _stacked(parts: Iterable[Sequence[Cube]], rank: Mapping[str, int], outcomes: Sequence[str]) -> tuple[Cube, ...]:
    """One cube an outcome, its items in order; cubes of no item stand where no part has any."""
    by_outcome: dict[str, list[Cube]] = {str(outcome): [] for outcome in outcomes}
    for cubes in parts:
        for cube in cubes:
            by_outcome.setdefault(cube.outcome, []).append(cube)
    return tuple(_one(cubes, rank) for cubes in by_outcome.values() if cubes)


def _one(cubes: Sequence[Cube], rank: Mapping[str, int]) -> Cube:
    names = [name for cube in cubes for name in cube.items]
    groups = [group for cube in cubes for group in cube.groups]
    places = np.argsort([rank[name] for name in names], kind="stable")
    y = np.concatenate([cube.y for cube in cubes])[places]
    contrast = next((cube.contrast for cube in cubes if cube.items), cubes[0].contrast)
    ordered = tuple(names[place] for place in places), tuple(groups[place] for place in places)
    return Cube(y, *ordered, cubes[0].outcome, contrast)
