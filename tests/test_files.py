"""Files on disk: whole or as before, and compared with what is asked for."""

from pathlib import Path

import pytest

from mediate.errors import InputError
from mediate.files import (
    LOCK,
    differences,
    is_begun,
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


def test_differences_name_where_and_what() -> None:
    found = {"spec": {"seed": 1, "maps": ["read"], "gone": None}, "pairs": "x" * 60, "note": 1}
    wanted = {"spec": {"seed": 2, "maps": ["read"], "new": 3}, "pairs": "x" * 60, "note": 2}
    assert differences(found, wanted, ("spec", "pairs")) == [
        "option 'new' is not given there and 3 here",
        "option 'seed' is 1 there and 2 here",
    ]
    there = {"spec": {"behaviour": {"edits": [1]}, "design": "cross", "template_text": "a"}}
    here = {"spec": {"behaviour": {"edits": [2]}, "template_text": "b"}}
    assert differences(there, here, ("spec",)) == [
        "option 'edits' is [1] there and [2] here",
        "the kind of run is 'cross' there and not given here",
        "option 'template' (text) is 'a' there and 'b' here",
    ]
    assert differences({"spec": {}}, here, ("spec",))[0].startswith("what is tested of behaviour is not given there")
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
