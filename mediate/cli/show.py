"""`mediate show`."""

from pathlib import Path
from typing import Annotated

import typer

from mediate.cli.ending import put_coloured


def show(
    run: Annotated[Path, typer.Argument(help="A run directory.")],
    item: Annotated[str, typer.Argument(help="An item's id, or its number from 0 on.")],
    map: Annotated[
        str | None, typer.Option("--map", help="The map that colours it: a kind, or KIND:AXES; by default the first.")
    ] = None,
    layer: Annotated[
        int | None, typer.Option("--layer", help="The map's layer; by default the one with the largest effects.")
    ] = None,
) -> None:
    """Prints one item of a run: its effects and its chains, each step in the colour of its effect; needs no model."""
    from mediate.report import open_run

    put_coloured(open_run(run).items[item].show(map, layer))
