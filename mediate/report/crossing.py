"""The page of two checkpoints crossed: what changed, and whether it is in the CoT's state or in what reads it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from mediate.figures.figure import Figure
from mediate.figures.layers import DIMS
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
from mediate.report.crossing_words import (
    CHANGES,
    CHECKPOINTS,
    CORNERS,
    crossing_headline,
    in_nats,
    inline,
    repeated,
    repeated_words,
)
from mediate.report.html import to_html
from mediate.report.parts import MOST_ROWS, in_lines, left_out, more_rows
from mediate.report.run.in_short import peak
from mediate.report.words import (
    apart_words,
    fact_of,
    interval,
    number,
    percent,
    plain,
    plural,
    range_words,
    share_words,
)
from mediate.results.crossing import Crossing, change
from mediate.results.crossing_folder import CrossResults
from mediate.results.crossing_names import CROSSING_WORDS
from mediate.results.kind_words import called

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
                *(_changes_section(results, each, figures) for each in _telling(results)),
                *_repeated_sections(results),
                Section(
                    "Where in the chain and in the network",
                    (*maps, Text(INTO, Look.SMALL)),
                    id="maps",
                    found=_largest(results),
                ),
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
    found = f"moves by {in_nats(changes['total'])} nats"
    if shares["state"].defined:
        found += f"; CoT state {inline(shares['state'])} of that"
    return Section(crossing.outcome, told, found=found)


def _telling(results: CrossResults) -> list[Crossing]:
    """The outcomes that say something of their own."""
    return [each for each in results.crossings if each.items and repeated(results, each) is None]


def _repeated_sections(results: CrossResults) -> Iterator[Section]:
    """A line for each outcome that says what the first one does."""
    for each in results.crossings:
        if (apart := repeated(results, each)) is not None:
            said = repeated_words(results, each, apart)
            yield Section(f"The same for {each.outcome}", (Text(said),), found=apart_words(apart))


def _largest(results: CrossResults) -> str:
    """Where the first kind of map by step and layer is largest."""
    maps = [each for each in results.maps if each.dims == DIMS]
    first = [each for each in maps if each.kind == maps[0].kind]
    return peak(first, called(first[0].kind)) if first else ""


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
    least, most = float(found.total.min()), float(found.total.max())
    said = f"{plural(len(rows), 'row')}, total change {range_words(least, most)} nats"
    return Section("Items", told, id="items", found=said)


def _method_section(manifest: Mapping[str, Any]) -> Section:
    models = [manifest.get("model", {}).get(each, {}) for each in CHECKPOINTS]
    rows = [(name.replace("_", " "), *(fact_of(each, name) for each in models)) for name in _FACTS]
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
