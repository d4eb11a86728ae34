"""What a user holds after crossing two checkpoints: tables, changes, figures and a notebook view."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from mediate.errors import InputError
from mediate.figures.components import components_data, plot_components
from mediate.figures.crossing import COMPONENTS, component_rows, crossing_data, plot_crossing
from mediate.figures.over import Align
from mediate.figures.steps import plot_step_layer, steps_data
from mediate.files import write_text
from mediate.report.crossing import render_crossing
from mediate.report.crossing_figures import scales_of_maps, step_layer_kinds
from mediate.report.crossing_words import crossing_notebook, crossing_terminal
from mediate.report.drawing import drawing
from mediate.report.run.chosen_maps import end_for
from mediate.report.saving import saved
from mediate.results import EffectMap, Reject
from mediate.results.crossing import Crossing
from mediate.results.crossing_folder import CrossResults, write_crossed
from mediate.stats import Estimate


@dataclass(frozen=True, slots=True)
class CrossPlots:
    """The figures of two checkpoints crossed; each takes `ax` and returns the axes, and its `data()` is what it draws.

    All maps are in one scale of colours; steps are counted from the first, 0, or where chains differ in length to the
    last, -1.
    """

    results: CrossResults

    @drawing
    def changes(self, outcome: str | None = None, *, ax: Axes | None = None) -> Axes:
        """The total change and its splits; see `mediate.figures.crossing.plot_crossing`."""
        return plot_crossing(self.results.crossing(outcome), ax=ax, **self._drawn())

    def _changes_data(self, outcome: str | None = None) -> pd.DataFrame:
        return crossing_data(self.results.crossing(outcome), **self._drawn())

    @drawing
    def steps(self, kind: str | None = None, *, align: Align | None = None, ax: Axes | None = None) -> Axes:
        """Mean of a map by step and layer, the first kind by default; see `mediate.figures.plot_step_layer`."""
        maps = self._maps(kind)
        scale = scales_of_maps(self.results)[maps[0].outcome]
        return plot_step_layer(maps, scale=scale, align=end_for(maps, align), ax=ax, **self._drawn())

    def _steps_data(self, kind: str | None = None, *, align: Align | None = None) -> pd.DataFrame:
        maps = self._maps(kind)
        return steps_data(maps, align=end_for(maps, align), **self._drawn())

    @drawing
    def components(self, view: str | None = None, *, ax: Axes | None = None) -> Axes:
        """Maps by layer, a row a component, in one view; see `mediate.figures.components.plot_components`."""
        rows = self._components(view)
        scale = scales_of_maps(self.results)[next(iter(rows.values()))[0].outcome]
        return plot_components(rows, scale=scale, ax=ax, **self._drawn())

    def _components_data(self, view: str | None = None) -> pd.DataFrame:
        return components_data(self._components(view), **self._drawn())

    def _drawn(self) -> dict[str, Any]:
        spec = self.results.manifest["spec"]
        return {"seed": spec["seed"], "level": spec["level"]}

    def _maps(self, kind: str | None) -> tuple[EffectMap, ...]:
        kinds = step_layer_kinds(self.results)
        chosen = kind or next(iter(kinds), "")
        if chosen not in kinds:
            raise InputError(
                f"no {kind or 'map'} by step and layer in these results; there is: {', '.join(kinds) or 'none'}"
            )
        return kinds[chosen]

    def _components(self, view: str | None) -> dict[str, list[EffectMap]]:
        rows = {name.removeprefix(COMPONENTS): each for name, each in component_rows(self.results).items()}
        chosen = view or next(iter(rows), "")
        if chosen not in rows:
            have = ", ".join(rows) or "none"
            raise InputError(f"no {chosen or 'view'} of components by layer in these results; there is: {have}")
        return rows[chosen]


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
