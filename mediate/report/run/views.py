"""What the page says, in words: each part of a run as the plain values that the template lays out."""

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

from mediate.pairs.answers import same_answer
from mediate.report.analysis import Analysis, graph_kinds, map_kinds, section, step_layer_maps
from mediate.report.run.pictures import Picture
from mediate.report.run.tables import EFFECT_NAMES, channel_table, reject_table
from mediate.report.run.tokens import Colouring, colour_chains
from mediate.report.words import DASH, gaps, interval, number, percent, plain, plural
from mediate.results import CHANNELS, Cube, EffectMap, Measured, Results, Told
from mediate.results.kinds import is_estimate
from mediate.results.told import Reject

MOST_ROWS = 200
MOST_CHAINS = 4
MOST_PROMPT = 6000
DEFINITIONS = {
    "te": "Y11 − Y00",
    "nde": "Y10 − Y00",
    "nie": "Y01 − Y00",
    "tde": "Y11 − Y01",
    "tie": "Y11 − Y10",
    "interaction": "Y11 − Y10 − Y01 + Y00",
}


def outcome_view(cube: Cube, analysis: Analysis, drawn: Sequence[Picture]) -> dict[str, Any]:
    """One outcome's tables in words, and its figures."""
    shares, effects = analysis.shares(cube), analysis.effects(cube)
    small, first = cube.undefined(analysis.min_te), shares["mediated"]
    rows = []
    for name, share in shares.items():
        effect = effects["tie" if name == "mediated" else name]
        rows.append(
            {
                "name": name,
                "share": percent(share.value, 1),
                "share_interval": interval(share, scale=100.0, digits=1),
                "effect": number(effect.value),
                "effect_interval": interval(effect),
            }
        )
    return {
        "name": cube.outcome,
        "pictures": [each for each in drawn if each.outcome == cube.outcome],
        "channels": rows,
        "gaps": [*gaps(shares.values(), "shares"), *gaps(effects.values(), "effects")],
        "effects": [
            {
                "name": EFFECT_NAMES[key],
                "value": number(effects[key].value),
                "interval": interval(effects[key]),
                "definition": definition,
            }
            for key, definition in DEFINITIONS.items()
        ],
        "basis": (
            f"{cube.outcome}; n = {plural(first.n, 'item')} in {plural(first.groups, 'group')}; intervals: "
            f"{percent(analysis.level)} {first.method}, seed {first.seed}; items whose own share is undefined "
            f"(|TE| ≤ {analysis.min_te:g} nats): {small}. The effect beside the mediated share is TIE."
        ),
    }


def items_view(results: Results, analysis: Analysis) -> dict[str, Any]:
    if not results.cubes or not results.items:
        return {"rows": [], "rows_caption": ""}
    cube = results.cube()
    table = channel_table(cube, min_te=analysis.min_te).head(MOST_ROWS)
    rows = [
        _item_row(item, row, analysis)
        for item, row in zip(results.items[:MOST_ROWS], table.to_dict("records"), strict=True)
    ]
    caption = (
        f"{cube.outcome}; direct, text and latent sum to TE. Answer stated: the step in which each chain states it "
        "as a result, or that of its first occurrence."
    )
    if len(results.items) > MOST_ROWS:
        caption += f" The first {MOST_ROWS} of {len(results.items)} items; all of them are in results/cube.parquet."
    return {"rows": rows, "rows_caption": caption}


def _item_row(item: Measured, row: Mapping[Hashable, Any], analysis: Analysis) -> dict[str, Any]:
    defined = abs(row["te"]) > analysis.min_te
    return {
        "item": item.id,
        "group": item.group,
        "base": _answer(item.base),
        "source": _answer(item.source),
        "effects": [number(row[name]) for name in ("te", *CHANNELS)],
        "shares": [percent(row[f"{name}_share"]) for name in (*CHANNELS, "mediated")] if defined else [],
        "undefined": f"undefined: |TE| ≤ {analysis.min_te:g}",
        "base_states": _stated(item.base),
        "source_states": _stated(item.source),
    }


def _answer(world: Told) -> str:
    """The answer, with the model's own beside it where that is another."""
    said = world.said
    return world.answer if said is None or same_answer(said, world.answer) else f"{world.answer} (model: {said})"


