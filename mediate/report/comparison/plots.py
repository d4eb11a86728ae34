"""The figures of a comparison, drawn from its record."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

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
from mediate.figures.changes import RunChange, plot_changes
from mediate.figures.multiples import RunMap, plot_multiples
from mediate.report.comparison.words import MAIN, levels_of
from mediate.results import total_effect

# Of a run's name in the text of an axis.
LONGEST = 48
MARK = "\n(runs that differ in more than model and chains)"


@dataclass(frozen=True, slots=True)
class ComparisonPlots:
    """The figures of a comparison; each takes `ax` and returns the axes, and shows itself in a notebook.

    `outcome` is the first one where none is named, and `kind` the first kind of map.
    """

    compared: Compared

    def shares(self, quantity: str = MAIN, outcome: str | None = None, *, ax: Axes | None = None) -> Axes:
        """One share in every run, a thin line a group; see `mediate.figures.plot_paired`."""
        compared, outcome = self.compared, self._outcome(outcome)
        lines = self._group_shares(quantity, outcome)
        estimates = [each.estimate for each in levels_of(compared, outcome, SHARE) if each.quantity == quantity]
        runs = [run.label for run in compared.runs]
        text = f"{quantity} share of TE ({outcome})" + self._mark()
        return plot_paired(runs, lines, estimates, quantity=text, percent=True, ax=ax)

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

    def ladder(self, outcome: str | None = None, *, ax: Axes | None = None) -> Axes:
        """Every share against model size; see `mediate.figures.plot_ladder`."""
        compared, outcome = self.compared, self._outcome(outcome)
        if compared.no_ladder:
            raise InputError(f"no ladder in this comparison: {compared.no_ladder}")
        sizes = tuple(run.parameters or 1 for run in compared.runs)
        having = levels_of(compared, outcome, SHARE)
        lines = [
            LadderLine(name, sizes, tuple(each.estimate for each in having if each.quantity == name)) for name in SHARES
        ]
        return plot_ladder(lines, quantity=f"share of TE ({outcome})" + self._mark(), percent=True, ax=ax)

    def layers(self, kind: str | None = None, *, ax: Axes | None = None) -> Axes:
        """Differences of one kind of map by layer; see `mediate.figures.plot_difference_by_depth`."""
        found = self.of_scope(Scope.LAYER, kind)
        first, alpha = found[0], self.compared.how.alpha
        lines = [
            DepthLine(
                each.run, each.labels[LAYER], each.difference, each.low, each.high, _found(each, alpha).astype(bool)
            )
            for each in found
            if each.family == first.family
        ]
        text = f"share of TE, {first.family.kind}{_estimated(first)},\nless {_name(first.reference)}" + self._mark()
        return plot_difference_by_depth(lines, quantity=text, level=self.compared.how.level, percent=True, ax=ax)

    def steps(self, run: str | None = None, kind: str | None = None, *, ax: Axes | None = None) -> Axes:
        """Differences of one kind of map by step and layer, of one run; see `mediate.figures.plot_difference`."""
        found = [each for each in self.of_scope(Scope.CELL, kind) if set(each.labels) == {STEP, LAYER}]
        chosen = next((each for each in found if run in (None, each.run)), None)
        if chosen is None:
            raise InputError(
                f"no map by step and layer of {run or 'any run'} in this comparison; it needs runs with the same chains"
            )
        grid = _grid(chosen, self.compared.how.alpha)
        of = f"share of TE, {chosen.family.kind}{_estimated(chosen)}"
        return plot_difference(
            grid.difference,
            grid.found,
            quantity=f"{of},\n{_name(chosen.run)} less {_name(chosen.reference)}{self._mark()}",
            names=(grid.steps, grid.layers),
            limit=self._limit(),
            percent=True,
            ax=ax,
        )

    def maps(self, kind: str | None = None, *, figure: Figure | SubFigure | None = None) -> Axes:
        """One kind of map in every run, on one scale, each over its difference from the first run.

        See `mediate.figures.multiples.plot_multiples`.
        """
        runs, grid, first = self.maps_of(kind)
        quantity = f"share of TE, {first.family.kind}{_estimated(first)}{self._mark()}"
        margin = self.compared.how.margin
        return plot_multiples(
            runs, quantity=quantity, steps=grid.steps, layers=grid.layers, margin=margin, figure=figure
        )

    def maps_of(self, kind: str | None = None) -> tuple[list[RunMap], "Grid", MapDifference]:
        """What `maps` draws: each run's map, the names of its cells, and the difference that these are from.

        Raises:
            InputError: There are no such maps.
        """
        found = [each for each in self.of_scope(Scope.CELL, kind) if set(each.labels) == {STEP, LAYER}]
        if not found:
            raise InputError("no map by step and layer in this comparison; it needs runs with the same chains")
        alike = [each for each in found if each.family == found[0].family]
        grids = [_grid(each, self.compared.how.alpha) for each in alike]
        first = RunMap(alike[0].reference, grids[0].there, np.zeros(grids[0].there.shape, dtype=bool))
        runs = [RunMap(each.run, grid.here, grid.found) for each, grid in zip(alike, grids, strict=True)]
        return [first, *runs], grids[0], alike[0]

    def _limit(self) -> float:
        """The difference of the deepest colours of all maps of this comparison, never less than the margin."""
        cells = [each for each in self.compared.maps if each.scope is Scope.CELL and set(each.labels) == {STEP, LAYER}]
        return max([self.compared.how.margin, *(float(np.nanmax(abs(each.difference), initial=0.0)) for each in cells)])

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


@dataclass(frozen=True, slots=True)
class Grid:
    """A difference of maps by step and layer, as a matrix.

    Args:
        steps: Names of the rows.
        layers: Names of the columns: layers, or of models of different depth relative depths, as text.
        there: The first run's map, as shares of its total effect.
        here: The other run's.
        difference: The one less the other.
        found: Cells that were found to differ.
    """

    steps: list[int | str]
    layers: list[int | str]
    there: Float[np.ndarray, "step layer"]
    here: Float[np.ndarray, "step layer"]
    difference: Float[np.ndarray, "step layer"]
    found: Bool[np.ndarray, "step layer"]


def _grid(each: MapDifference, alpha: float) -> Grid:
    steps, depths = (list(dict.fromkeys(each.labels[name].tolist())) for name in (STEP, LAYER))
    shape = [len(np.unique(values)) for values in each.labels.values()]
    turned = list(each.labels) == [LAYER, STEP]
    cells = [values.reshape(shape) for values in (each.there, each.here, each.difference, _found(each, alpha))]
    there, here, difference, found = (values.T if turned else values for values in cells)
    layers: list[int | str] = [f"{depth:.2f}" for depth in depths] if each.regridded else [*range(len(depths))]
    return Grid([int(step) for step in steps], layers, there, here, difference, found)


def _found(each: MapDifference, alpha: float) -> np.ndarray:
    """Cells that were found to differ; one without a test was not."""
    found: np.ndarray = np.nan_to_num(each.p_adjusted, nan=1.0) <= alpha
    return found.astype(bool)


def _name(run: str) -> str:
    """A run's label with nothing in it that a figure cannot show."""
    return label(run, LONGEST)


def _estimated(found: MapDifference) -> str:
    return " (estimated)" if found.estimated else ""
