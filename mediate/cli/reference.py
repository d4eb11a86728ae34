"""`mediate tune reference`."""

from pathlib import Path
from typing import Annotated

import typer

from mediate.cli.options import OldSize, either, quiet_libraries


def reference(
    out: Annotated[Path, typer.Option("--out", help="The folder of the models, one folder each.")],
    sizes: Annotated[list[str] | None, typer.Option(help="Such as 0.1m; repeatable, all by default.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the first weights and the problems.")] = 0,
    marked: Annotated[
        int, typer.Option("--marked", min=1, help="Held-out problems of each length that are asked.")
    ] = 200,
    size: OldSize = None,
) -> None:
    """Trains the reference reasoners, with their decorative and needed afters, and writes their card."""
    quiet_libraries()
    from mediate.reference.card import write_card
    from mediate.reference.train import train_reference

    train_reference(out, sizes=either(sizes, size) or (), seed=seed, say=typer.echo)
    typer.echo(f"card: {write_card(out, n=marked, seed=seed)}")
