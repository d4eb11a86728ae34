"""Records of joined tokens: their tables by hand, and their directory read back, damaged, or of another kind."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mediate.errors import InputError
from mediate.results import Reject
from mediate.results.token_join import (
    EFFECTS,
    SETS,
    JoinedTrace,
    JoinResults,
    kind_table,
    members,
    read_joined,
    sets_of,
    write_joined,
)
from mediate.results.tokens_agreed import agreed_of, summary_of, without_statement
from mediate.results.trace_scores import ScoredTrace, TraceRule
from tests.figures.records import fake_manifest

KINDS = ("word", "operand", "operator", "operand", "operator", "result", "word", "word")


def trace(number: int, *, tokens: tuple[str, ...] = ("x",) * 8, whole: float = 2.0, read: bool = True) -> JoinedTrace:
    rng = np.random.default_rng(number)
    length = len(KINDS)
    surprisal = rng.exponential(2.0, size=length)
    surprisal[0] = 9.0
    scored = ScoredTrace(
        item=f"i{number}",
        group=f"g{number}",
        question="q?",
        chain="".join(tokens),
        answer="7",
        tokens=tokens,
        steps=(0,) * 4 + (1,) * 4,
        surprisal=surprisal,
        rank=1 + (surprisal * 10).astype(int),
        entropy=surprisal / 2,
    )
    effects = {name: rng.normal(size=length) for name in EFFECTS if read or name == "knockout"}
    states = np.arange(length) == 5
    return JoinedTrace(scored, KINDS, states, effects, te=3.0, whole=whole, hidden=dict.fromkeys(SETS, 0.5))


def results(traces: Any = None, rejects: tuple[Reject, ...] = ()) -> JoinResults:
    """Six chains, or others, of a run with a teacher."""
    manifest = fake_manifest()
    manifest["model"] = {"student": manifest["model"] | {"name": "small"}, "teacher": {"name": "large"}}
    manifest["spec"] = {
        "design": "joined tokens",
        "top": 20,
        "likely": 0.01,
        "most": 0.1,
        "min_te": 0.1,
        "seed": 0,
        "level": 0.95,
    }
    found = tuple(trace(number) for number in range(6)) if traces is None else tuple(traces)
    return JoinResults(manifest, found, rejects)


def test_sets_are_what_the_rule_and_the_kinds_say() -> None:
    scores = np.array([0.0, 5.0, 1.0]), np.array([1, 1, 9]), np.zeros(3)
    scored = ScoredTrace("a", "a", "q?", "x", "7", ("x",) * 3, (0, 0, 1), *scores)
    found = sets_of(
        scored, ("word", "result", "operand"), np.array([False, True, False]), TraceRule(top=5, likely=0.01)
    )
    said = {name: np.flatnonzero(here).tolist() for name, here in found.items()}
    assert said == {
        "rejected": [1, 2],  # improbable, and of too large a rank
        "accepted": [0],
        "statement": [1],
        "result": [1],
        "operand": [2],
        "operator": [],
        "word": [0],
        "opening": [0, 2],
    }


def test_a_row_a_chain_by_hand() -> None:
    one, weak = trace(0), trace(1, whole=0.05)
    table = results([one, weak]).table().set_index("item")
    assert table["share.rejected"].tolist()[0] == 0.25
    assert np.isnan(table["share.rejected"].tolist()[1])
    row = table.loc["i0"]
    assert (row["tokens"], row["te"], row["whole"]) == (8, 3.0, 2.0)
    assert [row[f"tokens.{kind}"] for kind in ("result", "operand", "operator", "word", "opening")] == [1, 2, 2, 3, 2]
    assert row["tokens.rejected"] + row["tokens.accepted"] == 8
    assert row["tokens.random"] == row["tokens.rejected"] >= 1
    assert [row[f"hidden.{name}"] for name in SETS] == [0.5] * len(SETS)


def test_a_row_a_token_and_a_kind() -> None:
    found = results([trace(0), trace(1, read=False)])
    tokens = found.tokens()
    assert tokens["group"].tolist() == ["g0"] * 8 + ["g1"] * 8
    assert tokens["states_answer"].sum() == 2
    assert tokens["read"].isna().tolist() == [False] * 8 + [True] * 8
    assert tokens[members(tokens, "all")].equals(tokens)
    kinds = kind_table(tokens).set_index("kind")
    assert kinds.loc["result", "read"] == found.traces[0].effects["read"][5]
    assert kinds.loc["opening", "tokens"] == 4


def test_what_states_the_answer_can_be_left_out() -> None:
    found = results()
    tokens = found.tokens()
    rest = agreed_of(found, ["all"], tokens[tokens["kind"] != "result"])
    assert repr(without_statement(found)) == repr(rest)
    assert repr(rest) != repr(agreed_of(found, ["all"]))
    summary = summary_of(found)["agreed_without_statement"]
    assert isinstance(summary, dict)
    told = {(each.effect, each.score): each.correlation.value for each in rest}
    assert summary["read"]["surprisal"]["correlation"]["value"] == told["read", "surprisal"]


def test_a_run_reads_back_equal_and_a_damaged_one_is_named(tmp_path: Path) -> None:
    found = results([trace(0), trace(1, read=False)], (Reject("z", "no_cot", "no chain"),))
    write_joined(tmp_path, found)
    back = read_joined(tmp_path)
    assert back.table().equals(found.table())
    assert back.tokens().equals(found.tokens())
    assert back.rejects == found.rejects
    assert [*back.traces[1].effects] == ["knockout"]
    (tmp_path / "results" / "joined_tokens.parquet").write_bytes(b"broken")
    with pytest.raises(InputError, match=r"joined_tokens\.parquet.*join into a new directory"):
        read_joined(tmp_path)


def test_a_run_of_another_kind_is_named(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"spec": {"design": "traces"}}', encoding="utf-8")
    with pytest.raises(InputError, match="mediate traces join"):
        read_joined(tmp_path)


def test_a_record_that_does_not_fit_is_refused() -> None:
    one = trace(0)
    with pytest.raises(ValueError, match="8 tokens"):
        JoinedTrace(one.trace, one.kinds[:3], one.states_answer, one.effects, 1.0, 1.0, one.hidden)
    with pytest.raises(ValueError, match="effects"):
        JoinedTrace(one.trace, one.kinds, one.states_answer, {"read": one.effects["read"]}, 1.0, 1.0, one.hidden)
