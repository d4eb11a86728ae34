"""`mediate cross`."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mediate.cli.options import (
    BadItemOption,
    Dtype,
    ModelOption,
    NewTokensOption,
    OldMap,
    OldOutcome,
    OldWorld,
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
    tell_next,
    tell_time,
    unescaped,
)

if TYPE_CHECKING:
    from mediate.results.crossing_folder import CrossResults
    from mediate.stats import Estimate


class ChainWriter(StrEnum):
    """Which checkpoint writes chains that are missing."""

    ORIGINAL = "original"
    TUNED = "tuned"


def cross(
    pairs: Annotated[Path, typer.Argument(help="Pairs, as JSON lines or Parquet.")],
    model: ModelOption,
    tuned: Annotated[str, typer.Option("--tuned", help="The checkpoint after tuning, named as --model.")],
    out: OutOption,
    maps: Annotated[
        list[str] | None,
        typer.Option("--maps", help="read:AXES or state.COMPONENT:AXES, such as read:step,layer, or none; repeatable."),
    ] = None,
    worlds: Annotated[list[str] | None, typer.Option(help="base (default) or source; repeat for both.")] = None,
    chains: Annotated[
        Path | None, typer.Option(help="A run directory whose written chains both read, writing none.")
    ] = None,
    writer: Annotated[
        ChainWriter, typer.Option(help="Which checkpoint writes chains that are missing.")
    ] = ChainWriter.ORIGINAL,
    template: TemplateOption = "auto",
    answer_cue: Annotated[
        str, typer.Option(help=r"What stands before the answer; \n is a line break.")
    ] = "\\nThe answer is",
    outcomes: OutcomesOption = None,
    on_bad_item: BadItemOption = OnBadItem.AUTO,
    solved_only: Annotated[
        bool, typer.Option(help="Only pairs that the writer answers rightly in both worlds.")
    ] = False,
    max_new_tokens: NewTokensOption = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the writing and of the bootstrap.")] = 0,
    level: Annotated[float, typer.Option(help="Coverage of the intervals.")] = 0.95,
    adapter: Annotated[Path | None, typer.Option(help="A LoRA adapter that makes --tuned.")] = None,
    tokenizer: Annotated[
        Path | None, typer.Option(help="The folder of a tokenizer for both, if theirs are not the same.")
    ] = None,
    dtype: Annotated[Dtype, typer.Option(help="Of the weights.")] = Dtype.FLOAT32,
    device: Annotated[
        str | None, typer.Option(help="Such as cpu or cuda; a GPU by default where there is one.")
    ] = None,
    cache: Annotated[bool, typer.Option(help="Look up and keep written chains and results.")] = True,
    quiet: QuietOption = False,
    profile: ProfileOption = False,
    outcome: OldOutcome = None,
    map_: OldMap = None,
    world: OldWorld = None,
) -> None:
    """Patches a tuned checkpoint's CoT state into the one before it and back, and writes where the change lives."""
    from mediate.pairs.files import scan_pairs
    from mediate.scoring.cross_spec import make_cross_spec
    from mediate.scoring.given import check_device, check_out, check_set

    quiet_libraries(quiet)
    outcomes = either(outcomes, outcome)
    choices: dict[str, Any] = {"outcomes": outcomes} if outcomes else {}
    if maps := either(maps, map_):
        choices["maps"] = () if maps == ["none"] else maps
    if chains is not None:
        choices["chains"] = chains
    spec = make_cross_spec(
        worlds=either(worlds, world) or ("base",),
        writer=writer.value,
        template=template,
        answer_cue=unescaped(answer_cue),
        on_bad_item=on_bad_item.value,
        solved_only=solved_only,
        max_new_tokens=max_new_tokens,
        seed=seed,
        level=level,
        **choices,
    )
    # Whatever needs no model is tried before one is loaded.
    found = scan_pairs(pairs)
    check_set(found.pairs, found.errors, spec.scoring)
    check_model(model)
    check_model(tuned, adapter)
    check_device(device)
    check_out(out, spec.scoring, spec.described(), found.pairs)
    from mediate.api import load
    from mediate.passes.store import Store
    from mediate.report import write_report
    from mediate.scoring.cross import cross_pairs

    shared: dict[str, Any] = {"tokenizer": tokenizer, "dtype": dtype.value, "device": device}
    models = load(model, **shared), load(tuned, adapter=adapter, **shared)
    store = Store() if cache else None
    results = cross_pairs(models, found, spec, out=out, store=store, progress=True)
    _say(results)
    typer.echo(f"run: {out}\nreport: {write_report(out)}")
    tell_time()
    check_measured(results.manifest, results.rejects)
    tell_next(out, results.rejects)


def _say(results: "CrossResults") -> None:
    counts, memory = results.manifest["counts"], results.manifest["weight_bytes"]
    typer.echo(
        f"{counts['measured']} of {counts['given']} pairs; weights of both models: {sum(memory.values()) / 1e6:,.0f} MB"
    )
    for crossing in results.crossings if counts["measured"] else ():
        typer.echo(f"\n{crossing.outcome}, in nats, positive for the right answer (tuned less original)")
        shares = results.shares(crossing.outcome)
        for name, each in results.changes(crossing.outcome).items():
            typer.echo(f"  {name.replace('_', ' '):26} {f'{each}':30}{_share(shares.get(name))}")
    for code, count in counts["by_reason"].items():
        typer.echo(f"left out: {count} x {code}")


def _share(share: "Estimate | None") -> str:
    if share is None:
        return ""
    return f"{100 * share.value:.0f} % of the total change" if share.defined else "share undefined"
