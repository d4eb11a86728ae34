"""What was measured under each of a set's conditions: the section of a run's page, and in short."""

from collections.abc import Iterator, Sequence
from functools import lru_cache, partial

from mediate.figures import plot_step_layer
from mediate.figures.conditions import conditions_size, plot_conditions
from mediate.figures.figure import Figure
from mediate.figures.layers import DIMS
from mediate.figures.over import common_scale
from mediate.figures.steps import STEPS_SIZE
from mediate.report.analysis import Analysis, analysis_of, map_kinds, step_layer_maps
from mediate.report.blocks import Block, Look, Notes, Row, Section, Table, Text, columns, numbers, standing_in
from mediate.report.run.best_length import best_length_blocks
from mediate.report.words import DASH, from_to, gaps, interval, number, percent, plural, share_words
from mediate.results import Cube, EffectMap, Results
from mediate.results.conditions import (
    DEFAULT,
    MEDIATED,
    PREFERS,
    QUANTITIES,
    RIGHT,
    TE,
    OfCondition,
    by_condition,
    conditions_of,
)
from mediate.results.kind_words import called
from mediate.results.outcomes import outcome_facts, unit_of
from mediate.results.told import Measured
from mediate.stats import Estimate
from mediate.stats.bounded import METHOD as BOUNDED

HEADINGS = {RIGHT: "answers rightly", DEFAULT: "default rate", PREFERS: "prefers its answer"}
# Conditions beyond so many have no map of their own on the page.
MOST_MAPS = 12
OPENING = (
    "The same quantities under each condition that the set names. A difference is from the first condition; groups "
    "that stand under both share their resamples, so what they have in common cancels. A share says nothing of how "
    "much there is to share out: read it beside its TE."
)
MEANINGS = (
    "Answers rightly: the part of items whose base question the model itself answers rightly after the chain, of those "
    "where it was asked. Default rate: the part in which it gives the answer that is right under the first condition "
    "and wrong here, of items whose group has such an answer. Prefers its answer: the part in which the base answer "
    "has more than the source answer in the run as it is."
)


def conditions_found(results: Results, cube: Cube) -> tuple[OfCondition, ...]:
    """What was measured of one outcome under each condition; empty where the set has none."""
    if not conditions_of(results.items):
        return ()
    return _found(cube, results.items, analysis_of(results))


@lru_cache(maxsize=1)
def _found(cube: Cube, items: tuple[Measured, ...], analysis: Analysis) -> tuple[OfCondition, ...]:
    """Once for all views of a run: its page and its figures ask one after the other."""
    return by_condition(
        cube,
        items,
        two_answers=outcome_facts(cube.outcome).answers == 2,
        min_te=analysis.least(cube.outcome),
        seed=analysis.seed,
        level=analysis.level,
    )


def conditions_section(results: Results, figures: Sequence[Figure]) -> tuple[Section, ...]:
    """Every condition of the first outcome side by side; no section where the set has none."""
    found = conditions_found(results, results.cube()) if results.items else ()
    if not found:
        return ()
    cube, analysis, first = results.cube(), analysis_of(results), found[0].condition
    te = found[0].estimates[TE]
    how = f"{percent(analysis.level)} {te.method}, seed {analysis.seed}; of rates: {BOUNDED}"
    basis = f"{cube.outcome}; intervals: {how}. {MEANINGS}"
    blocks: list[Block] = [
        Text(OPENING),
        _table(found, cube),
        Text(basis, Look.BASIS),
        *standing_in(figures, "conditions", cube.outcome),
    ]
    if len(found) > 1:
        blocks += [
            _differences(found, cube),
            Text(f"Less that under {first or DASH}; in {unit_of(cube.outcome)} or points.", Look.BASIS),
        ]
    blocks += best_length_blocks(results)
    remarks = (
        *gaps((each.estimates[MEDIATED] for each in found), "shares"),
        *gaps((each.differences[MEDIATED] for each in found if MEDIATED in each.differences), "differences of shares"),
    )
    all_of_it = (*blocks, *((Notes(remarks),) if remarks else ()))
    mediated = from_to(((each.condition or DASH, each.estimates[MEDIATED].value) for each in found), percent)
    said = f"mediated: {mediated}" if mediated else ""
    return (Section("By condition", all_of_it, id="conditions", found=said),)


