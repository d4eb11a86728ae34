"""What a run found, as one record, and its directory on disk; reading it back needs no model and no torch."""

import json
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from mediate.effects.cube import CELLS, Cube
from mediate.effects.maps import EffectMap
from mediate.errors import InputError

MANIFEST = "run.json"
REJECTS = "rejects.jsonl"
RESULTS = "results"
MAP_LABELS = ("item", "group", "kind", "outcome")
CELL_COLUMNS = tuple(f"y{d}{t}{h}" for d, t, h in CELLS)


@dataclass(frozen=True, slots=True)
class World:
    """What stood in one world of an item, for tables and figures.

    Args:
        question: The question's text as given.
        answer: The answer's text as given.
        tokens: The text of each CoT token.
        steps: The step of each CoT token, counted from 0.
        states_answer: The CoT token at which the chain first states the answer; None if it never does.
        written: Whether the model wrote the chain.
        said: What the model itself answers after the chain; None where it was not asked.
    """

    question: str
    answer: str
    tokens: tuple[str, ...]
    steps: tuple[int, ...]
    states_answer: int | None
    written: bool
    said: str | None = None


@dataclass(frozen=True, slots=True)
class Measured:
    """One measured item in its two worlds."""

    id: str
    group: str
    base: World
    source: World


@dataclass(frozen=True, slots=True)
class Reject:
    """An item, or one map of it, that was left out.

    Args:
        item: The item's id; empty where it could not be read.
        code: A short word for counting.
        reason: Why, in one sentence.
        place: The file and line, where there is one.
        part: What was left out: `item`, or the name of a map while the rest of the item was measured.
    """

    item: str
    code: str
    reason: str
    place: str = ""
    part: str = "item"


@dataclass(frozen=True, slots=True)
class Results:
    """Everything that a run found.

    Args:
        manifest: The content of `run.json`: spec, model, versions, counts, status.
        items: The measured items.
        cubes: One cube an outcome, all over the same items.
        maps: Effects by step and layer, one record an item and map.
        rejects: What was left out and why.
    """

    manifest: Mapping[str, Any]
    items: tuple[Measured, ...] = ()
    cubes: tuple[Cube, ...] = ()
    maps: tuple[EffectMap, ...] = ()
    rejects: tuple[Reject, ...] = field(default=())

    def __post_init__(self) -> None:
        for cube in self.cubes:
            if cube.items != tuple(item.id for item in self.items):
                raise ValueError(f"the cube of {cube.outcome!r} is not over the run's items")

    def cube(self, outcome: str | None = None) -> Cube:
        """The cube of an outcome; of the first one where none is named."""
        for cube in self.cubes:
            if outcome in (None, cube.outcome):
                return cube
        have = ", ".join(cube.outcome for cube in self.cubes) or "none"
        raise InputError(f"no outcome {outcome!r} in these results; there is: {have}")


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
    axes = [name for name in table.columns if name not in {*MAP_LABELS, "te", "effect"}]
    maps = []
    # Two maps of one item and kind differ in which axes they have.
    keys = [*MAP_LABELS, *(table[name].notna().rename(f"has {name}") for name in axes)]
    for (item, group, kind, outcome, *has), rows in table.groupby(keys, sort=False) if len(table) else ():
        dims = tuple(name for name, present in zip(axes, has, strict=True) if present)
        coords = {name: tuple(int(label) for label in dict.fromkeys(rows[name])) for name in dims}
        values = rows["effect"].to_numpy(dtype=np.float64).reshape([len(coords[name]) for name in dims])
        maps.append(
            EffectMap(values, dims, coords, str(item), str(group), str(kind), str(outcome), float(rows["te"].iloc[0]))
        )
    return tuple(maps)


def item_table(items: Sequence[Measured]) -> pd.DataFrame:
    """A row an item and world: texts, CoT tokens, the step of each token, where the answer is stated."""
    rows = [
        {"item": item.id, "group": item.group, "world": name, **asdict(world)}
        for item in items
        for name, world in (("base", item.base), ("source", item.source))
    ]
    frame = pd.DataFrame(rows)
    return frame.astype({"states_answer": "Int64"}) if rows else frame


