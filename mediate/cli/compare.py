"""`mediate compare`."""

from pathlib import Path
from typing import Annotated

import typer

from mediate.cli.options import OldLabel, either


def compare(
    runs: Annotated[list[Path], typer.Argument(help="Run directories; the first is the reference.")],
    out: Annotated[Path, typer.Option("--out", help="The folder to write.")],
    labels: Annotated[list[str] | None, typer.Option(help="A name for a run, in their order; repeat for each.")] = None,
    margin: Annotated[
        float | None, typer.Option(help="The largest change of a share that does not matter (default 0.1).")
    ] = None,
    level: Annotated[float | None, typer.Option(help="Coverage of the intervals; the first run's by default.")] = None,
    min_te: Annotated[float | None, typer.Option(help="Shares are undefined up to this mean |TE|, in nats.")] = None,
    seed: Annotated[int | None, typer.Option(help="Of resamples and sign flips.")] = None,
    allow_mixed: Annotated[
        bool, typer.Option("--allow-mixed", help="Compare runs that differ in more than model and chains; marked.")
    ] = False,
    label: OldLabel = None,
) -> None:
    """Compares stored runs on the items that all of them measured; needs no model."""
    from mediate.report import compare as compare_stored

    names = either(labels, label)
    found = compare_stored(
        *runs, out=out, labels=names, allow_mixed=allow_mixed, margin=margin, level=level, min_te=min_te, seed=seed
    )
    typer.echo(repr(found))
    typer.echo(f"comparison: {out / 'comparison.html'}")
