"""The figures of a comparison, drawn from its record."""

from dataclasses import dataclass

import numpy as np
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
        place = self._share(quantity)
        cubes = [aligned(run.results.cube(outcome), compared.pairing.items) for run in compared.runs]
        lines = group_ratios(
            np.stack([share_numerators(each)[place] for each in cubes]),
            np.stack([total_effect(each.y) for each in cubes]),
            compared.pairing.groups,
            min_mean_denominator=compared.how.min_te,
        )
        estimates = [each.estimate for each in levels_of(compared, outcome, SHARE) if each.quantity == quantity]
        runs = [run.label for run in compared.runs]
        text = f"{quantity} share of TE ({outcome})" + self._mark()
        return plot_paired(runs, lines, estimates, quantity=text, percent=True, ax=ax)

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
        steps, depths = (list(dict.fromkeys(chosen.labels[name].tolist())) for name in (STEP, LAYER))
        shape = [len(np.unique(values)) for values in chosen.labels.values()]
        turned = list(chosen.labels) == [LAYER, STEP]
        grids = [each.reshape(shape) for each in (chosen.difference, _found(chosen, self.compared.how.alpha))]
        difference, cells = (each.T if turned else each for each in grids)
        of = f"share of TE, {chosen.family.kind}{_estimated(chosen)}"
        return plot_difference(
            difference,
            cells,
            quantity=f"{of},\n{_name(chosen.run)} less {_name(chosen.reference)}{self._mark()}",
            steps=[int(step) for step in steps],
            layers=list(range(len(depths))) if not chosen.regridded else [f"{depth:.2f}" for depth in depths],
            percent=True,
            ax=ax,
        )

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


def _found(each: MapDifference, alpha: float) -> np.ndarray:
    """Cells that were found to differ; one without a test was not."""
    found: np.ndarray = np.nan_to_num(each.p_adjusted, nan=1.0) <= alpha
    return found


def _name(run: str) -> str:
    """A run's label with nothing in it that a figure cannot show."""
    return label(run, LONGEST)


def _estimated(found: MapDifference) -> str:
    return " (estimated)" if found.estimated else ""
