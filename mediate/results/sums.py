"""Sums of a run's tables: `run.json` holds the sha256 of every other file, so that no bit of it changes unnoticed."""

import hashlib
import logging
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from mediate.errors import InputError

# Where a manifest keeps them: by the file's path below the run directory.
SUMS = "sums"

log = logging.getLogger(__name__)


def sum_of(content: bytes) -> str:
    """sha256, as a manifest holds it."""
    return hashlib.sha256(content).hexdigest()


def sums_in(folder: Path, manifest: Mapping[str, Any], verb: str) -> Mapping[str, str] | None:
    """The sums that a manifest holds; None, with a warning, where a version that wrote none made the run.

    Raises:
        InputError: What stands there are no sums; `verb` is what makes another run, such as `score`.
    """
    if SUMS not in manifest:
        _warn(folder, verb)
        return None
    sums = manifest[SUMS]
    if not isinstance(sums, Mapping) or not all(isinstance(each, str) for each in sums.values()):
        raise InputError(f"{folder}: its {SUMS} are none; {verb} into a new directory")
    return sums


@cache
def _warn(folder: Path, verb: str) -> None:
    """Says, once a process, that damage to a run would not be noticed."""
    log.warning(
        "%s: was written without sums of its tables, so damage to them cannot be noticed; %s into a new directory to "
        "have them",
        folder,
        verb,
    )


def check_sum(name: str, content: bytes, sums: Mapping[str, str] | None) -> None:
    """Checks a file of a run against its sum.

    Raises:
        ValueError: It is not what was written.
    """
    if sums is not None and sums.get(name) != sum_of(content):
        what = "no sum" if name not in sums else "another sum (sha256)"
        raise ValueError(f"run.json has {what} for it, so one of the two was changed or damaged")
