"""How commands end that do not end well: real signals to real processes, and what the operating system refuses."""

import errno
import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from mediate.cli.ending import Terminated, ended
from mediate.errors import HIDDEN, told
from tests.figures.records import fake_results
from tests.results.test_folder import drop_sums
from tests.test_cli import GOOD, assert_refused, mediate, write

pytestmark = pytest.mark.usefixtures("undrawn")

ROOT = Path(__file__).parents[2]
# A command that is writing a run, and stays there.
WAITING = """
import sys, time
from pathlib import Path
import mediate.report as page
from mediate.scoring.rundir import written

def wait(folder, *endings):
    with written(Path(folder), {"spec": {}}):
        print("ready", flush=True)
        time.sleep(60)

page.write_report = wait
from mediate.cli import main
sys.argv = ["mediate", "report", sys.argv[1]]
main()
"""


def started(folder: Path, code: str = WAITING) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", code, str(folder)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        start_new_session=True,
    )


ENDS = {
    signal.SIGINT: (130, "interrupted"),
    signal.SIGTERM: (143, "stopped by SIGTERM"),
    signal.SIGHUP: (129, "stopped by SIGHUP"),
}


def test_a_signal_is_said_and_the_run_is_left_cancelled(tmp_path: Path) -> None:
    """Side by side, because starting a process is what takes long."""
    folders = {number: tmp_path / number.name for number in ENDS}
    processes = {number: started(folder) for number, folder in folders.items()}
    # As under nohup: what whoever started the command has set stays so.
    ignored = started(tmp_path / "ignored", "import signal; signal.signal(1, signal.SIG_IGN)\n" + WAITING)
    for process in (*processes.values(), ignored):
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for number, (code, said) in ENDS.items():
        assert (folders[number] / ".lock").exists()
        processes[number].send_signal(number)
        _, err = processes[number].communicate(timeout=30)
        assert err == f"mediate: {said}; the same command goes on where this one stopped\n"
        assert processes[number].returncode == code
        assert json.loads((folders[number] / "run.json").read_text())["status"] == "cancelled"
        assert sorted(each.name for each in folders[number].iterdir()) == ["run.json"]
    ignored.send_signal(signal.SIGHUP)
    ignored.send_signal(signal.SIGTERM)
    assert ignored.communicate(timeout=30)[1].startswith("mediate: stopped by SIGTERM")


def test_handlers_are_put_back() -> None:
    before = signal.getsignal(signal.SIGTERM)

    @ended()
    def killed() -> None:
        assert signal.getsignal(signal.SIGTERM) is not before
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(5)

    with pytest.raises(SystemExit) as stop:
        killed()
    assert stop.value.code == 143
    assert signal.getsignal(signal.SIGTERM) is before
    assert issubclass(Terminated, KeyboardInterrupt)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    fake_results_written(tmp_path / "run")
    return tmp_path / "run"


def fake_results_written(folder: Path) -> None:
    from mediate.results import write_results

    write_results(folder, fake_results(6, layers=3))


def file_above(folder: Path) -> Path:
    (folder / "file").write_text("mine")
    return folder / "file" / "deep" / "out"


def dangling(folder: Path) -> Path:
    (folder / "link").symlink_to("nowhere")
    return folder / "link"


def below_dangling(folder: Path) -> Path:
    return dangling(folder) / "out"


def loop(folder: Path) -> Path:
    (folder / "a").symlink_to("b")
    (folder / "b").symlink_to("a")
    return folder / "a"


def long_name(folder: Path) -> Path:
    return folder / ("x" * 300)


def long_path(folder: Path) -> Path:
    return folder.joinpath(*["x" * 200] * 30)


def locked(plant: Callable[[Path], object]) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        out = folder / "held"
        out.mkdir()
        plant(out / ".lock")
        return out

    return make


PLACES: dict[str, tuple[Callable[[Path], Path], str]] = {
    "a file above": (file_above, "file: is a file, which is above"),
    "a link to nothing": (dangling, "link: is a link that leads nowhere"),
    "below a link to nothing": (below_dangling, "link: is a link that leads nowhere"),
    "a circle of links": (loop, "a: is a link that leads nowhere"),
    "a long name": (long_name, "file name too long; give a shorter name"),
    "a long path": (long_path, "file name too long; give a shorter name"),
    "where nothing can be made": (lambda _: Path("/proc/mediate/out"), "/proc"),
}


