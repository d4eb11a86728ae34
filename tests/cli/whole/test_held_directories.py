"""A run directory is held before a model is loaded for it: whoever comes second is refused without one."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest

import mediate as md
from mediate.errors import InputError
from mediate.files import HEARTBEAT, LOCK
from mediate.holding.held import held, owner_of
from tests.test_cli import mediate

MODEL = ("--model", "reference-0.1m")
ELSEWHERE = {"pid": 7, "host": "elsewhere", "started": "2026-01-02T03:04:05Z", "beat": 1.0, "born": ""}
# By command: its words, the directory below `run` that it holds, and what loads a model for it.
LOAD = "mediate.passes.loaded.load"
COMMANDS: dict[str, tuple[tuple[str, ...], str, str]] = {
    "score": (("score", "pairs.jsonl", *MODEL, "--out", "run"), ".", LOAD),
    "shard": (("score", "pairs.jsonl", *MODEL, "--out", "run", "--shard", "1/2"), "shards/1-of-2", LOAD),
    "ray": (
        ("score", "pairs.jsonl", *MODEL, "--out", "run", "--engine", "ray"),
        ".",
        "mediate.scoring.engines.ray.connected",
    ),
    "faithfulness": (("faithfulness", "pairs.jsonl", *MODEL, "--out", "run"), ".", LOAD),
    "cross": (("cross", "pairs.jsonl", *MODEL, "--tuned", "reference-0.1m-needed", "--out", "run"), ".", LOAD),
    "traces score": (("traces", "score", "pairs.jsonl", *MODEL, "--out", "run"), ".", LOAD),
    "traces join": (("traces", "join", "pairs.jsonl", *MODEL, "--out", "run"), ".", LOAD),
    "traces rsd": (
        (
            *("traces", "rsd", "--teacher", "reference-0.1m", "--student", "reference-0.1m-needed"),
            *("--questions", "pairs.jsonl", "--out", "kept.jsonl", "--run", "run"),
        ),
        ".",
        LOAD,
    ),
    "tune": (
        ("tune", "sft", *MODEL, "--data", "pairs.jsonl", "--out", "run"),
        ".",
        "mediate.tuning.tune.load_base",
    ),
    "demo": (("demo", "--model", "smollm2-135m-instruct", "--out", "run"), ".", "mediate.demo.fetch"),
}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    md.write_pairs(tmp_path / "pairs.jsonl", md.modular_pairs(2, seed=2))
    return tmp_path


@contextmanager
def held_by_another(folder: Path) -> Iterator[None]:
    """While open, another thread holds a folder."""
    begun, over = Event(), Event()

    def hold() -> None:
        with held(folder, "taken"):
            begun.set()
            over.wait()

    thread = Thread(target=hold)
    thread.start()
    begun.wait()
    try:
        yield
    finally:
        over.set()
        thread.join()


def loading(monkeypatch: pytest.MonkeyPatch, name: str, folder: Path) -> list[bool]:
    """Puts in place of what loads a model what notes whether the folder is held by then, and ends the command."""
    noted = list[bool]()

    def load(*_: Any, **__: Any) -> None:
        owner = owner_of(folder)
        noted.append((folder / LOCK).exists() and owner is not None and owner.is_here)
        raise InputError("that is far enough")

    monkeypatch.setattr(name, load)
    return noted


@pytest.mark.parametrize("name", COMMANDS)
def test_who_comes_second_is_refused_before_a_model_is_loaded(
    name: str, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words, below, loads = COMMANDS[name]
    folder = place / "run" / below
    noted = loading(monkeypatch, loads, folder)
    with held_by_another(folder):
        done = mediate(*words, cwd=place)
    assert (done.returncode, noted) == (2, []), done.stderr
    said = "another process is tuning here" if name == "tune" else "another process is writing this run"
    assert said in done.stderr
    assert "(process " in done.stderr
    done = mediate(*words, cwd=place)
    assert (done.returncode, noted) == (2, [True]), done.stderr
    assert "that is far enough" in done.stderr
    assert not (place / "run").exists(), "a directory is left of a run that never was"


@pytest.mark.parametrize("name", COMMANDS)
def test_what_a_process_on_another_machine_holds_is_taken_over_by_that_option(
    name: str, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words, below, loads = COMMANDS[name]
    folder = place / "run" / below
    folder.mkdir(parents=True)
    (folder / HEARTBEAT).write_text(json.dumps(ELSEWHERE))
    noted = loading(monkeypatch, loads, folder)
    done = mediate(*words, cwd=place)
    assert (done.returncode, noted) == (2, []), done.stderr
    assert "process 7 on elsewhere" in done.stderr
    assert "give --takeover" in done.stderr
    done = mediate(*words, "--takeover", cwd=place)
    assert (done.returncode, noted) == (2, [True]), done.stderr


def test_calls_take_over_too(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What each call does next is told by what it is refused for, or found."""
    model, tuned, pairs = md.load("reference-0.1m"), md.load("reference-0.1m-needed"), md.modular_pairs(2, seed=2)
    choices: dict[str, Any] = {"out": place / "run", "progress": False, "store": False}

    def calls(**more: Any) -> Iterator[Any]:
        yield lambda: md.score(model, pairs, control_pairs=0, maps=[], **choices, **more)
        yield lambda: md.cross(model, tuned, pairs, maps=[], **choices, **more)
        yield lambda: md.score_traces(model, pairs, **choices, **more)
        yield lambda: md.join_tokens(model, pairs, **choices, **more)
        yield lambda: md.rsd(model, tuned, pairs, traces=1, **choices, **more)
        yield lambda: md.tune("reference-0.1m", pairs, out=place / "run", arm="sft", progress=False, **more)

    loading(monkeypatch, "mediate.tuning.tune.load_base", place / "run")
    for plain, over in zip(calls(), calls(takeover=True), strict=True):
        (place / "run").mkdir()
        (place / "run" / HEARTBEAT).write_text(json.dumps(ELSEWHERE))
        with pytest.raises(InputError, match="process 7 on elsewhere"):
            plain()
        try:
            over()
        except InputError as error:
            assert "that is far enough" in str(error)  # noqa: PT017 (of the tuning alone)
        for each in sorted((place / "run").rglob("*"), reverse=True):
            each.rmdir() if each.is_dir() else each.unlink()
        (place / "run").rmdir()


def test_a_finished_run_is_read_by_several_at_once(place: Path) -> None:
    words = ("score", "pairs.jsonl", *MODEL, "--out", "run", "--control-pairs", "0", "--no-report")
    assert mediate(*words, cwd=place).returncode == 0
    with held_by_another(place / "run"):
        done = mediate(*words, cwd=place)
        assert done.returncode == 0, done.stderr
        assert "nothing was computed" in done.stdout
        again = md.score(
            md.load("reference-0.1m"), place / "pairs.jsonl", control_pairs=0, out=place / "run", progress=False
        )
        assert len(again.results.items) == 2
