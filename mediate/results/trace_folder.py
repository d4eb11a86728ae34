"""What scoring traces found, as one record, and its directory on disk; reading it back needs no model and no torch."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mediate.results.folder import write_run
from mediate.results.run_kinds import RunKind
from mediate.results.told import Reject
from mediate.results.trace_scores import ScoredTrace, TraceRule, token_table, trace_table

if TYPE_CHECKING:
    import pandas

TOKENS, TRACES = "tokens", "traces"
TRACE_RUNS = RunKind("traces", (TOKENS, TRACES), "score traces", "scored traces", "mediate traces score ... --out DIR")


@dataclass(frozen=True, slots=True)
class TraceResults:
    """Everything that scoring traces found.

    Args:
        manifest: The content of `run.json`: choices, models, versions, counts, status.
        traces: The scored traces.
        rejects: What was left out and why.
    """

    manifest: Mapping[str, Any]
    traces: tuple[ScoredTrace, ...] = ()
    rejects: tuple[Reject, ...] = ()

    @property
    def rule(self) -> TraceRule:
        """The numbers that scores are worked out with."""
        spec = self.manifest["spec"]
        return TraceRule(spec["cap"], spec["floor"], spec["top"], spec["likely"])

    @property
    def teacher(self) -> str | None:
        """The teacher's name, where there is one."""
        facts = self.manifest["model"].get("teacher")
        return None if facts is None else str(facts["name"])

    def tokens(self) -> "pandas.DataFrame":
        """A row a token; see `mediate.results.trace_scores.token_table`."""
        return token_table(self.traces, self.rule)

    def table(self) -> "pandas.DataFrame":
        """A row a trace; see `mediate.results.trace_scores.trace_table`."""
        return trace_table(self.traces, self.rule)


def write_trace_results(folder: Path, results: TraceResults) -> None:
    """Writes a run directory; each file appears whole or not at all, and `run.json` comes last."""
    tables = {TOKENS: results.tokens(), TRACES: results.table()}
    write_run(folder, tables.items(), results.rejects, results.manifest)


def read_trace_results(folder: str | Path) -> TraceResults:
    """Reads a finished run directory of `mediate traces score`.

    Raises:
        InputError: The folder is none, the run did not finish, or a file is missing or damaged.
    """
    return TRACE_RUNS.read(folder, _results)


def _results(
    manifest: Mapping[str, Any], tables: "Mapping[str, pandas.DataFrame]", rejects: tuple[Reject, ...]
) -> TraceResults:
    tokens = {str(item): rows for item, rows in tables[TOKENS].groupby("item", sort=False)}
    traces = tuple(trace_of_rows(row, tokens[row["item"]]) for row in tables[TRACES].to_dict("records"))
    results = TraceResults(manifest, traces, rejects)
    assert results.rule  # a manifest without its numbers is found here
    return results


def trace_of_rows(row: Mapping[Any, Any], tokens: "pandas.DataFrame") -> ScoredTrace:
    """A trace from its row, and the rows of its tokens."""

    def column(name: str) -> np.ndarray | None:
        return tokens[name].to_numpy() if name in tokens else None

    return ScoredTrace(
        item=row["item"],
        group=row["group"],
        question=row["question"],
        chain=row["chain"],
        answer=row["answer"],
        tokens=tuple(tokens["token"]),
        steps=tuple(tokens["step"].tolist()),
        surprisal=tokens["surprisal"].to_numpy(),
        rank=tokens["rank"].to_numpy(),
        entropy=tokens["entropy"].to_numpy(),
        teacher=column("teacher_surprisal"),
        divergence=column("divergence"),
    )
