"""What a user holds after scoring traces: the set's means, where tokens are rejected, a selection as items."""

import json
from pathlib import Path

import numpy as np
import pytest

import mediate
from mediate.errors import InputError
from mediate.pairs.reading import read_items
from mediate.report import TraceScores, selected_content
from mediate.results import Reject
from mediate.results.trace_folder import TraceResults, read_trace_results
from mediate.results.trace_scores import ScoredTrace, set_ratio
from mediate.tuning.examples import scan_examples
from tests.figures.records import fake_manifest
from tests.report.parse import parse
from tests.report.payloads import PAYLOADS


def traces(count: int = 8, scale: float = 1.0) -> tuple[ScoredTrace, ...]:
    rng = np.random.default_rng(0)
    found = []
    for number in range(count):
        length = 6 + number
        surprisal = rng.exponential(scale, size=length)
        found.append(
            ScoredTrace(
                item=f"i{number}",
                group=f"g{number % 4}",
                question=f"q{number // 2}?",
                chain="x y. " * 3,
                answer=str(number),
                tokens=("x",) * length,
                steps=tuple(place * (1 + number % 3) // length for place in range(length)),
                surprisal=surprisal,
                rank=1 + (surprisal * 10).astype(int),
                entropy=surprisal / 2,
                teacher=surprisal + 1,
                divergence=surprisal + 2,
            )
        )
    return tuple(found)


def held(found: tuple[ScoredTrace, ...], rejects: tuple[Reject, ...] = ()) -> TraceScores:
    manifest = fake_manifest()
    manifest["model"] = {"student": manifest["model"] | {"name": "small"}, "teacher": {"name": "large"}}
    manifest["spec"] = {
        "design": "traces",
        "cap": 100,
        "floor": 0.01,
        "top": 20,
        "likely": 0.01,
        "seed": 0,
        "level": 0.95,
    }
    return TraceScores(TraceResults(manifest, found, rejects))


def test_the_sets_ratio_counts_each_trace_once() -> None:
    scores = held(traces())
    assert scores.means()["rsr"].value == pytest.approx(set_ratio(scores.results.traces))
    assert scores.means()["surprisal"].value == pytest.approx(scores.table()["surprisal"].mean())
    assert scores.means()["rsr"].groups == 4
    assert "8 traces of 76 tokens under small, teacher large" in repr(scores)


def test_what_is_undefined_is_counted() -> None:
    scores = held(traces(3, scale=1e-4), (Reject("z", "no_cot", "no chain"),))
    assert [note.split(":")[0] for note in scores.notes()] == [
        "The Rank-Surprisal Ratio of 3 of 3 traces is undefined",
        "casl is undefined",
        "1 item left out.",
    ]
    assert "casl" not in scores.means()
    assert np.isnan(scores.means()["rsr"].value)
    assert "undefined" in repr(scores)


def test_where_tokens_are_rejected() -> None:
    scores = held(traces(scale=4.0))
    table, tokens = scores.by_place(), scores.tokens()
    assert table["place"].tolist() == ["first of its step", "other"]
    assert table["tokens"].sum() == len(tokens)
    assert table["accepted"][1] == pytest.approx(tokens[~tokens["first"]]["accepted"].mean())
    assert 0 < table["accepted"][1] < 1


def test_a_selection_is_a_file_that_scoring_and_tuning_read(tmp_path: Path) -> None:
    scores, out = held(traces()), tmp_path / "kept.jsonl"
    kept = scores.select("surprisal", of_question=1)
    assert len(kept) == 4
    out.write_bytes(selected_content(kept))
    assert [each.id for each in read_items(out)] == kept["item"].tolist()
    examples, _ = scan_examples(out)
    assert not examples.errors
    assert [(each.id, each.chain, each.group) for each in examples.examples] == [
        (row["item"], row["chain"], row["group"]) for _, row in kept.iterrows()
    ]
    assert set(json.loads(out.read_text("utf-8").splitlines()[0])) == {"id", "group", "question", "cot", "answer"}


def test_a_saved_run_opens_again(tmp_path: Path) -> None:
    scores = held(traces(), (Reject("z", "no_cot", "no chain"),))
    scores.save(tmp_path / "run")
    opened = mediate.open(tmp_path / "run")
    assert isinstance(opened, TraceScores)
    assert opened.rejects == scores.rejects
    assert opened.table().equals(scores.table())
    assert opened.tokens().equals(scores.tokens())
    with pytest.raises(InputError, match="holds a run already"):
        scores.save(tmp_path / "run")
    (tmp_path / "run" / "results" / "tokens.parquet").write_bytes(b"broken")
    with pytest.raises(InputError, match=r"tokens\.parquet"):
        read_trace_results(tmp_path / "run")


def test_a_run_of_another_kind_is_named(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"spec": {"design": "cross"}}', encoding="utf-8")
    with pytest.raises(InputError, match="mediate traces score"):
        read_trace_results(tmp_path)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_text_stays_text_in_a_notebook(payload: str) -> None:
    scores = held(traces())
    scores.manifest["model"]["student"]["name"] = payload
    assert parse(scores._repr_html_()).shape() == parse(held(traces())._repr_html_()).shape()
