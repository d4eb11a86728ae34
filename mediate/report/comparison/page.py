"""What is said of a comparison: its page, and the shorter ones that a terminal and a notebook show."""

from dataclasses import asdict

import numpy as np

from mediate.compare import Compared
from mediate.compare.maps import MapDifference, Scope
from mediate.compare.stacks import LAYER, STEP
from mediate.report.blocks import (
    Block,
    Look,
    Notes,
    Page,
    Section,
    Table,
    Text,
    code,
    columns,
    facts,
    holding,
    numbers,
    prose,
    standing_in,
)
from mediate.report.comparison.figures import comparison_figures
from mediate.report.comparison.item_by_item import beside_section
from mediate.report.comparison.under_each_run import under_each_run
from mediate.report.comparison.verdicts import (
    SHOWN,
    basis,
    gaps_of,
    outcome_sections,
    short_differences,
    short_splits,
    told_levels,
    warning_under,
)
from mediate.report.comparison.words import (
    comparison_headline,
    comparison_notes,
    dropped_words,
    points,
    repeated_words,
    warning,
)
from mediate.report.html import to_html, to_notebook
from mediate.report.parts import MOST_ROWS, more_rows
from mediate.report.run.glossary import shared_words
from mediate.report.terminal import WIDTH, to_text
from mediate.report.words import DASH, fact_of, number, plain, plural

FOUND = 5


def render_comparison(compared: Compared) -> str:
    """The page as HTML; the same comparison gives the same text."""
    return to_html(comparison_page(compared))


def comparison_terminal(compared: Compared, *, width: int = WIDTH) -> str:
    """Headline, shares, differences and their verdicts, and what was dropped; plain text without escape codes."""
    blocks: list[Block] = []
    for outcome in compared.outcomes:
        if same := repeated_words(compared, outcome):
            blocks.append(Text(same))
            continue
        blocks += [
            told_levels(compared, outcome, title=outcome, digits=0),
            short_differences(compared, outcome, SHOWN),
            *short_splits(compared, outcome),
            Notes(gaps_of(compared, outcome)),
        ]
    slopes = [
        f"{row.quantity} {row.slope:+.3f} of TE a tenfold size, {plural(row.models, 'run')} ({row.outcome})"
        for row in compared.ladder
    ]
    maps = [
        f"{_kind(each)}, {each.run}, {each.scope.value}: {len(_differing(each, compared.how.alpha))} of "
        f"{_tested(each)} tested differ"
        for each in compared.maps
    ]
    blocks += [Notes(tuple(slopes), "ladder"), Notes(tuple(maps), "map"), Notes(comparison_notes(compared), "note")]
    return to_text(_short(compared, *blocks), width)


def notebook_view(compared: Compared) -> str:
    """The tables in a notebook's cell."""
    blocks: list[Block] = []
    for outcome in compared.outcomes:
        if same := repeated_words(compared, outcome):
            blocks.append(Text(same, Look.BASIS))
            continue
        blocks += [
            told_levels(compared, outcome, title=outcome),
            short_differences(compared, outcome),
            Text(basis(compared, outcome), Look.BASIS),
        ]
    return to_notebook(_short(compared, *blocks, *map(Text, (*comparison_notes(compared), _counts(compared)))))


def _short(compared: Compared, *blocks: Block) -> Page:
    return Page("", "", comparison_headline(compared), (Section("", blocks),), warning(compared))


def comparison_page(compared: Compared) -> Page:
    """All that is said of a comparison."""
    figures = comparison_figures(compared)
    first, *others = (run.label for run in compared.runs)
    versions = compared.runs[0].results.manifest.get("versions") or {}
    outcomes = [each for outcome in compared.outcomes for each in outcome_sections(compared, outcome, figures)]
    maps = standing_in(figures, "maps")
    return holding(
        Page(
            title=f"Comparison of runs: {first} and {', '.join(others)}",
            heading="What changed in how much the chain of thought carries?",
            headline=comparison_headline(compared),
            warning=warning(compared),
            sections=(
                Section("", (Notes(comparison_notes(compared)),)),
                _runs_section(compared),
                *outcomes,
                Section(
                    "Where in the chain and in the network",
                    (*_map_blocks(compared, maps), *_no_maps(compared)),
                    id="maps",
                    found=_maps_found(compared),
                ),
                *beside_section(compared),
                under_each_run(compared),
                Section("What was not computed", (Notes(_not_made(compared)),), id="not-made"),
                _items_section(compared),
                Section(
                    "Settings",
                    (facts(_settings(compared)), Text(ELSEWHERE, Look.SMALL)),
                    id="method",
                    folded="Seed, level, margin and the other choices of this comparison",
                ),
                shared_words(compared.how.min_te, compared.how.level),
            ),
            footer=f"Made by mediate from runs of mediate {plain(versions.get('mediate'))}.",
        ),
        figures,
    )


ELSEWHERE = "What shares, effects and outcomes are is explained in each run's own report."


def _runs_section(compared: Compared) -> Section:
    rows = [
        (
            run.label + (" (reference)" if not place else ""),
            run.reader.name,
            f"{run.parameters:,}" if run.parameters else DASH,
            plain(run.model.get("layers")),
            fact_of(run.model, "dtype"),
            writer.name if writer else "several writers",
            str(len(run.results.items)),
        )
        for place, (run, writer) in enumerate(zip(compared.runs, compared.traces.writers, strict=True))
    ]
    heads = (
        *columns("run", "model that reads"),
        *numbers("parameters", "layers"),
        *columns("precision", "chains written by"),
        *numbers("items measured"),
    )
    counts = Text(f"{_counts(compared)} All numbers below are of the shared items.", Look.BASIS)
    return Section("Runs", (Table(heads, tuple(rows)), counts), id="runs", found=plural(len(compared.runs), "run"))


