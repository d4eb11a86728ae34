"""`mediate traces`: chains to teach, scored under a student, selected, and written by a teacher and it together."""

from collections.abc import Mapping
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from mediate.cli.completion import model_names
from mediate.cli.ending import put
from mediate.cli.from_spec import Choices, FromSpec, from_spec
from mediate.cli.materials import check_absent
from mediate.cli.options import (
    AnswerPatternOption,
    CacheOption,
    ColumnsOption,
    FormatOption,
    ModelOption,
    OutOption,
    ProfileOption,
    QuietOption,
    TakeoverOption,
    VerboseOption,
    check_model,
    loading_choices,
    quiet_libraries,
    scanned,
    tell_next,
    tell_time,
)
from mediate.errors import InputError
from mediate.files import check_place
from mediate.showing import plural
from mediate.watch import tell

if TYPE_CHECKING:
    from mediate.models.model import Model

traces_app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, help="Chains to teach: scored under a student, and selected."
)

TeacherOption = Annotated[
    str | None,
    typer.Option(
        "--teacher", help="A second model of the same tokenizer, named as --model is.", autocompletion=model_names
    ),
]


def _fields() -> dict[str, Any]:
    from mediate.distill.spec import trace_fields

    return {"choices": trace_fields(), "loading": loading_choices()}


@from_spec(_fields)
def score(
    traces: Annotated[Path, typer.Argument(help="Items with chains, or pairs: own ones, a data set, or a log.")],
    model: ModelOption,
    out: OutOption,
    choices: Choices,
    loading: Choices,
    teacher: TeacherOption = None,
    format: FormatOption = None,
    columns: ColumnsOption = None,
    answer_pattern: AnswerPatternOption = None,
    cache: CacheOption = True,
    takeover: TakeoverOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    profile: ProfileOption = False,
) -> None:
    """Scores each token and trace under a student: surprisal, rank, what the speculative rule accepts."""
    from mediate.distill.spec import make_trace_specs
    from mediate.scoring.rundir import holding
    from mediate.scoring.score import Call

    quiet_libraries(quiet)
    specs = make_trace_specs(choices)
    file = scanned(traces, specs[1], format, columns, answer_pattern)
    _check_models(model, teacher, loading, out)
    with holding(out, takeover=takeover):
        student, other = _models(model, teacher, loading)
        from mediate.distill.score_traces import score_traces
        from mediate.passes.store import Store
        from mediate.report import TraceScores

        call = Call(unread=file.errors, out=out, store=Store() if cache else None, progress=True)
        found = TraceScores(score_traces(student, file.given, specs, other, call), out)
    put(repr(found))
    put(f"run: {out}")
    tell_time()
    tell_next(out, found.rejects, f"mediate traces select {quote(str(out))} --by rsr --keep 0.25 --out FILE.jsonl")


def _check_models(model: str, teacher: str | None, loading: Mapping[str, Any], out: Path) -> None:
    """Refuses names of models, a device and a place that are none, before anything is loaded."""
    from mediate.scoring.given import check_device

    check_model(model, loading.get("adapter"))
    if teacher is not None:
        check_model(teacher)
    check_device(loading.get("device"))
    check_place(out)


def _models(model: str, teacher: str | None, loading: Mapping[str, Any]) -> "tuple[Model, Model | None]":
    """The student and the teacher, loaded."""
    from mediate.api import load

    student = load(model, **loading)
    return student, load(teacher, **(dict(loading) | {"adapter": None})) if teacher is not None else None


def _join_fields() -> dict[str, Any]:
    from mediate.distill.join_spec import join_fields

    return {"choices": join_fields(), "loading": loading_choices()}


@from_spec(_join_fields)
def join(
    traces: Annotated[Path, typer.Argument(help="Items with answers, or pairs: own ones, a data set, or a log.")],
    model: ModelOption,
    out: OutOption,
    choices: Choices,
    loading: Choices,
    teacher: TeacherOption = None,
    format: FormatOption = None,
    columns: ColumnsOption = None,
    answer_pattern: AnswerPatternOption = None,
    cache: CacheOption = True,
    takeover: TakeoverOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    profile: ProfileOption = False,
) -> None:
    """Holds what each token carries against how likely a student finds it: do rejected tokens carry the answer?"""
    from mediate.distill.join_spec import make_join_specs
    from mediate.scoring.rundir import holding
    from mediate.scoring.score import Call

    quiet_libraries(quiet)
    specs = make_join_specs(choices)
    file = scanned(traces, specs[1], format, columns, answer_pattern)
    _check_models(model, teacher, loading, out)
    with holding(out, takeover=takeover):
        student, other = _models(model, teacher, loading)
        from mediate.distill.join import join_tokens
        from mediate.passes.store import Store
        from mediate.report import TokenJoin, write_report

        call = Call(unread=file.errors, out=out, store=Store() if cache else None, progress=True)
        found = TokenJoin(join_tokens(student, file.given, specs, other, call), out)
        put(repr(found))
        put(f"run: {out}\nreport: {write_report(out)}")
    tell_time()
    tell_next(out, found.rejects)


