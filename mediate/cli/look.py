"""`mediate report` and `mediate check`."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mediate.cli.completion import model_names
from mediate.cli.ending import put, put_json
from mediate.cli.from_spec import Choices, from_spec
from mediate.cli.options import JsonOption, check_model, quiet_libraries

if TYPE_CHECKING:
    from mediate.models.model import Check


def report(run: Annotated[Path, typer.Argument(help="A run directory.")]) -> None:
    """Writes report.html and figures, as PNG, SVG and PDF, from what a run stored; needs no model."""
    from mediate.report import write_report

    put(f"report: {write_report(run, ('png', 'svg', 'pdf'))}")


def _fields() -> dict[str, Any]:
    from mediate.choices import fields_of
    from mediate.models.load_spec import LoadSpec

    return {"loading": {"dtype": fields_of(LoadSpec)["dtype"]}}


@from_spec(_fields)
def check(
    loading: Choices,
    model: Annotated[
        str | None, typer.Option("--model", help="Also check this model.", autocompletion=model_names)
    ] = None,
    json: JsonOption = False,
) -> None:
    """Measures planted models of known truth, and tries identities on random models and, with --model, on that one."""
    quiet_libraries()
    if model is not None:
        check_model(model)
    from mediate.api import load
    from mediate.checks.run import Finding, sections, tried

    # Loaded first: a name that is none should not cost the minute before.
    loaded = None if model is None else load(model, **loading)
    failed, told = 0, dict[str, list[Finding]]()
    for heading, findings in sections():
        put(heading)
        for finding in findings:
            told.setdefault(heading, []).append(finding)
            failed += not finding.passed
            put(f"  {finding}")
    if loaded is not None:
        put(f"{loaded}")
        for each in loaded.checks:
            put(f"  {_checked(each)}")
        for component, why in loaded.refused.items():
            put(f"  not offered: {component} ({why})")
        failed += sum(not each.passed for each in loaded.checks if each.component is not None)
        for finding in tried(loaded):
            told.setdefault(loaded.facts.name, []).append(finding)
            failed += not finding.passed
            put(f"  {finding}")
    if json:
        from mediate.cli.summaries import check_summary

        put_json(check_summary(told, failed, None if loaded is None else loaded.describe()))
    if failed:
        typer.echo(f"{failed} failed", err=True)
        raise typer.Exit(1)


def _checked(each: "Check") -> str:
    """A check made at load; what cannot be run on a model is of places that it has not."""
    name = f"{each.name} at {each.component}" if each.component else each.name
    if each.component is None and math.isinf(each.error):
        return f"--   {name:44} does not apply: {each.detail}"
    mark = "ok" if each.passed else "FAIL"
    return f"{mark:4} {name:44} {each.error:8.1e}  (at most {each.tolerance:.0e}) {each.detail}".rstrip()
