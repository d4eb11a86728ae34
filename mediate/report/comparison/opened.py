"""A comparison that was written, opened from its folder: its tables and figures, without the runs that it is of."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib import image
from matplotlib.axes import Axes

from mediate.compare.maps import Scope
from mediate.compare.quantities import SHARE
from mediate.errors import InputError
from mediate.figures.style import canvas
from mediate.files import check_place, is_vacant
from mediate.report.cell import cell
from mediate.report.comparison.folder import PAGE, RECORD, TABLES
from mediate.report.comparison.words import MAIN
from mediate.report.drawing import drawing
from mediate.report.html import FIGURES
from mediate.report.terminal import typed
from mediate.results.damaged import unreadable
from mediate.showing import plural

NAMES = ("runs", "shares", "effects", "differences", "split", "ladder", "maps", "items")
_VERB = "compare"


@dataclass(frozen=True, slots=True)
class StoredFigures:
    """The figures of a stored comparison, as they were drawn; each takes `ax` and returns the axes.

    `number` counts the figures of one sort, such as those of a second outcome, from 0. Each has its numbers as a data
    frame, `plot.ladder.data()`, from the comparison's tables.
    """

    folder: Path
    tables: Mapping[str, pd.DataFrame]

    @drawing
    def shares(self, number: int = 0, *, ax: Axes | None = None) -> Axes:
        """The mediated share of every run against the first."""
        return self._drawn("changes", number, ax)

    def _shares_data(self, number: int = 0) -> pd.DataFrame:
        found = self.tables["differences"]
        return _nth(found[(found["kind"] == SHARE) & (found["quantity"] == MAIN)], "outcome", number)

    @drawing
    def ladder(self, number: int = 0, *, ax: Axes | None = None) -> Axes:
        """Every share against model size."""
        return self._drawn("ladder", number, ax)

    def _ladder_data(self, number: int = 0) -> pd.DataFrame:
        sizes = self.tables["runs"][["run", "parameters"]]
        return _nth(self.tables["shares"].merge(sizes, on="run"), "outcome", number)

    @drawing
    def layers(self, number: int = 0, *, ax: Axes | None = None) -> Axes:
        """Differences of a kind of map by layer."""
        return self._drawn("depth", number, ax)

    def _layers_data(self, number: int = 0) -> pd.DataFrame:
        return self._maps(Scope.LAYER, number)

    @drawing
    def steps(self, number: int = 0, *, ax: Axes | None = None) -> Axes:
        """A kind of map by step and layer, of all runs, and their differences."""
        return self._drawn("cells", number, ax)

    def _steps_data(self, number: int = 0) -> pd.DataFrame:
        return self._maps(Scope.CELL, number)

    def _maps(self, scope: Scope, number: int) -> pd.DataFrame:
        found = self.tables["maps"]
        return _nth(found[found["scope"] == scope.value], "kind", number).dropna(axis="columns", how="all")

    def _drawn(self, name: str, number: int, ax: Axes | None) -> Axes:
        drawn = sorted((self.folder / FIGURES).glob("*.png"), key=lambda path: path.stem)
        of_sort = [path for path in drawn if path.stem == name or path.stem.startswith(f"{name}-")]
        if number >= len(of_sort):
            have = ", ".join(path.stem for path in drawn) or "none"
            raise InputError(f"{self.folder}: no figure {name} {number} in this comparison; there is: {have}")
        path = of_sort[number]
        try:
            pixels = image.imread(path)
        except (OSError, ValueError, SyntaxError) as error:
            raise unreadable(path, error, _VERB) from error
        with canvas(ax, (pixels.shape[1] / 144, pixels.shape[0] / 144)) as axes:
            axes.imshow(pixels)
            axes.set_axis_off()
        return axes


def _nth(rows: pd.DataFrame, column: str, number: int) -> pd.DataFrame:
    """The rows with the column's value at this place, in the order in which values come; none beyond the last."""
    values = rows[column].drop_duplicates().tolist()
    return rows[rows[column].isin(values[number : number + 1])].reset_index(drop=True)


