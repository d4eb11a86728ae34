"""`mediate demo` and `mediate score`."""

from enum import StrEnum
from pathlib import Path
from shlex import quote
from typing import Annotated, Any

import typer

from mediate.beside import beside
from mediate.cli.options import (
    BadItemOption,
    Dtype,
    ModelOption,
    NewTokensOption,
    OldControls,
    OldMap,
    OldOutcome,
    OnBadItem,
    OutcomesOption,
    OutOption,
    ProfileOption,
    QuietOption,
    TemplateOption,
    check_measured,
    check_model,
    either,
    quiet_libraries,
    show,
    tell_next,
    tell_time,
    unescaped,
)
from mediate.watch import tell


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

        show(out, run_demo(out, pairs=pairs or PAIRS, seed=seed, say=typer.echo))
        return
    # The process that draws imports what draws, while this one imports what measures; each takes some seconds.
    with beside("mediate.report.family") as other:
        from mediate.demo import LADDER_PAIRS, run_ladder
        from mediate.report.family import family_headline

        page, family = run_ladder(out, pairs=pairs or LADDER_PAIRS, seed=seed, say=typer.echo, other=other)
    typer.echo(family_headline(family))
    typer.echo(f"report: {page}")
    tell_time()


def score(
    pairs: Annotated[Path, typer.Argument(help="Pairs, as JSON lines or Parquet.")],
    model: ModelOption,
    out: OutOption,
    template: TemplateOption = "auto",
    answer_cue: Annotated[
        str, typer.Option(help=r"What stands before the answer; \n is a line break.")
    ] = "\\nThe answer is",
    chains: Annotated[
        Path | None, typer.Option(help="A run directory whose written chains this model reads, writing none.")
    ] = None,
    outcomes: OutcomesOption = None,
    maps: Annotated[
        list[str] | None, typer.Option("--maps", help="Such as read:step,layer, or none; repeatable.")
    ] = None,
    keep: Annotated[
        list[str] | None, typer.Option(help="Component whose CoT activations are stored; repeatable.")
    ] = None,
    control_pairs: Annotated[int, typer.Option(min=0, help="On how many pairs the controls are run; 0 for none.")] = 8,
    on_bad_item: BadItemOption = OnBadItem.AUTO,
    solved_only: Annotated[
        bool, typer.Option(help="Only pairs that the model answers rightly in both worlds.")
    ] = False,
    max_new_tokens: NewTokensOption = None,
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
    quiet: QuietOption = False,
    profile: ProfileOption = False,
    outcome: OldOutcome = None,
    map_: OldMap = None,
    controls: OldControls = None,
) -> None:
    """Measures pairs on a model and writes a run directory with its report."""
    from mediate.models.source import tuned_template
    from mediate.pairs.files import scan_pairs
    from mediate.scoring.given import check_device, check_out, check_set
    from mediate.scoring.spec import make_spec

    quiet_libraries(quiet)
    choices: dict[str, Any] = {
        "template": template,
        "answer_cue": unescaped(answer_cue),
        "control_pairs": control_pairs if controls is None else controls,
        "keep": keep or (),
        "on_bad_item": on_bad_item.value,
        "solved_only": solved_only,
        "max_new_tokens": max_new_tokens,
        "stop": [unescaped(each) for each in stop or ()],
        "temperature": temperature,
        "top_p": top_p,
        "seed": seed,
        "level": level,
    }
    if outcomes := either(outcomes, outcome):
        choices["outcomes"] = outcomes
    if maps := either(maps, map_):
        choices["maps"] = () if maps == ["none"] else maps
    if min_te is not None:
        choices["min_te"] = min_te
    if chains is not None:
        choices["chains"] = chains
    spec = make_spec(**choices)
    # Whatever needs no model is tried before one is loaded: a typo should not cost a minute.
    found = scan_pairs(pairs)
    check_set(found.pairs, found.errors, spec)
    tuned_after = tuned_template(check_model(model, adapter))
    unwritten = any(item.cot is None for pair in found.pairs for item in (pair.base, pair.source))
    if template == "auto" and chains is None and unwritten and tuned_after is not None:
        tell(f"template: {tuned_after.name} (the model must write chains, and was tuned after this)")
        spec = make_spec(spec, template=tuned_after)
    check_device(device)
    if not plan:
        check_out(out, spec, spec.described(), found.pairs)
    from mediate.api import load
    from mediate.passes.store import Store
    from mediate.scoring.score import score as run_score

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
        from mediate.scoring.forecast import forecast

        for each in forecast(loaded, found.pairs, spec, store, unread=found.errors, progress=True):
            typer.echo(each)
        return
    results = run_score(loaded, found.pairs, spec, unread=found.errors, out=out, store=store, progress=True)
    show(out, results, report=report)
    check_measured(results.manifest, results.rejects)
    compared = f"mediate compare {quote(str(out))} OTHER --out DIR (OTHER: the run of another model on the same pairs)"
    tell_next(out, results.rejects, compared if report else f"mediate report {quote(str(out))}")
