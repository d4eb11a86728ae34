"""What crossing two checkpoints found, as one record, and its directory on disk; reading it back needs no model."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mediate.effects.crossing import (
    Crossing,
    change_shares,
    crossing_table,
    crossings_from_table,
    set_changes,
)
from mediate.effects.frames import effect_table, maps_from_table
from mediate.effects.maps import EffectMap
from mediate.effects.measured import Reject
from mediate.effects.results import REJECTS, RESULTS, read_manifest, write_atomic, write_manifest
from mediate.errors import InputError
from mediate.stats import Estimate

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True, slots=True)
class CrossResults:
    """Everything that crossing two checkpoints found.

    Args:
        manifest: The content of `run.json`: spec, both models, versions, counts, memory, status.
        crossings: One an outcome, all over the same items.
        maps: Of the first outcome: each map in four views an item and world; a kind that ends in `.source` is of the
            source world, and positive towards its answer.
        rejects: What was left out and why.
    """

    manifest: Mapping[str, Any]
    crossings: tuple[Crossing, ...] = ()
    maps: tuple[EffectMap, ...] = ()
    rejects: tuple[Reject, ...] = ()

    def __post_init__(self) -> None:
        rows = {(each.items, each.worlds) for each in self.crossings}
        if len(rows) > 1:
            raise ValueError("the outcomes are not of the same items")
        known = {item for each in self.crossings for item in each.items}
        strange = {each.item for each in self.maps} - known
        if strange:
            raise ValueError(f"a map of item {min(strange)!r}, which is not among the items")

    def crossing(self, outcome: str | None = None) -> Crossing:
        """The crossing of an outcome; of the first one where none is named.

        Raises:
            InputError: There is none.
        """
        for each in self.crossings:
            if outcome in (None, each.outcome):
                return each
        have = ", ".join(each.outcome for each in self.crossings) or "none"
        raise InputError(f"no outcome {outcome!r} in these results; there is: {have}")

    def changes(self, outcome: str | None = None) -> dict[str, Estimate]:
        """See `set_changes`; the seed and the level are the run's."""
        spec = self.manifest["spec"]
        return set_changes(self.crossing(outcome), seed=spec["seed"], level=spec["level"])

    def shares(self, outcome: str | None = None) -> dict[str, Estimate]:
        """See `change_shares`; the least total change, the seed and the level are the run's."""
        spec = self.manifest["spec"]
        return change_shares(self.crossing(outcome), min_change=spec["min_te"], seed=spec["seed"], level=spec["level"])

    def to_frame(self) -> "pandas.DataFrame":
        """A row an item, world and outcome; see `Crossing.to_frame`."""
        return crossing_table(self.crossings)

    def maps_to_frame(self) -> "pandas.DataFrame":
        """A row an item, map, view and cell; see `EffectMap.to_frame`."""
        return effect_table(self.maps)


def write_crossed(folder: Path, results: CrossResults) -> None:
    """Writes a run directory; each file appears whole or not at all, and `run.json` comes last."""
    for name, frame in (("crossing", results.to_frame()), ("effects", results.maps_to_frame())):
        table = pa.Table.from_pandas(frame, preserve_index=False)
        write_atomic(folder / RESULTS / f"{name}.parquet", partial(pq.write_table, table, compression="zstd"))
    lines = "".join(json.dumps(asdict(reject), ensure_ascii=False) + "\n" for reject in results.rejects)
    write_atomic(folder / REJECTS, lambda part: _write_text(part, lines))
    write_manifest(folder, results.manifest)


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def read_crossed(folder: str | Path) -> CrossResults:
    """Reads a finished run directory of `mediate cross`.

    Raises:
        InputError: The folder is none, the run did not finish, or a file is missing or damaged.
    """
    folder, manifest = Path(folder), read_manifest(folder)
    if manifest.get("spec", {}).get("design") != "cross":
        raise InputError(f"{folder}: not a run of two checkpoints; make one with 'mediate cross ... --out DIR'")
    if manifest.get("status") != "success":
        raise InputError(f"{folder}: the run's status is {manifest.get('status')!r}; cross again to finish it")
    try:
        lines = (folder / REJECTS).read_text(encoding="utf-8").split("\n")
        rejects = tuple(Reject(**json.loads(line)) for line in lines if line)
        crossing, effects = (
            pq.read_table(folder / RESULTS / f"{name}.parquet").to_pandas() for name in ("crossing", "effects")
        )
        crossings, maps = crossings_from_table(crossing), maps_from_table(effects)
        if not crossings:  # a table without rows names no outcomes
            names = manifest["spec"].get("outcomes", ())
            crossings = tuple(Crossing(np.zeros((0, 2, 2, 2)), (), (), (), str(name)) for name in names)
        return CrossResults(manifest, crossings, maps, rejects)
    except (OSError, KeyError, ValueError, TypeError, ArithmeticError, pa.ArrowException) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{folder}: cannot be read ({reason}); cross into a new directory") from error
