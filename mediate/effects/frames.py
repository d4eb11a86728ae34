"""Results as data frames, the tables that a run directory holds, and back."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import asdict, fields, replace
from graphlib import TopologicalSorter
from typing import Any

import numpy as np
import pandas as pd

from mediate.effects.agreement import Agreement
from mediate.effects.controls import Control, Controlled
from mediate.effects.cube import CELLS, Cube
from mediate.effects.maps import EffectMap
from mediate.effects.measured import Measured, World
from mediate.traces.trace import Trace

MAP_LABELS = ("item", "group", "kind", "outcome")
CELL_COLUMNS = tuple(f"y{d}{t}{h}" for d, t, h in CELLS)


def cube_table(cubes: Sequence[Cube]) -> pd.DataFrame:
    """A row an item and outcome, with columns `y000` ... `y111` in the order d, t, h."""
    frames = [
        pd.DataFrame(
            {"item": cube.items, "group": cube.groups, "outcome": cube.outcome}
            | {name: cube.y[:, d, t, h] for name, (d, t, h) in zip(CELL_COLUMNS, CELLS, strict=True)}
        )
        for cube in cubes
    ]
    return (
        pd.concat(frames, ignore_index=True)
        if frames
        else pd.DataFrame(columns=["item", "group", "outcome", *CELL_COLUMNS])
    )


def cubes_from_table(table: pd.DataFrame) -> tuple[Cube, ...]:
    """The inverse of `cube_table`."""
    cubes = []
    for outcome, rows in table.groupby("outcome", sort=False):
        y = rows[list(CELL_COLUMNS)].to_numpy(dtype=np.float64).reshape(-1, 2, 2, 2)
        cubes.append(Cube(y, tuple(rows["item"]), tuple(rows["group"]), str(outcome)))
    return tuple(cubes)


def effect_table(maps: Sequence[EffectMap]) -> pd.DataFrame:
    """A row an item, kind and cell: columns item, group, kind, outcome, te, one for each axis, and effect.

    Maps may have different axes: what one lacks is NaN on its rows. The columns of the axes stand in the order that all
    maps have in common, so that a map's own order can be read back.

    Raises:
        ValueError: One map has two axes in the opposite order of another.
    """
    frames = []
    for each in maps:
        axes = pd.MultiIndex.from_product([each.coords[name] for name in each.dims], names=each.dims)
        labels = {"item": each.item, "group": each.group, "kind": each.kind, "outcome": each.outcome, "te": each.te}
        frames.append(pd.DataFrame(labels, index=axes).assign(effect=each.values.ravel()).reset_index())
    if not frames:
        return pd.DataFrame(columns=["step", "layer", "item", "effect"])
    order: TopologicalSorter[str] = TopologicalSorter()
    for dims in dict.fromkeys(each.dims for each in maps):
        for place, name in enumerate(dims):
            order.add(name, *dims[:place])
    axes_first = [*order.static_order(), *MAP_LABELS, "te", "effect"]
    return pd.concat(frames, ignore_index=True)[axes_first]


def maps_from_table(table: pd.DataFrame) -> tuple[EffectMap, ...]:
    """The inverse of `effect_table`."""
    if not len(table):
        return ()
    axes = [name for name in table.columns if name not in {*MAP_LABELS, "te", "effect"}]
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
    maps = []
    for (item, group, kind, outcome, te), has, start, stop in zip(
        labels, present, starts, [*starts[1:], len(rows)], strict=True
    ):
        dims = tuple(name for name, there in zip(axes, has, strict=True) if there)
        coords = {name: tuple(int(label) for label in dict.fromkeys(cells[name][start:stop].tolist())) for name in dims}
        values = effects[start:stop].reshape([len(coords[name]) for name in dims])
        maps.append(EffectMap(values, dims, coords, str(item), str(group), str(kind), str(outcome), float(te)))
    return tuple(maps)


def item_table(items: Sequence[Measured]) -> pd.DataFrame:
    """A row an item and world: texts, CoT tokens, the step of each token, where the answer is stated."""
    rows = [
        {"item": item.id, "group": item.group, "world": name, **asdict(world)}
        for item in items
        for name, world in (("base", item.base), ("source", item.source))
    ]
    frame = pd.DataFrame(rows)
    return frame.astype({"states_answer": "Int64", "states_result": "boolean"}) if rows else frame


def items_from_table(table: pd.DataFrame) -> tuple[Measured, ...]:
    """The inverse of `item_table`."""
    worlds: dict[tuple[str, str], dict[str, World]] = {}
    for row in table.to_dict("records"):
        worlds.setdefault((str(row["item"]), str(row["group"])), {})[row["world"]] = World(
            question=row["question"],
            answer=row["answer"],
            tokens=tuple(row["tokens"]),
            steps=tuple(int(step) for step in row["steps"]),
            states_answer=None if pd.isna(row["states_answer"]) else int(row["states_answer"]),
            written=bool(row["written"]),
            said=None if pd.isna(row["said"]) else str(row["said"]),
            states_result=_states_result(row),
        )
    return tuple(Measured(item, group, both["base"], both["source"]) for (item, group), both in worlds.items())


def _states_result(row: Mapping[Hashable, Any]) -> bool | None:
    """Whether the answer stands as a result where a chain states it; the chain's words say so where a run did not."""
    if pd.isna(row["states_answer"]):
        return None
    if "states_result" in row:
        return None if pd.isna(row["states_result"]) else bool(row["states_result"])
    tokens, steps = tuple(row["tokens"]), tuple(int(step) for step in row["steps"])
    found = Trace("".join(tokens), tuple(range(len(tokens))), tokens, steps).stated(row["answer"])
    return found is not None and found.result and found.stop - 1 == int(row["states_answer"])


def agreement_table(maps: Sequence[EffectMap]) -> pd.DataFrame:
    """A row an estimated map: its labels and axes, how far it agrees with exact patching, and the verdict."""
    columns = [*MAP_LABELS, "axes", *(each.name for each in fields(Agreement)), "verdict"]
    rows = [
        {"item": each.item, "group": each.group, "kind": each.kind, "outcome": each.outcome}
        | {"axes": ",".join(each.dims), **asdict(each.agreement), "verdict": each.agreement.verdict}
        for each in maps
        if each.agreement is not None
    ]
    return pd.DataFrame(rows, columns=columns)


def with_agreements(maps: Sequence[EffectMap], table: pd.DataFrame) -> tuple[EffectMap, ...]:
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


def control_table(controls: Sequence[Controlled]) -> pd.DataFrame:
    """A row an item and control."""
    rows = [asdict(each) | {"control": each.control.value} for each in controls]
    return pd.DataFrame(rows, columns=[each.name for each in fields(Controlled)])


def controls_from_table(table: pd.DataFrame) -> tuple[Controlled, ...]:
    """The inverse of `control_table`."""
    return tuple(
        Controlled(**(row | {"control": Control(row["control"]), "draws": int(row["draws"])}))  # type: ignore[arg-type]
        for row in table.to_dict("records")
    )