@pytest.mark.parametrize(("place", "said"), PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("command", ["score", "compare"])
def test_a_place_that_is_none_is_one_line(
    tmp_path: Path, run: Path, command: str, place: Callable[[Path], Path], said: str
) -> None:
    write(tmp_path / "pairs.jsonl", GOOD)
    fake_results_written(tmp_path / "other")
    given = {
        "score": ("score", "pairs.jsonl", "--model", "reference-0.1m", "--control-pairs", 0, "--no-report"),
        "compare": ("compare", run, tmp_path / "other"),
    }
    if command == "score" and "/proc" in said:
        pytest.skip("the model is loaded first where a folder says that it can be written")
    done = mediate(*given[command], "--out", place(tmp_path), cwd=tmp_path)
    assert_refused(done, said)
    assert len(done.stderr) < 1200


@pytest.mark.parametrize(
    ("out", "said"),
    [
        ("/proc/x.jsonl", "/proc/x.jsonl: "),
        ("/dev/full/x.jsonl", "/dev/full"),
        ("x" * 300 + ".jsonl", "file name too long"),
        ("folder.jsonl", "folder.jsonl: is there already"),
        ("file.jsonl/x.jsonl", "file.jsonl: is a file, which is above"),
    ],
)
def test_pairs_that_cannot_be_written(tmp_path: Path, out: str, said: str) -> None:
    (tmp_path / "folder.jsonl").mkdir()
    (tmp_path / "file.jsonl").touch()
    assert_refused(mediate("pairs", "--out", out, "-n", 2, "--task", "modular", cwd=tmp_path), said)


@pytest.mark.parametrize(
    ("plant", "said"),
    [
        (lambda lock: lock.symlink_to("/etc/hostname"), ".lock: is no file of ours; remove it"),
        (lambda lock: lock.symlink_to("nowhere"), ".lock: is no file of ours; remove it"),
        (lambda lock: lock.mkdir(), ".lock: is no file of ours; remove it"),
    ],
)
def test_a_planted_lock_is_refused(tmp_path: Path, plant: Callable[[Path], object], said: str) -> None:
    from mediate.errors import InputError
    from mediate.scoring.rundir import written

    out = locked(plant)(tmp_path)
    with pytest.raises(InputError, match=said), written(out, {}):
        pass
    assert [each.name for each in out.iterdir()] == [".lock"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO])
def test_a_disk_that_takes_nothing_is_one_line_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    arguments = ("pairs", "--out", "p.jsonl", "--task", "modular", "--force", "-n")
    assert mediate(*arguments, 2, cwd=tmp_path).returncode == 0
    before = (tmp_path / "p.jsonl").read_bytes()

    def full(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("mediate.files.os.fsync", full)
    assert_refused(mediate(*arguments, 3, cwd=tmp_path), "mediate: p.jsonl: ", os.strerror(number)[1:], "; ")
    assert (tmp_path / "p.jsonl").read_bytes() == before
    assert [each.name for each in tmp_path.iterdir()] == ["p.jsonl"]


@pytest.mark.parametrize("command", ["report", "compare"])
def test_results_stay_whole_on_a_full_disk(
    tmp_path: Path, run: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    fake_results_written(tmp_path / "other")
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("mediate.files.os.fsync", full)
    given = ("report", run) if command == "report" else ("compare", run, tmp_path / "other", "--out", "made")
    assert_refused(mediate(*given, cwd=tmp_path), "no space left on device; make room")
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


class FromRustError(Exception):
    """As safetensors has its own."""


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OSError("words alone"), "words alone; check the place"),
        (PermissionError(errno.EACCES, "Permission denied", "a.txt"), "a.txt: permission denied; change its perm"),
        (
            OSError(errno.EXDEV, "Invalid cross-device link", "a", None, "b"),
            "a and b: invalid cross-device link; check",
        ),
        (FromRustError("I/O error: No space left on device (os error 28)"), "no space left on device; make room"),
    ],
)
def test_every_refusal_of_the_system_is_told(capsys: pytest.CaptureFixture[str], error: Exception, said: str) -> None:
    with pytest.raises(SystemExit) as stop, ended():
        raise error
    assert stop.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"mediate: {said}")