@traces_app.command("select")
def select(
    run: Annotated[Path, typer.Argument(help="A run directory of 'mediate traces score'.")],
    out: Annotated[Path, typer.Option("--out", help="The .jsonl file to write: items, for score and tune.")],
    by: Annotated[
        Literal["rsr", "surprisal", "drop", "casl", "accepted"],
        typer.Option(help="The score; of rsr and surprisal the least are kept, of the others the largest."),
    ] = "rsr",
    keep: Annotated[float | None, typer.Option(help="The part of all traces that is kept.")] = None,
    of_question: Annotated[
        int | None, typer.Option(help="How many traces of each question are kept, instead of a part of all.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Write over a file of other content.")] = False,
) -> None:
    """Keeps the traces with the best scores; needs no model."""
    from mediate.files import write_bytes
    from mediate.report import TraceScores, selected_content
    from mediate.results.trace_folder import read_trace_results

    found = TraceScores(read_trace_results(run), run)
    kept = found.select(by, keep=keep, of_question=of_question)
    content = selected_content(kept)
    if not force:
        check_absent(out, content)
    write_bytes(out, content)
    put(f"{len(kept)} of {plural(len(found.results.traces), 'trace')}: {out}")
    tell(f"next: mediate tune sft --model STUDENT --data {quote(str(out))} --out DIR")


def _rsd_fields() -> dict[str, Any]:
    from mediate.choices import fields_of
    from mediate.distill.rsd_spec import RsdSpec

    return {"choices": fields_of(RsdSpec), "loading": loading_choices("adapter")}


@from_spec(_rsd_fields)
def rsd(
    *,
    teacher: Annotated[
        str,
        typer.Option(
            "--teacher", help="The model that proposes; named as for --model elsewhere.", autocompletion=model_names
        ),
    ],
    student: Annotated[
        str,
        typer.Option(
            "--student",
            help="The model that accepts, and is to be taught.",
            autocompletion=model_names,
        ),
    ],
    questions: Annotated[Path, typer.Option("--questions", help="Items with answers, or pairs.")],
    out: Annotated[Path, typer.Option("--out", help="The .jsonl file to write: items, for score and tune.")],
    choices: Choices,
    loading: Choices,
    run: Annotated[
        Path | None, typer.Option("--run", help="A run directory too: every trace, every decision, what was dropped.")
    ] = None,
    format: FormatOption = None,
    columns: ColumnsOption = None,
    answer_pattern: AnswerPatternOption = None,
    cache: CacheOption = True,
    force: Annotated[bool, typer.Option("--force", help="Write over a file of other content.")] = False,
    takeover: TakeoverOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    profile: ProfileOption = False,
) -> None:
    """Reverse speculative decoding: the teacher proposes each token, and the student accepts it or draws one itself."""
    from mediate.choices import made
    from mediate.distill.rsd_spec import RsdSpec
    from mediate.files import write_bytes
    from mediate.scoring.given import check_device
    from mediate.scoring.rundir import holding
    from mediate.scoring.spec import make_spec

    quiet_libraries(quiet)
    spec = made(RsdSpec, choices)
    file = scanned(questions, make_spec(on_bad_item="skip"), format, columns, answer_pattern)
    check_model(teacher)
    check_model(student)
    check_device(loading.get("device"))
    for place in (out, *([run] if run is not None else [])):
        check_place(place)
    if out.exists() and not out.is_file():
        raise InputError(f"{out}: is a folder; name a .jsonl file")
    from mediate.api import load
    from mediate.distill.rsd_run import rsd as write
    from mediate.passes.store import Store
    from mediate.report import RsdTraces, selected_content
    from mediate.scoring.score import Call

    with holding(run, takeover=takeover):
        models = load(teacher, **loading), load(student, **loading)
        call = Call(unread=file.errors, out=run, store=Store() if cache else None, progress=True)
        found = RsdTraces(write(models, file.given, spec, call, lambda: _check_free(out, force)), run)
    content = selected_content(found.kept())
    if not force:
        check_absent(out, content)
    write_bytes(out, content)
    put(repr(found))
    put(f"{plural(len(found.results.kept), 'trace')}: {out}")
    tell_time()
    tell(f"next: mediate tune sft --model {quote(student)} --data {quote(str(out))} --out DIR")


def _check_free(out: Path, force: bool) -> None:
    """Raises InputError where a file that is there would be written over by what is not known before it is written."""
    if out.exists() and not force:
        raise InputError(
            f"{out}: is there already, and what is asked for was not written before; name another file, or write over "
            "it with --force"
        )


traces_app.command("score", cls=FromSpec)(score)
traces_app.command("join", cls=FromSpec)(join)
traces_app.command("rsd", cls=FromSpec)(rsd)
