"""What a user holds after scoring: tables, shares, figures and a notebook view of one run."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from mediate.errors import InputError
from mediate.files import write_text
from mediate.report.analysis import analysis_of
from mediate.report.run.best_length import optima_of
from mediate.report.run.conditions import conditions_found
from mediate.report.run.drawings import Plots
from mediate.report.run.item_tokens import ItemTokens
from mediate.report.run.methods_text import methods_words
from mediate.report.run.page import notebook, render_page, terminal, write_report
from mediate.report.run.scored_items import ScoredItems
from mediate.report.run.sensitivity import paired_of
from mediate.report.run.tables import cell_table
from mediate.results import Reject, Results, write_results
from mediate.results.conditions import condition_table, conditions_of
from mediate.results.controls import control_table
from mediate.results.dataset import results_dataset
from mediate.results.folder import check_new
from mediate.results.maps import agreement_table, effect_table
from mediate.results.optimum import STEPS, line_of, optimum_table
from mediate.results.partial import partial_words, read_so_far
from mediate.results.replacements import replaced_table
from mediate.results.sensitivity import paired_table, sensitivity_table
from mediate.results.spread import spread_table
from mediate.stats import Estimate

if TYPE_CHECKING:
    import xarray


@dataclass(frozen=True, slots=True, repr=False)
class Scores:
    """One run's results with the views of them that a user asks for.

    Args:
        results: What the run found.
        folder: The run directory; None where nothing was written.

    Example:
        >>> scores = md.score(model, pairs, control_pairs=0)
        >>> scores.shares()["mediated"].value > 0.9
        True
        >>> scores.map_table().columns[:2].tolist()
        ['step', 'layer']
    """

    results: Results
    folder: Path | None = None

    def shares(self, outcome: str | None = None) -> dict[str, Estimate]:
        """The set's direct, text, latent and mediated share with their intervals; of the first outcome by default."""
        return analysis_of(self.results).shares(self.results.cube(outcome))

    def effects(self, outcome: str | None = None) -> dict[str, Estimate]:
        """Mean over items of the channels', the classical and the contrast's named effects, each with its interval."""
        return analysis_of(self.results).effects(self.results.cube(outcome))

    def methods(self) -> str:
        """A paragraph on how the run was measured, for a paper: model, items, outcome, estimands, intervals, controls.

        The page has it too, under *How it was measured*. What the run does not record is not said.
        """
        return methods_words(self.results)

    def table(self) -> pd.DataFrame:
        """A row an item and outcome with the eight cells `y000` ... `y111`.

        Of items without a twin also *necessity*, *sufficiency* and *blind*, which are differences of them.
        """
        return cell_table(self.results.cubes)

    def map_table(self) -> pd.DataFrame:
        """A row an item and cell of each map."""
        return effect_table(self.results.maps)

    def controls(self) -> pd.DataFrame:
        """A row an item and control; see `mediate.results.controls`."""
        return control_table(self.results.controls)

    def contrasts(self) -> pd.DataFrame:
        """A row an item, replacement of its chain alone and outcome; see `mediate.results.replacements`."""
        return replaced_table(self.results.replaced)

    def conditions(self, outcome: str | None = None) -> pd.DataFrame:
        """A row a condition and quantity, with its difference from the first; see `mediate.results.conditions`."""
        cube = self.results.cube(outcome)
        return condition_table(conditions_found(self.results, cube), cube.outcome)

    def optimum(self, conditions: Sequence[str] | None = None, *, by: str = STEPS) -> pd.DataFrame:
        """A row for each length of chains that varies alone: the best length and N*, each with its interval.

        Both are undefined, with the reason in a column, where accuracy is flat or there is one length alone; see
        `mediate.results.optimum`.

        Args:
            conditions: Conditions that differ in the length of their chains alone; by default those whose names say a
                length, such as `1 a step, plain` or `10 steps`.
            by: What length counts in, `steps` or `tokens`, of conditions that are named here.

        Raises:
            InputError: No such conditions.
        """
        if conditions is not None:
            return optimum_table(optima_of(self.results, (line_of(self.results.items, conditions, by),)))
        found = optima_of(self.results)
        if not found:
            have = ", ".join(map(repr, conditions_of(self.results.items))) or "none"
            raise InputError(
                f"optimum: no conditions whose names say a length, such as '10 steps'; name two or more ({have})"
            )
        return optimum_table(found)

    def sensitivity(self, outcome: str | None = None) -> pd.DataFrame:
        """A row a replacement: its mean effect with its interval, and how far it is off the distribution."""
        cube, analysis = self.results.cube(outcome), analysis_of(self.results)
        return sensitivity_table(cube, self.results.replaced, seed=analysis.seed, level=analysis.level)

    def sensitivity_differences(self, outcome: str | None = None) -> pd.DataFrame:
        """A row two replacements: their paired difference, with intervals that hold all of them together."""
        return paired_table(paired_of(analysis_of(self.results), self.results, self.results.cube(outcome)))

    def agreements(self) -> pd.DataFrame:
        """A row an estimated map: how far it agrees with exact patching; see `mediate.results.agreement`."""
        return agreement_table(self.results.maps)

    def before_answer(self) -> pd.DataFrame:
        """As `table`, with the chains cut before they first state the answer, of the items where that is possible."""
        return cell_table(self.results.cut)

    def others(self) -> pd.DataFrame:
        """A row an item and outcome that are held against other items: which, and the spread between them.

        See `mediate.results.spread.spread_table`; the cube against each of them is in `results.others`.
        """
        analysis = analysis_of(self.results)
        by_outcome = {each.outcome: analysis.least(each.outcome) for each in self.results.others}
        tables = [
            spread_table([each for each in self.results.others if each.outcome == outcome], least)
            for outcome, least in by_outcome.items()
        ]
        return pd.concat(tables, ignore_index=True) if tables else spread_table([])

    def to_xarray(self) -> "xarray.Dataset":
        """The cubes and maps as one labelled dataset; see `mediate.results.dataset.results_dataset`.

        Raises:
            InputError: xarray is not installed.
        """
        return results_dataset(self.results)

    @property
    def items(self) -> ScoredItems:
        """The measured items, by place and by id, each with its chain, tokens, effects and maps."""
        return ScoredItems(self.results)

    def tokens(self, item: int | str, kind: str | None = None, layer: int | None = None, **at: int) -> ItemTokens:
        """One item's chains as text, each token in the colour of its effect; shows itself, `to_html` writes a page.

        Args:
            item: Its id, or its place from 0 as an int.
            kind: A kind of map (`read`), or one with its axes (`read:position,layer`); by default the run's first.
            layer: Of the map; by default the one with the largest effects over all items.
            **at: Labels on other axes of the map, such as `head=2`.

        Raises:
            InputError: There is no such item, map or label.
        """
        return self.items[item].coloured(kind, layer, **at)

    @property
    def rejects(self) -> tuple[Reject, ...]:
        """What was left out, and why."""
        return self.results.rejects

    @property
    def plot(self) -> Plots:
        """The figures."""
        return Plots(self.results)

    def report(self) -> Path:
        """Writes `report.html` and `figures/` into the run directory, as the commands do, and returns the page.

        Drawing takes some seconds, so scoring in Python leaves it to this call.

        Raises:
            InputError: There is no run directory.
        """
        if self.folder is None:
            raise InputError(
                "report: these scores have no run directory; give score(out=DIR), save(DIR) first, or to_html(FILE)"
            )
        return write_report(self.folder, results=self.results)

    def to_html(self, path: str | Path) -> Path:
        """Writes the report page alone, to a file of its own."""
        path = Path(path)
        write_text(path, render_page(self.results))
        return path

    def save(self, folder: str | Path) -> "Scores":
        """Writes a run directory and returns the scores that belong to it.

        Raises:
            InputError: The folder holds a run already, or these scores are of a run that is not finished.
        """
        folder = Path(folder)
        if partial_words(self.results.manifest):
            raise InputError(f"save: {partial_words(self.results.manifest)}; only a finished run is saved")
        check_new(folder)
        write_results(folder, self.results)
        return Scores(self.results, folder)

    def __repr__(self) -> str:
        return terminal(self.results).rstrip("\n")

    def _repr_html_(self) -> str:
        return notebook(self.results)


def open_run(folder: str | Path) -> Scores:
    """The scores that a run directory holds, so far; needs no model. `mediate.open` opens these and all else.

    Of a run that is not finished, every view says that it is partial.

    Returns:
        The run, finished or so far.

    Raises:
        InputError: The folder holds no run, or a file of it is missing or damaged.

    Example:
        >>> scores = md.score(model, pairs, out="runs/first", control_pairs=0)
        >>> len(md.open_run("runs/first").results.items)
        4
    """
    return Scores(read_so_far(folder), Path(folder))
