"""Sums of the files that a model is loaded from: by them the same model is known again without being loaded.

A model whose files have the same sums is the same model; one whose files have others may still be, which only loading
it tells. Imports no torch.
"""

import hashlib
import json
import os
import stat
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from mediate.files import write_text
from mediate.models.cache import cache_folder
from mediate.models.origin import Origin, OriginKind

# Kept beside what is stored, for files of at least so many bytes; others are read again each time.
KIND, WORTH_KEEPING = "sums", 2**28
# A file that changed so shortly before it was read, in nanoseconds, could change again with the same times.
SETTLED = 2 * 10**9
# What may lie beside a model, and is not read for it: pickled weights, which are refused, pages and pictures.
_UNREAD = {".bin", ".pt", ".pth", ".ckpt", ".h5", ".msgpack", ".onnx", ".md", ".png", ".jpg", ".gitattributes"}
# Folders beside it of which files are read.
_BESIDE = ("additional_chat_templates",)


def model_sums(origin: Origin, tokenizer: Any = None) -> dict[str, str] | None:
    """The sha256 of every file that loading a model reads, by its path below the model; None where that is not known.

    Args:
        origin: The model, its adapter and what steers it.
        tokenizer: One that is not the model's own: its folder, or itself, of which no file is known.
    """
    if not isinstance(tokenizer, str | Path | None):
        return None
    folders = {"": snapshot(origin.location) if origin.kind is OriginKind.HUB else Path(origin.location)}
    beside = {
        "adapter/": origin.adapter,
        "steering/": origin.steering,
        "tokenizer/": Path(tokenizer) if tokenizer else None,
    }
    folders |= {name: place for name, place in beside.items() if place}
    found: dict[str, str] = {}
    try:
        for prefix, place in folders.items():
            if place is None or not place.exists():
                return None
            found |= {f"{prefix}{name}": file_sum(file) for name, file in _files(place).items()}
    except OSError:  # what cannot be read, loading refuses in its own words
        return None
    return found


def snapshot(repository: str) -> Path | None:
    """The folder of a hub model as it was downloaded last, which is named by its commit; None where it was not."""
    from huggingface_hub import try_to_load_from_cache

    known = try_to_load_from_cache(repository, "config.json")
    return Path(known).parent if isinstance(known, str) else None


def _files(place: Path) -> Mapping[str, Path]:
    if place.is_file():
        return {place.name: place}
    inner = [folder for folder in (place / name for name in _BESIDE) if folder.is_dir()]
    return {
        str(file.relative_to(place)): file
        for folder in (place, *inner)
        for file in sorted(folder.iterdir())
        if file.is_file() and not file.name.startswith(".") and file.suffix not in _UNREAD
    }


def file_sum(path: Path) -> str:
    """The sha256 of a file; of a large one it is kept as long as its place, size and times stay the same.

    Raises:
        OSError: It cannot be read.
    """
    place = path.resolve()
    before = place.stat()
    if before.st_size < WORTH_KEEPING:
        return _read_sum(place)
    named = hashlib.sha256(os.fsencode(place)).hexdigest()
    entry = cache_folder() / KIND / named[:2] / f"{named}.json"
    known = _known(before)
    with suppress(OSError, ValueError, KeyError, TypeError, RecursionError):
        told = json.loads(entry.read_text(encoding="utf-8"))
        if told["file"] == known and len(told["sha256"]) == 64:
            return str(told["sha256"])
    found = _read_sum(place)
    is_settled = time.time_ns() - max(before.st_mtime_ns, before.st_ctime_ns) > SETTLED
    if is_settled and _known(place.stat()) == known:
        with suppress(OSError):  # it is read again then
            write_text(entry, json.dumps({"file": known, "sha256": found}) + "\n")
    return found


def _known(about: os.stat_result) -> list[int]:
    """What changes with a file's content. The time of its last change is the system's own, which no program sets."""
    return [about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns, stat.S_IFMT(about.st_mode)]


def _read_sum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