@dataclass(frozen=True, slots=True, repr=False)
class StoredComparison:
    """A comparison as its folder has it: the tables of `Comparison`, and its figures as they were drawn.

    Args:
        folder: Where it is stored.
        record: The content of `comparison.json`.
        tables: The tables, by name.

    Example:
        >>> found = md.open("runs/compared")  # doctest: +SKIP
        >>> found.differences()  # doctest: +SKIP
    """

    folder: Path
    record: Mapping[str, Any]
    tables: Mapping[str, pd.DataFrame]

    @property
    def design(self) -> str:
        """Who reads whose chains: `own trace`, `shared trace`, `reader x writer`, or `mixed`."""
        return str(self.record["design"])

    @property
    def mixed(self) -> tuple[str, ...]:
        """Why the runs should not be compared, where that was allowed."""
        return tuple(self.record["mixed"])

    def table(self) -> pd.DataFrame:
        """As `differences`."""
        return self.differences()

    def runs(self) -> pd.DataFrame:
        """A row a run: its model, who wrote its chains, and how many items it measured."""
        return self.tables["runs"]

    def shares(self) -> pd.DataFrame:
        """A row an outcome, run and share: a ratio of sums with its interval."""
        return self.tables["shares"]

    def effects(self) -> pd.DataFrame:
        """A row an outcome, run and effect, in nats: the mean over items with its interval."""
        return self.tables["effects"]

    def differences(self) -> pd.DataFrame:
        """A row an outcome, run and quantity: the run less the reference, with tests and a verdict."""
        return self.tables["differences"]

    def split(self) -> pd.DataFrame:
        """Each change split into other chains written and chains read otherwise."""
        return self.tables["split"]

    def ladder(self) -> pd.DataFrame:
        """Slope and rank correlation of each share over model sizes."""
        return self.tables["ladder"]

    def maps(self) -> pd.DataFrame:
        """A row a cell of each difference of maps."""
        return self.tables["maps"]

    def items(self) -> pd.DataFrame:
        """A row a shared item, and a row a dropped one and run, with the reason."""
        return self.tables["items"]

    @property
    def plot(self) -> StoredFigures:
        """The figures, as they were drawn."""
        return StoredFigures(self.folder, self.tables)

    def to_json(self) -> str:
        """What `comparison.json` holds."""
        return (self.folder / RECORD).read_text(encoding="utf-8")

    def save(self, folder: str | Path) -> "StoredComparison":
        """Copies the comparison to another folder and returns the one that belongs to it.

        Raises:
            InputError: The folder holds something already.
        """
        folder = Path(folder)
        check_place(folder)
        if folder.exists() and not is_vacant(folder):
            raise InputError(f"{folder}: is not empty; give a new directory")
        for name in (RECORD, PAGE, TABLES, FIGURES):
            source = self.folder / name
            if source.is_dir():
                shutil.copytree(source, folder / name)
            elif source.exists():
                folder.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, folder / name)
        return StoredComparison(folder, self.record, self.tables)

    def __repr__(self) -> str:
        shown = self.differences()
        return typed("\n".join([self._headline(), *self._notes(), shown.to_string(index=False)]))

    def _repr_html_(self) -> str:
        return cell(self._headline(), self._notes(), self.differences())

    def _headline(self) -> str:
        runs = [str(each["label"]) for each in self.record["identity"]["runs"]]
        counts = self.record["counts"]
        return (
            f"{self.design}: {', '.join(runs[1:])} less {runs[0]}, {plural(counts['shared'], 'shared item')} in "
            f"{plural(counts['groups'], 'group')}"
        )

    def _notes(self) -> list[str]:
        return [*self.mixed, *map(str, self.record["cautions"])]


def open_comparison(folder: str | Path) -> StoredComparison:
    """The comparison that a folder holds; needs neither its runs nor a model.

    Raises:
        InputError: The folder holds none, or a file of it is missing or damaged.
    """
    folder = Path(folder)
    path = folder / RECORD
    if not path.is_file():
        raise InputError(f"{folder}: holds no comparison; make one with 'mediate compare DIR_A DIR_B --out {folder}'")
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        needed = [record[name] for name in ("design", "mixed", "cautions", "counts", "identity")]
        assert needed
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise unreadable(path, error, _VERB) from error
    tables = {}
    for name in NAMES:
        stored = folder / TABLES / f"{name}.parquet"
        try:
            tables[name] = pd.read_parquet(stored)
        except Exception as error:  # of a damaged file pandas and pyarrow raise anything
            raise unreadable(stored, error, _VERB) from error
    return StoredComparison(folder, record, tables)
