"""Files and folders on disk: written whole or not at all, held by one process, compared with what is asked for."""

import os
import stat
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mediate.errors import InputError

LOCK = ".lock"


def write_atomic(path: Path, write: Callable[[Path], None]) -> None:
    """Lets `write` fill a new file beside `path`, syncs it to disk, and only then puts it in place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".part")
    os.close(handle)
    part = Path(name)
    try:
        write(part)
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.chmod(0o644)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def write_bytes(path: Path, content: bytes) -> None:
    """Writes a file, whole or not at all."""

    def fill(part: Path) -> None:
        part.write_bytes(content)

    write_atomic(path, fill)


def write_text(path: Path, text: str) -> None:
    """Writes a file in UTF-8 with line feeds, whole or not at all."""
    write_bytes(path, text.encode("utf-8"))


def regular(path: str | Path, most: int | None = None) -> Path:
    """A path that is that of a file of its own, or of a link to one; a pipe or a device may be read without end.

    Args:
        path: The path.
        most: The most bytes that it may hold.

    Raises:
        InputError: It is another thing, or larger.
        OSError: There is none.
    """
    found = Path(path)
    about = found.stat()
    if not stat.S_ISREG(about.st_mode):
        kind = "a directory" if stat.S_ISDIR(about.st_mode) else "no regular file, but a pipe, socket or device"
        raise InputError(f"{path}: {kind}; name a file, written to the disk before")
    if most is not None and about.st_size > most:
        raise InputError(f"{path}: {about.st_size} bytes, and at most {most} are read; name another file")
    return found


@contextmanager
def held(folder: Path, refusal: str) -> Iterator[None]:
    """Holds a folder, which is made where it is missing, for this process.

    Raises:
        InputError: Another process holds it; `refusal` says so, after the folder's name.
    """
    from filelock import FileLock, Timeout

    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise InputError(f"{folder}: {refusal}") from None
    try:
        yield
    finally:
        (folder / LOCK).unlink(missing_ok=True)  # while it is held: what is deleted is no one else's
        lock.release()


def is_vacant(folder: Path) -> bool:
    """Whether a folder is absent, or holds nothing but a lock."""
    return not folder.exists() or all(entry.name == LOCK for entry in folder.iterdir())


def differences(found: Mapping[str, Any], wanted: Mapping[str, Any], keys: Sequence[str]) -> list[str]:
    """Where two records of plain values differ under the given keys, one line each."""
    return [line for key in keys for line in _differences(found.get(key), wanted.get(key), key)]


def _differences(found: Any, wanted: Any, path: str) -> list[str]:
    if isinstance(found, Mapping) and isinstance(wanted, Mapping):
        keys = sorted({*found, *wanted})
        return [line for key in keys for line in _differences(found.get(key), wanted.get(key), f"{path}.{key}")]
    return [] if found == wanted else [f"{path} is {_short(found)} there and {_short(wanted)} here"]


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
