"""The figures of a comparison, drawn from its record."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from mediate.compare import Compared
from mediate.compare.maps import MapDifference, Scope
from mediate.compare.quantities import SHARE, SHARES, aligned, share_numerators
from mediate.compare.stacks import LAYER, STEP
from mediate.errors import InputError
from mediate.figures import (
    DepthLine,
    LadderLine,
    group_ratios,
    label,
    plot_difference,
    plot_difference_by_depth,
    plot_ladder,
    plot_paired,
)
from mediate.figures.changes import RunChange, changes_data, plot_changes
from mediate.figures.difference import depth_data, difference_data
from mediate.figures.ladder import ladder_data
from mediate.figures.multiples import RunMap, multiples_data, plot_multiples
from mediate.figures.paired import paired_data
from mediate.figures.scale import ColourScale, scale_of
from mediate.figures.style import Place
from mediate.report.comparison.difference_grid import Grid, found_cells, grid_of
from mediate.report.comparison.words import MAIN, levels_of
from mediate.report.drawing import drawing
from mediate.results import total_effect
from mediate.results.kind_words import called
from mediate.stats import Estimate

# Of a run's name in the text of an axis.
LONGEST = 48
MARK = "\n(runs that differ in more than model and chains)"


@dataclass(frozen=True, slots=True)
class ComparisonPlots:
    """The figures of a comparison; each takes `ax` and returns the axes, and shows itself in a notebook.

    Each has its numbers as a data frame, `plot.ladder.data()`, with the same arguments but `ax`.
    `outcome` is the first one where none is named, and `kind` the first kind of map.
    """

    compared: Compared

    @drawing
    def shares(self, quantity: str = MAIN, outcome: str | None = None, *, ax: Axes | None = None) -> Axes:
        """One share in every run, a thin line a group; see `mediate.figures.plot_paired`."""
        named = self._outcome(outcome)
        text = f"{quantity} share of TE ({named})" + self._mark()
        return plot_paired(*self._paired(quantity, named), quantity=text, percent=True, ax=ax)

    def _shares_data(self, quantity: str = MAIN, outcome: str | None = None) -> pd.DataFrame:
        return paired_data(*self._paired(quantity, self._outcome(outcome)))

    def _paired(self, quantity: str, outcome: str) -> tuple[list[str], np.ndarray, list[Estimate]]:
        """The runs, a share of each group in each, and that of all."""
        having = [each for each in levels_of(self.compared, outcome, SHARE) if each.quantity == quantity]
        runs = [run.label for run in self.compared.runs]
        return runs, self._group_shares(quantity, outcome), [each.estimate for each in having]

    @drawing
    def changes(self, quantity: str = MAIN, outcome: str | None = None, *, ax: Axes | None = None) -> Axes:
        """What each run has more of a share than the first; see `mediate.figures.changes.plot_changes`."""
        outcome = self._outcome(outcome)
        return plot_changes(
            self.changes_of(quantity, outcome),
            quantity=f"{quantity} share of TE ({outcome})" + self._mark(),
            reference=self.compared.runs[0].label,
            margin=self.compared.how.margin,
            ax=ax,
        )

    def _changes_data(self, quantity: str = MAIN, outcome: str | None = None) -> pd.DataFrame:
        return changes_data(self.changes_of(quantity, outcome))

    def changes_of(self, quantity: str = MAIN, outcome: str | None = None) -> list[RunChange]:
        """What `changes` draws: each run's paired differences from the first, of groups and of all."""
        compared, outcome = self.compared, self._outcome(outcome)
        lines = self._group_shares(quantity, outcome)
        found = {
            each.run: each
            for each in compared.differences
            if (each.outcome, each.kind, each.quantity) == (outcome, SHARE, quantity)
        }
        return [
            RunChange(
                run.label, lines[:, place] - lines[:, 0], found[run.label].estimate, found[run.label].verdict.value
            )
            for place, run in enumerate(compared.runs[1:], start=1)
        ]

    def _group_shares(self, quantity: str, outcome: str) -> np.ndarray:
        """A share of each group (row) in each run (column)."""
        compared, place = self.compared, self._share(quantity)
        cubes = [aligned(run.results.cube(outcome), compared.pairing.items) for run in compared.runs]
        return group_ratios(
            np.stack([share_numerators(each)[place] for each in cubes]),
            np.stack([total_effect(each.y) for each in cubes]),
            compared.pairing.groups,
            min_mean_denominator=compared.how.min_te,
        )

    @drawing
    def ladder(self, outcome: str | None = None, *, ax: Axes | None = None) -> Axes:
        """Every share against model size; see `mediate.figures.plot_ladder`."""
        outcome = self._outcome(outcome)
        quantity = f"share of TE ({outcome})" + self._mark()
        return plot_ladder(self._lines(outcome), quantity=quantity, percent=True, ax=ax)

    def _ladder_data(self, outcome: str | None = None) -> pd.DataFrame:
        return ladder_data(self._lines(self._outcome(outcome)))

    def _lines(self, outcome: str) -> list[LadderLine]:
        compared = self.compared
        if compared.no_ladder:
            raise InputError(f"no ladder in this comparison: {compared.no_ladder}")
        sizes = tuple(run.parameters or 1 for run in compared.runs)
        having = levels_of(compared, outcome, SHARE)
        return [
            LadderLine(name, sizes, tuple(each.estimate for each in having if each.quantity == name)) for name in SHARES
        ]

    @drawing
    def layers(self, kind: str | None = None, *, ax: Axes | None = None) -> Axes:
        """Differences of one kind of map by layer; see `mediate.figures.plot_difference_by_depth`."""
        first = self.of_scope(Scope.LAYER, kind)[0]
        text = f"{called(first.family.kind)}, share of TE,\nless {_name(first.reference)}" + self._mark()
        how = self.compared.how
        return plot_difference_by_depth(
            self._depths(kind), quantity=text, level=how.level, margin=how.margin, percent=True, ax=ax
        )

    def _layers_data(self, kind: str | None = None) -> pd.DataFrame:
        return depth_data(self._depths(kind))

    def _depths(self, kind: str | None) -> list[DepthLine]:
        found, alpha = self.of_scope(Scope.LAYER, kind), self.compared.how.alpha
        return [
            DepthLine(each.run, each.labels[LAYER], each.difference, each.low, each.high, found_cells(each, alpha))
            for each in found
            if each.family == found[0].family
        ]

    @drawing
    def steps(self, run: str | None = None, kind: str | None = None, *, ax: Axes | None = None) -> Axes:
        """Differences of one kind of map by step and layer, of one run; see `mediate.figures.plot_difference`."""
        chosen, grid = self._one(run, kind)
        of = f"{called(chosen.family.kind)}, share of TE"
        return plot_difference(
            grid.difference,
            grid.found,
            quantity=f"{of},\n{_name(chosen.run)} less {_name(chosen.reference)}{self._mark()}",
            names=(grid.steps, grid.layers),
            scale=self._scale(),
            percent=True,
            ax=ax,
        )

    def _steps_data(self, run: str | None = None, kind: str | None = None) -> pd.DataFrame:
        _, grid = self._one(run, kind)
        return difference_data(grid.difference, grid.found, (grid.steps, grid.layers))

    def _one(self, run: str | None, kind: str | None) -> tuple[MapDifference, Grid]:
        found = [each for each in self.of_scope(Scope.CELL, kind) if set(each.labels) == {STEP, LAYER}]
        chosen = next((each for each in found if run in (None, each.run)), None)
        if chosen is None:
            raise InputError(
                f"no map by step and layer of {run or 'any run'} in this comparison; it needs runs with the same chains"
            )
        return chosen, grid_of(chosen, self.compared.how.alpha)

    @drawing
    def maps(
        self, kind: str | None = None, *, down: bool = False, figure: Place | None = None, ax: Axes | None = None
    ) -> Axes:
        """One kind of map in every run, on one scale, each over its difference from the first run, or `down` beside it.

        See `mediate.figures.multiples.plot_multiples`.
        """
        runs, grid, first = self.maps_of(kind)
        quantity = f"{called(first.family.kind)}, share of TE{self._mark()}"
        return plot_multiples(
            runs,
            quantity=quantity,
            steps=grid.steps,
            layers=grid.layers,
            scale=self._scale(),
            down=down,
            figure=ax or figure,
        )

    def _maps_data(self, kind: str | None = None) -> pd.DataFrame:
        runs, grid, _ = self.maps_of(kind)
        return multiples_data(runs, grid.steps, grid.layers)

    def maps_of(self, kind: str | None = None) -> tuple[list[RunMap], Grid, MapDifference]:
        """What `maps` draws: each run's map, the names of its cells, and the difference that these are from.

        Raises:
            InputError: There are no such maps.
        """
        found = [each for each in self.of_scope(Scope.CELL, kind) if set(each.labels) == {STEP, LAYER}]
        if not found:
            raise InputError("no map by step and layer in this comparison; it needs runs with the same chains")
        alike = [each for each in found if each.family == found[0].family]
        grids = [grid_of(each, self.compared.how.alpha) for each in alike]
        first = RunMap(alike[0].reference, grids[0].there, np.zeros(grids[0].there.shape, dtype=bool))
        runs = [RunMap(each.run, grid.here, grid.found) for each, grid in zip(alike, grids, strict=True)]
        return [first, *runs], grids[0], alike[0]

    def _scale(self) -> ColourScale:
        """The colours of all maps of this comparison and of their differences, never deeper than the margin allows."""
        cells = [each for each in self.compared.maps if each.scope is Scope.CELL and set(each.labels) == {STEP, LAYER}]
        every = [values for each in cells for values in (each.there, each.here, each.difference)]
        return scale_of(every, self.compared.how.margin)

    def of_scope(self, scope: Scope, kind: str | None = None) -> list[MapDifference]:
        """The differences of maps of one scope and, where named, kind.

        Raises:
            InputError: There are none.
        """
        found = [each for each in self.compared.maps if each.scope is scope and kind in (None, each.family.kind)]
        if not found:
            have = ", ".join(dict.fromkeys(f"{each.family.kind} {each.scope}" for each in self.compared.maps)) or "none"
            raise InputError(f"no {kind or 'map'} {scope} in this comparison; there is: {have}")
        return found

    def _outcome(self, outcome: str | None) -> str:
        outcomes = self.compared.outcomes
        if outcome is not None and outcome not in outcomes:
            raise InputError(f"no outcome {outcome!r} in this comparison; there is: {', '.join(outcomes)}")
        return outcome or outcomes[0]

    def _share(self, quantity: str) -> int:
        if quantity not in SHARES:
            raise InputError(f"no share {quantity!r}; there are {', '.join(SHARES)}")
        return SHARES.index(quantity)

    def _mark(self) -> str:
        return MARK if self.compared.mixed else ""


def _name(run: str) -> str:
    """A run's label with nothing in it that a figure cannot show."""
    return label(run, LONGEST)
