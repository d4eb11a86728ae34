"""`mediate status`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from mediate.cli.ending import put


def status(
    run: Annotated[Path, typer.Argument(help="A run directory, finished or not, or one with shards.")],
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
) -> None:
    """Says how far a run is, who holds it, and how it goes on; needs no model."""
    from mediate.results.run_status import status_of

    found = status_of(run)
    put(json.dumps(found.described(), indent=2) if as_json else str(found))
