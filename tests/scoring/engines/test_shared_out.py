"""A run that processes beside this one share: the same bytes, whatever becomes of them."""

import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from mediate.errors import InputError, ItemError
from mediate.journal import close_journal, open_journal
from mediate.models.threads import TINY
from mediate.passes.store import Store
from mediate.results import Results
from mediate.results.parts import parts_of
from mediate.scoring import keeping
from mediate.scoring import score as module
from mediate.scoring.engines import forked, shared_out
from mediate.scoring.engines.shared_out import SharedOut, processes_for
from mediate.scoring.measuring import measured
from mediate.scoring.score import score
from mediate.scoring.spec import make_spec
from mediate.tasks.modular import modular_pairs
from tests import tiny
from tests.scoring.whole.test_killed import (
    content,
    ended_by_a_signal,
    in_another_process,
    many_parts,
    model,
    run_at_once,
    until,
)

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="helpers are of Linux alone")

PAIRS, TOKENS = modular_pairs(24, seed=0), 150
CHOICES: dict[str, Any] = {"maps": ["read:step,layer"], "control_pairs": 2}


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    many_parts(monkeypatch, tokens=TOKENS, items=3)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run in one process."""
    return run_at_once(tmp_path_factory.mktemp("whole"), partial(scored, count=1), TOKENS)


@pytest.fixture
def measured_here(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The batches that this process measured."""
    here: list[int] = []

    def noted(run: Any, batch: Any, done: Any) -> Results:
        here.append(batch.number)
        return measured(run, batch, done)

    monkeypatch.setattr(module, "measured", noted)
    return here


def scored(out: Path, count: int | None, store: Store | None = None, **choices: Any) -> Results:
    return score(model(), PAIRS, make_spec(**CHOICES | choices), out=out, store=store, num_workers=count)


@pytest.mark.parametrize("count", [2, 3])
def test_no_byte_is_another(tmp_path: Path, whole: Path, measured_here: list[int], count: int) -> None:
    scored(tmp_path / "run", count, Store(tmp_path / "cache"))
    assert content(tmp_path / "run") == content(whole)
    once = len(measured_here)
    assert 0 < once < len(list((tmp_path / "cache" / "outcomes").rglob("*.safetensors"))), "others measured some"
    scored(tmp_path / "again", 1, Store(tmp_path / "cache"))
    assert content(tmp_path / "again") == content(whole)


def of_gradients(out: Path, count: int) -> None:
    """A pass backward before the fork must not make one after it impossible."""
    maps = ["attribution.resid_pre:step", "read:step,layer"]
    score(model(), PAIRS, make_spec(control_pairs=2, maps=maps), out=out, num_workers=count)


def of_states(out: Path, count: int) -> None:
    spec = make_spec(control_pairs=3, maps=["state.resid_post:layer"])
    score(model(), PAIRS, spec, out=out, num_workers=count)


def of_other_items(out: Path, count: int) -> None:
    spec = make_spec(against="other", control_pairs=3, maps=["ablate.mean.resid_pre:step"])
    score(model(), PAIRS, spec, out=out, num_workers=count)


@pytest.mark.parametrize("work", [of_gradients, of_states, of_other_items], ids=lambda each: each.__name__)
def test_whatever_is_measured(
    tmp_path: Path, work: Callable[[Path, int], None], measured_here: list[int], capsys: pytest.CaptureFixture[str]
) -> None:
    work(tmp_path / "one", 1)
    alone = len(measured_here)
    work(tmp_path / "two", 2)
    assert content(tmp_path / "two") == content(tmp_path / "one")
    assert len(measured_here) < 2 * alone
    assert "measured again" not in capsys.readouterr().err


def with_helpers(monkeypatch: pytest.MonkeyPatch, what: Callable[[int], object]) -> None:
    """Does something to each helper, by its number, after this process has measured two batches."""
    real = SharedOut.here

    def here(shared: SharedOut) -> Iterator[Any]:
        for number, each in enumerate(real(shared)):
            if number == 2:
                for helper in shared.helpers:
                    what(helper.pid)
            yield each

    monkeypatch.setattr(SharedOut, "here", here)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP], ids=["dies", "hangs"])
def test_what_a_helper_had_is_measured_here(
    tmp_path: Path,
    whole: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    number: signal.Signals,
) -> None:
    if number == signal.SIGSTOP:
        monkeypatch.setattr(shared_out, "PATIENCE", 0.3)
        monkeypatch.setattr(shared_out, "TIMES", 3.0)
    with_helpers(monkeypatch, lambda pid: os.kill(pid, number))
    scored(tmp_path / "run", 3)
    assert content(tmp_path / "run") == content(whole)
    why = "ended" if number == signal.SIGKILL else "gave no answer"
    assert capsys.readouterr().err.count(f"a process beside this one {why}; what it had is measured again") == 2


