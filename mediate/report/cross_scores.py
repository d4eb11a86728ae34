"""What a user holds after crossing two checkpoints: tables, changes, figures and a notebook view."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from mediate.errors import InputError
from mediate.figures.components import plot_components
from mediate.figures.crossing import COMPONENTS, component_rows, plot_crossing
from mediate.figures.layers import DIMS
from mediate.figures.steps import plot_step_layer
from mediate.files import write_text
from mediate.report.crossing import render_crossing
from mediate.report.crossing_words import crossing_notebook, crossing_terminal
from mediate.report.saving import saved
from mediate.results import EffectMap, Reject
from mediate.results.crossing import Crossing
from mediate.results.crossing_folder import CrossResults, write_crossed
from mediate.stats import Estimate


@dataclass(frozen=True, slots=True)
class CrossPlots:
    """The figures of two checkpoints crossed; each takes `ax` and returns the axes."""

    results: CrossResults

    def changes(self, outcome: str | None = None, *, ax: Axes | None = None) -> Axes:
        """The total change and its splits; see `mediate.figures.crossing.plot_crossing`."""
        spec = self.results.manifest["spec"]
        return plot_crossing(self.results.crossing(outcome), seed=spec["seed"], level=spec["level"], ax=ax)

    def steps(self, kind: str | None = None, *, ax: Axes | None = None) -> Axes:
        """Mean of a map by step and layer, the first kind by default; see `mediate.figures.plot_step_layer`."""
        maps = [each for each in self.results.maps if each.dims == DIMS]
        chosen = [each for each in maps if each.kind == (kind or maps[0].kind)]
        if not chosen:
            have = ", ".join(dict.fromkeys(each.kind for each in maps)) or "none"
            raise InputError(f"no {kind or 'map'} by step and layer in these results; there is: {have}")
        return plot_step_layer(chosen, ax=ax)

    def components(self, view: str | None = None, *, ax: Axes | None = None) -> Axes:
        """Maps by layer, a row a component, in one view; see `mediate.figures.components.plot_components`."""
        rows = {name.removeprefix(COMPONENTS): each for name, each in component_rows(self.results).items()}
        chosen = view or next(iter(rows), "")
        if chosen not in rows:
            have = ", ".join(rows) or "none"
            raise InputError(f"no {chosen or 'view'} of components by layer in these results; there is: {have}")
        return plot_components(rows[chosen], ax=ax)


@dataclass(frozen=True, slots=True, repr=False)
class CrossScores:
    """Two checkpoints crossed, with the views that a user asks for.

    Args:
        results: What crossing found.
        folder: The run directory; None where nothing was written.

    Example:
        >>> found = md.cross(before, after, pairs)  # doctest: +SKIP
        >>> found.changes(), found.shares()  # doctest: +SKIP
    """

    results: CrossResults
    folder: Path | None = None

    @property
    def manifest(self) -> Mapping[str, Any]:
        """Spec, both models, versions, counts and status, as in `run.json`."""
        return self.results.manifest

    @property
    def crossings(self) -> tuple[Crossing, ...]:
        """The cube of the two checkpoints, one an outcome."""
        return self.results.crossings

    @property
    def maps(self) -> tuple[EffectMap, ...]:
        """The maps, each in four views."""
        return self.results.maps

    @property
    def rejects(self) -> tuple[Reject, ...]:
        """What was left out, and why."""
        return self.results.rejects

    def crossing(self, outcome: str | None = None) -> Crossing:
        """The cube of an outcome; of the first one by default."""
        return self.results.crossing(outcome)

    def changes(self, outcome: str | None = None) -> dict[str, Estimate]:
        """Mean over items of the corners, the total change and its splits, in nats, each with its interval."""
        return self.results.changes(outcome)

    def shares(self, outcome: str | None = None) -> dict[str, Estimate]:
        """Shares of the set's total change, each with its interval."""
        return self.results.shares(outcome)

    def table(self) -> pd.DataFrame:
        """A row an item, world and outcome, with the eight cells and the splits."""
        return self.results.to_frame()

    def to_frame(self) -> pd.DataFrame:
        """As `table`."""
        return self.results.to_frame()

    def map_table(self) -> pd.DataFrame:
        """A row an item, map, view and cell."""
        return self.results.maps_to_frame()

    def maps_to_frame(self) -> pd.DataFrame:
        """As `map_table`."""
        return self.results.maps_to_frame()

    @property
    def plot(self) -> CrossPlots:
        """The figures."""
        return CrossPlots(self.results)

    def to_html(self, path: str | Path) -> Path:
        """Writes the page to a file of its own."""
        path = Path(path)
        write_text(path, render_crossing(self.results))
        return path

    def save(self, folder: str | Path) -> "CrossScores":
        """Writes a run directory and returns the record that belongs to it.

        Raises:
            InputError: The folder holds a run already.
        """
        return CrossScores(self.results, saved(folder, self.results, write_crossed))

    def __repr__(self) -> str:
        return crossing_terminal(self.results).rstrip("\n")

    def _repr_html_(self) -> str:
        return crossing_notebook(self.results)
