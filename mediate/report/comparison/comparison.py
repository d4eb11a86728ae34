"""What a user holds after comparing runs: tables, verdicts, figures, a page and a notebook view."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Unpack

import pandas as pd

from mediate.choices import fields_of, with_choices
from mediate.clock import stage
from mediate.compare import Compared, Settings, compare_runs, name_runs, settings_of
from mediate.compare.quantities import EFFECT, SHARE
from mediate.compare.settings import CompareOptions
from mediate.errors import InputError
from mediate.files import write_text
from mediate.report.comparison.folder import check_out, comparison_json, write_comparison
from mediate.report.comparison.page import comparison_terminal, notebook_view, render_comparison
from mediate.report.comparison.plots import ComparisonPlots
from mediate.report.comparison.tables import (
    difference_table,
    item_status_table,
    ladder_table,
    level_table,
    map_table,
    run_table,
    split_table,
)
from mediate.report.run.scores import Scores
from mediate.results import Results
from mediate.results.partial import read_so_far


@dataclass(frozen=True, slots=True, repr=False)
class Comparison:
    """Two or more runs on the same items; every difference is a run less the first, the reference.

    Args:
        compared: The numbers as records.
        folder: Where it is stored; None where nothing was written.

    Example:
        >>> found = md.compare("runs/before", "runs/after")  # doctest: +SKIP
        >>> found.differences().query("kind == 'share'")  # doctest: +SKIP
    """

    compared: Compared
    folder: Path | None = None

    @property
    def design(self) -> str:
        """Who reads whose chains: `own trace`, `shared trace`, `reader x writer`, or `mixed`."""
        return self.compared.traces.design.value

    @property
    def mixed(self) -> tuple[str, ...]:
        """Why the runs should not be compared, where that was allowed; every table then has it as a column, too."""
        return self.compared.mixed

    def runs(self) -> pd.DataFrame:
        """A row a run: its model, who wrote its chains, and how many items it measured."""
        return run_table(self.compared)

    def shares(self) -> pd.DataFrame:
        """A row an outcome, run and share (direct, text, latent, mediated): a ratio of sums with its interval."""
        return level_table(self.compared, SHARE)

    def effects(self) -> pd.DataFrame:
        """A row an outcome, run and effect, in nats: the mean over items with its interval."""
        return level_table(self.compared, EFFECT)

    def table(self) -> pd.DataFrame:
        """As `differences`."""
        return self.differences()

    def differences(self) -> pd.DataFrame:
        """A row an outcome, run and quantity: the run less the reference, with tests and a verdict."""
        return difference_table(self.compared)

    def split(self) -> pd.DataFrame:
        """Each change split into other chains written and chains read otherwise; empty without a 2 x 2 of runs."""
        return split_table(self.compared)

    def ladder(self) -> pd.DataFrame:
        """Slope and rank correlation of each share over model sizes; empty with fewer than three sizes."""
        return ladder_table(self.compared)

    def maps(self) -> pd.DataFrame:
        """A row a cell of each difference of maps, by layer, by step and cell by cell."""
        return map_table(self.compared)

    def items(self) -> pd.DataFrame:
        """A row a shared item; and a row a dropped one and run because of which it was dropped, with the reason."""
        return item_status_table(self.compared)

    @property
    def plot(self) -> ComparisonPlots:
        """The figures."""
        return ComparisonPlots(self.compared)

    def to_json(self) -> str:
        """Settings, runs and all tables but the cell-by-cell maps as JSON; what is undefined is null."""
        return comparison_json(self.compared)

    def to_html(self, path: str | Path) -> Path:
        """Writes the page to a file of its own."""
        path = Path(path)
        write_text(path, render_comparison(self.compared))
        return path

    def save(self, folder: str | Path) -> "Comparison":
        """Writes JSON, tables, figures and the page, and returns the comparison that belongs to the folder.

        Raises:
            InputError: The folder holds something else.
        """
        folder = Path(folder)
        check_out(folder, self.compared.runs, self.compared.how)
        write_comparison(folder, self.compared)
        return Comparison(self.compared, folder)

    def __repr__(self) -> str:
        return comparison_terminal(self.compared).rstrip("\n")

    def _repr_html_(self) -> str:
        return notebook_view(self.compared)


@with_choices(fields_of(Settings))
@stage("comparing")
def compare(
    *runs: Any,
    out: str | Path | None = None,
    labels: Sequence[str] | None = None,
    allow_mixed: bool = False,
    partial: bool = False,
    **options: Unpack[CompareOptions],
) -> Comparison:
    """Compares two or more stored runs on the items that all of them measured; needs no model.

    Args:
        *runs: Run directories, or what `mediate.score` and `mediate.open_run` return, one by one or as a list; the
            first is the reference.
        out: A folder to write, with JSON, tables, figures and comparison.html.
        labels: A name for each run; by default that of its folder.
        allow_mixed: Compares runs that differ in template, outcome, design and the like all the same, and marks it.
        partial: Compares runs that are not finished, too, on the items that they have so far, and marks it.
        **options: Choices, as below.

    Returns:
        The comparison: differences of shares in points, of effects in nats, each with tests and a verdict.

    Raises:
        InputError: The runs cannot be compared; one line says why and what to do.

    Example:
        >>> before, after = (md.load(f"reference-0.1m{name}") for name in ("", "-decorative"))
        >>> runs = [md.score(each, pairs, control_pairs=0) for each in (before, after)]
        >>> found = md.compare(*runs)
        >>> len(found.runs())
        2
    """
    flat = runs[0] if len(runs) == 1 and isinstance(runs[0], list | tuple) else runs
    known = fields_of(Settings)
    for name in options:
        if name not in known:
            raise InputError(f"compare: no option {name!r}; there are {', '.join(sorted(known))}")
    opened = [_opened(each) for each in flat]
    named = name_runs([results for results, _ in opened], [folder for _, folder in opened], labels)
    how = settings_of(named, **options)
    folder = None if out is None else Path(out)
    if folder is not None:  # before any work is done
        check_out(folder, named, how)
    comparison = Comparison(compare_runs(named, how, allow_mixed=allow_mixed, partial=partial))
    return comparison if folder is None else comparison.save(folder)


def _opened(given: Any) -> tuple[Results, Path | None]:
    if isinstance(given, Scores):
        return given.results, given.folder
    if isinstance(given, Results):
        return given, None
    if isinstance(given, str | Path):
        return read_so_far(given), Path(given)
    raise InputError(f"compare: a run is a {type(given).__name__}; give run directories or scores")
