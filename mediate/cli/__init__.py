"""The command line: parses and wires, nothing else. torch is imported by the commands that need it, when they run."""

import gc
from typing import Annotated

import typer

from mediate.cli.cache import cache_app
from mediate.cli.compare import compare
from mediate.cli.cross import cross
from mediate.cli.ending import Commands, ended
from mediate.cli.faithfulness import faithfulness
from mediate.cli.from_spec import FromSpec
from mediate.cli.look import check, report
from mediate.cli.materials import make_pairs, models_app
from mediate.cli.merge import merge
from mediate.cli.open_page import open_page
from mediate.cli.reference import reference
from mediate.cli.score import demo, score
from mediate.cli.show import show
from mediate.cli.status import status
from mediate.cli.steer import steer_app
from mediate.cli.traces import traces_app
from mediate.cli.tune import tune_app
from mediate.cli.twins import make_twins
from mediate.clock import timed

# torch and transformers make objects by the hundred thousand while they are imported, and by Python's own thresholds
# they are searched for garbage again and again: about a tenth of the demo's time.
COLLECTING = (50_000, 10, 10)

app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Measures, inside a language model, how much of an answer its chain of thought carries.",
)
for command in (demo, score, merge, faithfulness, compare, cross, report, show, status, check):
    app.command(cls=FromSpec if hasattr(command, "whole") else None)(command)
app.command("open")(open_page)
app.command("pairs", cls=FromSpec)(make_pairs)
app.command("pairs from")(make_twins)
tune_app.command(cls=FromSpec)(reference)
app.add_typer(tune_app, name="tune")
app.add_typer(models_app, name="models")
app.add_typer(cache_app, name="cache")
app.add_typer(traces_app, name="traces")
app.add_typer(steer_app, name="steer")


def main() -> None:
    """Runs the command line; what ends it is one line on standard error and an exit code."""
    gc.set_threshold(*COLLECTING)
    try:
        with timed(), ended():
            app()
    finally:
        # Python searches all objects for garbage once more before it exits, which takes more than a second with torch.
        gc.freeze()


def _version(wanted: bool | None) -> None:
    if wanted:
        from mediate.version import __version__

        typer.echo(f"mediate {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool | None, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = None,
) -> None:
    pass
