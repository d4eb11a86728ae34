"""`mediate merge`."""

from pathlib import Path
from typing import Annotated

import typer

from mediate.cli.options import QuietOption, TakeoverOption, check_measured, quiet_libraries, show, tell_next


def merge(
    out: Annotated[Path, typer.Argument(help="The directory that shards were measured below (--out of each).")],
    report: Annotated[bool, typer.Option(help="Write report.html and figures too.")] = True,
    takeover: TakeoverOption = False,
    quiet: QuietOption = False,
) -> None:
    """Puts the shards of a run together, once all are there, to the run that one process would have written."""
    from mediate.scoring.merging import merge_shards

    quiet_libraries(quiet)
    results = merge_shards(out, takeover=takeover)
    show(out, results, report=report)
    check_measured(results.manifest, results.rejects)
    tell_next(out, results.rejects, f"{out / 'shards'} is needed no more")
