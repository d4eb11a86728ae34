"""A page's figures, some of which a second process draws: the same files, whatever becomes of it."""

import os
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from matplotlib.axes import Axes

from mediate.figures.figure import Figure
from mediate.forking import can_fork, forked
from mediate.report import figure_files
from mediate.report.figure_files import files_of

pytestmark = pytest.mark.skipif(not can_fork(), reason="only where there are forked processes")
HERE = os.getpid()
COUNT = 8


def _figures(meet: Callable[[int], object] = bool, pause: float = 0.0) -> list[Figure]:
    """Lines that differ; `meet` is called in the process that draws one, with its place."""

    def draw(place: int) -> Callable[..., object]:
        def line(ax: Axes) -> None:
            meet(place)
            time.sleep(pause)
            ax.plot([0, place], label=f"line {place}")
            ax.legend()

        return line

    return [Figure(f"line{place}", draw(place), f"line {place}", "") for place in range(COUNT)]


@pytest.fixture(autouse=True)
def two_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(figure_files, "cores", lambda: 2)


def test_both_processes_draw_and_the_files_are_those_of_one(tmp_path: Path) -> None:
    def sign(place: int) -> None:
        (tmp_path / f"{place}-{os.getpid()}").touch()

    plain = [each.files("png", "svg", "narrow") for each in _figures()]
    assert list(files_of(_figures(sign, pause=0.05), "png", "svg", "narrow")) == plain
    there = {int(each.name.split("-")[0]) for each in tmp_path.iterdir() if not each.name.endswith(f"-{HERE}")}
    here = {int(each.name.split("-")[0]) for each in tmp_path.iterdir() if each.name.endswith(f"-{HERE}")}
    assert 0 in here
    assert COUNT - 1 in there
    assert here | there == set(range(COUNT))
    assert len(there - here) >= 2


@pytest.mark.parametrize("why", ["killed", "hangs", "fails", "exits"])
def test_what_a_second_process_never_tells_of_is_drawn_here(why: str) -> None:
    def meet(place: int) -> None:
        if os.getpid() == HERE or place > COUNT - 3:
            return
        if why == "killed":
            os.kill(os.getpid(), 9)
        elif why == "hangs":
            time.sleep(600)
        elif why == "exits":
            raise SystemExit
        raise OSError("of the second process alone")

    plain = [each.files("svg") for each in _figures()]
    began = time.monotonic()
    assert list(files_of(_figures(meet, pause=0.05), "svg")) == plain
    assert time.monotonic() - began < 60


def test_what_fails_in_both_is_met_here() -> None:
    def meet(place: int) -> None:
        if place == COUNT - 1:
            raise ValueError("no such line")

    drawn = files_of(_figures(meet), "svg")
    with pytest.raises(ValueError, match="no such line"):
        list(drawn)


def test_a_warning_is_told_once_and_here() -> None:
    def meet(place: int) -> None:
        if place == COUNT - 1:
            warnings.warn("a glyph is missing", stacklevel=1)

    with pytest.warns(UserWarning, match="a glyph is missing") as warned:
        assert len(list(files_of(_figures(meet, pause=0.02), "svg"))) == COUNT
    assert len(warned) == 1


@pytest.mark.parametrize("without", ["fork", "pipe", "room"])
def test_without_a_second_process_all_is_drawn_here(without: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **options: object) -> None:
        raise OSError(f"no {without}")

    if without == "fork":
        monkeypatch.setattr(figure_files, "can_fork", lambda: False)
    elif without == "pipe":
        monkeypatch.setattr(figure_files.os, "pipe", refuse)
    else:
        monkeypatch.setattr(figure_files.os, "memfd_create", refuse)
    here: list[int] = []
    assert len(list(files_of(_figures(here.append), "svg"))) == COUNT
    assert here == list(range(COUNT))


def test_nothing_is_left_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    began: list[int] = []

    def noted(work: Callable[[], object]) -> int:
        began.append(forked(work))
        return began[-1]

    monkeypatch.setattr(figure_files, "forked", noted)
    before = set(os.listdir("/proc/self/fd"))
    drawn = files_of(_figures(pause=0.02), "svg")
    next(drawn), next(drawn)
    drawn.close()  # a page that ends before its time
    list(files_of(_figures(), "svg"))
    assert set(os.listdir("/proc/self/fd")) == before
    assert len(began) == 2
    for each in began:
        with pytest.raises(ProcessLookupError):
            os.kill(each, 0)
    assert list(files_of([], "svg")) == []
