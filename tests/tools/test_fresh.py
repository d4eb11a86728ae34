"""Floors that are never reached are named, and so is what broke."""

import subprocess
from pathlib import Path
from typing import Any

import pytest

from tools import fresh
from tools.fresh import Report, untrue
from tools.resolve import LOCK, Pin, pinned


def test_a_floor_that_nothing_reaches_is_named() -> None:
    wanted = ["numpy>=1.26,<3", "pyarrow>=17", "torch>=2.10", "types-tqdm"]
    chosen = [Pin("numpy", "1.26.0"), Pin("pyarrow", "21.0.0"), Pin("torch", "2.13.0"), Pin("types-tqdm", "4.0")]
    assert untrue(wanted, chosen) == ["pyarrow is 21.0.0 at least, not 17"]


def test_what_broke_is_told_as_it_happens_and_kept(capsys: pytest.CaptureFixture[str]) -> None:
    report = Report("newest")
    report.note("load", 1.25, "")
    report.note("a LoRA step", 2, "TypeError: no such argument")
    assert report.broke == ["a LoRA step (TypeError: no such argument)"]
    assert capsys.readouterr().out.splitlines() == [
        "newest: ok    load, 1.2 s",
        "newest: broke a LoRA step, 2.0 s TypeError: no such argument",
    ]


@pytest.mark.parametrize(
    ("listed", "wanted"),
    [
        ("2.15.0, 2.14.1, 2.9.0+cpu, 2.13.0+cpu, 2.13.0", "2.13.0"),
        ("2.15.0, 2.14.1", pinned(LOCK, "torch")),
        ("", None),
    ],
)
def test_torch_is_the_newest_cpu_build_else_the_locked_one(
    listed: str, wanted: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def said(*_: Any, **__: Any) -> Any:
        return subprocess.CompletedProcess([], 0, f"torch (2.15.0)\nAvailable versions: {listed}\n")

    monkeypatch.setattr(subprocess, "run", said)
    assert fresh.torch_at_hand(Path("python")) == (wanted or pinned(LOCK, "torch"))


def test_an_installation_that_fails_is_what_broke(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*_: Any) -> Any:
        raise SystemExit("pip: ERROR: no matching distribution")

    monkeypatch.setattr(fresh, "install", failing)
    assert fresh.run("newest", None).broke == ["installing (pip: ERROR: no matching distribution)"]
