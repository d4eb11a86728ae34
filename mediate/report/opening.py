"""Which page belongs to a directory."""

from pathlib import Path

from mediate.errors import InputError
from mediate.report.comparison.folder import PAGE as COMPARISON
from mediate.report.comparison.folder import RECORD
from mediate.report.family import PAGE as FAMILY
from mediate.report.run.page import PAGE as RUN
from mediate.report.run.page import write_report


def page_of(folder: Path) -> Path:
    """The page of a run, a comparison or a family; that of a run is written where it is missing.

    Raises:
        InputError: There is no such directory, it is of nothing that has a page, or its page is lost and is not of a
            run.
    """
    for name in (FAMILY, COMPARISON, RUN):
        if (folder / name).is_file():
            return folder / name
    if not folder.is_dir():
        raise InputError(f"{folder}: is no directory; give that of a run, a comparison or a family of models")
    if (folder / RECORD).is_file():
        raise InputError(f"{folder}: the page of this comparison is missing; `mediate compare` writes it again")
    return write_report(folder)
