"""Traces that a teacher and a student wrote together, which of them were kept and why not; and their directory."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mediate.results.folder import write_run
from mediate.results.run_kinds import RunKind
from mediate.results.told import Reject

if TYPE_CHECKING:
    import pandas

TRACES, DECISIONS = "traces", "decisions"
SPECULATIVE_RUNS = RunKind(
    "rsd", (TRACES, DECISIONS), "write traces", "traces written together", "mediate traces rsd ... --run"
)


class TraceVerdict(StrEnum):
    """What became of a trace; all but the first two say which filter dropped it."""

    KEPT = "kept"
    LONGER = "longer"
    NOT_CLOSED = "not_closed"
    FALLBACK = "fallback"
    NO_ANSWER = "no_answer"
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class SpeculativeTrace:
    """One trace of a question that a teacher and a student wrote together.

    Args:
        item: The question's id.
        group: The question's group.
        question: The question's text.
        answer: The right answer.
        number: Which of the question's traces it is, from 0.
        chain: Its chain, where one could be cut from it; else all of it.
        stated: The answer that it states; empty where it states none.
        tokens: The text of each token.
        draws: Of each token, the teacher's draw that was accepted, from 1; 0 where the student drew itself.
        ending: Why the writing stopped: `closed`, `length`, `apart` or `rejected`.
        verdict: What became of it.
    """

    item: str
    group: str
    question: str
    answer: str
    number: int
    chain: str
    stated: str
    tokens: tuple[str, ...]
    draws: tuple[int, ...]
    ending: str
    verdict: str

    def __post_init__(self) -> None:
        if len(self.tokens) != len(self.draws) or self.verdict not in tuple(TraceVerdict):
            raise ValueError(f"trace {self.number} of {self.item!r}: {len(self.tokens)} tokens, {self.verdict}")

    @property
    def fallback(self) -> float:
        """The share of its tokens that the student drew itself; 0 of no tokens."""
        return self.draws.count(0) / len(self.draws) if self.draws else 0.0


@dataclass(frozen=True, slots=True)
class SpeculativeResults:
    """Everything that writing together found.

    Args:
        manifest: The content of `run.json`: choices, models, versions, counts, the share of tokens in common, status.
        traces: All traces, those of a question together.
        rejects: Questions of which no trace is left, or that could not be asked, each with its reason.
    """

    manifest: Mapping[str, Any]
    traces: tuple[SpeculativeTrace, ...] = ()
    rejects: tuple[Reject, ...] = ()

    @property
    def kept(self) -> tuple[SpeculativeTrace, ...]:
        """The trace of each question that was kept."""
        return tuple(each for each in self.traces if each.verdict == TraceVerdict.KEPT)

    def table(self) -> "pandas.DataFrame":
        """A row a trace; see `trace_rows`."""
        return trace_rows(self.traces)

    def decisions(self) -> "pandas.DataFrame":
        """A row a token; see `decision_rows`."""
        return decision_rows(self.traces)


def dropped_because(traces: Sequence[SpeculativeTrace]) -> str:
    """Why no trace of a question is left: how many each filter dropped."""
    counts = Counter(each.verdict for each in traces)
    told = ", ".join(f"{count} {verdict.replace('_', ' ')}" for verdict, count in counts.most_common())
    return f"none of its {len(traces)} traces is left: {told}"


def trace_rows(traces: Sequence[SpeculativeTrace]) -> "pandas.DataFrame":
    """A row a trace: what it is, its number of `tokens`, its `fallback` share, how it ended and what became of it."""
    import pandas as pd

    return pd.DataFrame(
        {
            "item": each.item,
            "group": each.group,
            "question": each.question,
            "answer": each.answer,
            "number": each.number,
            "chain": each.chain,
            "stated": each.stated,
            "tokens": len(each.tokens),
            "fallback": each.fallback,
            "ending": each.ending,
            "verdict": each.verdict,
        }
        for each in traces
    )


def decision_rows(traces: Sequence[SpeculativeTrace]) -> "pandas.DataFrame":
    """A row a token: `item`, `number` of the trace, `position`, `token`, accepted `draw`, and whether `fallback`."""
    import pandas as pd

    rows = [
        (each.item, each.number, position, token, draw, draw == 0)
        for each in traces
        for position, (token, draw) in enumerate(zip(each.tokens, each.draws, strict=True))
    ]
    return pd.DataFrame(rows, columns=["item", "number", "position", "token", "draw", "fallback"])


def write_speculative(folder: Path, results: SpeculativeResults) -> None:
    """Writes a run directory; each file appears whole or not at all, and `run.json` comes last."""
    tables = {TRACES: results.table(), DECISIONS: results.decisions()}
    write_run(folder, tables.items(), results.rejects, results.manifest)


def read_speculative(folder: str | Path) -> SpeculativeResults:
    """Reads a finished run directory of `mediate traces rsd`.

    Raises:
        InputError: The folder is none, the run did not finish, or a file is missing or damaged.
    """
    return SPECULATIVE_RUNS.read(folder, _results)


def _results(
    manifest: Mapping[str, Any], tables: "Mapping[str, pandas.DataFrame]", rejects: tuple[Reject, ...]
) -> SpeculativeResults:
    tokens = dict(iter(tables[DECISIONS].groupby(["item", "number"], sort=False)))
    rows = tables[TRACES].to_dict("records")
    traces = tuple(_trace(row, tokens.get((row["item"], row["number"]))) for row in rows)
    return SpeculativeResults(manifest, traces, rejects)


def _trace(row: Mapping[Any, Any], tokens: "pandas.DataFrame | None") -> SpeculativeTrace:
    names = ("item", "group", "question", "answer", "number", "chain", "stated", "ending", "verdict")
    return SpeculativeTrace(
        **{name: row[name] for name in names},
        tokens=() if tokens is None else tuple(tokens["token"]),
        draws=() if tokens is None else tuple(tokens["draw"].tolist()),
    )
