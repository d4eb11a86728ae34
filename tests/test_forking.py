"""Processes forked from this one: they die with it, say nothing, and leave nothing."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mediate.files import LOCK
from mediate.forking import can_fork, cores, ended, forked

pytestmark = pytest.mark.skipif(not can_fork(), reason="only where there are forked processes")


def _waited(path: Path) -> str:
    until = time.monotonic() + 60
    while not (path.is_file() and (found := path.read_text())):
        assert time.monotonic() < until, f"no {path.name}"
        time.sleep(0.01)
    return found


def test_it_does_its_work_and_ends_without_what_this_one_does_at_its_end(tmp_path: Path) -> None:
    pid = forked(lambda: (tmp_path / "done").write_text(str(os.getpid())))
    assert os.waitpid(pid, 0)[1] == 0
    assert (tmp_path / "done").read_text() == str(pid)
    failed = forked(lambda: 1 / 0)
    assert os.waitpid(failed, 0)[1] == 0


def test_it_is_ended_alive_and_dead(tmp_path: Path) -> None:
    alive = forked(lambda: time.sleep(600))
    ended(alive)
    ended(alive)
    with pytest.raises(ProcessLookupError):
        os.kill(alive, 0)


def test_signals_of_a_terminal_are_of_the_first_process_alone(tmp_path: Path) -> None:
    def work() -> None:
        (tmp_path / "begun").write_text("yes")
        _waited(tmp_path / "go")
        (tmp_path / "done").write_text("yes")

    pid = forked(work)
    _waited(tmp_path / "begun")
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        os.kill(pid, each)
    (tmp_path / "go").write_text("yes")
    os.waitpid(pid, 0)
    assert (tmp_path / "done").is_file()


def test_it_lets_go_of_the_lock_of_a_folder(tmp_path: Path) -> None:
    def work() -> None:
        held = [os.readlink(each) for each in Path("/proc/self/fd").iterdir() if each.is_symlink()]
        (tmp_path / "held").write_text("\n".join(held) or "none")

    with (tmp_path / LOCK).open("w") as lock, (tmp_path / "other").open("w"):
        os.waitpid(forked(work), 0)
        assert not lock.closed
    held = (tmp_path / "held").read_text()
    assert str(tmp_path / "other") in held
    assert str(tmp_path / LOCK) not in held


def test_it_dies_with_the_first_process(tmp_path: Path) -> None:
    text = (
        "import os, sys, time\nfrom pathlib import Path\nfrom mediate.forking import forked\n"
        "pid = forked(lambda: time.sleep(600))\nPath(sys.argv[1]).write_text(str(pid))\ntime.sleep(600)\n"
    )
    first = subprocess.Popen([sys.executable, "-c", text, str(tmp_path / "pid")])
    try:
        pid = int(_waited(tmp_path / "pid"))
        os.kill(pid, 0)
    finally:
        first.kill()
        first.wait()
    until = time.monotonic() + 60
    while _lives(pid):
        assert time.monotonic() < until, "it outlives the first process"
        time.sleep(0.01)


def _lives(pid: int) -> bool:
    """Whether a process runs; one that nobody has waited for is dead too."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_there_is_a_core() -> None:
    assert 1 <= cores() <= (os.cpu_count() or 1)
