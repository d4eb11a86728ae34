"""What the page of a comparison says: each part as the plain values that the template lays out."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from mediate.compare import Compared, Verdict
from mediate.compare.differences import Difference
from mediate.compare.maps import MapDifference, Scope
from mediate.compare.quantities import EFFECT, EFFECTS, SHARE, SHARES
from mediate.compare.split import ORDERS, PARTS, SplitPart
from mediate.compare.stacks import LAYER, STEP
from mediate.report.comparison.words import (
    change_cell,
    dropped_words,
    effect_cell,
    levels_of,
    margin_words,
    p_words,
    points,
    points_interval,
    share_cell,
)
from mediate.report.run.tables import EFFECT_NAMES
from mediate.report.words import DASH, interval, number, percent, plain, plural, share_words
from mediate.stats import Estimate

MOST_ROWS = 200
FOUND = 5


def runs_view(compared: Compared) -> list[dict[str, str]]:
    """A row a run."""
    return [
        {
            "label": run.label + (" (reference)" if not place else ""),
            "model": run.reader.name,
            "parameters": f"{run.parameters:,}" if run.parameters else DASH,
            "layers": plain(run.model.get("layers")),
            "dtype": plain(run.model.get("dtype")),
            "writer": writer.name if writer else "several writers",
            "measured": str(len(run.results.items)),
        }
        for place, (run, writer) in enumerate(zip(compared.runs, compared.traces.writers, strict=True))
    ]


def outcome_views(compared: Compared) -> list[dict[str, Any]]:
    """Each outcome's tables."""
    return [
        {
            "name": outcome,
            "levels": _level_rows(compared, outcome),
            "differences": [_difference_row(each) for each in compared.differences if each.outcome == outcome],
            "basis": _basis(compared, outcome),
            "gaps": _gaps(compared, outcome),
            "squares": _squares(compared, outcome),
            "ladder": _ladder_rows(compared, outcome),
        }
        for outcome in compared.outcomes
    ]


def _level_rows(compared: Compared, outcome: str) -> list[dict[str, Any]]:
    """A row a run: its shares and its total effect."""
    shares, effects = levels_of(compared, outcome, SHARE), levels_of(compared, outcome, EFFECT)
    return [
        {
            "run": run.label,
            "cells": [share_cell(each.estimate) for each in shares if each.run == run.label],
            "short": [share_words(each.estimate) for each in shares if each.run == run.label],
            "te": next(
                effect_cell(each.estimate) for each in effects if (each.run, each.quantity) == (run.label, "te")
            ),
        }
        for run in compared.runs
    ]


def _difference_row(each: Difference) -> dict[str, str]:
    share = each.kind == SHARE
    name = f"{each.quantity} share" if share else EFFECT_NAMES[each.quantity]
    return {
        "run": each.run,
        "quantity": name,
        "channel": each.quantity if share else "",
        "difference": points(each.estimate.value) if share else number(each.estimate.value),
        "interval": points_interval(each.estimate) if share else interval(each.estimate),
        "p": p_words(each.p),
        "p_adjusted": p_words(each.p_adjusted),
        "p_equivalent": p_words(each.p_equivalent),
        "verdict": each.verdict.value,
        "unclear": "undefined" if each.verdict is Verdict.UNCLEAR else "",
    }


def _basis(compared: Compared, outcome: str) -> str:
    how, found = compared.how, [each for each in compared.differences if each.outcome == outcome]
    effect = next((each.margin for each in found if each.kind == EFFECT), float("nan"))
    first = found[0].estimate
    return (
        f"{outcome}; n = {plural(len(compared.pairing.items), 'item')} in {plural(first.groups, 'group')}, the same in "
        f"all runs; differences: {percent(how.level)} {first.method}, seed {how.seed}. Unchanged: two one-sided tests "
        f"at {number(how.alpha)} show that the difference is smaller than the margin, "
        f"{margin_words(how.margin)} of share, or {number(effect)} nats (that part of the reference's mean TE). "
        "Changed: not unchanged, and the interval leaves out 0. p: sign flips of whole groups; adjusted for all "
        "shares, or all effects, of a run."
    )


def _gaps(compared: Compared, outcome: str) -> list[str]:
    """Why differences are undefined or have no interval, each reason once."""
    found = [(each, each.estimate) for each in compared.differences if each.outcome == outcome and each.estimate.reason]
    return list(
        dict.fromkeys(
            f"{each.run}: {'no interval' if estimate.defined else 'undefined'} ({estimate.reason})"
            for each, estimate in found
        )
    )


