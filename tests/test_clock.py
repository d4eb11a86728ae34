"""clock: stages add up, one inside another counts for itself alone, and nothing is done where no clock runs."""

import time

import pytest

from mediate import clock as room
from mediate.clock import Clock, running, stage, timed


@pytest.fixture
def ticks(monkeypatch: pytest.MonkeyPatch):
    """Clocks that stand still until they are moved on, that of the processor at half the speed."""
    now = [100.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    monkeypatch.setattr(time, "process_time", lambda: now[0] / 2)
    monkeypatch.setattr(room, "_STARTED", 100.0)

    def pass_(seconds: float) -> None:
        now[0] += seconds

    return pass_


def test_a_stage_inside_another_counts_for_itself_alone(ticks) -> None:
    with timed() as clock:
        ticks(1)
        with stage("outer"):
            ticks(2)
            with stage("inner"):
                ticks(4)
            ticks(8)
            with stage("inner"):
                ticks(16)
        ticks(32)
    assert clock.seconds() == {"outer": 10, "inner": 20}
    assert (clock.stages["inner"].times, clock.stages["inner"].cpu) == (2, 10)


def test_an_error_ends_its_stage(ticks) -> None:
    def fail() -> None:
        ticks(1)
        raise ValueError("negative")

    with timed() as clock:
        with pytest.raises(ValueError, match="negative"), stage("one"):
            fail()
        ticks(2)
        with stage("two"):
            ticks(4)
    assert clock.seconds() == {"one": 1, "two": 4}


def test_a_clock_around_another_has_its_stages_too(ticks) -> None:
    with timed() as outer:
        with stage("a"):
            ticks(1)
        with timed() as inner, stage("a"):
            ticks(2)
    assert (outer.seconds(), inner.seconds()) == ({"a": 3}, {"a": 2})


def test_without_a_clock_a_stage_is_nothing() -> None:
    with stage("unheard"):
        assert running() is None
    with timed() as clock:
        pass
    assert clock.told() == ""


def test_the_line_names_what_counts_and_the_table_everything(ticks) -> None:
    with timed() as clock:
        ticks(10)
        with stage("measuring"):
            ticks(89)
        with stage("drawing"):
            ticks(1)
        assert clock.told() == "time: 1 min 40 s, of which measuring 1 min 29 s; --profile tells all of it"
        running().detailed = True
    lines = clock.told().splitlines()
    assert [line.split("  ")[0] for line in lines] == ["time", "measuring", "drawing", "starting, and all else", "all"]
    assert lines[1].split() == ["measuring", "89.00", "s", "89.0", "%", "44.50", "s", "1"]
    assert lines[3].split()[-7:] == ["10.00", "s", "10.0", "%", "55.00", "s", "1"]
    assert "100.00 s 100.0 %" in lines[4]


def test_stages_that_are_decorators_can_be_entered_again(ticks) -> None:
    @stage("work")
    def work(depth: int) -> None:
        ticks(1)
        if depth:
            work(depth - 1)

    with timed() as clock:
        work(2)
    assert clock.seconds() == {"work": 3}
    assert isinstance(clock, Clock)


def test_each_stage_is_told_once_as_it_begins_where_that_is_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    with timed() as clock:
        clock.told_at_once = True
        for name in ("reading", "measuring", "reading"):
            with stage(name):
                pass
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(" s  ")[1] for line in lines] == ["reading", "measuring"]
