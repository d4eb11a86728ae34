"""`mediate score`."""

from dataclasses import replace
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mediate.cli.ending import put, writes_json
from mediate.cli.from_spec import Choices, from_spec
from mediate.cli.options import (
    AnswerPatternOption,
    ColumnsOption,
    ExamplesOption,
    FewShotOption,
    FormatOption,
    JsonOption,
    LogOption,
    ModelOption,
    OutOption,
    ProfileOption,
    QuietOption,
    TakeoverOption,
    VerboseOption,
    WriteRunOption,
    check_measured,
    check_model,
    columns_of,
    loading_choices,
    put_summary,
    quiet_libraries,
    show,
    tell_next,
    tell_time,
)
from mediate.cli.run_files import write_run as write_down
from mediate.errors import InputError
from mediate.watch import tell

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mediate.pairs.files import PairFile
    from mediate.pairs.pair import Item, Pair
    from mediate.pairs.reading import ItemFile
    from mediate.results import Results
    from mediate.scoring.apart import Order
    from mediate.scoring.engine_spec import EngineSpec
    from mediate.scoring.spec import ScoreSpec


def _fields() -> dict[str, Any]:
    from mediate.choices import fields_of
    from mediate.scoring.engine_spec import EngineSpec
    from mediate.scoring.spec import ScoreSpec

    return {"choices": fields_of(ScoreSpec), "loading": loading_choices(), "engine": fields_of(EngineSpec)}


@from_spec(_fields, old={"outcome": "outcomes", "map": "maps", "controls": "control_pairs"}, run_file="pairs")
def score(
    pairs: Annotated[
        Path, typer.Argument(help="Pairs or items: own ones, a data set, or a log of what a model wrote.")
    ],
    model: ModelOption,
    out: OutOption,
    choices: Choices,
    loading: Choices,
    engine: Choices,
    cache: Annotated[bool, typer.Option(help="Look up and keep chains and outcomes.")] = True,
    report: Annotated[bool, typer.Option(help="Write report.html and figures too.")] = True,
    format: FormatOption = None,
    columns: ColumnsOption = None,
    answer_pattern: AnswerPatternOption = None,
    few_shot: FewShotOption = None,
    examples: ExamplesOption = None,
    plan: Annotated[bool, typer.Option("--plan", help="Only say what the maps would cost.")] = False,
    takeover: TakeoverOption = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what the run would take: items, tokens, time, memory, disk.")
    ] = False,
    write_run: WriteRunOption = None,
    log: LogOption = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    profile: ProfileOption = False,
    json: JsonOption = False,
) -> None:
    """Measures pairs, or items by themselves, on a model and writes a run directory with its report."""
    from mediate.scoring.engine_spec import make_engine_spec

    quiet_libraries(quiet)
    where = make_engine_spec(**engine)
    reading = {"format": format, "columns": columns_of(columns), "answer_pattern": answer_pattern}
    found, given, spec = read_run(pairs, model, choices, loading, reading, (few_shot, examples))
    if write_run is not None:
        asked = {"pairs": pairs, "model": model, "out": out, "cache": cache, "report": report} | {
            "few_shot": few_shot,
            "examples": examples,
        }
        write_down(write_run, asked | written(spec, choices) | loading | reading | {"columns": columns} | engine)
    if where.is_apart and not plan and not dry_run:
        from mediate.scoring.apart import Order

        order = Order(model, loading, given, found.errors, spec, where.threads_per_worker, cache)
        _score_apart(order, where, out, found, report=report, takeover=takeover)
        return
    if not plan and not dry_run:
        from mediate.scoring.given import check_out

        check_out(out, spec, spec.described(), given)
        if told_finished(out, model, loading, report=report):
            return
    from mediate.scoring.rundir import holding

    with holding(None if plan or dry_run else out, takeover=takeover):
        from mediate.api import load
        from mediate.passes.store import Store
        from mediate.scoring.score import Call
        from mediate.scoring.score import score as run_score

        loaded = load(model, **loading)
        if dry_run:
            from mediate.scoring.dry_run import dry_run as tried

            for line in tried(loaded, given, spec, unread=found.errors, progress=True).lines():
                put(line)
            return
        store = Store() if cache else None
        if plan:
            from mediate.scoring.forecast import forecast

            for each in forecast(loaded, given, spec, store, unread=found.errors, progress=True):
                put(str(each))
            return
        call = Call(unread=found.errors, out=out, store=store, progress=True, num_workers=where.num_workers)
        results = run_score(loaded, given, spec, **call)
        show_run(out, results, found, report=report)


def _score_apart(
    order: "Order",
    where: "EngineSpec",
    out: Path,
    found: "ItemFile | PairFile",
    *,
    report: bool,
    takeover: bool,
) -> None:
    """Measures by workers on Ray, or one shard."""
    from mediate.scoring.apart import apart
    from mediate.scoring.given import check_out

    if where.shard is None:
        check_out(out, order.spec, order.spec.described(), order.given)
        if told_finished(out, order.model, order.loading, report=report):
            return
    results, folder = apart(order, where, out=out, progress=True, takeover=takeover)
    if results is None or folder is None:
        return
    if where.shard is None:
        show_run(out, results, found, report=report)
        return
    put(f"shard: {len(results.items)} {'items' if found.taken_for else 'pairs'} measured: {folder}")
    tell_time()
    tell(f"next: mediate merge {quote(str(out))} (once all shards are measured)")