def test_no_helper_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pids: list[int] = []
    with_helpers(monkeypatch, pids.append)
    scored(tmp_path / "run", 3)
    assert len(pids) == 2
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)


def test_an_error_of_a_helper_ends_the_run(tmp_path: Path, whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(run: Any, batch: Any) -> Results:
        raise ItemError(batch.items[0].id, "it is broken", code="nonfinite", written=True)

    with monkeypatch.context() as patch:
        patch.setattr(forked, "measured", fails)
        with pytest.raises(ItemError, match="it is broken"):
            scored(tmp_path / "run", 2)
    scored(tmp_path / "run", 2)
    assert content(tmp_path / "run") == content(whole)


def test_what_only_a_helper_stumbles_over_is_measured_here(
    tmp_path: Path, whole: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(forked, "measured", lambda run, batch: 1 / 0)
    scored(tmp_path / "run", 2)
    assert content(tmp_path / "run") == content(whole)
    said = "a process beside this one failed (ZeroDivisionError: division by zero); what it had is measured again"
    assert said in capsys.readouterr().err


def test_failures_of_helpers_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = keeping.write_part
    parent = os.getpid()

    def written(*given: Any) -> Any:
        part = real(*given)
        if os.getpid() == parent:
            return part
        return type(part)(part.folder, part.batches, part.measured, {"nonfinite": 3})

    monkeypatch.setattr(keeping, "write_part", written)
    with pytest.raises(InputError, match=r"3 of 24 items failed \(3 nonfinite\), and --max-errors allows 2"):
        scored(tmp_path / "run", 2, max_errors="2")


def test_a_signal_keeps_what_helpers_did(tmp_path: Path, whole: Path) -> None:
    out, said = tmp_path / "run", tmp_path / "said"

    assert ended_by_a_signal(out, said, partial(scored, count=2)) == 143
    there = sum(each.measured for each in parts_of(out))
    assert said.read_text().startswith(f"mediate: stopped by SIGTERM; {there} of 24 items done; the same command goes")
    assert {int(each.folder.name) % 2 for each in parts_of(out)} == {0, 1}, "parts of both"
    scored(out, 2)
    assert content(out) == content(whole)


def test_a_storm_of_kills_changes_no_byte(tmp_path: Path, whole: Path) -> None:
    out, draw, killed = tmp_path / "run", random.Random(5), 0
    for _ in range(4):
        there = len(parts_of(out)) + draw.randrange(2)
        child = in_another_process(partial(scored, out, 3))
        until(lambda there=there: len(parts_of(out)) >= there, child)  # type: ignore[misc]
        time.sleep(draw.uniform(0, 0.2))
        os.kill(child, signal.SIGKILL)
        killed += os.WIFSIGNALED(os.waitpid(child, 0)[1])
    assert killed >= 2
    scored(out, 3)
    assert content(out) == content(whole)


def test_the_log_counts_what_helpers_note(tmp_path: Path) -> None:
    open_journal(tmp_path / "log.jsonl")
    scored(tmp_path / "run", 2)
    close_journal(status="success")
    lines = (tmp_path / "log.jsonl").read_text().splitlines()
    assert sum('"event": "item", "item"' in line and '"measured"' in line for line in lines) == 24
    assert '"item measured": 24' in lines[-1]


def test_how_many_there_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small = tiny.model("llama")
    assert small.facts.parameters < TINY
    monkeypatch.setattr(shared_out, "cores", lambda: 16)
    monkeypatch.setattr("torch.get_num_threads", lambda: 8)
    assert [processes_for(small, count, tmp_path) for count in (1, 11, 12, 1000)] == [1, 1, 2, 4]
    assert processes_for(small, 1000, None) == 1
    assert processes_for(small, 1000, tmp_path, 6) == 6
    assert processes_for(small, 3, tmp_path, 6) == 3
    monkeypatch.setattr(shared_out, "TINY", 10)
    assert processes_for(small, 1000, tmp_path) == 1
    assert processes_for(small, 1000, tmp_path, 2) == 2
    with pytest.raises(InputError, match="num_workers is 2, and what they find is told by files, and no run directory"):
        processes_for(small, 1000, None, 2)
    monkeypatch.setattr(sys, "platform", "darwin")
    assert processes_for(small, 1000, tmp_path) == 1
    with pytest.raises(InputError, match="are of Linux alone; leave it out, or give engine='ray'"):
        processes_for(small, 1000, tmp_path, 2)
    monkeypatch.setattr("torch.get_num_threads", lambda: 1)
    assert processes_for(small, 1000, tmp_path) == 1
