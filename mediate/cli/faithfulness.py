"""`mediate faithfulness`."""

from pathlib import Path
from typing import Annotated, Any

import typer

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
    check_model,
    columns_of,
    loading_choices,
    quiet_libraries,
)
from mediate.cli.run_files import write_run as write_down
from mediate.cli.score import read_run, show_run, told_finished, written


def _fields() -> dict[str, Any]:
    from mediate.choices import fields_of
    from mediate.faithfulness.spec import BehaviourSpec
    from mediate.scoring.spec import ScoreSpec

    return {"tests": fields_of(BehaviourSpec), "choices": fields_of(ScoreSpec), "loading": loading_choices()}


@from_spec(_fields, run_file="pairs")
def faithfulness(
    pairs: Annotated[
        Path, typer.Argument(help="Pairs or items: own ones, a data set, or a log of what a model wrote.")
    ],
    model: ModelOption,
    out: OutOption,
    tests: Choices,
    choices: Choices,
    loading: Choices,
    cache: Annotated[
        bool, typer.Option(help="Look up and keep chains, what was written on from edits, and effects.")
    ] = True,
    report: Annotated[bool, typer.Option(help="Write report.html and figures too.")] = True,
    format: FormatOption = None,
    columns: ColumnsOption = None,
    answer_pattern: AnswerPatternOption = None,
    few_shot: FewShotOption = None,
    examples: ExamplesOption = None,
    takeover: TakeoverOption = False,
    write_run: WriteRunOption = None,
    log: LogOption = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    profile: ProfileOption = False,
    json: JsonOption = False,
) -> None:
    """Tests on behaviour: edits chains, reads what the model answers, and measures effects of the same items."""
    from mediate.faithfulness.spec import check_paraphrases, make_behaviour_spec
    from mediate.scoring.given import check_out
    from mediate.scoring.rundir import holding

    quiet_libraries(quiet)
    asked = make_behaviour_spec(tests)
    check_paraphrases(asked)
    if asked.rewriter is not None:
        check_model(asked.rewriter)
    reading = {"format": format, "columns": columns_of(columns), "answer_pattern": answer_pattern}
    found, given, spec = read_run(pairs, model, choices, loading, reading, (few_shot, examples))
    if write_run is not None:
        called = {"pairs": pairs, "model": model, "out": out, "cache": cache, "report": report} | {
            "few_shot": few_shot,
            "examples": examples,
        }
        told = asked.model_dump(mode="json") | written(spec, choices) | loading | reading | {"columns": columns}
        write_down(write_run, called | told)
    check_out(out, spec, spec.described() | {"behaviour": asked.described()}, given)
    # Of a model that writes paraphrases the manifest has the name alone.
    if asked.rewriter is None and told_finished(out, model, loading, report=report):
        return
    with holding(out, takeover=takeover):
        from mediate.api import load
        from mediate.faithfulness.faithfulness import Probes
        from mediate.faithfulness.faithfulness import faithfulness as run
        from mediate.passes.store import Store
        from mediate.scoring.score import Call

        call = Call(unread=found.errors, out=out, store=Store() if cache else None, progress=True)
        results = run(load(model, **loading), given, spec, Probes(asked), call)
        show_run(out, results, found, report=report)
