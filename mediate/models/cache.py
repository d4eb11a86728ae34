"""Where what can be made again is kept: what lies there, and what of it can go. Imports no torch.

Whatever is deleted here has a name that only this package gives, in the place where it gives it; links are neither
followed nor deleted. An entry that another process reads while it goes stays readable to it, and one that is gone is
made again.
"""

import os
import re
import stat
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import platformdirs

VARIABLE = "MEDIATE_CACHE"
# What was damaged when it was read, and was set aside: see `mediate.passes.store`.
SET_ASIDE = ".corrupt"
# An entry counts as used when it was last read or written, to within so many seconds.
TOUCHED = 24 * 60 * 60.0
_KIND = re.compile(r"[a-z_]+")
_ENTRY = re.compile(r"[0-9a-f]{64}\.(safetensors|corrupt|json)")
_MODELS = "models"


def cache_folder() -> Path:
    """The cache: `$MEDIATE_CACHE`, or `cache/` of the source checkout, or the user's cache directory.

    The folder is not created here.
    """
    named = os.environ.get(VARIABLE)
    if named:
        return Path(named).expanduser()
    checkout = Path(__file__).resolve().parents[2]
    if (checkout / "pyproject.toml").is_file() and (checkout / "cache").is_dir():
        return checkout / "cache"
    return Path(platformdirs.user_cache_dir("mediate"))


def opened_cache(root: Path) -> str:
    """Makes a cache that is missing, for its owner alone; what is wrong with one that others can write, on one line.

    Whoever can write there can change what is read back; on a shared cache that may be wanted.
    """
    with suppress(OSError):  # a place that cannot be made is told by whoever writes there
        if not root.exists():
            root.parent.mkdir(parents=True, exist_ok=True)
            root.mkdir(mode=0o700)
    try:
        about = root.stat()
    except OSError:
        return ""
    if hasattr(os, "getuid") and about.st_uid not in (os.getuid(), 0):
        return f"the cache {root} belongs to another user, who can change what is read from it; name another place"
    if about.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        who = "everyone" if about.st_mode & stat.S_IWOTH else "its group"
        return f"the cache {root} can be written by {who}, who can change what is read from it; chmod go-w it"
    return ""


@dataclass(frozen=True, slots=True)
class Kept:
    """One entry of a cache.

    Args:
        path: The file.
        kind: The folder that it is in, such as `outcomes`.
        size: In bytes.
        used: When it was last read or written, in seconds since 1970.
    """

    path: Path
    kind: str
    size: int
    used: float

    @property
    def is_set_aside(self) -> bool:
        """Whether it was damaged, and is no entry any more."""
        return self.path.suffix == SET_ASIDE


def touch(path: Path) -> None:
    """Marks an entry as used, at most once a day."""
    with suppress(OSError):  # of a cache that cannot be written, or an entry that is gone
        if time.time() - path.stat().st_mtime > TOUCHED:
            os.utime(path)


def entries(root: Path) -> Iterator[Kept]:
    """The entries of a cache, but for models; what is not named and placed as one is none."""
    for kind in _folders(root):
        if not _KIND.fullmatch(kind.name) or kind.name == _MODELS:
            continue
        for shelf in _folders(Path(kind.path)):
            for entry in _scanned(Path(shelf.path)):
                if _ENTRY.fullmatch(entry.name) and entry.name.startswith(shelf.name):
                    about = _about(entry)
                    if about is not None:
                        yield Kept(Path(entry.path), kind.name, about.st_size, about.st_mtime)


def model_bytes(root: Path) -> Mapping[str, int]:
    """The bytes of each model of a cache, fetched or converted, by the name of its file or folder."""
    return {
        entry.name: _size(entry) for entry in _scanned(root / _MODELS) if entry.name.endswith(".gguf") or _is_own(entry)
    }


def pruned(root: Path, *, older: float | None, most: int | None, dry: bool = False) -> tuple[list[Kept], list[Kept]]:
    """Deletes entries: what was set aside or not used for long, and the longest unused until the others are few enough.

    Models are counted with the others, and stay: one that was fetched may be out of reach when it is needed.

    Args:
        root: The cache.
        older: The least time since an entry was used, in seconds; None for any.
        most: The most bytes that may be left; None for any.
        dry: Whether nothing is deleted.

    Returns:
        What was deleted, and what is left.
    """
    now, left = time.time(), sorted(entries(root), key=lambda each: each.used)
    total = sum(each.size for each in left) + sum(model_bytes(root).values())
    gone: list[Kept] = []
    for each in left:
        is_old = older is not None and now - each.used > older
        if each.is_set_aside or is_old or (most is not None and total > most):
            if not dry and not _deleted(each):
                continue
            gone.append(each)
            total -= each.size
    there = {each.path for each in gone}
    return gone, [each for each in left if each.path not in there]


def _deleted(entry: Kept) -> bool:
    """Whether an entry is gone; one that was used since it was listed, or cannot be deleted, stays."""
    try:
        about = entry.path.lstat()
        if not stat.S_ISREG(about.st_mode) or about.st_mtime != entry.used:
            return False
        entry.path.unlink()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def _is_own(entry: "os.DirEntry[str]") -> bool:
    return entry.name.startswith("gguf-") and entry.is_dir(follow_symlinks=False)


def _size(entry: "os.DirEntry[str]") -> int:
    if not entry.is_dir(follow_symlinks=False):
        about = _about(entry)
        return about.st_size if about is not None else 0
    return sum(_size(each) for each in _scanned(Path(entry.path)))


def _about(entry: "os.DirEntry[str]") -> os.stat_result | None:
    """Of a file of its own; None of a link, or of what is gone meanwhile."""
    try:
        about = entry.stat(follow_symlinks=False)
    except OSError:
        return None
    return about if stat.S_ISREG(about.st_mode) else None


def _folders(folder: Path) -> list["os.DirEntry[str]"]:
    return [entry for entry in _scanned(folder) if entry.is_dir(follow_symlinks=False)]


def _scanned(folder: Path) -> list["os.DirEntry[str]"]:
    try:
        with os.scandir(folder) as found:
            return sorted(found, key=lambda entry: entry.name)
    except OSError:
        return []
