"""Files and folders on disk: written whole or not at all, and compared with what is asked for."""

import os
import stat
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from mediate.errors import InputError, short, system_number

# A file that is being written; and of whoever holds a folder, see `mediate.holding`, the lock and the sign of life.
PART, LOCK, HEARTBEAT = ".part", ".lock", "heartbeat.json"


def write_atomic(path: Path, write: Callable[[Path], None], *, sync: bool = True) -> None:
    """Lets `write` fill a new file beside `path`, syncs it to disk, and only then puts it in place.

    Not synced, it may be torn by a loss of power, and still by nothing that ends a process.

    Raises:
        OSError: The system refuses, with `path` in it, also where a library that writes says so in its own words.
    """
    try:
        _write_beside(path, write, sync)
    except Exception as error:
        number = system_number(error)
        if number is None:
            raise
        place = error.filename if isinstance(error, OSError) else None
        if not isinstance(place, str | bytes) or os.fsdecode(place).endswith(PART):
            place = str(path)
        raise OSError(number, os.strerror(number), os.fsdecode(place)) from error


def _write_beside(path: Path, write: Callable[[Path], None], sync: bool) -> None:
    part = _part_of(path)
    try:
        write(part)
        if sync:
            _to_disk(part)
        part.chmod(0o644)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    if sync:
        _to_disk(path.parent)


def _part_of(path: Path) -> Path:
    """A new file beside another, in a folder that is made where it is missing."""
    prefix = f".{path.name}."
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=prefix, suffix=PART)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=prefix, suffix=PART)
    os.close(handle)
    return Path(name)


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def drop_orphans(root: Path, *, older: float = 0.0) -> int:
    """Deletes files that killed writers had not put in place below a folder, and returns how many that were.

    A folder below that somebody holds is left alone.

    Args:
        root: The folder.
        older: The least age, in seconds: where others write, too, a younger file may still be written.
    """
    dropped = 0
    for folder, below, names in os.walk(root):
        below[:] = [each for each in below if not Path(folder, each, LOCK).exists()]
        for name in names:
            if _is_part(name):
                orphan = Path(folder, name)
                with suppress(OSError):  # gone meanwhile, or not ours to delete
                    if time.time() - orphan.stat().st_mtime >= older:
                        orphan.unlink()
                        dropped += 1
    return dropped


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
    about = (found := Path(path)).stat()
    if not stat.S_ISREG(about.st_mode):
        kind = "a directory" if stat.S_ISDIR(about.st_mode) else "no regular file, but a pipe, socket or device"
        raise InputError(f"{path}: {kind}; name a file, written to the disk before")
    if most is not None and about.st_size > most:
        raise InputError(f"{path}: {about.st_size} bytes, and at most {most} are read; name another file")
    return found


def check_place(path: Path) -> None:
    """Refuses a place at which nothing can be made, as far as can be seen without making it.

    Raises:
        InputError: A file or a link that leads nowhere stands at it or above it, or it cannot be written.
    """
    above = next((each for each in (path, *path.parents) if os.path.lexists(each)), Path())
    what = "" if above == path else f", which is above {short(str(path))}"
    if above.is_symlink() and not above.exists():
        target = short(os.readlink(above))
        raise InputError(f"{above}: is a link that leads nowhere ({target}){what}; remove it or give another path")
    if not above.is_dir():
        if above != path:
            raise InputError(f"{above}: is a file{what}; give a path below a folder")
    elif not os.access(above, os.W_OK | os.X_OK):
        raise InputError(f"{above}: cannot be written{what}; change its permissions or give another path")


def check_own(*folders: Path) -> None:
    """Refuses folders below one that is written to which are links, through which files of others might be overwritten.

    Raises:
        InputError: One is.
    """
    for each in folders:
        if each.is_symlink():
            raise InputError(f"{each}: is a link, through which files of others might be overwritten; remove it")


def is_vacant(folder: Path) -> bool:
    """Whether a folder is absent, or holds nothing but a lock, a sign of life, and what killed writers left."""
    if not folder.exists():
        return True
    return all(each.name in (LOCK, HEARTBEAT) or _is_part(each.name) for each in folder.iterdir())


def _is_part(name: str) -> bool:
    return name.startswith(".") and name.endswith(PART)


def is_begun(folder: Path, record: str, *, holds: str, wanted: str, place: str = "directory") -> bool:
    """Whether a folder holds what a verb began or finished; False where it is absent or empty, and can be filled.

    Args:
        folder: The folder.
        record: The name of the file in it that says what it holds.
        holds: What it should hold, such as `run`.
        wanted: What the folder is to be for, such as `the run`.
        place: What a message calls a folder.

    Raises:
        InputError: A file stands there, nothing can be made there, or it holds files of another kind.
    """
    if not folder.exists():
        check_place(folder)
        return False
    if not folder.is_dir():
        raise InputError(f"{folder}: is a file; give a {place} for {wanted}")
    if (folder / record).exists():
        return True
    if not is_vacant(folder):
        raise InputError(f"{folder}: is not empty and holds no {holds}; give a new {place}")
    return False


# What stands among the options of a run and is none: which kind of run it is, and the options of tests on behaviour.
_PARTS = {"design": "the kind of run", "behaviour": "what is tested of behaviour"}


def differences(found: Mapping[str, Any], wanted: Mapping[str, Any], keys: Sequence[str]) -> list[str]:
    """Where two records of plain values differ under the given keys, one line each; under `spec` are options."""
    return [line for key in keys for line in _differences(found.get(key), wanted.get(key), key)]


def _differences(found: Any, wanted: Any, path: str) -> list[str]:
    if isinstance(found, Mapping) and isinstance(wanted, Mapping):
        keys = sorted({*found, *wanted})
        return [line for key in keys for line in _differences(found.get(key), wanted.get(key), f"{path}.{key}")]
    if found == wanted:
        return []
    what, *named = path.split(".")
    if what != "spec" or not named:
        return [f"{path} is {short(found)} there and {short(wanted)} here"]
    there, here = ("not given" if each is None else short(each) for each in (found, wanted))
    if named[0] in _PARTS and not named[1:]:
        return [f"{_PARTS[named[0]]} is {there} there and {here} here"]
    if named[0] in _PARTS:
        named = named[1:]
    name, text, _ = named[0].partition("_text")  # of a template both name and text are kept
    inner = ".".join([*(["text"] if text else []), *named[1:]])
    return [f"option {name!r}{f' ({inner})' if inner else ''} is {there} there and {here} here"]