def items_from_table(table: pd.DataFrame) -> tuple[Measured, ...]:
    """The inverse of `item_table`."""
    items = []
    for (item, group), rows in table.groupby(["item", "group"], sort=False) if len(table) else ():
        worlds = {row["world"]: row for row in rows.to_dict("records")}
        records = [
            World(
                question=row["question"],
                answer=row["answer"],
                tokens=tuple(row["tokens"]),
                steps=tuple(int(step) for step in row["steps"]),
                states_answer=None if pd.isna(row["states_answer"]) else int(row["states_answer"]),
                written=bool(row["written"]),
                said=None if pd.isna(row["said"]) else str(row["said"]),
            )
            for row in (worlds["base"], worlds["source"])
        ]
        items.append(Measured(str(item), str(group), *records))
    return tuple(items)


def write_atomic(path: Path, write: Callable[[Path], None]) -> None:
    """Lets `write` fill a new file beside `path`, syncs it to disk, and only then puts it in place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    os.close(handle)
    part = Path(name)
    try:
        write(part)
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.chmod(0o644)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def write_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Writes `run.json`; a number in it that is NaN is an error."""
    text = json.dumps(manifest, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    write_atomic(folder / MANIFEST, lambda part: _write_text(part, text))


def write_results(folder: Path, results: Results) -> None:
    """Writes a run directory; each file appears whole or not at all, and `run.json` comes last."""
    tables = {
        "cube": cube_table(results.cubes),
        "effects": effect_table(results.maps),
        "items": item_table(results.items),
    }
    for name, table in tables.items():
        arrow = pa.Table.from_pandas(table, preserve_index=False)
        write_atomic(folder / RESULTS / f"{name}.parquet", partial(_write_parquet, arrow))
    lines = "".join(json.dumps(asdict(reject), ensure_ascii=False) + "\n" for reject in results.rejects)
    write_atomic(folder / REJECTS, lambda part: _write_text(part, lines))
    write_manifest(folder, results.manifest)


def _write_parquet(table: pa.Table, path: Path) -> None:
    pq.write_table(table, path, compression="zstd")


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def read_manifest(folder: str | Path) -> dict[str, Any]:
    """The content of a run directory's `run.json`.

    Raises:
        InputError: There is none, or it is not JSON.
    """
    path = Path(folder) / MANIFEST
    if not path.is_file():
        raise InputError(
            f"{folder}: not a run directory (it has no {MANIFEST}); make one with 'mediate score ... --out {folder}'"
        )
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path}: not JSON ({error}); score into a new directory") from error
    if not isinstance(manifest, dict):
        raise InputError(f"{path}: holds a {type(manifest).__name__}, not an object; score into a new directory")
    return manifest


def read_results(folder: str | Path) -> Results:
    """Reads a finished run directory.

    Raises:
        InputError: The folder is no run directory, the run did not finish, or a file is missing or damaged.
    """
    folder, manifest = Path(folder), read_manifest(folder)
    if manifest.get("status") != "success":
        raise InputError(f"{folder}: the run's status is {manifest.get('status')!r}; score again to finish it")
    try:
        lines = (folder / REJECTS).read_text(encoding="utf-8").split("\n")
        rejects = tuple(Reject(**json.loads(line)) for line in lines if line)
    except (OSError, ValueError, TypeError) as error:
        raise _unreadable(folder / REJECTS, error) from error
    tables = {name: _read_parquet(folder / RESULTS / f"{name}.parquet") for name in ("items", "cube", "effects")}
    try:
        items, cubes = items_from_table(tables["items"]), cubes_from_table(tables["cube"])
        if not items:  # a table without rows names no outcomes
            outcomes = manifest.get("spec", {}).get("outcomes", ())
            cubes = tuple(Cube(np.zeros((0, 2, 2, 2)), (), (), str(outcome)) for outcome in outcomes)
        return Results(manifest, items, cubes, maps_from_table(tables["effects"]), rejects)
    except KeyError as error:
        raise InputError(
            f"{folder / RESULTS}: has no column {error}, so another version wrote it; score into a new directory"
        ) from error
    except (ValueError, TypeError, AttributeError, ArithmeticError) as error:
        raise _unreadable(folder / RESULTS, error) from error


def _read_parquet(path: Path) -> pd.DataFrame:
    try:
        frame: pd.DataFrame = pq.read_table(path).to_pandas()
    except (OSError, pa.ArrowException) as error:
        raise _unreadable(path, error) from error
    return frame


def _unreadable(path: Path, error: Exception) -> InputError:
    reason = " ".join(str(error).split())[:200]
    return InputError(f"{path}: cannot be read ({reason}); score into a new directory")
