"""The folder of a comparison: JSON, tables, figures and the page."""

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pandas as pd

from mediate.clock import stage
from mediate.compare import Compared, NamedRun, Settings
from mediate.compare.maps import Scope
from mediate.compare.quantities import EFFECT, SHARE
from mediate.errors import InputError
from mediate.files import check_place, write_text
from mediate.report.comparison.page import comparison_page
from mediate.report.comparison.tables import (
    difference_table,
    item_status_table,
    ladder_table,
    level_table,
    map_table,
    run_table,
    split_table,
)
from mediate.report.html import write_page
from mediate.results.folder import write_table

SCHEMA = 1
RECORD, PAGE, TABLES = "comparison.json", "comparison.html", "tables"


def identity(runs: Sequence[NamedRun], how: Settings) -> dict[str, Any]:
    """What a folder's comparison is of: each run's label and a sha256 of its manifest, and the settings."""
    manifests = [json.dumps(run.results.manifest, sort_keys=True, default=str).encode("utf-8") for run in runs]
    prints = [hashlib.sha256(each).hexdigest() for each in manifests]
    named = [{"label": run.label, "manifest": each} for run, each in zip(runs, prints, strict=True)]
    return {"runs": named, "settings": asdict(how)}


def check_out(folder: Path, runs: Sequence[NamedRun], how: Settings) -> None:
    """Checks that a folder is free, or holds the same comparison, which is then written anew.

    Raises:
        InputError: It holds something else.
    """
    if not folder.exists():
        check_place(folder)
        return
    if not folder.is_dir():
        raise InputError(f"{folder}: is a file; give a directory for the comparison")
    record = folder / RECORD
    if not record.exists():
        if any(folder.iterdir()):
            raise InputError(f"{folder}: is not empty and holds no comparison; give a new directory")
        return
    try:
        found = json.loads(record.read_text(encoding="utf-8")).get("identity")
    except (ValueError, AttributeError) as error:
        raise InputError(f"{record}: cannot be read ({error}); give a new directory") from error
    if found != json.loads(json.dumps(identity(runs, how))):
        raise InputError(f"{folder}: holds a comparison of other runs or with other settings; give a new directory")


def comparison_json(compared: Compared) -> str:
    """Everything but the cell-by-cell maps as JSON; what is undefined is null."""
    pairing = compared.pairing
    reasons = [
        {"run": run, "status": status, "code": code, "items": count}
        for (run, status, code), count in pairing.reasons().items()
    ]
    content = {
        "schema": SCHEMA,
        "identity": identity(compared.runs, compared.how),
        "design": compared.traces.design.value,
        "mixed": list(compared.mixed),
        "cautions": list(compared.cautions),
        "same_models": [asdict(each) for each in compared.same_models],
        "counts": {
            "shared": len(pairing.items),
            "groups": len(set(pairing.groups)),
            "dropped": pairing.dropped_items,
            "by_reason": reasons,
        },
        "not_computed": {
            "split": compared.no_split,
            "ladder": compared.no_ladder,
            "maps": dict(compared.maps_left_out),
        },
        "runs": _records(run_table(compared)),
        "shares": _records(level_table(compared, SHARE)),
        "effects": _records(level_table(compared, EFFECT)),
        "differences": _records(difference_table(compared)),
        "split": _records(split_table(compared)),
        "ladder": _records(ladder_table(compared)),
        "maps": _records(map_table(compared, (Scope.LAYER, Scope.STEP))),
    }
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): _plain(cell) for name, cell in row.items()} for row in frame.to_dict("records")]


def _plain(cell: Any) -> Any:
    """A cell as JSON has it: null for what is undefined, a word for what is infinite."""
    if hasattr(cell, "item"):
        cell = cell.item()
    if isinstance(cell, float) and not math.isfinite(cell):
        return None if math.isnan(cell) else str(cell)
    return cell


@stage("writing pages")
def write_comparison(folder: Path, compared: Compared) -> Path:
    """Writes everything, each file whole or not at all, and `comparison.json` first, which claims the folder."""
    write_text(folder / RECORD, comparison_json(compared))
    tables = {
        "runs": run_table(compared),
        "shares": level_table(compared, SHARE),
        "effects": level_table(compared, EFFECT),
        "differences": difference_table(compared),
        "split": split_table(compared),
        "ladder": ladder_table(compared),
        "maps": map_table(compared),
        "items": item_status_table(compared),
    }
    for name, table in tables.items():
        write_table(folder / TABLES / f"{name}.parquet", table)
    return write_page(folder / PAGE, comparison_page(compared))