def test_an_error_that_comes_of_a_full_disk_is_told_as_one(capsys: pytest.CaptureFixture[str]) -> None:
    @ended()
    def write() -> None:
        try:
            raise OSError(errno.ENOSPC, "No space left on device", "a.bin")
        finally:
            raise RuntimeError("unexpected pos 64 vs 0")

    with pytest.raises(SystemExit):
        write()
    assert capsys.readouterr().err == f"mediate: {told(OSError(errno.ENOSPC, 'No space left on device', 'a.bin'))}\n"


def test_a_fault_of_ours_is_not_hidden() -> None:
    @ended()
    def fail() -> None:
        try:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", "x")
        except FileNotFoundError as error:
            raise RuntimeError("ours") from error

    with pytest.raises(RuntimeError, match="ours"):
        fail()


class PanicException(BaseException):
    """As libraries in Rust raise it, tokenizers among them."""


def test_a_panic_of_a_library_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop, ended():
        raise PanicException("Onig: Regex search error:\nretry-limit-in-match over")
    assert stop.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(
        "mediate: a library failed within (Onig: Regex search error: retry-limit-in-match over); give"
    )


def test_no_line_tells_a_secret(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "a-secret-of-some-length")

    @ended()
    def fail() -> None:
        logging.getLogger("mediate.x").warning("asked with a-secret-of-some-length")
        raise OSError(errno.EACCES, "denied", "https://me:hf_abcdefghijklmnop@x.test")

    with pytest.raises(SystemExit):
        fail()
    said = capsys.readouterr().err
    assert said.count(HIDDEN) == 2
    assert "a-secret" not in said
    assert "hf_" not in said


def test_warnings_are_lines_without_escapes(tmp_path: Path, run: Path) -> None:
    drop_sums(run)
    done = mediate("report", run, cwd=tmp_path)
    assert done.returncode == 0
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"mediate: warning: {run}: was written without sums")
    logger = logging.getLogger("mediate")
    assert not logger.handlers


def test_a_long_value_is_not_printed_whole(tmp_path: Path) -> None:
    write(tmp_path / "pairs.jsonl", GOOD)
    arguments = ("score", "pairs.jsonl", "--model", "reference-0.1m", "--out", "run", "--maps", "x" * 100_000)
    done = mediate(*arguments, cwd=tmp_path)
    assert_refused(done, "no map", "x...'", "axes" if "axes" in done.stderr else "KIND:AXES")
    assert len(done.stderr) < 2100


@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        (
            "--min-te",
            "inf",
            "--min-te: Input should be a finite number, and it is inf; give a number from 0",
        ),
        ("--min-te", "nan", "--min-te: Input should be a finite number"),
        ("--min-te", "-1", "and it is -1.0; give a number from 0"),
        ("--level", "95", "--level: Input should be less than 1, and it is 95.0; give a number above 0 and below 1"),
        ("--level", "nan", "--level: "),
        ("--temperature", "inf", "--temperature: Input should be a finite number"),
        ("--top-p", "nan", "--top-p: "),
    ],
)
def test_numbers_that_are_none_are_refused_with_a_remedy(tmp_path: Path, option: str, value: str, said: str) -> None:
    write(tmp_path / "pairs.jsonl", GOOD)
    done = mediate("score", "pairs.jsonl", "--model", "m", "--out", "run", option, value, cwd=tmp_path)
    assert_refused(done, said)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("option", ["--min-te", "--level", "--margin"])
@pytest.mark.parametrize("value", ["inf", "nan", "-1"])
def test_a_comparison_takes_no_such_number_either(tmp_path: Path, run: Path, option: str, value: str) -> None:
    fake_results_written(tmp_path / "other")
    done = mediate("compare", run, tmp_path / "other", "--out", "out", option, value, cwd=tmp_path)
    assert_refused(done, f"{option.removeprefix('--') if option in ('--level', '--margin') else option} is ")
    assert not (tmp_path / "out").exists()


def test_a_reader_that_has_gone_is_no_fault() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-m", "mediate", "--version"],
        stdout=writing,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        check=False,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (1, b"")


def test_nothing_is_searched_for_garbage_at_the_end() -> None:
    code = (
        "import atexit, gc, sys; atexit.register(lambda: print(gc.get_freeze_count() > 0)); "
        "from mediate.cli import main; sys.argv = ['mediate', '--version']; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.split()[-1] == "True"