def _counts(compared: Compared) -> str:
    pairing = compared.pairing
    return f"{plural(len(pairing.items), 'item')} shared by all runs, {pairing.dropped_items} dropped."


def _map_blocks(compared: Compared, figures: tuple[Block, ...]) -> tuple[Block, ...]:
    """A row a difference of maps, with the cells that differ most."""
    if not compared.maps:
        return (Text("No kind of map was measured in all runs."),)
    rows = []
    for each in compared.maps:
        found = _differing(each, compared.how.alpha)
        largest = "; ".join(
            f"{_cell_name(each, cell)}: {points(float(each.difference[cell]))}" for cell in found[:FOUND]
        )
        tests = str(_tested(each)), str(len(found))
        rows.append((code(_kind(each)), each.run, each.scope.value, *tests, largest or "none", str(each.n)))
    heads = (
        *columns("map"),
        *columns("run", "cells", look=Look.SHORT),
        *numbers("tested", "found"),
        *columns("largest found", look=Look.SAYS),
        *numbers("items"),
    )
    table, said = Table(heads, tuple(rows)), Text(_map_words(compared), Look.BASIS)
    return (table, said, *warning_under(compared), *figures)


def _maps_found(compared: Compared) -> str:
    """How many cells of the maps were found to differ, by how many axes they were told apart."""
    tested, found = dict[str, int](), dict[str, int]()
    for each in compared.maps:
        tested[each.scope.value] = tested.get(each.scope.value, 0) + _tested(each)
        found[each.scope.value] = found.get(each.scope.value, 0) + len(_differing(each, compared.how.alpha))
    told = [f"{found[scope]} of {count} {scope}" for scope, count in tested.items()]
    return f"differ: {', '.join(told)}" if told else ""


def _map_words(compared: Compared) -> str:
    alpha = number(compared.how.alpha)
    said = [
        "Each run's effect at a cell is a share of its own total effect: the sum over items by the sum of their TE; "
        f"differences are in percentage points, a run less {compared.runs[0].label}. By layer and by step the other "
        f"axes are summed, and sign flips hold the chance of any false finding at {alpha} (max-T). Cell by cell is "
        f"exploratory: {alpha} is the expected part of false findings among those found (Benjamini and Hochberg). "
        "Depth is relative: 0 below the first layer, 1 above the last."
    ]
    if any(each.regridded for each in compared.maps):
        said.append(
            "The models differ in depth: each layer's effect is spread evenly over its own part of the depth and "
            "collected in as many bins as the shallowest model has layers, so that sums over layers are kept (of "
            "residual streams: means, as their layers repeat one effect)."
        )
    if any((each.labels[STEP] < 0).any() for each in compared.maps if STEP in each.labels):
        said.append(
            "Chains differ in length, so steps are counted to the last one, −1, which all of them have: a step's "
            "effect is summed over the items that have it."
        )
    if not any(each.scope is Scope.STEP for each in compared.maps):
        said.append("Steps are summed: the chains of the runs do not have the same steps, or the maps have none.")
    return " ".join([*said, "Effects of different cells need not add up to the effect of all."])


def _no_maps(compared: Compared) -> list[Text]:
    """Why other maps were not compared."""
    return [
        Text(prose("Not compared: `{name}`: {why}.", name=name, why=why), Look.SMALL)
        for name, why in compared.maps_left_out.items()
    ]


def _kind(each: MapDifference) -> str:
    return f"{each.family.kind}:{','.join(each.family.dims)}" + (" (estimated)" if each.estimated else "")


def _tested(each: MapDifference) -> int:
    return int(np.isfinite(each.p).sum())


def _differing(each: MapDifference, alpha: float) -> list[int]:
    """The cells that were found to differ, the largest difference first."""
    found = np.flatnonzero(each.p_adjusted <= alpha)
    ordered: list[int] = found[np.argsort(-abs(each.difference[found]), kind="stable")].tolist()
    return ordered


def _cell_name(each: MapDifference, cell: int) -> str:
    names = {LAYER: "depth", STEP: "step"}
    told = [
        f"{names.get(name, name)} {values[cell]:.2g}" if name == LAYER else f"{names.get(name, name)} {values[cell]:g}"
        for name, values in each.labels.items()
    ]
    return ", ".join(told).replace("-", "−")


def _not_made(compared: Compared) -> tuple[str, ...]:
    found = {"Writing and reading": compared.no_split, "Ladder of sizes": compared.no_ladder}
    return tuple(f"{name}: {why}." for name, why in found.items() if why) or ("Nothing.",)


def _items_section(compared: Compared) -> Section:
    """How many items are shared and how many were dropped, and why."""
    pairing, told = compared.pairing, list[Block]([Text(_counts(compared))])
    dropped = pairing.dropped
    if dropped:
        counts = tuple((words, str(count)) for words, count in dropped_words(compared))
        rows = tuple(
            (each.item, each.run, each.status, code(each.code) if each.code else DASH, each.reason) for each in dropped
        )
        heads = (*columns("item", look=Look.LONG), *columns("run", "status", "reason", "why"))
        told += [
            Table((*columns("reason"), *numbers("items")), counts, named=False),
            Table(heads, rows, named=False, shown=MOST_ROWS),
        ]
    told += more_rows(len(dropped), "items", "tables/items.parquet")
    folded = f"{plural(pairing.dropped_items, 'item')} dropped, each with its reason" if dropped else ""
    found = _counts(compared).rstrip(".")
    return Section("Items, and why some were left out", tuple(told), id="items", found=found, folded=folded)


def _settings(compared: Compared) -> list[tuple[str, str]]:
    return [(name.replace("_", " "), plain(value)) for name, value in asdict(compared.how).items()]
