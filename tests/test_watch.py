"""How far long work is, where there is no terminal."""

import time

import pytest

from mediate import watch


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("TQDM_DISABLE", raising=False)
    monkeypatch.setattr(watch, "MOMENT", 0.0)
    yield
    watch.hush(False)


def test_a_line_comes_for_every_part_that_is_done(capsys: pytest.CaptureFixture[str]) -> None:
    with watch.work(40, "measuring", "pair", shown=True) as done:
        for _ in range(40):
            done(1)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 20
    assert lines[0].startswith("measuring: 2 of 40 (5 %), 0 s, ")
    assert "left" in lines[0]
    assert lines[-1].startswith("measuring: 40 of 40 (100 %)")


def test_what_was_done_before_is_told_and_counts_for_no_rate(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with watch.work(40, "measuring", "pair", shown=True, before=30):
        pass
    assert capsys.readouterr().err == "measuring: 30 of 40 were done before; 10 are left\n"
    monkeypatch.setattr(watch.time, "monotonic", lambda: 0.0)
    lines = watch._Lines(40, "measuring", "pair", before=30)
    lines.count, lines.finished = 35, 10.0
    assert lines.line(10.0) == "measuring: 35 of 40 (88 %), 10 s, 30 pairs a minute, about 10 s left"


def test_a_line_comes_while_nothing_is_finished(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "EVERY", 0.05)
    with watch.work(2, "measuring", "pair", shown=True), watch.bars(), watch.bar(4, "state map") as inner:
        inner(1)
        time.sleep(0.3)
    lines = capsys.readouterr().err.splitlines()
    assert lines
    assert all(line.startswith("measuring: 0 of 2 (0 %)") and line.endswith("; state map 25 %") for line in lines)


@pytest.mark.parametrize("how", ["not shown", "hushed", "disabled"])
def test_nothing_is_said_where_nothing_is_wanted(
    how: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    watch.hush(how == "hushed")
    if how == "disabled":
        monkeypatch.setenv("TQDM_DISABLE", "1")
    assert list(watch.each((1, 2), "measuring", "pair", shown=how != "not shown")) == [1, 2]
    if how == "hushed":
        watch.tell("template: chat")
    assert capsys.readouterr().err == ""


def test_rates_and_times_are_told_in_fitting_units() -> None:
    assert [watch.duration(each) for each in (5.0, 65.0, 7300.0)] == ["5 s", "1 min 5 s", "2 h 1 min"]
    assert watch._rate(0.5, "pair") == "30 pairs a minute"
    assert watch._rate(0.001, "pair") == "3.6 pairs an hour"


def test_work_without_parts_says_how_long_it_takes(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with watch.whole("loading m", shown=True):
        pass
    assert capsys.readouterr().err == ""  # it took no time
    monkeypatch.setattr(watch, "FIRST", 0.02)
    with watch.whole("loading m", shown=True):
        time.sleep(0.3)
    assert capsys.readouterr().err.splitlines() == ["loading m: 0 s so far", "loading m: done, 0 s"]
    with pytest.raises(KeyError), watch.whole("loading m", shown=True):
        _fail(0.3)
    assert capsys.readouterr().err == "loading m: 0 s so far\n"
    with watch.whole("loading m", shown=False):
        time.sleep(0.1)
    assert capsys.readouterr().err == ""


def _fail(after: float) -> None:
    time.sleep(after)
    raise KeyError
