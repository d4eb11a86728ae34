"""Folders that one process holds: who else is refused, who is noticed to be dead, and what is left."""

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from socket import gethostname
from threading import Thread

import pytest

from mediate.errors import InputError
from mediate.files import HEARTBEAT, LOCK, is_vacant
from mediate.holding.held import Owner, held, owner_of


def refused(folder: Path, *, takeover: bool = False) -> str:
    """What another thread is told that would hold a folder; empty where it does."""
    said = [""]

    def other() -> None:
        try:
            with held(folder, "taken; wait", takeover=takeover):
                pass
        except InputError as error:
            said[0] = str(error)

    thread = Thread(target=other)
    thread.start()
    thread.join()
    return said[0]


def test_a_folder_in_use_is_refused_and_left_clean(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "run"
    assert is_vacant(folder)
    with held(folder, "taken; wait"):
        assert is_vacant(folder), "a lock is no content"
        assert re.match(rf"{folder}: taken; wait \(process {os.getpid()} on ", refused(folder))
        assert (folder / LOCK).exists(), "who was refused has taken the lock away"
    assert not (folder / LOCK).exists()
    with pytest.raises(KeyError), held(folder, "taken; wait"):
        raise KeyError
    with held(folder, "taken; wait"):
        (folder / "file").touch()
    assert not is_vacant(folder)


def test_a_folder_says_who_holds_it_until_it_is_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mediate.holding.held.BEAT", 0.02)
    with held(tmp_path, "taken"):
        first = owner_of(tmp_path)
        assert first is not None
        assert (first.pid, first.host, first.is_here, first.lives) == (os.getpid(), gethostname(), True, True)
        assert abs(first.beat - time.time()) < 60
        for _ in range(500):
            later = owner_of(tmp_path)
            if later is not None and later.beat > first.beat:
                break
            time.sleep(0.01)
        assert later is not None
        assert later.beat > first.beat, "there was no later sign of life"
        assert later == Owner(first.pid, first.host, first.started, later.beat, first.born)
    assert list(tmp_path.iterdir()) == []


def test_a_process_of_another_machine_is_taken_over_where_that_is_asked_for(tmp_path: Path) -> None:
    own = {"pid": os.getpid(), "host": "else\x1bwhere", "started": "2026-01-02T03:04:05Z", "beat": 1.0, "born": ""}
    (tmp_path / HEARTBEAT).write_text(json.dumps(own))
    assert is_vacant(tmp_path)
    said = r"process \d+ on else.*where, since 2026-01-02T03:04:05Z, last sign \d+ h \d+ min ago holds it or was killed"
    with pytest.raises(InputError, match=f"{tmp_path}: {said} there; .*give --takeover"), held(tmp_path, "taken"):
        pass
    assert json.loads((tmp_path / HEARTBEAT).read_text()) == own
    assert not (tmp_path / LOCK).exists()
    with held(tmp_path, "taken", takeover=True):
        owner = owner_of(tmp_path)
        assert owner is not None
        assert owner.is_here
        assert "taken" in refused(tmp_path, takeover=True)
        assert owner_of(tmp_path) is not None, "who was refused has taken the sign of life away"
    assert not (tmp_path / HEARTBEAT).exists()


def test_who_was_killed_on_this_machine_is_noticed(tmp_path: Path) -> None:
    own = {"pid": 2**22 + 1, "host": gethostname(), "started": "x", "beat": time.time(), "born": ""}
    (tmp_path / HEARTBEAT).write_text(json.dumps(own))
    owner = owner_of(tmp_path)
    assert owner is not None
    assert owner.lives is False
    with held(tmp_path, "taken"):
        assert owner_of(tmp_path) != owner


def test_a_living_process_on_this_machine_keeps_its_folder_until_it_is_killed(tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from mediate.holding.held import held\n"
        "with held(Path(sys.argv[1]), 'taken'): print('held', flush=True); time.sleep(600)"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True) as other:
        try:
            assert other.stdout is not None
            assert other.stdout.readline() == "held\n"
            owner = owner_of(tmp_path)
            assert owner is not None
            assert (owner.pid, owner.lives) == (other.pid, True)
            for takeover in (False, True):
                said = rf"^{tmp_path}: taken \(process {other.pid} on "
                with pytest.raises(InputError, match=said), held(tmp_path, "taken", takeover=takeover):
                    pass
            assert owner_of(tmp_path) is not None
        finally:
            other.kill()
    left = owner_of(tmp_path)
    assert left is not None
    assert (left.pid, left.lives) == (other.pid, False)
    with held(tmp_path, "taken"):
        assert owner_of(tmp_path) not in (None, left)


def test_a_lock_made_anew_by_one_that_lives_is_not_shared(tmp_path: Path) -> None:
    """Whoever tried a lock that was just taken away has it, and so has the process that made the next one."""
    own = {"pid": os.getppid(), "host": gethostname(), "started": "x", "beat": time.time(), "born": ""}
    (tmp_path / HEARTBEAT).write_text(json.dumps(own))
    with pytest.raises(InputError, match=f"process {os.getppid()} on .* give --takeover"), held(tmp_path, "taken"):
        pass
    assert json.loads((tmp_path / HEARTBEAT).read_text()) == own
    with held(tmp_path, "taken", takeover=True):
        assert (owner_of(tmp_path) or pytest.fail("nobody")).pid == os.getpid()


@pytest.mark.parametrize("pid", [2**40, 10**30])
def test_a_number_that_no_process_has_is_dead(tmp_path: Path, pid: int) -> None:
    assert Owner(pid, gethostname(), "x", 1.0).lives is False


def test_whoever_holds_a_folder_goes_on_inside(tmp_path: Path) -> None:
    with held(tmp_path, "taken; wait"):
        with held(tmp_path / "." / "x" / "..", "taken; wait"):
            assert refused(tmp_path)
        assert owner_of(tmp_path) is not None, "it was given back while it was still held"
        assert refused(tmp_path)
    assert not refused(tmp_path)


def test_of_folders_that_were_made_nothing_is_left_where_nothing_came_of_it(tmp_path: Path) -> None:
    with pytest.raises(KeyError), held(tmp_path / "deep" / "run", "taken; wait"):
        raise KeyError
    assert list(tmp_path.iterdir()) == []
    with held(tmp_path / "deep" / "run", "taken; wait"):
        (tmp_path / "deep" / "run" / "file").touch()
    assert [each.name for each in (tmp_path / "deep" / "run").iterdir()] == ["file"]
    (tmp_path / "there").mkdir()
    with held(tmp_path / "there", "taken; wait"):
        pass
    assert (tmp_path / "there").is_dir(), "it was there before"


def test_what_killed_writers_left_is_deleted(tmp_path: Path) -> None:
    """Not what somebody writes who holds a folder below, nor what only looks like it."""
    apart = tmp_path / "shards" / "1-of-2"
    (tmp_path / "results").mkdir()
    left = [tmp_path / ".heartbeat.json.12.part", tmp_path / "results" / ".cube.parquet.x1.part"]
    for each in left:
        each.touch()
    kept = [tmp_path / "heard.part", tmp_path / ".hidden"]
    with held(apart, "held"):
        kept.append(apart / ".run.json.x2.part")
        for each in kept:
            each.touch()
        with held(tmp_path, "held"):
            assert [each.exists() for each in left] == [False, False]
            assert all(each.exists() for each in kept)


def test_a_folder_in_which_a_process_was_killed_at_once_can_be_filled(tmp_path: Path) -> None:
    (tmp_path / ".heartbeat.json.12.part").touch()
    assert is_vacant(tmp_path)
    (tmp_path / "heard.part").touch()
    assert not is_vacant(tmp_path)
