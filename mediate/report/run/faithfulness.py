"""What a user holds after tests on behaviour: the answers, the tests, and both sides of each item."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes

from mediate.figures.behaviour import both_sides_data, curves_data, plot_agreement, plot_curves
from mediate.report.analysis import analysis_of
from mediate.report.drawing import drawing
from mediate.report.run.behaviour import curves_of_run
from mediate.report.run.both_sides import agreed_of_run, agreement_rows, joined_of_run, steps_of_run
from mediate.report.run.grafted import grafts_of_run
from mediate.report.run.page import notebook, terminal
from mediate.report.run.scores import Scores
from mediate.results import Reject, Results
from mediate.results.behaviour import ReadAs, behaviour_table
from mediate.results.cmi import index_table
from mediate.results.edit_tests import Curve, by_steps, edit_test_table, edit_tests, replacements
from mediate.results.joined import worst
from mediate.results.nldd import decay_table
from mediate.results.resampled import resampled_table
from mediate.results.text_effects import text_effect_table
from mediate.stats import Estimate


@dataclass(frozen=True, slots=True)
class BehaviourPlots:
    """The figures of tests on behaviour; each takes `ax` and returns the axes, and its `data()` is what it draws."""

    results: Results

    @drawing
    def curves(self, edits: Sequence[str] = (), *, ax: Axes | None = None) -> Axes:
        """Answers that stay, by how much of the chain stands before an edit; of all edits, or those that are named."""
        return plot_curves(self._curves_of(edits), ax=ax)

    def _curves_data(self, edits: Sequence[str] = ()) -> pd.DataFrame:
        return curves_data(self._curves_of(edits))

    def _curves_of(self, edits: Sequence[str]) -> list[Curve]:
        return [each for each in curves_of_run(self.results) if not edits or each.edit in edits]

    @drawing
    def agreement(self, *, ax: Axes | None = None) -> Axes:
        """Each item's normalised area against its mediated share."""
        return plot_agreement(joined_of_run(self.results), ax=ax)

    def _agreement_data(self) -> pd.DataFrame:
        return both_sides_data(joined_of_run(self.results))


@dataclass(frozen=True, slots=True, repr=False)
class Faithfulness:
    """One run with behaviour and effects of the same items.

    Args:
        results: What the run found.
        folder: The run directory; None where nothing was written.

    Example:
        >>> found = md.faithfulness(model, pairs)  # doctest: +SKIP
        >>> found.tests(), found.joined()  # doctest: +SKIP
    """

    results: Results
    folder: Path | None = None

    @property
    def scores(self) -> Scores:
        """The effects, as `mediate.score` gives them."""
        return Scores(self.results, self.folder)

    def table(self) -> pd.DataFrame:
        """A row an item, edit, place and reading: what was answered; see `mediate.results.behaviour.Behaved`."""
        return behaviour_table(self.results.behaviour)

    def tests(self) -> pd.DataFrame:
        """A row an edit and reading: answers that stay, areas, and what did not parse or could not be made."""
        analysis = analysis_of(self.results)
        return edit_test_table(edit_tests(self.results.behaviour, level=analysis.level))

    def by_steps(self, edit: str = "truncated", reading: str = ReadAs.AT_ONCE) -> pd.DataFrame:
        """The mean area of chains of each number of steps."""
        return by_steps(self.results.behaviour, edit, reading)

    def replacements(self) -> pd.DataFrame:
        """A row each for nothing, filler and another item's chain in the whole chain's place."""
        analysis = analysis_of(self.results)
        found = replacements(self.results.behaviour, level=analysis.level)
        return pd.DataFrame(
            {"in its place": each.name, "same": each.same.value, "low": each.same.low, "high": each.same.high,
             "right": each.right.value, "n": each.same.n}
            for each in found
        )  # fmt: skip

    def resampled(self) -> pd.DataFrame:
        """A row an item and step: steps resampled; see `mediate.results.resampled.Resampled`."""
        return resampled_table(self.results.resampled)

    def grafts(self) -> pd.DataFrame:
        """A row an item and step grafted up to; see `mediate.results.graft_curves.graft_table`."""
        return grafts_of_run(self.results)

    def joined(self) -> pd.DataFrame:
        """A row an item: its areas and its effects; see `mediate.results.joined.joined_table`."""
        return joined_of_run(self.results)

    def joined_steps(self) -> pd.DataFrame:
        """A row an item and step: what a mistake in it did, and its effects; see `mediate.results.joined_steps`."""
        return steps_of_run(self.results)

    def agreements(self) -> pd.DataFrame:
        """A row a side of behaviour and an effect: Spearman's correlation `over` items, all steps, or within items."""
        return agreement_rows(self.results)

    def agreement(self) -> Estimate:
        """Spearman's rank correlation over items of the normalised area with the mediated share."""
        return agreed_of_run(self.results).correlation

    def worst(self, most: int = 10) -> pd.DataFrame:
        """The items where the two sides differ most."""
        return worst(self.joined(), most)

    def text_effects(self) -> pd.DataFrame:
        """A row a pair: the base answer's probability after either question with either chain, and natural effects.

        See `mediate.results.text_effects`; no rows of items by themselves.
        """
        return text_effect_table(self.results.text)

    def nldd(self) -> pd.DataFrame:
        """A row an item and step: the answer's lead where that step is wrong and the last, and its decay in per cent.

        See `mediate.results.nldd`.
        """
        return decay_table(self.results.decays)

    def cmi(self) -> pd.DataFrame:
        """A row an item: its CMI, the same in nats, as published, and which of three defects would have changed it.

        Where it was asked for, with `measures="cmi"`; see `mediate.results.cmi`.
        """
        return index_table(self.results.spans)

    @property
    def rejects(self) -> tuple[Reject, ...]:
        """Items that were left out, and why; edits that could not be made are rows of `table` with a reason."""
        return self.results.rejects

    @property
    def plot(self) -> BehaviourPlots:
        """The figures."""
        return BehaviourPlots(self.results)

    def to_html(self, path: str | Path) -> Path:
        """Writes the report page to a file of its own."""
        return self.scores.to_html(path)

    def save(self, folder: str | Path) -> "Faithfulness":
        """Writes a run directory and returns what belongs to it.

        Raises:
            InputError: The folder holds a run already.
        """
        return Faithfulness(self.results, self.scores.save(folder).folder)

    def __repr__(self) -> str:
        return terminal(self.results).rstrip("\n")

    def _repr_html_(self) -> str:
        return notebook(self.results)
