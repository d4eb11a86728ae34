"""`mediate cross`."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mediate.cli.completion import model_names
from mediate.cli.ending import put, put_json
from mediate.cli.from_spec import Choices, from_spec
from mediate.cli.options import (
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
    quiet_libraries,
    tell_next,
    tell_time,
)
from mediate.cli.run_files import write_run as write_down
from mediate.showing import plural
from mediate.watch import tell

if TYPE_CHECKING:
    from mediate.results.crossing_folder import CrossResults


def _fields() -> dict[str, Any]:
    from mediate.choices import fields_of
    from mediate.models.load_spec import LoadSpec
    from mediate.scoring.cross_spec import cross_fields

    offered = ("adapter", "tokenizer", "dtype", "device")
    loading = fields_of(LoadSpec)
    return {"choices": cross_fields(), "loading": {name: loading[name] for name in offered}}


@from_spec(_fields, old={"outcome": "outcomes", "map": "maps", "world": "worlds"}, run_file="pairs")
def cross(
    pairs: Annotated[Path, typer.Argument(help="Pairs, as JSON lines or Parquet.")],
    model: ModelOption,
    tuned: Annotated[
        str,
        typer.Option(
            "--tuned",
            help="The checkpoint after tuning, named as --model.",
            autocompletion=model_names,
        ),
    ],
    out: OutOption,
    choices: Choices,
    loading: Choices,
    cache: Annotated[bool, typer.Option(help="Look up and keep written chains and results.")] = True,
    takeover: TakeoverOption = False,
    write_run: WriteRunOption = None,
    log: LogOption = None,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
    profile: ProfileOption = False,
    json: JsonOption = False,
) -> None:
    """Patches a tuned checkpoint's CoT state into the one before it and back, and writes where the change lives.

    An adapter makes the tuned checkpoint; tokenizer, dtype and device are for both.
    """
    from mediate.pairs.files import scan_pairs
    from mediate.scoring.cross_spec import cross_fields, make_cross_spec
    from mediate.scoring.given import check_device, check_out, check_set, limited
    from mediate.scoring.rundir import holding

    quiet_libraries(quiet)
    spec = make_cross_spec(**choices)
    # Whatever needs no model is tried before one is loaded.
    found = scan_pairs(pairs)
    check_set(found.pairs, found.errors, spec.scoring)
    found = replace(found, pairs=limited(found.pairs, spec.scoring.limit, tell))
    check_model(model)
    check_model(tuned, loading.get("adapter"))
    check_device(loading.get("device"))
    if write_run is not None:
        called = {"pairs": pairs, "model": model, "tuned": tuned, "out": out, "cache": cache}
        write_down(write_run, called | choices | loading, cross_fields())
    check_out(out, spec.scoring, spec.described(), found.pairs)
    with holding(out, takeover=takeover):
        from mediate.api import load
        from mediate.passes.store import Store
        from mediate.report import write_report
        from mediate.scoring.cross import cross_pairs

        shared = {name: value for name, value in loading.items() if name != "adapter"}
        models = load(model, **shared), load(tuned, **loading)
        store = Store() if cache else None
        results = cross_pairs(models, found, spec, out=out, store=store, progress=True)
        _say(results)
        page = write_report(out)
    put(f"run: {out}\nreport: {page}")
    tell_time()
    if json:
        from mediate.cli.summaries import crossing_summary

        put_json(crossing_summary(results, out, page))
    check_measured(results.manifest, results.rejects)
    tell_next(out, results.rejects)


def _say(results: "CrossResults") -> None:
    from mediate.report import CrossScores

    counts, memory = results.manifest["counts"], results.manifest["weight_bytes"]
    put(repr(CrossScores(results)))
    of = f"{counts['measured']} of {plural(counts['given'], 'pair')}"
    put(f"{of}; weights of both models: {sum(memory.values()) / 1e6:,.0f} MB")
