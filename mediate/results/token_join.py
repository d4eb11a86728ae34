"""What the tokens of chains carry beside how likely a student finds them: the records, and their directory on disk.

What a token carries is an effect on the answer; `mediate.results.tokens_agreed` holds the two against each other:

- *knockout*: what the answer loses where it cannot attend to the token, on the outcome of an item by itself;
- *read*: what it loses where it reads the twin's keys and values at that token;
- *state*: what it loses where the token's residual stream is the twin's in every layer, and all that follows is
  computed anew.

Effects of tokens do not add up, so what a set of tokens carries, such as those that a rule rejects, is measured by
hiding all of them at once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Bool, Float

from mediate.results.folder import write_run
from mediate.results.run_kinds import RunKind
from mediate.results.told import Reject
from mediate.results.trace_folder import trace_of_rows
from mediate.results.trace_scores import ScoredTrace, TraceRule, token_table
from mediate.traces.token_kinds import TokenKind

if TYPE_CHECKING:
    import pandas

TOKENS, CHAINS = "joined_tokens", "joined_chains"
JOINED_RUNS = RunKind("joined tokens", (TOKENS, CHAINS), "join", "joined tokens", "mediate traces join ... --out DIR")
KNOCKOUT, READ, STATE = "knockout", "read", "state"
EFFECTS = (KNOCKOUT, READ, STATE)
# A step's first token, whatever it says: it is of its own kind too.
OPENING = "opening"
KINDS = (*TokenKind, OPENING)
ALL = "all"
# Sets of tokens that are hidden at once, beside the kinds; RANDOM is as many as are rejected, drawn from the chain, and
# STATEMENT where it last states the answer.
REJECTED, ACCEPTED, RANDOM, STATEMENT = "rejected", "accepted", "random", "statement"
SETS = (REJECTED, ACCEPTED, RANDOM, STATEMENT, *KINDS)


@dataclass(frozen=True, slots=True, eq=False)
class JoinedTrace:
    """One chain: the scores of its tokens, and what they carry.

    Args:
        trace: The scores.
        kinds: What each token is.
        states_answer: Whether a token is where the chain last states the answer, which can be copied from there.
        effects: By name, of each token, positive towards the answer; one that was not measured is not there.
        te: The item's total effect, question and chain hidden, in the unit of its outcome.
        whole: The effect of hiding the whole chain, in that unit.
        hidden: By the name of a set, the effect of hiding its tokens at once; 0 of an empty set.
    """

    trace: ScoredTrace
    kinds: tuple[str, ...]
    states_answer: Bool[np.ndarray, " token"]
    effects: Mapping[str, Float[np.ndarray, " token"]]
    te: float
    whole: float
    hidden: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        lengths = {len(self.kinds), len(self.states_answer), *map(len, self.effects.values())}
        if lengths != {len(self.trace.tokens)} or KNOCKOUT not in self.effects or set(self.effects) - set(EFFECTS):
            raise ValueError(f"trace {self.trace.item!r}: {len(self.trace.tokens)} tokens, effects {[*self.effects]}")

    def members(self, rule: TraceRule) -> dict[str, Bool[np.ndarray, " token"]]:
        """Which tokens are of each set but the random ones."""
        return sets_of(self.trace, self.kinds, self.states_answer, rule)


def sets_of(
    trace: ScoredTrace, kinds: Sequence[str], states_answer: Bool[np.ndarray, " token"], rule: TraceRule
) -> dict[str, Bool[np.ndarray, " token"]]:
    """Which tokens of a chain are of each set but the random ones."""
    accepted = trace.accepted(rule.top, rule.likely)
    of_kind = {kind.value: np.array([each == kind for each in kinds]) for kind in TokenKind}
    return {REJECTED: ~accepted, ACCEPTED: accepted, STATEMENT: states_answer} | of_kind | {OPENING: trace.first}


@dataclass(frozen=True, slots=True)
class JoinResults:
    """Everything that the join of a set of chains found.

    Args:
        manifest: The content of `run.json`: choices, models, versions, counts, a summary, status.
        traces: The chains.
        rejects: What was left out and why.
    """

    manifest: Mapping[str, Any]
    traces: tuple[JoinedTrace, ...] = ()
    rejects: tuple[Reject, ...] = ()

    @property
    def rule(self) -> TraceRule:
        """The numbers of the speculative rule."""
        spec = self.manifest["spec"]
        return TraceRule(top=spec["top"], likely=spec["likely"])

    def tokens(self) -> "pandas.DataFrame":
        """A row a token; see `joined_token_table`."""
        return joined_token_table(self.traces, self.rule)

    def table(self) -> "pandas.DataFrame":
        """A row a chain; see `joined_chain_table`."""
        return joined_chain_table(self.traces, self.rule, self.manifest["spec"]["min_te"])


def joined_token_table(traces: Sequence[JoinedTrace], rule: TraceRule) -> "pandas.DataFrame":
    """A row a token: as `token_table`, with `group`, its `kind`, whether it `states_answer`, and its effects.

    `knockout`, `read` and `state`, positive towards the answer, in the unit of the outcome; NaN where a chain has none.
    """
    import pandas as pd

    table = token_table([each.trace for each in traces], rule)
    table.insert(1, "group", [each.trace.group for each in traces for _ in each.kinds])
    table["kind"] = pd.Series([str(kind) for each in traces for kind in each.kinds], dtype=object)
    table["states_answer"] = np.concatenate([np.zeros(0, dtype=bool), *(each.states_answer for each in traces)])
    for name in EFFECTS:
        found = [each.effects.get(name, np.full(len(each.kinds), np.nan)) for each in traces]
        table[name] = np.concatenate([np.zeros(0), *found])
    return table


def members(table: "pandas.DataFrame", kind: str) -> Bool[np.ndarray, " token"]:
    """Which rows of `joined_token_table` are of a kind, or `all`."""
    if kind == ALL:
        return np.ones(len(table), dtype=bool)
    found = table["first"].to_numpy(bool) if kind == OPENING else (table["kind"] == kind).to_numpy(bool)
    there: Bool[np.ndarray, " token"] = found
    return there


def kind_table(table: "pandas.DataFrame") -> "pandas.DataFrame":
    """A row a kind of token: how many of `joined_token_table` there are, and their means over all chains.

    Columns: `kind`, `tokens`, `rejected`, the share of them, `surprisal`, and the effects; NaN where there are none.
    """
    import pandas as pd

    rows = []
    for kind in KINDS:
        some = table[members(table, kind)]
        means = {name: some[name].mean() for name in ("surprisal", *EFFECTS)}
        rows.append({"kind": str(kind), "tokens": len(some), "rejected": 1 - some["accepted"].mean()} | means)
    return pd.DataFrame(rows)


def joined_chain_table(traces: Sequence[JoinedTrace], rule: TraceRule, min_te: float) -> "pandas.DataFrame":
    """A row a chain: what it says, `te`, `whole`, and of each set its number of tokens and its effect.

    Columns: `item`, `group`, `question`, `chain`, `answer`, `tokens`, `te`, `whole`; of each set of `SETS`
    `tokens.SET` and `hidden.SET`; and `share.rejected`, what hiding all rejected tokens at once takes of what hiding
    the whole chain takes, NaN where that is not above `min_te` in size.
    """
    import pandas as pd

    rows = []
    for each in traces:
        told = {name: getattr(each.trace, name) for name in ("item", "group", "question", "chain", "answer")}
        sizes = {name: int(members.sum()) for name, members in each.members(rule).items()}
        sizes[RANDOM] = sizes[REJECTED]
        share = each.hidden[REJECTED] / each.whole if abs(each.whole) > min_te else np.nan
        rows.append(
            told
            | {"tokens": len(each.kinds), "te": each.te, "whole": each.whole}
            | {f"tokens.{name}": sizes[name] for name in SETS}
            | {f"hidden.{name}": each.hidden[name] for name in SETS}
            | {"share.rejected": share}
        )
    return pd.DataFrame(rows)


def write_joined(folder: Path, results: JoinResults) -> None:
    """Writes a run directory; each file appears whole or not at all, and `run.json` comes last."""
    tables = {TOKENS: results.tokens(), CHAINS: results.table()}
    write_run(folder, tables.items(), results.rejects, results.manifest)


def read_joined(folder: str | Path) -> JoinResults:
    """Reads a finished run directory of `mediate traces join`.

    Raises:
        InputError: The folder is none, the run did not finish, or a file is missing or damaged.
    """
    return JOINED_RUNS.read(folder, _results)


def _results(
    manifest: Mapping[str, Any], tables: "Mapping[str, pandas.DataFrame]", rejects: tuple[Reject, ...]
) -> JoinResults:
    tokens = {str(item): rows for item, rows in tables[TOKENS].groupby("item", sort=False)}
    traces = tuple(_joined(row, tokens[row["item"]]) for row in tables[CHAINS].to_dict("records"))
    results = JoinResults(manifest, traces, rejects)
    assert results.rule  # a manifest without its numbers is found here
    return results


def _joined(row: Mapping[Any, Any], tokens: "pandas.DataFrame") -> JoinedTrace:
    effects = {name: tokens[name].to_numpy() for name in EFFECTS}
    return JoinedTrace(
        trace_of_rows(row, tokens),
        tuple(tokens["kind"]),
        tokens["states_answer"].to_numpy(),
        {name: values for name, values in effects.items() if not np.isnan(values).any()},
        row["te"],
        row["whole"],
        {name: row[f"hidden.{name}"] for name in SETS},
    )
