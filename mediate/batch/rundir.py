"""The life of a run directory: opened once, held by one process, finished or taken up again."""

import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from mediate.effects.results import MANIFEST, read_manifest, write_manifest
from mediate.errors import InputError
from mediate.runs.store import NUMERICS_VERSION, library_versions

SCHEMA = 1
LOCK = ".lock"
# What must be the same for a directory to be taken up again.
IDENTITY = ("schema", "spec", "pairs", "model", "versions")


def now() -> str:
    """The time in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def versions() -> dict[str, str]:
    """The versions of what a run's numbers depend on."""
    from mediate import __version__

    return {
        "mediate": __version__,
        "numerics": str(NUMERICS_VERSION),
        "python": platform.python_version(),
    } | library_versions()


def check_free(folder: Path, identity: Mapping[str, Any]) -> bool:
    """Whether the folder holds the very run that is asked for, finished; an absent or unfinished one is to be made.

    Raises:
        InputError: The folder holds something else: another run, or files that are no run's.
    """
    if not folder.exists():
        return False
    if not folder.is_dir():
        raise InputError(f"{folder}: is a file; give a directory for the run")
    if not (folder / MANIFEST).exists():
        if any(entry.name != LOCK for entry in folder.iterdir()):
            raise InputError(f"{folder}: is not empty and holds no run; give a new directory")
        return False
    found = read_manifest(folder)
    different = differences({key: found.get(key) for key in IDENTITY}, {key: identity.get(key) for key in IDENTITY})
    if different:
        raise InputError(f"{folder}: holds another run ({'; '.join(different[:3])}); give a new directory")
    return bool(found.get("status") == "success")


def differences(found: Any, wanted: Any, path: str = "") -> list[str]:
    """Where two plain values differ, one line each."""
    if isinstance(found, Mapping) and isinstance(wanted, Mapping):
        keys = sorted({*found, *wanted})
        return [
            line for key in keys for line in differences(found.get(key), wanted.get(key), f"{path}.{key}".strip("."))
        ]
    if found == wanted:
        return []
    return [f"{path} is {_short(found)} there and {_short(wanted)} here"]


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Holds the directory for this process.

    Raises:
        InputError: Another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise InputError(
            f"{folder}: another process is writing this run; wait for it or give a new directory"
        ) from None
    try:
        yield
    finally:
        lock.release()
        (folder / LOCK).unlink(missing_ok=True)


def mark(folder: Path, manifest: Mapping[str, Any], status: str) -> None:
    """Writes the manifest of a run that is not finished."""
    write_manifest(folder, dict(manifest) | {"status": status})