def told_finished(out: Path, model: str, loading: "Mapping[str, Any]", *, report: bool) -> bool:
    """Whether a directory, whose choices and items are those of this run, holds it finished; then that is told.

    Nothing is loaded or read for it. The page is written where it is missing, or older than what it should show.
    """
    from mediate.models.origin import resolve
    from mediate.results.folder import MANIFEST
    from mediate.scoring.finished import finished_run
    from mediate.scoring.rundir import tidied

    found = finished_run(out, resolve(model, loading.get("adapter")), loading)
    if found is None:
        return False
    tidied(out)
    counts, page = found["counts"], out / "report.html"
    put(
        f"{out}: holds this very run, finished {found.get('finished', '')}: {counts['measured']:,} of "
        f"{counts['given']:,} measured; nothing was computed"
    )
    if report and (not page.is_file() or page.stat().st_mtime_ns < (out / MANIFEST).stat().st_mtime_ns):
        from mediate.report import write_report

        page = write_report(out)
    put(f"report: {page}" if report else f"run: {out}")
    if writes_json():
        from mediate.results import read_results

        put_summary(read_results(out), out, page if report else None)
    check_measured(found, ())
    return True


def written(spec: "ScoreSpec", choices: Choices) -> Choices:
    """The choices of a run as a run file has them: with all defaults, but for what is settled when the model is there.

    Args:
        spec: Of the run.
        choices: As they were given.
    """
    from mediate.choices import fields_of
    from mediate.scoring.spec import ScoreSpec

    told = spec.described() | {name: choices[name] for name in ("template", "chains") if name in choices}
    found = {name: told.get(name) for name in fields_of(ScoreSpec)}
    found |= {"chains": choices.get("chains"), "replacements": found["replacements"] or choices.get("replacements")}
    return {name: value if value != [] or choices.get(name) == () else None for name, value in found.items()}


def read_run(
    pairs: Path,
    model: str,
    choices: Choices,
    loading: Choices,
    reading: dict[str, Any],
    shots: tuple[int | None, Path | None] = (None, None),
) -> "tuple[ItemFile | PairFile, Sequence[Pair] | Sequence[Item], ScoreSpec]":
    """The file, what of it is to be measured, and how.

    Whatever needs no model is tried before one is loaded: a typo should not cost a minute.

    Args:
        pairs: The file.
        model: The model's name.
        choices: Of the run.
        loading: Of loading the model.
        reading: How the file is read.
        shots: How many worked examples stand before each question, and the file that they are of.
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
    given = as_measured(found.given, spec.against, tell, spec.limit)
    check_set(given, found.errors, spec)
    spec = fitting(given, with_examples(spec, given, reading, *shots))
    origin = check_model(model, loading.get("adapter"))
    check_training(found.given, origin.name)
    tuned_after = tuned_template(origin)
    unwritten = any(item.cot is None for each in given for _, item in named_items(each))
    if choices["template"] == "auto" and spec.chains is None and unwritten and tuned_after is not None:
        tell(f"template: {tuned_after.name} (the model must write chains, and was tuned after this)")
        spec = make_spec(spec, template=tuned_after)
    check_device(loading.get("device"))
    return found, given, spec


def with_examples(
    spec: "ScoreSpec",
    given: "Sequence[Pair] | Sequence[Item]",
    reading: dict[str, Any],
    count: int | None,
    file: Path | None,
) -> "ScoreSpec":
    """The choices of a run with worked examples as its template, where they are asked for.

    Raises:
        InputError: Another template is asked for too, or the file has not as many examples.
    """
    from mediate.models.prompts import Style
    from mediate.pairs.pair import named_items
    from mediate.pairs.reading import scan_file
    from mediate.scoring.spec import make_spec
    from mediate.scoring.worked_examples import built_in_examples, examples_of

    if count is None and file is None:
        return spec
    if count is None:
        raise InputError("--examples is of --few-shot N, which says how many of them; give both")
    if spec.template.style is not Style.AUTO:
        raise InputError(f"--few-shot and --template {spec.template.name} say two things; give one of them")
    if file is None:
        return make_spec(spec, template=built_in_examples(count, tell))
    items = [replace(named_items(each)[0][1], id=each.id) for each in scan_file(file, **reading).given]
    measured = {item.question for each in given for _, item in named_items(each)}
    return make_spec(spec, template=examples_of(items, count, measured, spec.answer_cue, tell))


def show_run(out: Path, results: "Results", found: "ItemFile | PairFile", *, report: bool) -> None:
    """What a command that has measured a file says at its end."""
    show(out, results, report=report)
    check_measured(results.manifest, results.rejects)
    noun = "items" if found.taken_for else "pairs"
    compared = f"mediate compare {quote(str(out))} OTHER --out DIR (OTHER: the run of another model on the same {noun})"
    tell_next(out, results.rejects, compared if report else f"mediate report {quote(str(out))}")
