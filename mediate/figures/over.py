"""Means of maps as figures draw them: over one or two of their axes, aligned at either end, binned, and as a table."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import pandas as pd
from jaxtyping import Float

from mediate.errors import InputError
from mediate.figures.scale import ColourScale, scale_of
from mediate.figures.style import MARGIN
from mediate.figures.told_apart import cell_intervals
from mediate.results import EffectMap, mean_map
from mediate.stats.columnwise import interval_of_means

# More rows or columns than this cannot be told apart on a page: neighbours are drawn as one.
MOST_CELLS = 240
# The axes along which a chain's steps are counted; all of them begin and end with the chain.
OF_STEPS = ("step", "result", "later")
Align = Literal["start", "end"]


@dataclass(frozen=True, slots=True)
class Means:
    """The mean over items of some maps, over the axes that a figure has.

    Args:
        values: The means, in the outcome's unit; NaN where no item has the cell.
        coords: The labels along each axis, in order; of neighbours that are drawn as one, the first one's.
        count: How many items each is over.
        largest_over: Axes of the maps that the figure has not: a cell is the one that is largest in size over them.
        together: Axes of which so many neighbours are drawn as one, the one that is largest in size.
    """

    values: Float[np.ndarray, "..."]
    coords: Mapping[str, tuple[int, ...]]
    count: Float[np.ndarray, "..."]
    largest_over: tuple[str, ...]
    together: Mapping[str, int]

    @property
    def notes(self) -> list[str]:
        """What was done to the means before they were drawn."""
        found = [f"largest over {each.replace('kv_head', 'KV head')}s" for each in self.largest_over]
        return found + [f"largest of {size} neighbouring {name}s" for name, size in self.together.items()]


def check_maps(maps: Sequence[EffectMap], axes: Iterable[str], ask: str) -> None:
    """Raises InputError unless there are maps with something in them, all over the same axes with these among them."""
    if not any(each.values.size for each in maps):
        raise InputError(f"no map to draw; score with a map such as {ask!r}")
    other = next((each for each in maps if each.dims != maps[0].dims or not set(axes) <= set(each.dims)), None)
    if other is not None:
        raise InputError(
            f"item {other.item!r}: a map over {', '.join(other.dims)}; this figure draws maps such as {ask!r}"
        )
    if all(np.isnan(each.values).all() for each in maps):
        raise InputError(f"no cell of these {maps[0].kind} maps has a number, so there is nothing to draw")


def means_over(maps: Sequence[EffectMap], axes: Sequence[str], *, most: int = MOST_CELLS) -> Means:
    """The mean of maps over these axes, in this order, with at most `most` labels along each."""
    values, coords, count = mean_map(maps)
    names = list(maps[0].dims)
    rest = tuple(name for name in names if name not in axes)
    for name in rest:
        place = names.index(name)
        values, count = largest(values, place), count.max(axis=place)
        names.remove(name)
    order = [names.index(name) for name in axes]
    values, count = values.transpose(order), count.transpose(order)
    together, kept = {}, {}
    for place, name in enumerate(axes):
        kept[name] = coords[name]
        if len(kept[name]) > most:
            together[name] = size = -(-len(kept[name]) // most)
            values, count = binned(values, place, size), binned(count, place, size)
            kept[name] = kept[name][::size]
    return Means(values, kept, count, rest, together)


def largest(values: Float[np.ndarray, "..."], axis: int) -> Float[np.ndarray, "..."]:
    """Along one axis, what is largest in size, with its sign; NaN where all is."""
    place = np.expand_dims(np.where(np.isnan(values), -1.0, abs(values)).argmax(axis=axis), axis)
    return np.take_along_axis(values, place, axis).squeeze(axis)


def binned(values: Float[np.ndarray, "..."], axis: int, size: int) -> Float[np.ndarray, "..."]:
    """Of each `size` neighbours along one axis, what is largest in size, with its sign."""
    gap = -values.shape[axis] % size
    padded = np.pad(values, [(0, gap if place == axis else 0) for place in range(values.ndim)], constant_values=np.nan)
    shape = (*values.shape[:axis], padded.shape[axis] // size, size, *values.shape[axis + 1 :])
    return largest(padded.reshape(shape), axis + 1)


def aligned(maps: Sequence[EffectMap], align: Align) -> tuple[EffectMap, ...]:
    """The maps with their steps counted from the chain's first step, 0, or to its last one, -1."""
    return tuple(maps) if align == "start" else tuple(map(_from_the_end, maps))


