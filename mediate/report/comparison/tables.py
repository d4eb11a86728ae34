"""The numbers of a comparison as data frames, one row a thing."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, fields
from typing import Any

import pandas as pd

from mediate.compare import Compared
from mediate.compare.maps import MapDifference
from mediate.compare.pairing import Dropped
from mediate.compare.quantities import EFFECT, SHARE
from mediate.compare.stacks import LAYER
from mediate.stats import Estimate

UNITS = {SHARE: "share of TE", EFFECT: "nats"}
ESTIMATE = ("value", "low", "high", "level", "n", "groups", "method", "seed", "reason")
# A layer's label is its relative depth.
DEPTH = "depth"
MAP_CELLS = ("here", "there", "difference", "low", "high", "p", "p_adjusted")


def level_table(compared: Compared, kind: str) -> pd.DataFrame:
    """A row an outcome, run and quantity of one kind: its value over the shared items, with its interval."""
    rows = [
        {"outcome": each.outcome, "run": each.run, "quantity": each.quantity, "unit": UNITS[kind]}
        | _cells(each.estimate)
        for each in compared.levels
        if each.kind == kind
    ]
    return _marked(compared, rows, ("outcome", "run", "quantity", "unit", *ESTIMATE))


def difference_table(compared: Compared) -> pd.DataFrame:
    """A row an outcome, run and quantity: the run less the reference, its tests, and the verdict at the margin."""
    labels = ("outcome", "run", "reference", "kind", "quantity")
    tests = ("p", "p_adjusted", "margin", "p_equivalent", "verdict")
    rows = [
        {name: getattr(each, name) for name in labels}
        | {"unit": UNITS[each.kind]}
        | _cells(each.estimate)
        | {name: getattr(each, name) for name in tests}
        | {"verdict": each.verdict.value}
        for each in compared.differences
    ]
    return _marked(compared, rows, (*labels, "unit", *ESTIMATE, *tests))


def split_table(compared: Compared) -> pd.DataFrame:
    """A row an outcome, 2 x 2, quantity and part of its change; see `mediate.compare.split.CONTRASTS`."""
    labels = ("outcome", "first", "second", "kind", "quantity", "part")
    rows = [
        {name: getattr(each, name) for name in labels} | {"unit": UNITS[each.kind]} | _cells(each.estimate)
        for each in compared.split
    ]
    return _marked(compared, rows, (*labels, "unit", *ESTIMATE))


def ladder_table(compared: Compared) -> pd.DataFrame:
    """A row an outcome and share: its slope for ten times the parameters, and its rank correlation with the size."""
    rows = [
        {"outcome": each.outcome, "quantity": each.quantity, "models": each.models}
        | {name if name != "value" else "slope": cell for name, cell in _cells(each.slope).items()}
        | {"rank": each.rank.value, "rank_low": each.rank.low, "rank_high": each.rank.high, "rank_p": each.p}
        for each in compared.ladder
    ]
    estimate = tuple("slope" if name == "value" else name for name in ESTIMATE)
    return _marked(
        compared, rows, ("outcome", "quantity", "models", *estimate, "rank", "rank_low", "rank_high", "rank_p")
    )


def map_table(compared: Compared, scopes: Sequence[str] | None = None) -> pd.DataFrame:
    """A row a cell of each difference of maps: both runs' shares of TE, their difference, its band and p values."""
    frames = [_map_frame(each) for each in compared.maps if scopes is None or each.scope in scopes]
    labels = ("kind", "axes", "outcome", "scope", "run", "reference")
    if not frames:
        return _marked(compared, [], (*labels, *MAP_CELLS, "n", "groups", "estimated", "regridded"))
    frame = pd.concat(frames, ignore_index=True)
    axes = [
        name for name in frame.columns if name not in {*labels, *MAP_CELLS, "n", "groups", "estimated", "regridded"}
    ]
    ordered = frame[[*labels, *axes, *MAP_CELLS, "n", "groups", "estimated", "regridded"]]
    return _mark(compared, ordered)


def _map_frame(each: MapDifference) -> pd.DataFrame:
    facts = {
        "kind": each.family.kind,
        "axes": ",".join(each.family.dims),
        "outcome": each.family.outcome,
        "scope": each.scope.value,
        "run": each.run,
        "reference": each.reference,
    }
    cells = {DEPTH if name == LAYER else name: values for name, values in each.labels.items()}
    cells |= {name: getattr(each, name) for name in MAP_CELLS}
    size = {name: getattr(each, name) for name in ("n", "groups", "estimated", "regridded")}
    return pd.DataFrame(cells).assign(**facts, **size)


def item_status_table(compared: Compared) -> pd.DataFrame:
    """A row a shared item, and a row a dropped item and run because of which it was dropped, with the reason."""
    pairing = compared.pairing
    columns = [each.name for each in fields(Dropped)]
    rows = [dict.fromkeys(columns, "") | {"item": item, "status": "shared"} for item in pairing.items]
    rows += [asdict(each) for each in pairing.dropped]
    return _marked(compared, rows, columns)


def run_table(compared: Compared) -> pd.DataFrame:
    """A row a run: its model, who wrote its chains, and how many items it measured."""
    rows = [
        {
            "run": run.label,
            "model": run.reader.name,
            "fingerprint": run.reader.fingerprint,
            "parameters": run.parameters,
            "layers": run.model.get("layers"),
            "dtype": run.model.get("dtype"),
            "weights": run.model.get("weights"),
            "writer": writer.name if writer else "several",
            "writer_fingerprint": writer.fingerprint if writer else "several",
            "measured": len(run.results.items),
            "folder": None if run.folder is None else str(run.folder),
        }
        for run, writer in zip(compared.runs, compared.traces.writers, strict=True)
    ]
    return _marked(compared, rows, list(rows[0]))


def _cells(estimate: Estimate) -> dict[str, Any]:
    return {name: getattr(estimate, name) for name in ESTIMATE}


def _marked(compared: Compared, rows: Iterable[dict[str, Any]], columns: Sequence[str]) -> pd.DataFrame:
    return _mark(compared, pd.DataFrame(list(rows), columns=list(columns)))


def _mark(compared: Compared, frame: pd.DataFrame) -> pd.DataFrame:
    """The table; with a column that says why its runs should not be compared, where the user does so all the same."""
    return frame.assign(mixed="; ".join(compared.mixed)) if compared.mixed else frame
