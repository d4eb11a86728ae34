"""Where the shards of a run stand below its directory, and what is said of one. Imports no torch."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mediate.errors import InputError

# Below a run directory: where its shards stand.
SHARDS = "shards"
_FOLDER = re.compile(r"([1-9][0-9]{0,5})-of-([1-9][0-9]{0,5})")


def shard_folder(run: Path, number: int, of: int) -> Path:
    """The directory of one shard below that of the run."""
    return run / SHARDS / f"{number}-of-{of}"


def shard_folders(run: Path) -> dict[tuple[int, int], Path]:
    """The shards that have a directory below a run's, by how many there are and which of them it is, in order."""
    place, found = run / SHARDS, dict[tuple[int, int], Path]()
    for each in place.iterdir() if place.is_dir() else ():
        name = _FOLDER.fullmatch(each.name)
        if name is not None and int(name[1]) <= int(name[2]) and each.is_dir() and not each.is_symlink():
            found[int(name[2]), int(name[1])] = each
    return dict(sorted(found.items()))


def shard_words(manifest: Mapping[str, Any]) -> str:
    """`shard 3 of 16`; empty for what is no shard."""
    told = manifest.get("shard")
    return f"shard {told.get('number')} of {told.get('of')}" if isinstance(told, Mapping) else ""


def check_no_shards(run: Path) -> None:
    """Raises InputError where a directory holds shards of a run, and so not the run itself."""
    there = shard_folders(run)
    if there:
        of = max(of for of, _ in there)
        raise InputError(
            f"{run}: holds shards of a run, {len(there)} of {of} begun, and not the run; put them together with: "
            f"mediate merge {run}"
        )
