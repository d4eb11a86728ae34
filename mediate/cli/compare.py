"""`mediate compare`."""

from pathlib import Path
from typing import Annotated, Any

import typer

from mediate.cli.ending import put, put_json
from mediate.cli.from_spec import Choices, from_spec
from mediate.cli.options import JsonOption, either


def _fields() -> dict[str, Any]:
    from mediate.choices import fields_of
    from mediate.compare import Settings

    settings = fields_of(Settings)
    return {"choices": {name: settings[name] for name in ("margin", "level", "min_te", "seed")}}


@from_spec(_fields, left_open=("level", "min_te", "seed"), run_file="runs")
def compare(
    runs: Annotated[list[Path], typer.Argument(help="Run directories; the first is the reference.")],
    out: Annotated[Path, typer.Option("--out", help="The folder to write.")],
    choices: Choices,
    labels: Annotated[list[str] | None, typer.Option(help="A name for a run, in their order; repeat for each.")] = None,
    allow_mixed: Annotated[
        bool, typer.Option("--allow-mixed", help="Compare runs that differ in more than model and chains; marked.")
    ] = False,
    partial: Annotated[
        bool, typer.Option("--partial", help="Compare runs that are not finished, too, by what they have; marked.")
    ] = False,
    json: JsonOption = False,
    label: Annotated[list[str] | None, typer.Option("--label", hidden=True)] = None,
) -> None:
    """Compares stored runs on the items that all of them measured; needs no model."""
    from mediate.report import compare as compare_stored

    found = compare_stored(
        *runs, out=out, labels=either(labels, label), allow_mixed=allow_mixed, partial=partial, **choices
    )
    put(repr(found))
    put(f"comparison: {out / 'comparison.html'}")
    if json:
        from mediate.cli.summaries import comparison_summary

        put_json(comparison_summary(found, out))
