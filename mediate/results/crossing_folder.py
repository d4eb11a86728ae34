"""What crossing two checkpoints found, as one record, and its directory on disk; reading it back needs no model."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mediate.errors import InputError
from mediate.results.crossing import Crossing, change_shares, crossing_table, crossings_from_table, set_changes
from mediate.results.damaged import from_tables
from mediate.results.folder import MANIFEST, read_manifest, read_run, write_run
from mediate.results.maps import EffectMap, effect_table, maps_from_table
from mediate.results.told import Reject
from mediate.showing import plural, record_cell
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

    Example:
        >>> results = md.read_crossed("runs/crossed")  # doctest: +SKIP
        >>> results.changes(), results.to_frame()  # doctest: +SKIP
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

    def _repr_html_(self) -> str:
        counts = [
            (each.outcome, f"{plural(len(set(each.items)), 'item')}, {plural(len(each.items), 'row')}")
            for each in self.crossings
        ]
        rows = [*counts, ("maps", len(self.maps)), ("left out", len(self.rejects))]
        return record_cell("Two checkpoints crossed", rows)

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
    tables = {"crossing": results.to_frame(), "effects": results.maps_to_frame()}
    write_run(folder, tables.items(), results.rejects, results.manifest)


def is_crossed(manifest: Mapping[str, Any]) -> bool:
    """Whether a manifest is that of two checkpoints crossed."""
    spec = manifest.get("spec")
    return isinstance(spec, Mapping) and spec.get("design") == "cross"


def read_crossed(folder: str | Path) -> CrossResults:
    """Reads a finished run directory of `mediate cross`; `mediate.open` opens it with tables, figures and page.

    Returns:
        What was found, as records.

    Raises:
        InputError: The folder is none, the run did not finish, or a file is missing or damaged.

    Example:
        >>> md.read_crossed("runs/crossed").crossing().outcome  # doctest: +SKIP
    """
    folder, manifest = Path(folder), read_manifest(folder)
    if not is_crossed(manifest):
        raise InputError(f"{folder}: not a run of two checkpoints; make one with 'mediate cross ... --out DIR'")
    manifest, tables, rejects = read_run(folder, manifest, ("crossing", "effects"), "cross")
    missing = [name for name in ("seed", "level", "min_te") if name not in manifest["spec"]]
    if missing:
        raise InputError(f"{folder / MANIFEST}: does not say what was run ({missing[0]}); cross into a new directory")
    with from_tables(folder, "cross"):
        crossings, maps = crossings_from_table(tables["crossing"]), maps_from_table(tables["effects"])
        if not crossings:  # a table without rows names no outcomes
            names = manifest["spec"].get("outcomes", ())
            crossings = tuple(Crossing(np.zeros((0, 2, 2, 2)), (), (), (), str(name)) for name in names)
        return CrossResults(manifest, crossings, maps, rejects)