def _from_the_end(each: EffectMap) -> EffectMap:
    names = [name for name in each.dims if name in OF_STEPS and each.coords[name]]
    steps = 1 + max((max(each.coords[name]) for name in names), default=0)
    return replace(
        each, coords={**each.coords, **{name: tuple(step - steps for step in each.coords[name]) for name in names}}
    )


def uneven(maps: Sequence[EffectMap]) -> bool:
    """Whether the chains of these maps have different numbers of steps."""
    return len({each.coords[name] for each in maps for name in each.dims if name == OF_STEPS[0]}) > 1


def common_scale(maps: Iterable[Sequence[EffectMap]], axes: Sequence[str], least: float = 0.0) -> ColourScale:
    """The colours of the means of maps that are to be looked at side by side; see `scale_of`."""
    return scale_of([mean_map(each)[0] for each in maps if set(axes) <= set(each[0].dims)], least)


def own_scale(maps: Sequence[EffectMap], values: Float[np.ndarray, "..."]) -> ColourScale:
    """The colours of maps that stand by themselves, no deeper than the margin allows, where their mean TE is known."""
    return scale_of([values], float(np.nan_to_num(MARGIN * abs(mean_te(maps)))))


def mean_te(maps: Sequence[EffectMap]) -> float:
    """The mean total effect of the items of some maps; NaN where it is not known."""
    known = [each.te for each in maps if np.isfinite(each.te)]
    return float(np.mean(known)) if known else float("nan")


def mean_data(maps: Sequence[EffectMap], *, align: Align = "start", seed: int = 0, level: float = 0.95) -> pd.DataFrame:
    """A row a cell of the mean over items: kind, outcome, the axes, `effect`, `low`, `high` and `n`.

    Effects are in the outcome's unit; their intervals are pointwise, over groups, see `cell_intervals`.
    """
    maps = aligned(maps, align)
    values, coords, count = mean_map(maps)
    low, high = cell_intervals(maps, seed=seed, level=level)
    first = maps[0]
    grid = np.meshgrid(*(np.array(coords[name]) for name in first.dims), indexing="ij")
    labels = {name: each.ravel() for name, each in zip(first.dims, grid, strict=True)}
    frame = {"kind": first.kind, "outcome": first.outcome} | labels
    cells = {"effect": values, "low": low, "high": high, "n": count.astype(int)}
    return pd.DataFrame(frame | {name: each.ravel() for name, each in cells.items()})


def along_data(
    maps: Sequence[EffectMap], *, seed: int = 0, level: float = 0.95, align: Align = "start"
) -> pd.DataFrame:
    """Of maps over one axis, a row a label: kind, outcome, the axis, `effect`, `low`, `high`, `n` and `groups`.

    The intervals are pointwise, over groups; a label's numbers are of the items that have it and a number there.
    """
    (name,) = maps[0].dims
    maps = aligned(maps, align)
    having: dict[int, list[tuple[float, str]]] = {}
    for each in maps:
        for label, value in zip(each.coords[name], each.values.tolist(), strict=True):
            if not np.isnan(value):
                having.setdefault(label, []).append((value, each.group))
    rows = []
    alike: dict[tuple[str, ...], list[int]] = {}
    for label, found in having.items():
        alike.setdefault(tuple(group for _, group in found), []).append(label)
    for groups, labels in alike.items():  # one draw for all labels that the same items have
        values = np.array([[value for value, _ in having[label]] for label in labels]).T
        low, high = interval_of_means(values, groups, seed=seed, level=level)
        sizes = len(groups), len(set(groups))
        rows += [(label, *each, *sizes) for label, *each in zip(labels, values.mean(axis=0), low, high, strict=True)]
    frame = pd.DataFrame(sorted(rows), columns=[name, "effect", "low", "high", "n", "groups"])
    frame.insert(0, "kind", maps[0].kind)
    frame.insert(1, "outcome", maps[0].outcome)
    return frame
