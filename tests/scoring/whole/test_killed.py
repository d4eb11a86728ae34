"""Runs that are killed in the middle and taken up again: nothing is lost or doubled, and no byte is another."""

import errno
import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from socket import gethostname
from typing import Any

import pytest

from mediate import load
from mediate.cli.ending import ended
from mediate.cli.score import told_finished
from mediate.errors import InputError
from mediate.faithfulness.faithfulness import Probes, faithfulness
from mediate.faithfulness.spec import make_behaviour_spec
from mediate.files import HEARTBEAT, LOCK
from mediate.models.model import Model
from mediate.passes.store import Store
from mediate.results import Results, read_results
from mediate.results.parts import PARTS, parts_of
from mediate.scoring import keeping
from mediate.scoring.score import Call, score
from mediate.scoring.spec import make_spec
from mediate.tasks.modular import modular_pairs

PAIRS = modular_pairs(60, seed=0)
CHOICES: dict[str, Any] = {"maps": ["read:step,layer"], "control_pairs": 4}
TOKENS = 300
TIMES = ("created", "finished", "seconds")


def many_parts(patch: pytest.MonkeyPatch, *, tokens: int, items: int) -> None:
    """Many batches, of so many tokens, and a part for every few items."""
    patch.setattr(keeping, "ITEMS", items)
    patch.setattr("mediate.scoring.batches.side_by_side", lambda _: tokens)


def run_at_once(folder: Path, work: Callable[[Path], object], tokens: int) -> Path:
    """The run of the same batches that nothing stops, in one part."""
    with pytest.MonkeyPatch.context() as patch:
        many_parts(patch, tokens=tokens, items=keeping.ITEMS)
        work(folder / "run")
    return folder / "run"


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    many_parts(monkeypatch, tokens=TOKENS, items=7)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nothing stopped."""
    return run_at_once(tmp_path_factory.mktemp("whole"), scored, TOKENS)


@cache
def model() -> Model:
    return load("reference-0.1m")


def scored(out: Path, store: Store | None = None) -> None:
    score(model(), PAIRS, make_spec(**CHOICES), out=out, store=store)


def content(run: Path) -> dict[str, bytes]:
    """All files of a run but for its times, by their names."""
    files = {str(each.relative_to(run)): each.read_bytes() for each in run.rglob("*") if each.is_file()}
    told = json.loads(files.pop("run.json"))
    return files | {"run.json": json.dumps({key: each for key, each in told.items() if key not in TIMES}).encode()}


def in_another_process(work: Callable[[], None]) -> int:
    """Runs something in a copy of this process, whose number is returned."""
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        work()
        code = 0
    finally:
        os._exit(code)


def until(holds: Callable[[], bool], process: int) -> None:
    """Waits until something holds, or the process is over."""
    for _ in range(3000):
        if holds() or os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None:
            return
        time.sleep(0.01)
    raise AssertionError("it took too long")


def ended_by_a_signal(out: Path, said: Path, work: Callable[[Path], object]) -> int:
    """The exit code of a command that SIGTERM ends once two parts are there; what it says is in a file."""

    def command() -> None:
        os.dup2(os.open(said, os.O_WRONLY | os.O_CREAT), 2)
        sys.stderr = os.fdopen(2, "w")
        try:
            with ended():
                work(out)
        except SystemExit as stop:
            sys.stderr.flush()
            os._exit(int(str(stop.code)))

    child = in_another_process(command)
    until(lambda: len(parts_of(out)) >= 2, child)
    os.kill(child, signal.SIGTERM)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


@pytest.mark.slow
@pytest.mark.parametrize("cached", [True, False])
def test_a_storm_of_kills_changes_no_byte(tmp_path: Path, whole: Path, cached: bool) -> None:
    """Each process is killed when a random number of parts more than before is there, in the middle of what follows."""
    out, draw = tmp_path / "run", random.Random(3)
    store = Store(tmp_path / "cache") if cached else None
    killed = 0
    for _ in range(6):
        there = len(parts_of(out)) + draw.randrange(3)
        child = in_another_process(lambda: scored(out, store))
        until(lambda there=there: len(parts_of(out)) >= there, child)  # type: ignore[misc]
        time.sleep(draw.uniform(0, 0.3))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        killed += os.WIFSIGNALED(status)
        if not os.WIFSIGNALED(status):
            break
    assert killed >= 3
    scored(out, store)
    assert content(out) == content(whole)
    assert not (out / PARTS).exists()


def test_a_signal_ends_the_batch_and_keeps_it(tmp_path: Path, whole: Path) -> None:
    """What is under way is short here, so it is finished; the message says how much is done."""
    out, said = tmp_path / "run", tmp_path / "said"

    assert ended_by_a_signal(out, said, scored) == 143
    manifest = json.loads((out / "run.json").read_text())
    there = sum(each.measured for each in parts_of(out))
    assert manifest["status"] == "cancelled"
    assert manifest["counts"] == {"given": 60, "planned": 60, "measured": there, "rejected": 0, "by_reason": {}}
    assert 14 <= there < 60
    assert said.read_text() == (
        f"mediate: stopped by SIGTERM; {there} of 60 items done; the same command goes on where this one stopped\n"
    )
    assert sorted(each.name for each in out.iterdir()) == [PARTS, "run.json"]
    with pytest.raises(InputError, match="status is 'cancelled'"):
        read_results(out)
    scored(out)
    assert content(out) == content(whole)


def test_damaged_parts_are_set_aside_and_measured_again(tmp_path: Path, whole: Path, stopped: Path) -> None:
    out = tmp_path / "run"
    shutil.copytree(stopped, out)
    parts = [each.folder for each in parts_of(out)]
    cube = bytearray((parts[0] / "results/cube.parquet").read_bytes())
    cube[len(cube) // 2] ^= 4
    (parts[0] / "results/cube.parquet").write_bytes(cube)
    (parts[1] / "results/effects.parquet").unlink()
    (parts[2] / "run.json").write_bytes((parts[2] / "run.json").read_bytes()[:-9])
    (parts[3] / "run.json").unlink()  # it was being written when its process died: nothing is damaged
    scored(out)
    found, wanted = content(out), content(whole)
    told = json.loads(found.pop("run.json"))
    assert told.pop("damaged_parts") == 3
    assert told == json.loads(wanted.pop("run.json"))
    assert found == wanted


def again_in_process(out: Path) -> None:
    scored(out)


def again_by_command(out: Path) -> None:
    assert told_finished(out, "reference-0.1m", {}, report=False)


@pytest.mark.parametrize("again", [again_in_process, again_by_command], ids=lambda each: each.__name__)
def test_what_is_left_of_a_process_that_was_killed_at_its_end_is_cleared_away(
    tmp_path: Path, whole: Path, stopped: Path, again: Callable[[Path], None]
) -> None:
    """The run was finished, its parts and its lock were not deleted yet."""
    out = tmp_path / "run"
    shutil.copytree(whole, out)
    shutil.copytree(stopped / PARTS, out / PARTS)
    (out / LOCK).touch()
    (out / HEARTBEAT).write_text('{"pid": 999999999, "host": "' + gethostname() + '", "started": "", "beat": 0}')
    (out / ".run.json.x1.part").touch()
    again(out)
    assert content(out) == content(whole)


@pytest.fixture(scope="module")
def stopped(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was interrupted after some parts."""
    out = tmp_path_factory.mktemp("stopped") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keeping, "ITEMS", 7)
        patch.setattr("mediate.scoring.batches.side_by_side", lambda _: 300)
        take = keeping.Keeper.take

        def until_some(keeper: keeping.Keeper, number: int, results: Results) -> None:
            take(keeper, number, results)
            if len(keeper.parts) == 6:
                raise KeyboardInterrupt

        patch.setattr(keeping.Keeper, "take", until_some)
        with pytest.raises(KeyboardInterrupt):
            scored(out)
    return out


