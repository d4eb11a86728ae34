"""What a user holds after scoring traces: tables, a selection, figures and a notebook view."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from mediate.errors import InputError, short
from mediate.figures.traces import plot_trace, plot_traces, trace_data, traces_data
from mediate.report.cell import cell
from mediate.report.drawing import drawing
from mediate.report.saving import saved
from mediate.report.terminal import typed
from mediate.report.words import interval, number, plural
from mediate.results import Reject
from mediate.results.trace_folder import TraceResults, write_trace_results
from mediate.results.trace_scores import ScoredTrace, selected
from mediate.stats import Estimate, bootstrap_mean, bootstrap_ratio

# The means of a set, by the column of its table: in words, and their unit.
_MEANS = {
    "surprisal": ("surprisal", "nats a token"),
    "rank": ("rank, capped", ""),
    "entropy": ("entropy", "nats a token"),
    "drop": ("log-probability but for first tokens of steps", "nats a token"),
    "casl": ("log-probability, corrected for steps a token (casl)", "nats a token"),
    "accepted": ("accepted by the speculative rule", "of the tokens"),
    "teacher_surprisal": ("surprisal under the teacher", "nats a token"),
    "divergence": ("divergence", "nats a token"),
}
# The fields of an item, by the columns of the table.
_ITEM = {"id": "item", "group": "group", "question": "question", "cot": "chain", "answer": "answer"}


@dataclass(frozen=True, slots=True)
class TracePlots:
    """The figures of scored traces; each takes `ax` and returns the axes, and its `data()` is what it draws."""

    results: TraceResults

    @drawing
    def trace(self, item: str | None = None, *, ax: Axes | None = None) -> Axes:
        """One trace token by token, the first by default; see `mediate.figures.traces.plot_trace`."""
        return plot_trace(self._one(item), self.results.rule, ax=ax)

    def _trace_data(self, item: str | None = None) -> pd.DataFrame:
        return trace_data(self._one(item), self.results.rule)

    @drawing
    def traces(self, *, ax: Axes | None = None) -> Axes:
        """All traces by surprisal and rank; see `mediate.figures.traces.plot_traces`."""
        return plot_traces(self.results.traces, self.results.rule, ax=ax)

    def _traces_data(self) -> pd.DataFrame:
        return traces_data(self.results.traces, self.results.rule)

    def _one(self, item: str | None) -> ScoredTrace:
        found = [each for each in self.results.traces if item in (None, each.item)]
        if not found:
            raise InputError(f"no trace of item {short(item)} in these results")
        return found[0]


@dataclass(frozen=True, slots=True, repr=False)
class TraceScores:
    """Scored traces with the views that a user asks for.

    Args:
        results: What was found.
        folder: The run directory; None where nothing was written.

    Example:
        >>> found = md.score_traces(model, pairs)
        >>> len(found.select("surprisal", keep=0.25))
        1
    """

    results: TraceResults
    folder: Path | None = None

    @property
    def manifest(self) -> Mapping[str, Any]:
        """Choices, models, versions, counts and status, as in `run.json`."""
        return self.results.manifest

    @property
    def rejects(self) -> tuple[Reject, ...]:
        """What was left out, and why."""
        return self.results.rejects

    def table(self) -> pd.DataFrame:
        """A row a trace; see `mediate.results.trace_scores.trace_table`."""
        return self.results.table()

    def tokens(self) -> pd.DataFrame:
        """A row a token; see `mediate.results.trace_scores.token_table`."""
        return self.results.tokens()

    def means(self) -> dict[str, Estimate]:
        """The set's mean of each score, each trace once, with intervals over groups; `rsr` is the set's own ratio.

        A score that is undefined for some traces is the mean of the others, whose number its `n` says.
        """
        table = self.table()
        seed, level = self.manifest["spec"]["seed"], self.manifest["spec"]["level"]
        found: dict[str, Estimate] = {}
        for name in _MEANS:
            if name in table:
                there = table[np.isfinite(table[name].to_numpy(float))]
                if len(there):
                    values, groups = there[name].to_numpy(float), there["group"].tolist()
                    found[name] = bootstrap_mean(values, groups, seed=seed, level=level)
        rank, surprisal = table["rank"].to_numpy(float), table["surprisal"].to_numpy(float)
        found["rsr"] = bootstrap_ratio(
            rank,
            surprisal,
            table["group"].tolist(),
            min_mean_denominator=self.results.rule.floor,
            seed=seed,
            level=level,
        )
        return found

    def by_place(self) -> pd.DataFrame:
        """Where tokens are rejected: a row each for first tokens of steps and others, over all traces' tokens."""
        tokens = self.tokens()
        found = tokens.groupby("first")[["surprisal", "entropy", "accepted"]].mean()
        found.insert(0, "tokens", tokens.groupby("first").size())
        found.insert(0, "place", ["first of its step" if first else "other" for first in found.index])
        return found.sort_index(ascending=False).reset_index(drop=True)

    def select(self, by: str, *, keep: float | None = None, of_question: int | None = None) -> pd.DataFrame:
        """The rows of the traces with the best scores; see `mediate.results.trace_scores.selected`.

        Raises:
            InputError: No such score, neither or both ways of keeping, a number out of range, or no trace with a score.
        """
        table = self.table()
        return table[table["item"].isin(selected(table, by, keep=keep, of_question=of_question))].reset_index(drop=True)

    @property
    def plot(self) -> TracePlots:
        """The figures."""
        return TracePlots(self.results)

    def save(self, folder: str | Path) -> "TraceScores":
        """Writes a run directory and returns the record that belongs to it.

        Raises:
            InputError: The folder holds a run already.
        """
        return TraceScores(self.results, saved(folder, self.results, write_trace_results))

    @property
    def headline(self) -> str:
        """How many traces there are, and under which models."""
        models = self.manifest["model"]
        teacher = f", teacher {models['teacher']['name']}" if "teacher" in models else ""
        tokens = sum(len(each.tokens) for each in self.results.traces)
        of = f"{plural(len(self.results.traces), 'trace')} of {plural(tokens, 'token')}"
        return f"{of} under {models['student']['name']}{teacher}"

    def notes(self) -> list[str]:
        """What else must be known."""
        table, rule = self.table(), self.results.rule
        undefined, found = int(table["rsr"].isna().sum()), []
        if undefined:
            found.append(
                f"The Rank-Surprisal Ratio of {undefined} of {plural(len(table), 'trace')} is undefined: the mean "
                f"surprisal is below {rule.floor:g} nats."
            )
        if table["casl"].isna().all():
            found.append("casl is undefined: it takes four traces or more of different numbers of steps a token.")
        if self.rejects:
            found.append(f"{plural(len(self.rejects), 'item')} left out.")
        return found

    def summary(self) -> pd.DataFrame:
        """A row a score of the set: its mean with its interval, and over how many traces."""
        found = self.means()
        named = {"rsr": ("Rank-Surprisal Ratio of the set", "")} | _MEANS
        return pd.DataFrame(
            {
                "score": words,
                "mean": number(found[name].value, 3),
                "interval": interval(found[name], digits=3),
                "unit": unit,
                "n": found[name].n,
            }
            for name, (words, unit) in named.items()
            if name in found
        )

    def __repr__(self) -> str:
        return typed("\n".join([self.headline, self.summary().to_string(index=False), *self.notes()]))

    def _repr_html_(self) -> str:
        return cell(self.headline, self.notes(), self.summary())


def selected_content(rows: pd.DataFrame) -> bytes:
    """Selected traces as items, a JSON object a line, which `mediate score` and `mediate tune` read."""
    lines = [{name: row[column] for name, column in _ITEM.items()} for row in rows.to_dict("records")]
    return "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines).encode()
