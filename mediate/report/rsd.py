"""What a user holds after a teacher and a student wrote traces together."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from mediate.pairs.item import Item
from mediate.report.cell import cell
from mediate.report.saving import saved
from mediate.report.terminal import typed
from mediate.report.words import percent, plural
from mediate.results import Reject
from mediate.results.speculative import SpeculativeResults, TraceVerdict, write_speculative

# What became of a trace, in words, in the order of the table.
_WORDS = {
    TraceVerdict.KEPT: "kept: right, and the shortest of its question",
    TraceVerdict.LONGER: "right, but longer",
    TraceVerdict.WRONG: "another answer",
    TraceVerdict.NO_ANSWER: "states no answer",
    TraceVerdict.NOT_CLOSED: "not closed",
    TraceVerdict.FALLBACK: "right, but too much of it the student's own",
}


@dataclass(frozen=True, slots=True, repr=False)
class RsdTraces:
    """Traces that a teacher and a student wrote together, with the views that a user asks for.

    Args:
        results: What was written.
        folder: The run directory; None where nothing was written to one.

    Example:
        >>> written = md.rsd(teacher, student, "pairs.jsonl")  # doctest: +SKIP
        >>> written.table(), written.items()  # doctest: +SKIP
    """

    results: SpeculativeResults
    folder: Path | None = None

    @property
    def manifest(self) -> Mapping[str, Any]:
        """Choices, models, versions, counts and the share of tokens in common, as in `run.json`."""
        return self.results.manifest

    @property
    def rejects(self) -> tuple[Reject, ...]:
        """The questions of which no trace is left, each with which filter dropped how many."""
        return self.results.rejects

    def items(self) -> tuple[Item, ...]:
        """The kept traces as items, one a question, which `mediate.score` and `mediate.tune` take."""
        return tuple(
            Item(each.question, each.answer, each.chain, id=each.item, group=each.group) for each in self.results.kept
        )

    def kept(self) -> pd.DataFrame:
        """The rows of `table` that were kept, one a question."""
        table = self.table()
        return table[table["verdict"] == TraceVerdict.KEPT].reset_index(drop=True)

    def table(self) -> pd.DataFrame:
        """A row a trace; see `mediate.results.speculative.trace_rows`."""
        return self.results.table()

    def decisions(self) -> pd.DataFrame:
        """A row a token; see `mediate.results.speculative.decision_rows`."""
        return self.results.decisions()

    def save(self, folder: str | Path) -> "RsdTraces":
        """Writes a run directory and returns the record that belongs to it.

        Raises:
            InputError: The folder holds a run already.
        """
        return RsdTraces(self.results, saved(folder, self.results, write_speculative))

    @property
    def headline(self) -> str:
        """How many questions have a trace, and what the student accepted."""
        draws = [draw for each in self.results.traces for draw in each.draws]
        accepted = sum(draw > 0 for draw in draws) / len(draws) if draws else float("nan")
        models = self.manifest["model"]
        return (
            f"{plural(len(self.results.kept), 'trace')} of {plural(self.manifest['counts']['given'], 'question')}, "
            f"written by {models['teacher']['name']} and {models['student']['name']}; {percent(accepted)} of the "
            "tokens are the teacher's"
        )

    def summary(self) -> pd.DataFrame:
        """A row for each thing that became of a trace: how many, and how much of them the student drew itself."""
        table = self.table()
        rows = []
        for verdict, words in _WORDS.items():
            some = table[table["verdict"] == verdict] if len(table) else table
            rows.append(
                {
                    "traces": words,
                    "count": len(some),
                    "tokens, mean": some["tokens"].mean() if len(some) else float("nan"),
                    "fallback, mean": some["fallback"].mean() if len(some) else float("nan"),
                }
            )
        return pd.DataFrame(rows)

    def notes(self) -> list[str]:
        """What else must be known."""
        share, found = self.manifest["shared_tokens"], []
        if share < 1:
            found.append(f"The student has {percent(share)} of the teacher's tokens; the others cannot be proposed.")
        if self.rejects:
            found.append(f"{plural(len(self.rejects), 'question')} left without a trace.")
        return found

    def __repr__(self) -> str:
        table = self.summary().to_string(index=False, float_format="{:.3g}".format, na_rep="-")
        return typed("\n".join([self.headline, table, *self.notes()]))

    def _repr_html_(self) -> str:
        return cell(self.headline, self.notes(), self.summary())
