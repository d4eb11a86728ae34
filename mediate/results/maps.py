"""Effects by step, layer and head: labelled arrays, their mean over items, and their tables."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from graphlib import TopologicalSorter
from importlib import import_module
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int

from mediate.results.agreement import Agreement
from mediate.results.kinds import parse_kind
from mediate.results.labelled import needed_xarray, units_of

if TYPE_CHECKING:
    import pandas
    import xarray
    from matplotlib.axes import Axes

# The module whose `plot_map` draws one map.
DRAWN_IN = "mediate.figures.one_map"
# The columns that say which map a row is of.
MAP_LABELS = ("item", "group", "kind", "outcome")
# The column of the effect of all cells at once; a table of maps without any has none.
JOINT = "joint"


class NonFiniteError(ValueError):
    """A map was measured, and what was found is NaN or infinite where its kind has no gaps."""


@dataclass(frozen=True, slots=True)
class EffectMap:
    """One item's effects over named axes.

    Args:
        values: In nats, positive towards the base answer; one axis for each of `dims`.
        dims: Names of the axes, such as `("step", "layer")`.
        coords: The labels along each axis.
        item: The item's id.
        group: The item's group.
        kind: What the effect is of, such as `read`.
        outcome: The name of the outcome.
        te: The item's total effect on the same outcome, for scale; NaN where the cells have outcomes of their own, and
            of a map measured by itself.
        agreement: Of an estimated map, how far it agrees with exact patching; None of an exact one.
        joint: The effect of all cells at once, where it was measured with them: effects of cells do not add up to it.
            Else None.

    NaN is an effect that is undefined, which only kinds have whose facts say so, or one that an adaptive map left out.
    """

    values: Float[np.ndarray, "..."]
    dims: tuple[str, ...]
    coords: Mapping[str, tuple[int, ...]]
    item: str
    group: str
    kind: str
    outcome: str
    te: float = float("nan")
    agreement: Agreement | None = None
    joint: float | None = None

    def __post_init__(self) -> None:
        wanted = tuple(len(self.coords[name]) for name in self.dims)
        if self.values.shape != wanted or set(self.coords) != set(self.dims):
            raise ValueError(
                f"item {self.item!r}: values {self.values.shape} and labels {dict(zip(self.dims, wanted, strict=True))}"
            )
        undefined = ~np.isfinite(self.values)
        if undefined.any() and not (np.isnan(self.values[undefined]).all() and parse_kind(self.kind).may_have_gaps):
            raise NonFiniteError(f"item {self.item!r}: a {self.kind} effect is NaN or infinite")

    def to_frame(self) -> "pandas.DataFrame":
        """A row a cell, columns as in `results/effects.parquet`: the axes, item, group, kind, outcome, te, effect."""
        return effect_table([self])

    def to_xarray(self) -> "xarray.DataArray":
        """A labelled array; see `map_array`.

        Raises:
            InputError: xarray is not installed.
        """
        return map_array(self)

    def plot(self, *, ax: "Axes | None" = None) -> "Axes":
        """The figure of its kind and axes: a heat map, lines, bars, a graph; on new axes, or on `ax`.

        Raises:
            InputError: No cell of the map has a number.

        Example:
            >>> pair.map("state.resid_pre:step,layer").plot()  # doctest: +SKIP
        """
        # What draws is known by name alone: a record of numbers does not need it.
        drawn: Axes = import_module(DRAWN_IN).plot_map(self, ax=ax)
        return drawn


def mean_map(
    maps: Sequence[EffectMap],
) -> tuple[Float[np.ndarray, "..."], dict[str, tuple[int, ...]], Float[np.ndarray, "..."]]:
    """Mean over items at each label, the labels, and how many items have each cell.

    Chains differ in length: a cell's mean is over the items that have that step, and in which its effect is defined;
    the third array counts them; the mean is NaN where there is none.

    Raises:
        ValueError: No maps, or maps of different kinds, outcomes or axes.
    """
    if not maps:
        raise ValueError("mean_map needs at least one map")
    if len({(each.dims, each.kind, each.outcome) for each in maps}) != 1:
        raise ValueError("maps of different kinds, outcomes or axes have no common mean")
    dims = maps[0].dims
    coords = {name: tuple(sorted(set().union(*(each.coords[name] for each in maps)))) for name in dims}
    total = np.zeros(tuple(len(coords[name]) for name in dims))
    count = np.zeros_like(total)
    alike: dict[tuple[tuple[int, ...], ...], list[Float[np.ndarray, ...]]] = {}
    for each in maps:
        alike.setdefault(tuple(each.coords[name] for name in dims), []).append(each.values)
    for labels, values in alike.items():
        cells = np.ix_(*(np.searchsorted(coords[name], own) for name, own in zip(dims, labels, strict=True)))
        total[cells] += np.nansum(values, axis=0)
        count[cells] += (~np.isnan(values)).sum(axis=0)
    mean = np.full_like(total, np.nan)
    np.divide(total, count, out=mean, where=count > 0)
    return mean, coords, count


def effect_table(maps: Sequence[EffectMap]) -> "pandas.DataFrame":
    """A row an item, kind and cell: columns item, group, kind, outcome, te, one for each axis, effect, and joint.

    Maps may have different axes: what one lacks is NaN on its rows. The columns of the axes stand in the order that all
    maps have in common, so that a map's own order can be read back.

    Raises:
        ValueError: One map has two axes in the opposite order of another.
    """
    import pandas as pd

    if not maps:
        return pd.DataFrame(columns=["step", "layer", "item", "effect"])
    order: TopologicalSorter[str] = TopologicalSorter()
    for dims in dict.fromkeys(each.dims for each in maps):
        for place, name in enumerate(dims):
            order.add(name, *dims[:place])
    sizes = [each.values.size for each in maps]
    # A column at once: a data frame a map takes longer than all the rest.
    axes = {name: np.concatenate([_cell_labels(each, name) for each in maps]) for name in order.static_order()}
    labels = {
        name: np.repeat(np.array([getattr(each, name) for each in maps], dtype=object), sizes) for name in MAP_LABELS
    }
    te = np.repeat(np.array([each.te for each in maps], dtype=np.float64), sizes)
    effects = np.concatenate([each.values.ravel() for each in maps])
    joint = np.repeat(np.array([each.joint for each in maps], dtype=np.float64), sizes)  # None is NaN there
    more = {} if np.isnan(joint).all() else {JOINT: joint}
    return pd.DataFrame(axes | labels | {"te": te, "effect": effects} | more)


def _cell_labels(effects: EffectMap, name: str) -> Float[np.ndarray, " cell"] | Int[np.ndarray, " cell"]:
    """Each cell's label on an axis, in the order of the values; NaN where a map has no such axis."""
    if name not in effects.dims:
        return np.full(effects.values.size, np.nan)
    index = np.indices(effects.values.shape)[effects.dims.index(name)].ravel()
    labels: Int[np.ndarray, " cell"] = np.array(effects.coords[name], dtype=np.int64)[index]
    return labels


