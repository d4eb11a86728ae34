"""Every item of a run, or of several on the same items, as the data of a page's viewer: texts, numbers and maps.

The cells of a map are one byte each, whole steps of a 127th of its largest effect, so that a value is given back within
half of such a step; exact ones are in results/effects.parquet. A page has the items and maps that fit into it, and says
which do not.
"""

from base64 import b64encode
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import numpy as np
from jaxtyping import Float, Int8

from mediate.report.analysis import analysis_of, repeats, section
from mediate.report.blocks import Data
from mediate.report.run.map_sets import MapSet, map_sets, together
from mediate.report.run.tables import channel_table
from mediate.report.run.tokens import answered, shown_token
from mediate.report.words import number, plural
from mediate.results import CHANNELS, EffectMap, Results, Told
from mediate.results.agreement import VERDICTS
from mediate.results.contrasts import TWIN
from mediate.results.kinds import is_estimate
from mediate.results.outcomes import unit_of

ID = "explorer-data"  # what the script calls it
STEPS, UNDEFINED = 127, -128
MOST_CELLS = 1_000_000  # of one map of one item
MOST_BYTES = 48_000_000  # of all items together
LONG = 255  # in a list of lengths, a byte that the next one is added to
QUANTITIES = {"TE": "te", **{name: name for name in CHANNELS}, "mediated": "tie"}

Row = tuple[Any, ...]
Named = tuple[str, Results]


def run_data(results: Results) -> Data:
    """Every item of one run: its base chain with its maps, and its source chain beside it."""
    return _data([("", results)], [item.id for item in results.items])


def compared_data(runs: Sequence[Named], items: Sequence[str]) -> Data:
    """Every item that several runs share: its base chain under each of them, all on one scale.

    Args:
        runs: The label of each run, and what it found.
        items: The ids of the shared items.
    """
    return _data(runs, items)


def quantised(values: Float[np.ndarray, "..."], largest: float) -> Int8[np.ndarray, "..."]:
    """Values in whole steps of a 127th of `largest`, which none of them exceeds; NaN is -128.

    Times `largest` / 127, they are given back within half a step.
    """
    steps = np.rint(np.nan_to_num(values) * (STEPS / largest if largest else 0.0)).clip(-STEPS, STEPS)
    return np.where(np.isnan(values), UNDEFINED, steps).astype(np.int8)


def _data(runs: Sequence[Named], items: Sequence[str]) -> Data:
    every = [results for _, results in runs]
    outcomes = list(
        dict.fromkeys(cube.outcome for each in every for cube in each.cubes if repeats(each, cube.outcome) is None)
    )
    quantities = _quantities(every)
    own = [map_sets(each) for each in every]
    sets = together(own)
    effects = [_effects(each, outcomes, quantities) for each in every]
    maps = [_by_item(each, sets) for each in own]
    known = [{item.id: item for item in each.items} for each in every]
    shown, size = list[Row](), 0
    for name in items:
        having = [of[name] for of in known]
        views: list[Row] = [
            (*_world(item.base), effects[place].get(name), maps[place].get(name, []))
            for place, item in enumerate(having)
        ]
        if len(runs) == 1 and having[0].source is not None:
            views.append((*_world(having[0].source), None, []))
        size += sum(_bytes(view) for view in views)
        if size > MOST_BYTES and shown:
            break
        shown.append((name, having[0].group, having[0].condition, views))
    return Data(
        ID,
        {
            "views": _views(runs),
            "outcomes": [(name, unit_of(name), analysis_of(every[0]).least(name)) for name in outcomes],
            "quantities": list(quantities),
            "sets": [_set(each, own, outcomes) for each in sets],
            "ends": _ends(every[0]),
            "notes": _left_out(len(shown), len(items), [each.name for each in sets if _is_big(each)]),
            "items": shown,
        },
    )


def _quantities(every: Sequence[Results]) -> dict[str, str]:
    """What is told of an item's effects, with the columns of `channel_table`."""
    named = {each.name: each.name for results in every for cube in results.cubes for each in cube.contrast.named}
    return QUANTITIES | named


def _effects(results: Results, outcomes: Sequence[str], quantities: Mapping[str, str]) -> dict[str, list[Any]]:
    """By item, a row an outcome of its effects; None for an outcome that it lacks."""
    found: dict[str, list[Any]] = {item.id: [None] * len(outcomes) for item in results.items}
    for cube in results.cubes:
        if cube.outcome in outcomes:
            table = channel_table(cube).reindex(columns=list(quantities.values()))
            for item, row in zip(cube.items, table.to_numpy(dtype=float).tolist(), strict=True):
                found[item][outcomes.index(cube.outcome)] = [_short(value) for value in row]
    return found


