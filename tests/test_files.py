"""Files on disk: whole or as before, held by one process, and compared with what is asked for."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from socket import gethostname

import pytest

from mediate.errors import InputError
from mediate.files import (
    HEARTBEAT,
    LOCK,
    Owner,
    differences,
    held,
    is_begun,
    is_vacant,
    owner_of,
    write_atomic,
    write_bytes,
    write_text,
)


def test_a_writer_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "file.txt"
    write_atomic(path, lambda part: part.write_text("old") and None)

    def fail(part: Path) -> None:
        part.write_text("half")
        assert part.parent == path.parent
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        write_atomic(path, fail)
    assert [each.name for each in path.parent.iterdir()] == ["file.txt"]
    assert path.read_text() == "old"
    assert path.stat().st_mode & 0o777 == 0o644
    write_atomic(path, lambda part: part.write_text("new") and None)
    assert path.read_text() == "new"
    assert [each.name for each in path.parent.iterdir()] == ["file.txt"]


def test_text_is_written_as_it_is(tmp_path: Path) -> None:
    write_text(tmp_path / "text", "測定\nline\u2028same line\r\n")
    assert (tmp_path / "text").read_bytes() == "測定\nline\u2028same line\r\n".encode()
    write_bytes(tmp_path / "text", b"\x00\xff")
    assert (tmp_path / "text").read_bytes() == b"\x00\xff"


def test_a_folder_in_use_is_refused_and_left_clean(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "run"
    assert is_vacant(folder)
    with held(folder, "taken; wait"):
        assert is_vacant(folder), "a lock is no content"
        with (
            pytest.raises(InputError, match=f"^{folder}: taken; wait \\(process {os.getpid()} on "),
            held(folder, "taken; wait"),
        ):
            pass
        assert (folder / LOCK).exists(), "who was refused has taken the lock away"
    assert not (folder / LOCK).exists()
    with pytest.raises(KeyError), held(folder, "taken; wait"):
        raise KeyError
    with held(folder, "taken; wait"):
        (folder / "file").touch()
    assert not is_vacant(folder)


def test_a_folder_says_who_holds_it_until_it_is_given_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mediate.files.BEAT", 0.02)
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
        with pytest.raises(InputError, match="taken"), held(tmp_path, "taken", takeover=True):
            pass
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
        "import sys, time; from pathlib import Path; from mediate.files import held\n"
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


@pytest.mark.parametrize("pid", [2**40, 10**30])
def test_a_number_that_no_process_has_is_dead(tmp_path: Path, pid: int) -> None:
    assert Owner(pid, gethostname(), "x", 1.0).lives is False


def test_differences_name_where_and_what() -> None:
    found = {"spec": {"seed": 1, "maps": ["read"], "gone": None}, "pairs": "x" * 60, "note": 1}
    wanted = {"spec": {"seed": 2, "maps": ["read"], "new": 3}, "pairs": "x" * 60, "note": 2}
    assert differences(found, wanted, ("spec", "pairs")) == [
        "spec.new is None there and 3 here",
        "spec.seed is 1 there and 2 here",
    ]
    assert differences(found, {"pairs": {}}, ("pairs",)) == [f"pairs is '{'x' * 36}... there and {{}} here"]
    assert differences(found, found, tuple(found)) == []


def test_what_a_folder_holds_is_begun_free_or_refused(tmp_path: Path) -> None:
    def begun(folder: Path) -> bool:
        return is_begun(folder, "run.json", holds="run", wanted="the run")

    folder = tmp_path / "a"
    assert not begun(folder)
    folder.mkdir()
    (folder / LOCK).touch()
    assert not begun(folder), "a lock is nobody's work"
    (folder / "notes.txt").touch()
    with pytest.raises(InputError, match="a: is not empty and holds no run; give a new directory"):
        begun(folder)
    (folder / "run.json").touch()
    assert begun(folder)
    with pytest.raises(InputError, match=r"notes\.txt: is a file; give a directory for the run"):
        begun(folder / "notes.txt")
