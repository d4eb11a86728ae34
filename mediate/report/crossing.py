"""The page of two checkpoints crossed: what changed, and whether it is in the CoT's state or in what reads it."""

from collections.abc import Mapping, Sequence
from typing import Any

from mediate.figures.figure import Figure
from mediate.report.blocks import (
    Block,
    Look,
    Page,
    Section,
    Table,
    Text,
    columns,
    facts,
    holding,
    numbers,
    prose,
    standing_in,
)
from mediate.report.crossing_figures import crossing_figures
from mediate.report.html import to_html
from mediate.report.parts import MOST_ROWS, in_lines, left_out, more_rows
from mediate.report.words import interval, number, percent, plain, plural, share_words
from mediate.results.crossing import Crossing, change
from mediate.results.crossing_folder import CrossResults
from mediate.results.crossing_words import CROSSING_WORDS
from mediate.stats import Estimate

CHECKPOINTS = ("original", "tuned")
# How each number is worked out, with Y[q, c, r] for the checkpoint of the question's state, of the CoT's state, and of
# the weights that read them; 0 is the original and 1 the tuned one.
CORNERS = {
    "original": "Y000",
    "original_with_tuned_state": "Y010",
    "tuned_with_original_state": "Y101",
    "tuned": "Y111",
}
CHANGES = {
    "total": "Y111 − Y000",
    "state": "mean of its two effects",
    "rest": "mean of its two effects",
    "state_in_original": "Y010 − Y000",
    "state_in_tuned": "Y111 − Y101",
    "rest_with_original_state": "Y101 − Y000",
    "rest_with_tuned_state": "Y111 − Y010",
    "interaction": "Y111 − Y101 − Y010 + Y000",
    "question": "Shapley value",
    "chain": "Shapley value",
    "readers": "Shapley value",
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


def crossing_page(results: CrossResults) -> Page:
    """All that is said of two checkpoints crossed."""
    manifest, figures = results.manifest, crossing_figures(results)
    models = manifest.get("model", {})
    original, tuned = (plain(models.get(each, {}).get("name")) for each in CHECKPOINTS)
    measured = {item for each in results.crossings[:1] for item in each.items}
    maps: tuple[Block, ...] = standing_in(figures, "maps") or (Text(NO_MAPS),)
    return holding(
        Page(
            title=f"Two checkpoints crossed: {original} and {tuned}",
            heading="Where is the change: in the chain's state, or in what reads it?",
            headline=crossing_headline(results),
            sections=(
                Section("", (Text(prose(CROSSED, original=original, tuned=tuned)),)),
                *(_changes_section(results, each, figures) for each in results.crossings if each.items),
                Section("Where in the chain and in the network", (*maps, Text(INTO, Look.SMALL)), id="maps"),
                _items_section(results),
                left_out(results.rejects, len(measured), manifest.get("counts", {}).get("given"), counted=False),
                _method_section(manifest),
            ),
        ),
        figures,
    )


CROSSED = (
    "Both checkpoints, the *original* ({original}) and the *tuned* one ({tuned}), are run on the same tokens. Then the "
    "keys and values that one of them computed at the chain of thought's tokens, the *CoT state*, are put into the "
    "other. Y with three indices is the outcome with the question's state of the first index's checkpoint, the CoT "
    "state of the second's, and the weights that read them of the third's; 0 is the original and 1 the tuned one."
)
INTO = prose(
    "*Into original*: a cell of the tuned one's state, put into the original, less the original as it is. *Into "
    "tuned*: the tuned one as it is, less itself with that cell of the original's. Their mean and their difference "
    "(*interaction*) are in results/effects.parquet too. Effects of different cells do not add up."
)
NO_MAPS = prose("This run has no maps that are drawn. A map such as `read:step,layer` asks for one.")


def render_crossing(results: CrossResults) -> str:
    """The page as HTML; the same results give the same text."""
    return to_html(crossing_page(results))


def _changes_section(results: CrossResults, crossing: Crossing, figures: Sequence[Figure]) -> Section:
    """The changes of one outcome."""
    spec = results.manifest["spec"]
    changes, shares = results.changes(crossing.outcome), results.shares(crossing.outcome)
    rows = [
        (
            CROSSING_WORDS[name],
            number(changes[name].value),
            interval(changes[name]),
            share_words(shares[name]) if name in shares else "",
            definition,
        )
        for name, definition in (CORNERS | CHANGES).items()
    ]
    heads = (*columns("what"), *numbers("nats", "interval", "share of the total change"), *columns("definition"))
    basis = (
        f"Means over items, n = {plural(len(set(crossing.items)), 'item')} in "
        f"{plural(len(set(crossing.groups)), 'group')}; {percent(spec['level'])} {changes['total'].method}, "
        f"seed {spec['seed']}. Positive: towards the right answer. Shares are ratios of sums over items, undefined "
        f"where the mean total change is at most {spec['min_te']:g} nats in size."
    )
    reasons = dict.fromkeys(each.reason for each in (*changes.values(), *shares.values()) if each.reason)
    drawn = standing_in(figures, "changes", crossing.outcome)
    told: tuple[Block, ...] = (*drawn, Table(heads, tuple(rows)), Text(in_lines(basis, reasons), Look.BASIS))
    return Section(crossing.outcome, told)


def _items_section(results: CrossResults) -> Section:
    """The first outcome's items, a row an item and world."""
    if not results.crossings or not results.crossings[0].items:
        return Section("Items", (Text("No item was crossed."),), id="items")
    crossing = results.crossings[0]
    found = change(crossing.y)
    shown = (crossing.y[:, 0, 0, 0], crossing.y[:, 1, 1, 1], found.total, found.state, found.rest, found.interaction)
    named = zip(crossing.items, crossing.groups, crossing.worlds, strict=True)
    rows = [
        (item, group, world, *(number(float(each[place])) for each in shown))
        for place, (item, group, world) in enumerate(named)
    ]
    caption = f"{crossing.outcome}, in nats; CoT state and all else sum to the total change."
    heads = (
        *columns("item", "group", look=Look.LONG),
        *columns("world"),
        *numbers("original", "tuned", "total change", "CoT state", "all else", "interaction"),
    )
    told: tuple[Block, ...] = (
        Table(heads, tuple(rows), named=False, dense=True, shown=MOST_ROWS),
        Text(caption, Look.BASIS),
        *more_rows(len(rows), "rows", "results/crossing.parquet"),
    )
    return Section("Items", told, id="items")


def _method_section(manifest: Mapping[str, Any]) -> Section:
    models = [manifest.get("model", {}).get(each, {}) for each in CHECKPOINTS]
    rows = [(name.replace("_", " "), *(plain(each.get(name)) for each in models)) for name in _FACTS]
    rows.append(("checks passed", *map(_checks, models)))
    run = [(key, plain(value)) for key, value in manifest["spec"].items()]
    run += [(key, plain(manifest.get(key))) for key in ("created", "finished", "seconds", "weight_bytes")]
    versions = [(name, plain(version)) for name, version in manifest.get("versions", {}).items()]
    return Section(
        "How it was measured",
        (
            Section("Models", (Table(columns("", *CHECKPOINTS), tuple(rows)),)),
            Section("Run", (facts([(name.replace("_", " "), value) for name, value in run]),)),
            Section("Versions", (facts([(name.replace("_", " "), value) for name, value in versions]),)),
        ),
        id="method",
        folded="Both checkpoints with their checks, the run's choices, and versions",
    )


def _checks(model: Mapping[str, Any]) -> str:
    checks = model.get("checks") or ()
    return f"{sum(bool(each.get('passed')) for each in checks)} of {len(checks)}"


def _nats(estimate: Estimate) -> str:
    return f"{number(estimate.value)} {interval(estimate)}"
