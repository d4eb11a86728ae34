"""What a user holds after traces were written together: what became of each, and why questions have none."""

from pathlib import Path

import pytest

import mediate
from mediate.errors import InputError
from mediate.report import RsdTraces
from mediate.results import Reject
from mediate.results.speculative import (
    SpeculativeResults,
    SpeculativeTrace,
    TraceVerdict,
    dropped_because,
    read_speculative,
)
from tests.figures.records import fake_manifest
from tests.report.parse import parse
from tests.report.payloads import PAYLOADS


def trace(item: str, number: int, verdict: str, draws: tuple[int, ...] = (1, 0, 3, 2)) -> SpeculativeTrace:
    return SpeculativeTrace(
        item=item,
        group="g",
        question="?",
        answer="7",
        number=number,
        chain="3 + 4 = 7.",
        stated="7",
        tokens=tuple("abcd"[: len(draws)]),
        draws=draws,
        ending="closed",
        verdict=verdict,
    )


TRACES = (trace("a", 0, "wrong"), trace("a", 1, "kept"), trace("b", 0, "not_closed", ()), trace("b", 1, "fallback"))


def held(share: float = 1.0) -> RsdTraces:
    manifest = fake_manifest(counts={"given": 2, "measured": 1})
    manifest["model"] = {name: manifest["model"] | {"name": name} for name in ("teacher", "student")}
    manifest["spec"] = {"design": "rsd", "traces": 2}
    manifest["shared_tokens"] = share
    return RsdTraces(SpeculativeResults(manifest, TRACES, (Reject("b", "no_trace", dropped_because(TRACES[2:])),)))


def test_it_says_what_became_of_each() -> None:
    found = held()
    assert found.headline == (
        "1 trace of 2 questions, written by teacher and student; 75\N{NO-BREAK SPACE}% of the tokens are the teacher's"
    )
    assert found.summary()["count"].tolist() == [1, 0, 1, 0, 1, 1]
    assert found.notes() == ["1 question left without a trace."]
    assert "80\N{NO-BREAK SPACE}% of the teacher's tokens" in held(0.8).notes()[0]
    assert found.rejects[0].reason == "none of its 2 traces is left: 1 not closed, 1 fallback"


def test_what_is_kept_are_items() -> None:
    (item,) = held().items()
    assert (item.id, item.cot, item.answer, item.group) == ("a", "3 + 4 = 7.", "7", "g")
    assert held().kept()["number"].tolist() == [1]


def test_every_token_says_which_draw_was_accepted() -> None:
    table = held().decisions()
    assert table["draw"].tolist() == [1, 0, 3, 2] * 3
    assert table["fallback"].tolist() == [False, True, False, False] * 3
    assert held().table()["fallback"].tolist() == [0.25, 0.25, 0, 0.25]


def test_a_saved_run_opens_again(tmp_path: Path) -> None:
    held().save(tmp_path / "run")
    opened = mediate.open(tmp_path / "run")
    assert isinstance(opened, RsdTraces)
    assert opened.results.traces == TRACES
    assert opened.rejects == held().rejects
    with pytest.raises(InputError, match="holds a run already"):
        held().save(tmp_path / "run")
    (tmp_path / "run" / "results" / "decisions.parquet").write_bytes(b"broken")
    with pytest.raises(InputError, match=r"decisions\.parquet"):
        read_speculative(tmp_path / "run")


def test_a_run_of_another_kind_is_named(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"spec": {"design": "cross"}}', encoding="utf-8")
    with pytest.raises(InputError, match="mediate traces rsd"):
        read_speculative(tmp_path)


def test_a_trace_with_another_number_of_draws_is_refused() -> None:
    with pytest.raises(ValueError, match="4 tokens"):
        SpeculativeTrace("a", "g", "?", "7", 0, "c", "7", tuple("abcd"), (1,), "closed", TraceVerdict.KEPT)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_text_stays_text_in_a_notebook(payload: str) -> None:
    found = held()
    found.manifest["model"]["student"]["name"] = payload
    assert parse(found._repr_html_()).shape() == parse(held()._repr_html_()).shape()
