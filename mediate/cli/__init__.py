"""The command line: parses and wires, nothing else. torch is imported by the commands that need it, when they run."""

import gc
from contextvars import copy_context
from typing import Annotated

import typer

from mediate.cli.cache import cache_app
from mediate.cli.check_pairs import check_file
from mediate.cli.commands import SETTINGS, Commands
from mediate.cli.compare import compare
from mediate.cli.cross import cross
from mediate.cli.demo import demo
from mediate.cli.ending import ended
from mediate.cli.faithfulness import faithfulness
from mediate.cli.from_spec import FromSpec
from mediate.cli.init import init
from mediate.cli.look import check, report
from mediate.cli.maps import maps
from mediate.cli.materials import make_pairs
from mediate.cli.merge import merge
from mediate.cli.models import models_app
from mediate.cli.open_page import open_page
from mediate.cli.reference import reference
from mediate.cli.score import score
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
    context_settings=SETTINGS,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Measures, inside a language model, how much of an answer its chain of thought carries.",
)
for command in (demo, score, merge, faithfulness, compare, cross, report, show, status, check, maps):
    app.command(cls=FromSpec if hasattr(command, "whole") else None)(command)
app.command("open")(open_page)
app.command("pairs", cls=FromSpec)(make_pairs)
app.command("pairs from")(make_twins)
app.command("pairs check")(check_file)
app.command("init")(init)
tune_app.command(cls=FromSpec)(reference)
for group, name in (
    (tune_app, "tune"),
    (models_app, "models"),
    (cache_app, "cache"),
    (traces_app, "traces"),
    (steer_app, "steer"),
):
    app.add_typer(group, name=name, cls=Commands)


def main() -> None:
    """Runs the command line; what ends it is one line on standard error and an exit code."""
    gc.set_threshold(*COLLECTING)
    try:
        # What a command asks for, such as silence, ends with it: another may be run in the same process.
        copy_context().run(_run)
    finally:
        # Python searches all objects for garbage once more before it exits, which takes more than a second with torch.
        gc.freeze()


def _run() -> None:
    with timed(), ended():
        app(prog_name="mediate")


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
