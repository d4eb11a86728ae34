"""What a run found, as one record, and its directory on disk; reading it back needs no model and no torch."""

import json
from collections.abc import Mapping, Sequence
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
from mediate.files import write_atomic, write_text

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


def write_manifest(folder: Path, manifest: Mapping[str, Any]) -> None:
    """Writes `run.json`; a number in it that is NaN is an error."""
    text = json.dumps(manifest, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    write_text(folder / MANIFEST, text)


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
    write_run(folder, tables, results.rejects, results.manifest)


def write_run(
    folder: Path, tables: Mapping[str, pd.DataFrame], rejects: Sequence[Reject], manifest: Mapping[str, Any]
) -> None:
    """Writes the files of a run directory of either kind, `run.json` last."""
    for name, table in tables.items():
        write_table(folder / RESULTS / f"{name}.parquet", table)
    write_text(folder / REJECTS, "".join(json.dumps(asdict(each), ensure_ascii=False) + "\n" for each in rejects))
    write_manifest(folder, manifest)


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Writes a table as Parquet, whole or not at all."""
    arrow = pa.Table.from_pandas(table, preserve_index=False)
    write_atomic(path, partial(pq.write_table, arrow, compression="zstd"))


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
    check_finished(folder, manifest, "score")
    rejects = read_rejects(folder, "score")
    tables = {name: read_table(folder, name, "score") for name in TABLES}
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
        raise unreadable(folder / RESULTS, error, "score") from error


def check_finished(folder: Path, manifest: Mapping[str, Any], verb: str) -> None:
    """Refuses a run that did not finish; `verb` is what finishes it, such as `score`."""
    if manifest.get("status") != "success":
        raise InputError(f"{folder}: the run's status is {manifest.get('status')!r}; {verb} again to finish it")


def read_rejects(folder: Path, verb: str) -> tuple[Reject, ...]:
    """What a run left out.

    Raises:
        InputError: The file is missing or damaged; `verb` is what makes another, such as `score`.
    """
    path = folder / REJECTS
    try:
        return tuple(Reject(**json.loads(line)) for line in path.read_text(encoding="utf-8").split("\n") if line)
    except (OSError, ValueError, TypeError) as error:
        raise unreadable(path, error, verb) from error


def read_table(folder: Path, name: str, verb: str) -> pd.DataFrame:
    """One table of a run.

    Raises:
        InputError: As `read_rejects`.
    """
    path = folder / RESULTS / f"{name}.parquet"
    try:
        frame: pd.DataFrame = pq.read_table(path).to_pandas()
    except (OSError, pa.ArrowException) as error:
        raise unreadable(path, error, verb) from error
    return frame


def unreadable(path: Path, error: Exception, verb: str) -> InputError:
    """The refusal of a damaged file."""
    reason = " ".join(str(error).split())[:200]
    return InputError(f"{path}: cannot be read ({reason}); {verb} into a new directory")
