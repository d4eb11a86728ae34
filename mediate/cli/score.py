"""`mediate demo` and `mediate score`."""

from enum import StrEnum
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mediate.beside import beside
from mediate.cli.ending import put
from mediate.cli.from_spec import Choices, from_spec
from mediate.cli.options import (
    AnswerPatternOption,
    ColumnsOption,
    FormatOption,
    ModelOption,
    OutOption,
    ProfileOption,
    QuietOption,
    check_measured,
    check_model,
    columns_of,
    loading_choices,
    quiet_libraries,
    show,
    tell_next,
    tell_time,
)
from mediate.watch import tell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mediate.pairs.files import PairFile
    from mediate.pairs.pair import Item, Pair
    from mediate.pairs.reading import ItemFile
    from mediate.results import Results
    from mediate.scoring.spec import ScoreSpec


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
    quiet: QuietOption = False,
    profile: ProfileOption = False,
) -> None:
    """Reference reasoners of several sizes, before and after fine-tuning, or word problems on a real model."""
    quiet_libraries(quiet)
    out = out or Path("runs") / f"demo-{model}"
    if model is DemoModel.SMOLLM2:
        from mediate.demo import PAIRS, run_demo

        show(out, run_demo(out, pairs=pairs or PAIRS, seed=seed, say=put))
        return
    # The process that draws imports what draws, while this one imports what measures; each takes some seconds.
    with beside("mediate.report.family") as other:
        from mediate.demo import LADDER_PAIRS, run_ladder
        from mediate.report.family import family_headline

        page, family = run_ladder(out, pairs=pairs or LADDER_PAIRS, seed=seed, say=put, other=other)
    put(family_headline(family))
    put(f"report: {page}")
    tell_time()


def _fields() -> dict[str, Any]:
    from mediate.choices import fields_of
    from mediate.scoring.spec import ScoreSpec

    return {"choices": fields_of(ScoreSpec), "loading": loading_choices()}


@from_spec(_fields, old={"outcome": "outcomes", "map": "maps", "controls": "control_pairs"})
def score(
    pairs: Annotated[
        Path, typer.Argument(help="Pairs or items: own ones, a data set, or a log of what a model wrote.")
    ],
    model: ModelOption,
    out: OutOption,
    choices: Choices,
    loading: Choices,
    cache: Annotated[bool, typer.Option(help="Look up and keep chains and outcomes.")] = True,
    report: Annotated[bool, typer.Option(help="Write report.html and figures too.")] = True,
    format: FormatOption = None,
    columns: ColumnsOption = None,
    answer_pattern: AnswerPatternOption = None,
    plan: Annotated[bool, typer.Option("--plan", help="Only say what the maps would cost.")] = False,
    takeover: Annotated[
        bool, typer.Option("--takeover", help="Go on with a run whose process died on another machine.")
    ] = False,
    quiet: QuietOption = False,
    profile: ProfileOption = False,
) -> None:
    """Measures pairs, or items by themselves, on a model and writes a run directory with its report."""
    quiet_libraries(quiet)
    reading = {"format": format, "columns": columns_of(columns), "answer_pattern": answer_pattern}
    found, given, spec = read_run(pairs, model, choices, loading, reading)
    if not plan:
        from mediate.scoring.given import check_out

        check_out(out, spec, spec.described(), given)
    from mediate.api import load
    from mediate.passes.store import Store
    from mediate.scoring.score import Call
    from mediate.scoring.score import score as run_score

    loaded = load(model, **loading)
    store = Store() if cache else None
    if plan:
        from mediate.scoring.forecast import forecast

        for each in forecast(loaded, given, spec, store, unread=found.errors, progress=True):
            put(str(each))
        return
    call = Call(unread=found.errors, out=out, store=store, progress=True, takeover=takeover)
    results = run_score(loaded, given, spec, **call)
    show_run(out, results, found, report=report)


def read_run(
    pairs: Path, model: str, choices: Choices, loading: Choices, reading: dict[str, Any]
) -> "tuple[ItemFile | PairFile, Sequence[Pair] | Sequence[Item], ScoreSpec]":
    """The file, what of it is to be measured, and how.

    Whatever needs no model is tried before one is loaded: a typo should not cost a minute.

    Args:
        pairs: The file.
        model: The model's name.
        choices: Of the run.
        loading: Of loading the model.
        reading: How the file is read.
    """
    from mediate.models.origin import tuned_template
    from mediate.pairs.pair import named_items
    from mediate.pairs.reading import scan_file
    from mediate.scoring.given import as_measured, check_device, check_set, check_training, fitting
    from mediate.scoring.spec import make_spec

    spec = make_spec(**choices)
    found = scan_file(pairs, **reading)
    if found.told:
        tell(found.told)
    given = as_measured(found.given, spec.against, tell)
    check_set(given, found.errors, spec)
    spec = fitting(given, spec)
    origin = check_model(model, loading.get("adapter"))
    check_training(found.given, origin.name)
    tuned_after = tuned_template(origin)
    unwritten = any(item.cot is None for each in given for _, item in named_items(each))
    if choices["template"] == "auto" and spec.chains is None and unwritten and tuned_after is not None:
        tell(f"template: {tuned_after.name} (the model must write chains, and was tuned after this)")
        spec = make_spec(spec, template=tuned_after)
    check_device(loading.get("device"))
    return found, given, spec


def show_run(out: Path, results: "Results", found: "ItemFile | PairFile", *, report: bool) -> None:
    """What a command that has measured a file says at its end."""
    show(out, results, report=report)
    check_measured(results.manifest, results.rejects)
    noun = "items" if found.taken_for else "pairs"
    compared = f"mediate compare {quote(str(out))} OTHER --out DIR (OTHER: the run of another model on the same {noun})"
    tell_next(out, results.rejects, compared if report else f"mediate report {quote(str(out))}")
