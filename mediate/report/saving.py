"""Writing what a user holds to a run directory of its own."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from mediate.results.folder import check_new

Results = TypeVar("Results")


def saved(folder: str | Path, results: Results, write: Callable[[Path, Results], None]) -> Path:
    """Writes a run directory with what is given, and returns it.

    Raises:
        InputError: The folder holds a run already.
    """
    folder = Path(folder)
    check_new(folder)
    write(folder, results)
    return folder
