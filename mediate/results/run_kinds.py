"""Runs that are not of scoring: what a manifest calls them, and reading one back."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from mediate.errors import InputError
from mediate.results.damaged import from_tables
from mediate.results.folder import read_manifest, read_run
from mediate.results.told import Reject

if TYPE_CHECKING:
    import pandas

Results = TypeVar("Results")
Made = Callable[[dict[str, Any], "dict[str, pandas.DataFrame]", tuple[Reject, ...]], Results]


@dataclass(frozen=True, slots=True)
class RunKind:
    """A kind of run.

    Args:
        name: What a manifest's specification calls it.
        tables: The names of its tables.
        verb: What makes another run, in words.
        runs: What such a run is of, in words.
        command: What makes one.
    """

    name: str
    tables: Sequence[str]
    verb: str
    runs: str
    command: str

    def is_of(self, manifest: Mapping[str, Any]) -> bool:
        """Whether a manifest is that of such a run."""
        spec = manifest.get("spec")
        return isinstance(spec, Mapping) and spec.get("design") == self.name

    def read(self, folder: str | Path, made: Made[Results]) -> Results:
        """Reads a finished run directory.

        Args:
            folder: The directory.
            made: The results, from the manifest, the tables by their names, and what was left out.

        Raises:
            InputError: The folder is none, the run did not finish, or a file is missing or damaged.
        """
        folder, manifest = Path(folder), read_manifest(folder)
        if not self.is_of(manifest):
            raise InputError(f"{folder}: not a run of {self.runs}; make one with '{self.command}'")
        manifest, tables, rejects = read_run(folder, manifest, self.tables, self.verb)
        with from_tables(folder, self.verb):
            return made(manifest, tables, rejects)
