"""What a command found, as the one JSON object that `--json` writes; docs/json.md has its keys.

Keys are added, and not renamed, within a version of the package. What is undefined is null, with its reason.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mediate.version import __version__

if TYPE_CHECKING:
    import pandas as pd

    from mediate.checks.run import Finding
    from mediate.report import Comparison
    from mediate.results import Results
    from mediate.results.crossing_folder import CrossResults
    from mediate.stats import Estimate


def estimate(found: "Estimate") -> dict[str, Any]:
    """A statistic with its interval and how it was obtained; `reason` says why a number is null."""
    names = ("value", "low", "high", "level", "n", "groups", "method", "seed", "reason")
    return {name: getattr(found, name) for name in names}


def run_summary(results: "Results", out: Path, page: Path | None) -> dict[str, Any]:
    """A run: what was measured and left out, and of each outcome shares and mean effects.

    Args:
        results: What it found.
        out: Its directory.
        page: Its page, where one was written.
    """
    from mediate.report import Scores

    scores, spec = Scores(results, out), results.manifest["spec"]
    outcomes = {
        cube.outcome: {
            "shares": {name: estimate(each) for name, each in scores.shares(cube.outcome).items()},
            "effects": {name: estimate(each) for name, each in scores.effects(cube.outcome).items()},
        }
        for cube in results.cubes
        if cube.items
    }
    kinds = dict.fromkeys((each.kind, ",".join(each.dims)) for each in results.maps)
    return _head(results.manifest, out, page) | {
        "model": _model(results.manifest.get("model")),
        "template": spec.get("template"),
        "limit": spec.get("limit"),
        "outcomes": outcomes,
        "maps": [f"{kind}:{axes}" for kind, axes in kinds],
    }


def behaviour_summary(results: "Results", out: Path, page: Path | None) -> dict[str, Any]:
    """A run with tests on behaviour: its summary, and a row an edit and reading."""
    from mediate.report import Faithfulness

    return run_summary(results, out, page) | {"tests": rows(Faithfulness(results, out).tests())}


def crossing_summary(results: "CrossResults", out: Path, page: Path) -> dict[str, Any]:
    """Two checkpoints crossed: of each outcome the change by what was put in place, and its share of the whole."""
    outcomes = {
        each.outcome: {
            "changes": {name: estimate(found) for name, found in results.changes(each.outcome).items()},
            "shares": {name: estimate(found) for name, found in results.shares(each.outcome).items()},
        }
        for each in results.crossings
        if each.items
    }
    both = results.manifest.get("model") or {}
    models = {name: _model(both.get(name)) for name in ("original", "tuned")}
    return _head(results.manifest, out, page) | models | {"outcomes": outcomes}


def comparison_summary(found: "Comparison", out: Path) -> dict[str, Any]:
    """A comparison: the runs, and a row an outcome, run and quantity with its difference, tests and verdict."""
    return {
        "mediate": __version__,
        "comparison": str(out),
        "report": str(out / "comparison.html"),
        "design": found.design,
        "mixed": list(found.mixed),
        "same_models": [asdict(each) for each in found.compared.same_models],
        "runs": rows(found.runs()),
        "differences": rows(found.differences()),
    }


def check_summary(
    sections: Mapping[str, Sequence["Finding"]], failed: int, model: Mapping[str, Any] | None
) -> dict[str, Any]:
    """What was tried, a row a statement, and how much of it failed.

    Args:
        sections: What was tried, by heading.
        failed: How many statements did not hold.
        model: The name of the model that was given, and what its own checks found; None where none was.
    """
    told = {
        heading: [
            {"name": each.name, "error": float(each.error), "tolerance": each.tolerance, "differs": each.differs}
            | {"gated": each.gated, "passed": each.passed, "detail": each.detail}
            for each in findings
        ]
        for heading, findings in sections.items()
    }
    return {"mediate": __version__, "failed": failed, "sections": told, "model": model}


def rows(table: "pd.DataFrame") -> list[dict[str, Any]]:
    """A table as JSON has it: a record a row, and null for what is no number."""
    found: list[dict[str, Any]] = json.loads(table.to_json(orient="records", double_precision=15))
    return found


def _head(manifest: Mapping[str, Any], out: Path, page: Path | None) -> dict[str, Any]:
    """Where a run lies, how it ended, and how many items it has."""
    counts = manifest.get("counts") or {}
    return {
        "mediate": __version__,
        "run": str(out),
        "report": None if page is None else str(page),
        "status": manifest.get("status"),
        "given": counts.get("given"),
        "measured": counts.get("measured"),
        "left_out": dict(counts.get("by_reason") or {}),
        "seconds": manifest.get("seconds"),
    }


def _model(facts: Any) -> dict[str, Any]:
    found = facts if isinstance(facts, Mapping) else {}
    return {name: found.get(name) for name in ("name", "parameters", "layers", "dtype", "weights", "device")}