def _is_big(each: MapSet) -> bool:
    return any(effects.values.size > MOST_CELLS for effects in each.maps)


def _by_item(own: Sequence[MapSet], sets: Sequence[MapSet]) -> dict[str, list[Row]]:
    """By item, its maps: the place of each among the sets, its largest effect, labels, cells, and what an estimate is
    worth."""
    places = {(each.name, each.outcome): place for place, each in enumerate(sets)}
    found: dict[str, list[Row]] = {}
    for alike in own:
        for each in alike.maps:
            if each.values.size <= MOST_CELLS:
                found.setdefault(each.item, []).append((places[alike.name, alike.outcome], *_map(each)))
    return found


def _map(each: EffectMap) -> Row:
    largest = _short(float(np.nanmax(abs(each.values), initial=0.0)) if each.values.size else 0.0) or 0.0
    cells = b64encode(quantised(each.values, largest).tobytes()).decode("ascii")
    labels = [_labels(each.coords[name]) for name in each.dims]
    return (largest, labels, cells, *([_verdict(each)] if is_estimate(each.kind) else []))


def _verdict(each: EffectMap) -> str:
    found = each.agreement
    if found is None or found.verdict == VERDICTS[-1]:
        return VERDICTS[-1]
    return f"{found.verdict}, rank correlation {number(found.spearman)} over {plural(found.n_random, 'cell')}"


def _labels(labels: tuple[int, ...]) -> int | list[int]:
    """The labels along an axis; of those that count from 0, how many."""
    return len(labels) if labels == tuple(range(len(labels))) else list(labels)


def _world(told: Told) -> Row:
    """Question, answer, chain, the lengths of its tokens, its steps, and where it states the answer."""
    tokens = [shown_token(token) for token in told.tokens]
    steps = [value for step, run in groupby(told.steps) for value in (step, len(list(run)))]
    states = None if told.states_answer is None else (told.states_answer, told.states_result is not False)
    return told.question, answered(told), "".join(tokens), _lengths(tokens), steps, states


def _lengths(tokens: Sequence[str]) -> str:
    """The length of each token as a script counts it, in one byte, and of a long one in several."""
    counts = bytearray()
    for token in tokens:
        length = len(token) if token.isascii() else len(token.encode("utf-16-le")) // 2
        counts += bytes([LONG]) * (length // LONG) + bytes([length % LONG])
    return b64encode(counts).decode("ascii")


def _bytes(view: Row) -> int:
    question, answer, chain, lengths, *_, maps = view
    return sum(map(len, (question, answer, chain, lengths))) + sum(len(each[3]) for each in maps)


def _set(each: MapSet, own: Sequence[Sequence[MapSet]], outcomes: Sequence[str]) -> dict[str, Any]:
    of_runs = [found for sets in own for found in sets if (found.name, found.outcome) == (each.name, each.outcome)]
    return {
        "name": each.name + (f" on {each.outcome}" if each.outcome in outcomes[1:] else ""),
        "dims": each.dims,
        "axis": each.axis,
        "outcome": outcomes.index(each.outcome) if each.outcome in outcomes else None,
        "unit": each.unit,
        "limit": _short(each.limit),
        "noun": each.noun,
        "words": each.words + (" on what the chosen later step states" if "result" in each.dims else ""),
        "window": each.window,
        "at": of_runs[0].strongest(),
        "caution": " ".join(dict.fromkeys(found.caution for found in of_runs)),
    }


def _views(runs: Sequence[Named]) -> list[dict[str, str]]:
    """What the columns of an item are called, and what stands between chain and answer."""
    cues = [str(section(results, "spec").get("answer_cue") or "").strip() for _, results in runs]
    if len(runs) > 1:
        return [{"name": label, "cue": cue} for (label, _), cue in zip(runs, cues, strict=True)]
    twins = any(item.source for item in runs[0][1].items)
    return [{"name": name, "cue": cues[0]} for name in (("base", "source") if twins else ("item",))]


def _ends(results: Results) -> str:
    """What the colours at both ends of the scale say."""
    if not results.cubes or results.cube().contrast is TWIN:
        return "blue: towards the source answer; red: towards the base answer"
    return "blue: what is hidden speaks against the answer; red: for it"


def _left_out(shown: int, count: int, big: Sequence[str]) -> list[str]:
    notes = []
    if shown < count:
        notes.append(f"The first {shown} of {plural(count, 'item')} are in this page; results/ has all of them.")
    if big:
        notes.append(
            f"A map of more than {MOST_CELLS:,} cells is not in this page, but in results/effects.parquet: "
            f"{', '.join(big)}."
        )
    return notes


def _short(value: float) -> float | None:
    """A number to four digits; None of what is undefined."""
    return None if np.isnan(value) else float(f"{value:.4g}")