def conditions_blocks(results: Results) -> tuple[Block, ...]:
    """The same in short: for a terminal."""
    found = conditions_found(results, results.cube()) if results.items else ()
    return (
        (_table(found, results.cube(), short=True, title=f"{results.cube().outcome}: by condition"),) if found else ()
    )


def condition_figures(results: Results, outcome: str) -> Iterator[Figure]:
    """The mediated share under each condition, and the maps of each, in one scale of colours."""
    if outcome != results.cubes[0].outcome:
        return
    found = conditions_found(results, results.cube(outcome))
    if not found:
        return
    listed = "; ".join(f"{each.condition or DASH} {share_words(each.estimates[MEDIATED])}" for each in found)
    yield Figure(
        name="conditions",
        draw=partial(plot_conditions, found, unit=unit_of(outcome)),
        alt=f"Mediated share of the effect on {outcome} under each condition: {listed}.",
        caption="The mediated share under each condition, with its interval, and the TE that it is a share of.",
        size=conditions_size(len(found)),
        section="conditions",
    )
    for kind in map_kinds(results, outcome)[:1]:
        yield from _maps(results, outcome, kind)


def _maps(results: Results, outcome: str, kind: str) -> Iterator[Figure]:
    """The first kind of step-by-layer map, a figure a condition."""
    standing = {item.id: item.condition for item in results.items}
    by_name: dict[str, list[EffectMap]] = {name: [] for name in conditions_of(results.items)}
    for each in step_layer_maps(results, outcome, kind):
        by_name[standing[each.item]].append(each)
    having = {name: maps for name, maps in by_name.items() if maps}
    if len(having) < 2 or len(having) > MOST_MAPS:
        return
    scale, analysis = common_scale(having.values(), DIMS), analysis_of(results)
    what = f"mean {called(kind)}"
    for place, (name, maps) in enumerate(having.items()):
        under = name or DASH
        yield Figure(
            name=f"condition-{place}-steps",
            draw=partial(plot_step_layer, maps, scale=scale, seed=analysis.seed, level=analysis.level),
            alt=f"Under {under}: {what} on {outcome} by step and layer, of {plural(len(maps), 'item')}.",
            caption=f"{under}: {what} of each step in each layer, in the same colours as under the others.",
            size=STEPS_SIZE,
            section="conditions",
        )


def _table(found: Sequence[OfCondition], cube: Cube, *, short: bool = False, title: str = "") -> Table:
    there = [name for name in QUANTITIES if any(name in each.estimates for each in found)]
    there = [name for name in there if not short or name in (RIGHT, TE, MEDIATED)]
    rows: list[Row] = []
    for each in found:
        cells = [cell for name in there for cell in _cells(each.estimates.get(name), name)]
        rows.append((each.condition or DASH, *cells, str(each.estimates[TE].n), str(each.estimates[TE].groups)))
    heads = [head for name in there for head in (_heading(name, cube), "interval")]
    return Table(
        (*columns("condition"), *numbers(*heads, "items", "groups")), tuple(rows), title=title, dense=not short
    )


def _differences(found: Sequence[OfCondition], cube: Cube) -> Table:
    there = [name for name in QUANTITIES if any(name in each.differences for each in found)]
    rows: list[Row] = [
        (
            each.condition or DASH,
            *(cell for name in there for cell in _cells(each.differences.get(name), name, points=True)),
        )
        for each in found[1:]
    ]
    heads = [head for name in there for head in (_heading(name, cube), "interval")]
    return Table((*columns("difference"), *numbers(*heads)), tuple(rows), dense=True)


def _heading(name: str, cube: Cube) -> str:
    return f"TE ({unit_of(cube.outcome)})" if name == TE else HEADINGS.get(name, name)


def _cells(estimate: Estimate | None, name: str, *, points: bool = False) -> tuple[str, str]:
    """A quantity and its interval: TE in its unit, all else in percent, and differences of these in points."""
    if estimate is None:
        return "", ""
    if name == TE:
        return number(estimate.value), interval(estimate)
    value = number(100 * estimate.value, 1) if points else percent(estimate.value, 1)
    return value, interval(estimate, scale=100.0, digits=1)