def _stated(world: Told) -> str:
    if world.states_answer is None:
        return "no"
    if world.states_answer >= len(world.steps):
        return DASH
    step = f"step {world.steps[world.states_answer]}"
    return f"first occurrence, {step}" if world.states_result is False else step


def first_chains(results: Results, most: int) -> Colouring:
    """The first items' chains, coloured by the first kind of map of the first outcome that is exact, or else is not."""
    maps: tuple[EffectMap, ...] = ()
    if results.items and results.cubes:
        outcome = results.cube().outcome
        kinds = sorted(map_kinds(results, outcome), key=is_estimate)
        maps = step_layer_maps(results, outcome, kinds[0]) if kinds else ()
    return colour_chains(results.items[:most], maps)


def chains_view(results: Results) -> dict[str, Any]:
    count = len(results.items)
    shown = "All items." if count <= MOST_CHAINS else f"The first {MOST_CHAINS} of {count} items, not chosen by result."
    asked = section(results, "spec").get("maps")
    return {
        "colouring": first_chains(results, MOST_CHAINS),
        "chains_caption": shown,
        "no_maps": "No map over step and layer was measured." if asked else "This run was asked for no maps.",
        "map_notes": _map_notes(results),
    }


def _map_notes(results: Results) -> list[str]:
    outcomes = {cube.outcome for cube in results.cubes}
    drawn = {(kind, outcome) for outcome in outcomes for kind in map_kinds(results, outcome)}
    graphs = graph_kinds(results)
    other = dict.fromkeys((each.kind, each.outcome, each.dims) for each in results.maps)
    found = [
        f"Also {'estimated' if is_estimate(kind) else 'measured'}, and not drawn here: {kind} over {', '.join(dims)} "
        f"on {outcome} (results/effects.parquet)."
        for kind, outcome, dims in other
        if kind not in graphs and ((kind, outcome) not in drawn or dims != ("step", "layer"))
    ]
    missing = sum(reject.part != "item" for reject in results.rejects)
    return found + ([f"{plural(missing, 'map')} of measured items left out; reasons below."] if missing else [])


def rejects_view(rejects: Sequence[Reject], measured: int, given: int | None) -> dict[str, Any]:
    """What was left out of a run, whichever kind of run it is."""
    items = sum(reject.part == "item" for reject in rejects)
    counts = f"{plural(measured, 'item')} measured, {items} left out"
    if given is not None:
        counts = f"{plural(given, 'item')} given: {counts}"
    count = len(rejects)
    maps = count - items
    return {
        "counts": counts + (f"; of measured items, {plural(maps, 'map')} left out." if maps else "."),
        "reject_counts": reject_table(rejects).to_dict("records"),
        "rejects": rejects[:MOST_ROWS],
        "rejects_caption": f"The first {MOST_ROWS} of {count}; all are in rejects.jsonl." if count > MOST_ROWS else "",
    }


def method_view(results: Results) -> dict[str, Any]:
    manifest, model = results.manifest, section(results, "model")
    checks = model.get("checks") or ()
    prompt = plain(manifest.get("prompt_example"))
    if len(prompt) > MOST_PROMPT:
        prompt = prompt[:MOST_PROMPT] + f"\n… ({len(prompt) - MOST_PROMPT} more characters)"
    run = [(key, plain(value)) for key, value in section(results, "spec").items()]
    run += [(key, plain(manifest.get(key))) for key in ("created", "finished", "seconds", "status")]
    names = ("name", "fingerprint", "architecture", "layers", "heads", "kv_heads", "d_model", "parameters", "dtype")
    versions = section(results, "versions")
    return {
        "model_name": plain(model.get("name")),
        "model": [(name.replace("_", " "), plain(model.get(name))) for name in (*names, "device", "source")],
        "checks": [
            {name: plain(check.get(name)) for name in ("name", "site", "error", "tolerance", "passed")}
            for check in checks
        ],
        "refused": [(site, plain(why)) for site, why in (model.get("refused_sites") or {}).items()],
        "run": run,
        "versions": [(name, plain(version)) for name, version in versions.items()],
        "prompt": prompt,
        "footer": f"Made by mediate {plain(versions.get('mediate'))} from a run of {plain(manifest.get('created'))}.",
    }