def _squares(compared: Compared, outcome: str) -> list[dict[str, Any]]:
    """Each 2 x 2: the split of every quantity, and of the shares the single orders."""
    found = [each for each in compared.split if each.outcome == outcome]
    views = []
    for models in dict.fromkeys((each.first, each.second) for each in found):
        parts = {(each.kind, each.quantity, each.part): each.estimate for each in found if _models(each) == models}
        everything = [*((SHARE, name) for name in SHARES), *((EFFECT, name) for name in EFFECTS)]
        tables = [
            {"parts": names, "rows": [_split_row(kind, name, names, parts) for kind, name in quantities]}
            for names, quantities in ((PARTS, everything), (ORDERS, everything[: len(SHARES)]))
        ]
        views.append({"first": models[0], "second": models[1], "tables": tables})
    return views


def _models(part: SplitPart) -> tuple[str, str]:
    return part.first, part.second


def _split_row(
    kind: str, name: str, names: Sequence[str], parts: Mapping[tuple[str, str, str], Estimate]
) -> dict[str, Any]:
    found = [parts[kind, name, part] for part in names]
    if kind == EFFECT:
        return {"name": EFFECT_NAMES[name], "cells": [effect_cell(each) for each in found]}
    return {"name": f"{name} share", "cells": [change_cell(each) for each in found]}


def _ladder_rows(compared: Compared, outcome: str) -> list[dict[str, str]]:
    return [
        {
            "name": each.quantity,
            "slope": points(each.slope.value),
            "slope_interval": points_interval(each.slope),
            "rank": number(each.rank.value),
            "rank_interval": interval(each.rank),
            "p": p_words(each.p),
        }
        for each in compared.ladder
        if each.outcome == outcome
    ]


def maps_view(compared: Compared) -> dict[str, Any]:
    """A row a difference of maps, with the cells that differ most; and why other maps were not compared."""
    rows = [_map_row(each, compared.how.alpha) for each in compared.maps]
    regridded = any(each.regridded for each in compared.maps)
    return {
        "map_rows": rows,
        "maps_left_out": list(compared.maps_left_out.items()),
        "regridded": regridded,
        "steps_apart": any(each.scope is Scope.STEP for each in compared.maps),
    }


def _map_row(each: MapDifference, alpha: float) -> dict[str, str]:
    found = np.flatnonzero(each.p_adjusted <= alpha)
    largest = found[np.argsort(-abs(each.difference[found]), kind="stable")][:FOUND]
    cells = "; ".join(f"{_cell_name(each, cell)}: {points(float(each.difference[cell]))}" for cell in largest.tolist())
    return {
        "kind": f"{each.family.kind}:{','.join(each.family.dims)}" + (" (estimated)" if each.estimated else ""),
        "run": each.run,
        "scope": each.scope.value,
        "cells": str(int(np.isfinite(each.p).sum())),
        "found": str(len(found)),
        "largest": cells or "none",
        "n": str(each.n),
    }


def _cell_name(each: MapDifference, cell: int) -> str:
    names = {LAYER: "depth", STEP: "step"}
    return ", ".join(
        f"{names.get(name, name)} {values[cell]:.2g}" if name == LAYER else f"{names.get(name, name)} {values[cell]:g}"
        for name, values in each.labels.items()
    )


def dropped_view(compared: Compared) -> dict[str, Any]:
    """How many items are shared and how many were dropped, and why."""
    pairing = compared.pairing
    rows: Sequence[dict[str, Any]] = [asdict(each) for each in pairing.dropped[:MOST_ROWS]]
    return {
        "counts": f"{plural(len(pairing.items), 'item')} shared by all runs, {pairing.dropped_items} dropped.",
        "dropped_counts": dropped_words(compared),
        "dropped": rows,
        "dropped_caption": (
            f"The first {MOST_ROWS} of {len(pairing.dropped)}; all are in tables/items.parquet."
            if len(pairing.dropped) > MOST_ROWS
            else ""
        ),
    }


def settings_view(compared: Compared) -> list[tuple[str, str]]:
    """The choices of the comparison."""
    return [(name.replace("_", " "), plain(value)) for name, value in asdict(compared.how).items()]
