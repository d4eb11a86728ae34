"""Reverse speculative decoding over a set: which trace is kept, why a question is dropped, and that runs go on."""

from pathlib import Path
from typing import Any

import pytest

import mediate
from mediate.distill import rsd_run
from mediate.distill.rsd import Ending, Together
from mediate.distill.rsd_run import judge
from mediate.errors import InputError
from mediate.results.speculative import TraceVerdict
from mediate.traces.pieces import encode_after
from tests import tiny

ITEM = mediate.Item("Tom has 3 apples and buys 4. How many apples does Tom have?", "7", id="a")


def said(text: str, own: int = 0, ending: Ending = Ending.CLOSED) -> Together:
    ids = encode_after(tiny.tokenizer(), text)
    return Together(ids, [0] * own + [1] * (len(ids) - own), ending)


RIGHT = "Tom has 3 + 4 = 7. The answer is 7"


def judged(*traces: Together, most_fallback: float = 0.5) -> list[str]:
    return [each.verdict for each in judge(tiny.model("llama"), ITEM, traces, most_fallback)]


def test_the_shorter_of_two_right_traces_is_kept() -> None:
    long = said("Tom has 3 apples. Tom has 3 + 4 = 7. The answer is 7")
    assert judged(long, said(RIGHT)) == ["longer", "kept"]
    assert judged(said(RIGHT), said(RIGHT)) == ["kept", "longer"]
    kept = judge(tiny.model("llama"), ITEM, [said(RIGHT)], 0.5)[0]
    assert kept.chain == "Tom has 3 + 4 = 7."
    assert kept.stated == "7"


def test_what_is_dropped_says_by_which_filter() -> None:
    assert judged(
        said("Tom has 3 + 4 = 8. The answer is 8"),
        said("Tom has 3 apples."),
        said(RIGHT, ending=Ending.LENGTH),
        said(RIGHT, ending=Ending.APART),
    ) == ["wrong", "no_answer", "not_closed", "not_closed"]


def test_half_of_the_students_own_is_kept_and_more_is_not() -> None:
    count = len(said(RIGHT).tokens)
    assert count % 2 == 0
    assert judged(said(RIGHT, own=count // 2)) == ["kept"]
    assert judged(said(RIGHT, own=count // 2 + 1)) == ["fallback"]
    assert judged(said(RIGHT, own=1), most_fallback=0.0) == ["fallback"]


@pytest.mark.parametrize(
    ("text", "once"),
    [
        ("<think> a </think> b", True),
        ("a </think> b", True),
        ("<think> a", False),
        ("<think> a </think> b </think>", False),
        ("a", True),
    ],
)
def test_thoughts_are_closed_once(text: str, once: bool) -> None:
    assert rsd_run._closed_once(text) is once


def written(folder: Path | None = None, count: int = 3, **options: Any) -> Any:
    teacher, student = (mediate.load(name, device="cpu") for name in ("reference-0.3m", "reference-0.1m"))
    questions = mediate.modular_pairs(count)
    return mediate.rsd(teacher, student, questions, out=folder, progress=False, traces=3, **options)


def test_a_set_is_written_stored_and_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDIATE_CACHE", str(tmp_path / "cache"))
    first = written(tmp_path / "run")
    assert len(first.items()) == 3
    assert all(item.cot for item in first.items())
    assert (first.table()["verdict"] == TraceVerdict.KEPT).sum() == 3
    assert len(first.table()) == 9
    assert first.table()["tokens"].sum() == len(first.decisions())
    opened = mediate.open(tmp_path / "run")
    assert isinstance(opened, mediate.RsdTraces)
    assert opened.table().equals(first.table())
    assert opened.decisions().equals(first.decisions())
    # Of a longer set, what was written before is not written again.
    asked: list[int] = []
    real = rsd_run.write_together
    monkeypatch.setattr(rsd_run, "write_together", lambda *given: asked.append(len(given[1])) or real(*given))
    more = written(count=4)
    assert asked == [3]
    assert more.table()[:9].equals(first.table())
    with pytest.raises(InputError, match="holds another run"):
        written(tmp_path / "run", temperature=1.0)
    again = written(tmp_path / "run", batch=2)
    assert again.table().equals(first.table())


def test_batches_change_no_trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDIATE_CACHE", str(tmp_path / "one"))
    wide = written()
    monkeypatch.setenv("MEDIATE_CACHE", str(tmp_path / "other"))
    assert written(batch=1).decisions().equals(wide.decisions())


def test_a_question_without_a_trace_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MEDIATE_CACHE", str(tmp_path))
    found = written(max_new_tokens=2)
    assert not found.items()
    assert [each.code for each in found.rejects] == ["no_trace"] * 3
    assert found.rejects[0].reason == "none of its 3 traces is left: 3 not closed"
    assert "3 questions left without a trace" in repr(found)


def test_what_cannot_be_asked_is_left_out() -> None:
    teacher = mediate.load("reference-0.1m", device="cpu")
    asked = [
        mediate.Item("Start 9, times 3. Hint 1.", "", id="mute"),
        mediate.Item("Start 9, times 3. Hint 1.", "7", id="good"),
    ]
    found = mediate.rsd(teacher, teacher, asked, progress=False, traces=1)
    assert [(each.item, each.code) for each in found.rejects if each.code != "no_trace"] == [("mute", "no_answer")]
    long = mediate.rsd(teacher, teacher, asked[1:], progress=False, traces=1, max_new_tokens=100_000)
    assert [each.code for each in long.rejects] == ["too_long"]


def test_models_without_tokens_in_common_are_refused() -> None:
    student = tiny.model("llama")
    with pytest.raises(InputError, match="of the tokens of the teacher"):
        mediate.rsd(mediate.load("reference-worded-0.1m", device="cpu"), student, [ITEM], progress=False)
    with pytest.raises(InputError, match="load it first"):
        mediate.rsd("reference-0.1m", student, [ITEM])  # type: ignore[arg-type]
