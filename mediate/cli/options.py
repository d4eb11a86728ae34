"""What the commands share: their options, and how they end."""

import os
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Dtype(StrEnum):
    """The dtype of the weights."""

    FLOAT32 = "float32"
    FLOAT64 = "float64"
    BFLOAT16 = "bfloat16"
    FLOAT16 = "float16"


ModelOption = Annotated[
    str, typer.Option("--model", help="Hub id, folder, .gguf file, name of a fetched model, or BASE+ADAPTER.")
]


def _detailed(wanted: bool) -> bool:
    from mediate.clock import detail

    if wanted:
        detail()
    return wanted


ProfileOption = Annotated[
    bool, typer.Option("--profile", callback=_detailed, help="At the end, tell where the time went, stage by stage.")
]
OutOption = Annotated[Path, typer.Option("--out", help="The run directory to write.")]


def unescaped(text: str) -> str:
    """What a shell passes on as written, with its line breaks and tabs."""
    return text.replace("\\n", "\n").replace("\\t", "\t")


def quiet_libraries() -> None:
    """Bars of other libraries count their own work; the ones shown are ours."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")


def show(out: Path, results: object, *, report: bool = True) -> None:
    """Prints what a run found and, where wanted, writes its page."""
    from mediate.effects import Results
    from mediate.report.terminal import terminal

    assert isinstance(results, Results)
    typer.echo(terminal(results))
    if report:
        from mediate.report.page import write_report

        typer.echo(f"report: {write_report(out)}")
    else:
        typer.echo(f"run: {out}")
