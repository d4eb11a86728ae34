"""The page of two checkpoints crossed: what changed, and whether it is in the CoT's state or in what reads it."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from matplotlib.axes import Axes

from mediate.figures.components import components_size, plot_components
from mediate.figures.crossing import COMPONENTS, CROSSING_SIZE, component_rows, plot_crossing
from mediate.figures.layers import DIMS
from mediate.figures.steps import STEPS_SIZE, plot_step_layer
from mediate.report.html import render, style_hash, style_sheet
from mediate.report.run.pictures import Picture, file_part, png
from mediate.report.run.views import MOST_ROWS, rejects_view
from mediate.report.words import DASH, interval, number, percent, plain, plural, share_words
from mediate.results.crossing import Crossing, change
from mediate.results.crossing_folder import CrossResults
from mediate.results.maps import EffectMap
from mediate.stats import Estimate

CHECKPOINTS = ("original", "tuned")
# What each number is, with Y[q, c, r] for the checkpoint of the question's state, of the CoT's state, and of the
# weights that read them; 0 is the original and 1 the tuned one.
CORNERS = {
    "original": ("the original as it is", "Y000"),
    "original_with_tuned_state": ("the original, reading the tuned one's CoT state", "Y010"),
    "tuned_with_original_state": ("the tuned one, reading the original's CoT state", "Y101"),
    "tuned": ("the tuned one as it is", "Y111"),
}
CHANGES = {
    "total": ("total change", "Y111 − Y000"),
    "state": ("CoT state", "mean of its two effects"),
    "rest": ("all else", "mean of its two effects"),
    "state_in_original": ("CoT state, into the original", "Y010 − Y000"),
    "state_in_tuned": ("CoT state, into the tuned one", "Y111 − Y101"),
    "rest_with_original_state": ("all else, with the original's CoT state", "Y101 − Y000"),
    "rest_with_tuned_state": ("all else, with the tuned one's CoT state", "Y111 − Y010"),
    "interaction": ("interaction", "Y111 − Y101 − Y010 + Y000"),
    "question": ("question state, of three", "Shapley value"),
    "chain": ("CoT state, of three", "Shapley value"),
    "readers": ("reading weights, of three", "Shapley value"),
}
_FACTS = (
    "name",
    "fingerprint",
    "architecture",
    "parameters",
    "layers",
    "heads",
    "kv_heads",
    "dtype",
    "device",
    "source",
)


def crossing_pictures(results: CrossResults) -> tuple[Picture, ...]:
    """The changes of each outcome, and the maps of the first; none where no item was crossed."""
    seed, level = results.manifest["spec"]["seed"], results.manifest["spec"]["level"]
    made: list[Picture] = []
    for place, crossing in enumerate(each for each in results.crossings if each.items):
        changes = results.changes(crossing.outcome)
        listed = "; ".join(f"{CHANGES[name][0]} {_nats(changes[name])}" for name in ("total", "state", "rest"))
        made.append(
            Picture(
                name="crossing" if place == 0 else f"crossing-{place}",
                role="crossing",
                outcome=crossing.outcome,
                png=png(CROSSING_SIZE, partial(_draw_crossing, crossing, seed, level)),
                alt=f"Change of {crossing.outcome}, tuned less original: {listed}.",
                caption="CoT state and all else sum to the total change, and so do the last three.",
            )
        )
    for place, kind in enumerate(dict.fromkeys(each.kind for each in results.maps if each.dims == DIMS)):
        maps = [each for each in results.maps if (each.kind, each.dims) == (kind, DIMS)]
        name = file_part(kind.replace(".", "_"), f"map{place}")
        made.append(_map_picture(name, kind, maps[0].outcome, STEPS_SIZE, partial(_draw_map, maps)))
    for name, rows in component_rows(results).items():
        outcome = next(iter(rows.values()))[0].outcome
        view = name.removeprefix(COMPONENTS)
        size = components_size(len(rows))
        made.append(_map_picture(name, view, outcome, size, partial(_draw_components, rows, view)))
    return tuple(made)


def _map_picture(name: str, kind: str, outcome: str, size: tuple[float, float], draw: Any) -> Picture:
    words = kind.replace("_", " ")
    return Picture(
        name=name,
        role="map",
        outcome=outcome,
        png=png(size, draw),
        alt=f"Map of the change of {outcome}: {words}.",
        caption=f"{words}: mean over items of what a cell's CoT state changes, in nats.",
    )


def _draw_crossing(crossing: Crossing, seed: int, level: float, ax: Axes) -> None:
    plot_crossing(crossing, seed=seed, level=level, ax=ax)


def _draw_map(maps: Sequence[EffectMap], ax: Axes) -> None:
    plot_step_layer(maps, ax=ax)


def _draw_components(rows: Mapping[str, Sequence[EffectMap]], view: str, ax: Axes) -> None:
    plot_components(rows, ax=ax).set_title(view.replace("_", " "))


def crossing_headline(results: CrossResults) -> str:
    """What changed in the first outcome, and how it splits, in one paragraph."""
    if not results.crossings or not results.crossings[0].items:
        return "No item was crossed, so there is no change to report; what was left out is below."
    crossing = results.crossings[0]
    changes, shares = results.changes(), results.shares()
    items = f"{plural(len(set(crossing.items)), 'item')} in {plural(len(set(crossing.groups)), 'group')}"
    told = (
        f"From the original to the tuned checkpoint, {crossing.outcome} moves by {_nats(changes['total'])} nats; "
        f"positive is towards the right answer ({items})."
    )
    if not shares["state"].defined:
        return f"{told} That is too little to be shared out ({shares['state'].reason})."
    return (
        f"{told} With the CoT's state comes {share_words(shares['state'])} of that, and with all else, the reading "
        f"weights and the question's state, {share_words(shares['rest'])}."
    )


def render_crossing(results: CrossResults, drawn: Sequence[Picture] | None = None) -> str:
    """The page as text; the same results give the same text.

    Args:
        results: What crossing found.
        drawn: Its figures, where they are drawn already.
    """
    drawn = crossing_pictures(results) if drawn is None else drawn
    manifest, style = results.manifest, style_sheet()
    models = manifest.get("model", {})
    return render(
        "crossing.html.j2",
        style=style,
        style_hash=style_hash(style),
        dash=DASH,
        headline=crossing_headline(results),
        names=[plain(models.get(each, {}).get("name")) for each in CHECKPOINTS],
        outcomes=[_outcome(results, each, drawn) for each in results.crossings if each.items],
        maps=[each for each in drawn if each.role == "map"],
        items=_items(results),
        models=[(name, [plain(models.get(each, {}).get(name)) for each in CHECKPOINTS]) for name in _FACTS]
        + [("checks passed", [_checks(models.get(each, {})) for each in CHECKPOINTS])],
        run=[(key, plain(value)) for key, value in manifest["spec"].items()]
        + [(key, plain(manifest.get(key))) for key in ("created", "finished", "seconds", "weight_bytes")],
        versions=[(name, plain(version)) for name, version in manifest.get("versions", {}).items()],
        level=percent(manifest["spec"]["level"]),
        seed=manifest["spec"]["seed"],
        min_change=f"{manifest['spec']['min_te']:g}",
        **rejects_view(
            results.rejects,
            len({item for each in results.crossings[:1] for item in each.items}),
            manifest.get("counts", {}).get("given"),
        ),
    )


def _outcome(results: CrossResults, crossing: Crossing, drawn: Sequence[Picture]) -> dict[str, Any]:
    changes, shares = results.changes(crossing.outcome), results.shares(crossing.outcome)
    rows = [
        {
            "name": words,
            "definition": definition,
            "value": number(changes[name].value),
            "interval": interval(changes[name]),
            "share": share_words(shares[name]) if name in shares else "",
        }
        for name, (words, definition) in (CORNERS | CHANGES).items()
    ]
    return {
        "name": crossing.outcome,
        "rows": rows,
        "reasons": list(dict.fromkeys(each.reason for each in (*changes.values(), *shares.values()) if each.reason)),
        "pictures": [each for each in drawn if (each.role, each.outcome) == ("crossing", crossing.outcome)],
        "basis": f"n = {plural(len(set(crossing.items)), 'item')} in {plural(len(set(crossing.groups)), 'group')}",
    }


def _items(results: CrossResults) -> dict[str, Any]:
    """The first outcome's items, a row an item and world."""
    if not results.crossings:
        return {"rows": [], "caption": ""}
    crossing = results.crossings[0]
    found = change(crossing.y)
    rows = [
        {
            "item": item,
            "group": group,
            "world": world,
            "cells": [
                number(float(each[place]))
                for each in (crossing.y[:, 0, 0, 0], crossing.y[:, 1, 1, 1], *(getattr(found, name) for name in _SHOWN))
            ],
        }
        for place, (item, group, world) in enumerate(
            zip(crossing.items[:MOST_ROWS], crossing.groups[:MOST_ROWS], crossing.worlds[:MOST_ROWS], strict=True)
        )
    ]
    caption = f"{crossing.outcome}, in nats; CoT state and all else sum to the total change."
    if len(crossing.items) > MOST_ROWS:
        caption += f" The first {MOST_ROWS} of {len(crossing.items)} rows; all are in results/crossing.parquet."
    return {"rows": rows, "caption": caption}


_SHOWN = ("total", "state", "rest", "interaction")


def _checks(model: Mapping[str, Any]) -> str:
    checks = model.get("checks") or ()
    return f"{sum(bool(each.get('passed')) for each in checks)} of {len(checks)}"


def _nats(estimate: Estimate) -> str:
    return f"{number(estimate.value)} {interval(estimate)}"
