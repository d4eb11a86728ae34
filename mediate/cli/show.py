"""`mediate show`."""

from pathlib import Path
from typing import Annotated

import typer

from mediate.cli.ending import put_coloured
from mediate.errors import InputError


def show(
    run: Annotated[Path, typer.Argument(help="A run directory.")],
    item: Annotated[
        str | None, typer.Argument(help="An item's id; where no id is digits, its place from 0 on, too.")
    ] = None,
    place: Annotated[
        int | None, typer.Option("--place", help="An item's place from 0 on, whatever ids are; in place of ITEM.")
    ] = None,
    map: Annotated[
        str | None, typer.Option("--map", help="The map that colours it: a kind, or KIND:AXES; by default the first.")
    ] = None,
    layer: Annotated[
        int | None, typer.Option("--layer", help="The map's layer; by default the one with the largest effects.")
    ] = None,
) -> None:
    """Prints one item of a run: its effects and its chains, each step in the colour of its effect; needs no model."""
    from mediate.report import open_run

    asked = item if place is None else place
    if asked is None or None not in (item, place):
        raise InputError("show: give an item's id, or its place with --place, and not both")
    put_coloured(open_run(run).items[asked].show(map, layer))