def test_a_full_disk_keeps_what_was_done(tmp_path: Path, whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the third part; what can still be written, which is less, says why the run ended."""
    out, written = tmp_path / "run", keeping.write_part

    def full(run: Path, *given: Any) -> Any:
        if len(parts_of(run)) == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(run))
        return written(run, *given)

    monkeypatch.setattr(keeping, "write_part", full)
    with pytest.raises(OSError, match="No space left"):
        scored(out)
    told = json.loads((out / "run.json").read_text())
    assert told["status"] == "error"
    assert told["error"].startswith("OSError: [Errno 28] No space left on device")
    assert told["counts"]["measured"] == sum(each.measured for each in parts_of(out)) >= 14
    monkeypatch.setattr(keeping, "write_part", written)
    scored(out)
    assert content(out) == content(whole)


def test_a_disk_without_room_is_refused_before_anything_is_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage._replace(free=3_000_000))
    monkeypatch.setattr("mediate.scoring.score.measured", None)
    with pytest.raises(InputError, match=r"run: 60 items take about \d+ MB on the disk, and 3 MB are free there; make"):
        scored(tmp_path / "run")
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage._replace(free=10**10))
    with pytest.raises(TypeError, match="not callable"):
        scored(tmp_path / "run")


def hidden(out: Path, store: Store | None) -> None:
    score(model(), PAIRS[:24], make_spec(against="hidden", control_pairs=3), out=out, store=store)


def others(out: Path, store: Store | None) -> None:
    spec = make_spec(against="other", control_pairs=3, maps=["ablate.mean.resid_pre:step"])
    score(model(), PAIRS[:24], spec, out=out, store=store)


def states(out: Path, store: Store | None) -> None:
    """With how far off the distribution a twin's states are, which takes all chains, and kept activations."""
    spec = make_spec(maps=["state.resid_post:layer"], control_pairs=3, keep=["resid_post"])
    score(model(), PAIRS[:24], spec, out=out, store=store)


def behaviour(out: Path, store: Store | None) -> None:
    """With tests on behaviour, which are made of all items once these are measured."""
    probes = Probes(make_behaviour_spec({}))
    faithfulness(model(), PAIRS[:16], make_spec(control_pairs=2), probes, Call(out=out, store=store))


@pytest.mark.slow
@pytest.mark.parametrize("cached", [True, False])
@pytest.mark.parametrize("work", [hidden, others, states, behaviour], ids=lambda each: each.__name__)
def test_whatever_is_measured_a_run_that_was_stopped_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, work: Callable[[Path, Store | None], None], cached: bool
) -> None:
    stores = [Store(tmp_path / name) if cached else None for name in ("one", "other")]
    work(tmp_path / "whole", stores[0])
    take = keeping.Keeper.take

    def until_one(keeper: keeping.Keeper, number: int, results: Results) -> None:
        take(keeper, number, results)
        if keeper.parts:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(keeping.Keeper, "take", until_one)
        with pytest.raises(KeyboardInterrupt):
            work(tmp_path / "run", stores[1])
    assert len(parts_of(tmp_path / "run")) == 1
    work(tmp_path / "run", stores[1])
    assert content(tmp_path / "run") == content(tmp_path / "whole")
