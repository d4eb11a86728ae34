"""What the commands share: their options, and how they end."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mediate.cli.completion import model_names
from mediate.cli.ending import as_json, put, put_json, writes_json
from mediate.errors import InputError
from mediate.watch import hush, tell

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic.fields import FieldInfo

    from mediate.models.origin import Origin
    from mediate.pairs.files import PairFile
    from mediate.pairs.reading import ItemFile
    from mediate.results import Reject, Results
    from mediate.scoring.spec import ScoreSpec


ModelOption = Annotated[
    str,
    typer.Option(
        "--model",
        help="Hub id, folder, .gguf file, a name of 'mediate models list', or BASE+ADAPTER.",
        autocompletion=model_names,
    ),
]


def _detailed(wanted: bool) -> bool:
    from mediate.clock import running

    clock = running()
    if wanted and clock is not None:
        clock.detailed = True
    return wanted


def _verbose(wanted: bool) -> bool:
    from mediate.clock import running

    clock = running()
    if wanted and clock is not None:
        clock.detailed = clock.told_at_once = True
    return wanted


ProfileOption = Annotated[
    bool, typer.Option("--profile", callback=_detailed, help="At the end, tell where the time went, stage by stage.")
]
JsonOption = Annotated[
    bool,
    typer.Option("--json", callback=as_json, help="Write one JSON object on standard output, all else on the other."),
]
VerboseOption = Annotated[
    bool, typer.Option("--verbose", "-v", callback=_verbose, help="Tell each stage as it begins, and what each took.")
]
FewShotOption = Annotated[
    int | None,
    typer.Option(
        "--few-shot", min=1, max=32, help="So many worked examples before each question, none of them measured."
    ),
]
ExamplesOption = Annotated[
    Path | None,
    typer.Option(
        "--examples", help="Of --few-shot: whose first items are the examples; built-in word problems without it."
    ),
]
# Names of before, which go on working and are shown nowhere.
OldSize = Annotated[list[str] | None, typer.Option("--size", hidden=True)]
CacheOption = Annotated[bool, typer.Option("--cache/--no-cache", help="Look up and keep what the models write.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing of progress.")]
OutOption = Annotated[Path, typer.Option("--out", help="The run directory to write.")]

# Heard where options are made: `mediate.cli.fields`.
LogOption = Annotated[
    Path | None, typer.Option("--log", help="Append what happens to this file, as JSON lines; none of it is secret.")
]
TakeoverOption = Annotated[
    bool, typer.Option("--takeover", help="Go on with a run whose process died on another machine.")
]
WriteRunOption = Annotated[
    Path | None,
    typer.Option("--write-run", help="Write the choices of this call as a run file (.yaml, .toml or .json), too."),
]

FormatOption = Annotated[
    str | None,
    typer.Option(
        "--format",
        help="What the rows are, where two kinds fit: such as items, gsm8k or chat.",
    ),
]
ColumnsOption = Annotated[
    str | None,
    typer.Option("--columns", help="Of rows of another kind, the column of each field: question=problem,answer=final."),
]
AnswerPatternOption = Annotated[
    str | None,
    typer.Option(
        "--answer-pattern", help="A regular expression that finds the answer in a response, by its last match."
    ),
]


def loading_choices(*without: str) -> "dict[str, FieldInfo]":
    """The choices of loading a model, of a command: all but `copy`, which is of a model in memory, and those named."""
    from mediate.choices import fields_of
    from mediate.models.load_spec import LoadSpec

    return {name: field for name, field in fields_of(LoadSpec).items() if name not in ("copy", *without)}


def either(given: list[str] | None, as_before: list[str] | None) -> list[str] | None:
    """The values of a repeatable option, under its name and under the one of before."""
    return [*(given or ()), *(as_before or ())] or None


def columns_of(text: str | None) -> dict[str, str] | None:
    """The column of each field, of `question=problem,answer=final`.

    Raises:
        InputError: Anything else.
    """
    if text is None:
        return None
    parts = [part.partition("=") for part in text.split(",")]
    found = {field.strip(): column.strip() for field, _, column in parts}
    if len(found) < len(parts) or not all(field and column for field, column in found.items()):
        raise InputError(f"columns: {text!r} is not FIELD=COLUMN,...; write question=problem,answer=final")
    return found


def unescaped(text: str) -> str:
    """What a shell passes on as written, with its line breaks and tabs."""
    return text.replace("\\n", "\n").replace("\\t", "\t")


def quiet_libraries(quiet: bool = False) -> None:
    """Bars of other libraries count their own work; the ones shown are ours, and with `quiet` none is."""
    hush(quiet)
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")


def check_model(model: str, adapter: Path | None = None) -> "Origin":
    """What a model's name stands for; loads nothing.

    Raises:
        InputError: Nothing that can be had.
    """
    from mediate.models.hub import check_given
    from mediate.models.origin import resolve

    origin = resolve(model, adapter)
    check_given(origin)
    return origin


def check_measured(manifest: "Mapping[str, Any]", rejects: "Sequence[Reject]") -> None:
    """Raises InputError where a run, which is written all the same, measured no item."""
    from mediate.scoring.given import nothing_left

    if not manifest["counts"]["measured"]:
        raise InputError(nothing_left([(each.item, each.code, each.reason) for each in rejects]))


def tell_time() -> None:
    """A line on where the command's time went, or a table if that was asked for."""
    from mediate.clock import running

    clock = running()
    if clock is not None and clock.detailed:
        typer.echo(clock.told(), err=True)
    elif clock is not None:
        tell(clock.told())


def tell_next(out: Path, rejects: "Sequence[Reject]", otherwise: str = "") -> None:
    """The last line of a command: what there is to be seen of items that were left out, or else the next command."""
    from mediate.showing import plural

    count = sum(each.part == "item" for each in rejects)
    if count:
        were = "was" if count == 1 else "were"
        tell(f"next: see why {plural(count, 'item')} {were} left out, in {out / 'rejects.jsonl'}")
    elif otherwise:
        tell(f"next: {otherwise}")


def show(out: Path, results: object, *, report: bool = True) -> None:
    """Prints what a run found and, where wanted, writes its page."""
    from mediate.report import terminal
    from mediate.results import Results

    assert isinstance(results, Results)
    put(terminal(results))
    page = None
    if report:
        from mediate.report import write_report

        page = write_report(out, results=results)
        put(f"report: {page}")
    else:
        put(f"run: {out}")
    tell_time()
    put_summary(results, out, page)


def put_summary(results: "Results", out: Path, page: Path | None) -> None:
    """Writes a run as JSON, where that was asked for."""
    if writes_json():
        from mediate.cli.summaries import behaviour_summary, run_summary

        put_json((behaviour_summary if results.behaviour else run_summary)(results, out, page))


def scanned(
    traces: Path, scoring: "ScoreSpec", format: str | None, columns: str | None, answer_pattern: str | None
) -> "ItemFile | PairFile":
    """What a file holds, refused where it is no set."""
    from mediate.pairs.reading import scan_file
    from mediate.scoring.given import check_set

    file = scan_file(traces, format=format, columns=columns_of(columns), answer_pattern=answer_pattern)
    if file.told:
        tell(file.told)
    check_set(file.given, file.errors, scoring)
    return file
