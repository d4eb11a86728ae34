"""What a run found, as one record, and its directory on disk; reading it back needs no model and no torch."""

import json
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from mediate.effects.controls import Controlled
from mediate.effects.cube import Cube
from mediate.effects.frames import (
    agreement_table,
    control_table,
    controls_from_table,
    cube_table,
    cubes_from_table,
    effect_table,
    item_table,
    items_from_table,
    maps_from_table,
    with_agreements,
)
from mediate.effects.maps import EffectMap
from mediate.effects.measured import Measured, Reject
from mediate.errors import InputError

MANIFEST = "run.json"
REJECTS = "rejects.jsonl"
RESULTS = "results"
TABLES = ("items", "cube", "effects", "cut", "agreement", "controls")


@dataclass(frozen=True, slots=True)
class Results:
    """Everything that a run found.

    Args:
        manifest: The content of `run.json`: spec, model, versions, counts, status.
        items: The measured items.
        cubes: One cube an outcome, all over the same items.
        maps: Effects by step and layer, one record an item and map.
        rejects: What was left out and why.
        cut: As `cubes`, of the items whose chains could be cut before they state the answer, and read there.
        controls: Controls, one record an item and control.
    """

    manifest: Mapping[str, Any]
    items: tuple[Measured, ...] = ()
    cubes: tuple[Cube, ...] = ()
    maps: tuple[EffectMap, ...] = ()
    rejects: tuple[Reject, ...] = ()
    cut: tuple[Cube, ...] = ()
    controls: tuple[Controlled, ...] = ()

    def __post_init__(self) -> None:
        for cube in self.cubes:
            if cube.items != tuple(item.id for item in self.items):
                raise ValueError(f"the cube of {cube.outcome!r} is not over the run's items")
        known = {item.id for item in self.items}
        named = {item for cube in self.cut for item in cube.items}
        named |= {each.item for each in self.controls}
        if named - known:
            raise ValueError(f"effects of item {min(named - known)!r}, which is not among the run's items")
        if {cube.outcome for cube in self.cut} - {cube.outcome for cube in self.cubes}:
            raise ValueError("cut chains have outcomes that the run has not")

    def cube(self, outcome: str | None = None) -> Cube:
        """The cube of an outcome; of the first one where none is named."""
        for cube in self.cubes:
            if outcome in (None, cube.outcome):
                return cube
        have = ", ".join(cube.outcome for cube in self.cubes) or "none"
        raise InputError(f"no outcome {outcome!r} in these results; there is: {have}")


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
        "cut": cube_table(results.cut),
        "agreement": agreement_table(results.maps),
        "controls": control_table(results.controls),
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
    tables = {name: _read_parquet(folder / RESULTS / f"{name}.parquet") for name in TABLES}
    try:
        items, cubes = items_from_table(tables["items"]), cubes_from_table(tables["cube"])
        if not items:  # a table without rows names no outcomes
            outcomes = manifest.get("spec", {}).get("outcomes", ())
            cubes = tuple(Cube(np.zeros((0, 2, 2, 2)), (), (), str(outcome)) for outcome in outcomes)
        maps = with_agreements(maps_from_table(tables["effects"]), tables["agreement"])
        cut, controls = cubes_from_table(tables["cut"]), controls_from_table(tables["controls"])
        return Results(manifest, items, cubes, maps, rejects, cut, controls)
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
