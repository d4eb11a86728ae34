"""`mediate demo`."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from mediate.beside import beside
from mediate.cli.ending import put
from mediate.cli.options import (
    ProfileOption,
    QuietOption,
    TakeoverOption,
    VerboseOption,
    quiet_libraries,
    show,
    tell_time,
)


class DemoModel(StrEnum):
    """What the demo is run on."""

    REFERENCE = "reference"
    SMOLLM2 = "smollm2-135m-instruct"


def demo(
    model: Annotated[
        DemoModel, typer.Option(help="The reference reasoners, or a small real model that is fetched.")
    ] = DemoModel.REFERENCE,
    out: Annotated[Path | None, typer.Option("--out", help="The folder to write; runs/demo-MODEL by default.")] = None,
    pairs: Annotated[int | None, typer.Option("--pairs", min=1, help="How many built-in pairs to try.")] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the problems and the bootstrap.")] = 0,
    takeover: TakeoverOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    profile: ProfileOption = False,
) -> None:
    """Reference reasoners of several sizes, before and after fine-tuning, or word problems on a real model."""
    quiet_libraries(quiet)
    out = out or Path("runs") / f"demo-{model}"
    if model is DemoModel.SMOLLM2:
        from mediate.demo import PAIRS, run_demo

        show(out, run_demo(out, pairs=pairs or PAIRS, seed=seed, say=put, takeover=takeover))
        return
    # The process that draws imports what draws, while this one imports what measures; each takes some seconds.
    with beside("mediate.report.family") as other:
        from mediate.demo import LADDER_PAIRS, run_ladder
        from mediate.report.family import family_headline

        count = pairs or LADDER_PAIRS
        page, family = run_ladder(out, pairs=count, seed=seed, say=put, other=other, takeover=takeover)
    put(family_headline(family))
    put(f"report: {page}")
    tell_time()