def maps_from_table(table: "pandas.DataFrame") -> tuple[EffectMap, ...]:
    """The inverse of `effect_table`."""
    if not len(table):
        return ()
    axes = [name for name in table.columns if name not in {*MAP_LABELS, "te", "effect", JOINT}]
    # Two maps of one item and kind differ in which axes they have.
    having = [table[name].notna().rename(f"has {name}") for name in axes]
    numbers = table.groupby([*MAP_LABELS, *having], sort=False).ngroup().to_numpy()
    # A slice a map: a data frame a map takes longer than all the rest.
    rows = np.argsort(numbers, kind="stable")
    starts = np.flatnonzero(np.diff(numbers[rows], prepend=-1))
    labels = table[[*MAP_LABELS, "te"]].iloc[rows[starts]].itertuples(index=False, name=None)
    present = np.column_stack([column.to_numpy()[rows[starts]] for column in having])
    cells = {name: table[name].to_numpy(dtype=np.float64)[rows] for name in axes}
    effects = table["effect"].to_numpy(dtype=np.float64)[rows]
    joints = table[JOINT].to_numpy(dtype=np.float64)[rows[starts]] if JOINT in table else np.full(len(starts), np.nan)
    maps = []
    for (item, group, kind, outcome, te), has, start, stop, joint in zip(
        labels, present, starts, [*starts[1:], len(rows)], joints, strict=True
    ):
        dims = tuple(name for name, there in zip(axes, has, strict=True) if there)
        coords = {name: tuple(int(label) for label in dict.fromkeys(cells[name][start:stop].tolist())) for name in dims}
        values = effects[start:stop].reshape([len(coords[name]) for name in dims])
        names = str(item), str(group), str(kind), str(outcome)
        maps.append(
            EffectMap(values, dims, coords, *names, te=float(te), joint=None if np.isnan(joint) else float(joint))
        )
    return tuple(maps)


def agreement_table(maps: Sequence[EffectMap]) -> "pandas.DataFrame":
    """A row an estimated map: its labels and axes, how far it agrees with exact patching, and the verdict."""
    import pandas as pd

    columns = [*MAP_LABELS, "axes", *(each.name for each in fields(Agreement)), "verdict"]
    rows = [
        {"item": each.item, "group": each.group, "kind": each.kind, "outcome": each.outcome}
        | {"axes": ",".join(each.dims), **asdict(each.agreement), "verdict": each.agreement.verdict}
        for each in maps
        if each.agreement is not None
    ]
    return pd.DataFrame(rows, columns=columns)


def with_agreements(maps: Sequence[EffectMap], table: "pandas.DataFrame") -> tuple[EffectMap, ...]:
    """The maps with what `agreement_table` says of them."""
    found = {
        (row["item"], row["kind"], row["outcome"], row["axes"]): Agreement(
            **{each.name: each.type(row[each.name]) for each in fields(Agreement)}  # type: ignore[operator]
        )
        for row in table.to_dict("records")
    }
    return tuple(
        replace(each, agreement=found.get((each.item, each.kind, each.outcome, ",".join(each.dims)))) for each in maps
    )


def map_array(effects: EffectMap) -> "xarray.DataArray":
    """One item's map: its axes as dimensions, and item, group and te as coordinates without a dimension.

    `xarray.concat(arrays, "item", join="outer", coords=["group", "te"])` lays maps of several items side by side.

    Raises:
        InputError: xarray is not installed.
    """
    labels = {name: list(effects.coords[name]) for name in effects.dims}
    verdict = {} if effects.agreement is None else {"verdict": effects.agreement.verdict}
    array: xarray.DataArray = needed_xarray().DataArray(
        effects.values.copy(),
        dims=effects.dims,
        coords=labels | {"item": effects.item, "group": effects.group, "te": effects.te},
        name=effects.kind,
        attrs={"units": units_of([effects.outcome]), "kind": effects.kind, "outcome": effects.outcome} | verdict,
    )
    return array
