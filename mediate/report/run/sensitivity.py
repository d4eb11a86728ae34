"""What the answer is worth with the chain alone replaced: the sensitivity section of a run's page, and in short."""

from collections.abc import Iterator
from functools import partial

from mediate.figures.figure import Figure
from mediate.figures.sensitivity import plot_sensitivity, sensitivity_size
from mediate.report.analysis import Analysis, analysis_of
from mediate.report.blocks import Block, Look, Notes, Row, Section, Table, Text, columns, numbers, prose, standing_in
from mediate.report.words import from_to, gaps, interval, number, percent, plural
from mediate.results import Cube, Results
from mediate.results.outcomes import unit_of
from mediate.results.replacements import REPLACEMENTS
from mediate.results.sensitivity import PairedEffects, Sensitivity, paired_effects, sensitivity

# How many of the differences that were found are told one by one.
MOST = 10
OPENING = prose(
    "The question stays as it is, and the chain alone is replaced. An effect is what the answer loses: the outcome of "
    "the item as it is, less that with the replacement in the chain's place. Edited text is computed anew after the "
    "question. Activations stand in place of the keys and values of all positions of the chain in all layers, as the "
    "answer's tokens read them. Where replacements disagree, an effect is as much the replacement's as the chain's: "
    "the further off the distribution, the less it says of the chain."
)
DISTANCE = (
    "Distance: how far the values are from those of other items' chains, in the distances that these have among "
    "themselves (to the nearest of up to 2,000 drawn positions; medians over positions and layers): near 1 on the "
    "distribution. Norm: of the keys and values put in place, over that of what was there. Both are medians over items."
)


def replaced_of(analysis: Analysis, results: Results, cube: Cube) -> tuple[Sensitivity, ...]:
    """The replacements of one outcome, over its items."""
    return sensitivity(cube, results.replaced, seed=analysis.seed, level=analysis.level)


def paired_of(analysis: Analysis, results: Results, cube: Cube) -> PairedEffects:
    """The paired differences of one outcome's replacements."""
    return paired_effects(cube, results.replaced, seed=analysis.seed, level=analysis.level)


def sensitivity_section(results: Results, figures: tuple[Figure, ...]) -> tuple[Section, ...]:
    """All replacements of the first outcome side by side; no section where nothing was replaced."""
    if not results.replaced or not results.items:
        return ()
    cube, analysis = results.cube(), analysis_of(results)
    found = replaced_of(analysis, results, cube)
    others = [each.outcome for each in results.cubes[1:]]
    more = f" Also of {', '.join(others)}, in results/contrasts.parquet." if others else ""
    basis = (
        f"{cube.outcome}; n = {plural(len(cube.items), 'item')} in {plural(len(set(cube.groups)), 'group')}; "
        f"intervals: {percent(analysis.level)} {found[0].effect.method}, seed {analysis.seed}.{more} {DISTANCE}"
    )
    paired, unit = paired_of(analysis, results, cube), unit_of(cube.outcome)
    differences = _differences(paired, unit)
    blocks: list[Block] = [
        Text(OPENING),
        _table(found, cube),
        Text(basis, Look.BASIS),
        *standing_in(figures, "sensitivity", cube.outcome),
        *_remarks(found),
        Text(_said(paired)),
        *((Notes(differences),) if differences else ()),
    ]
    taken = from_to(((each.name, each.effect.value) for each in found), number)
    said = f"takes, in {unit}: {taken}" if taken else ""
    return (Section("Sensitivity: the chain alone replaced", tuple(blocks), id="sensitivity", found=said),)


def sensitivity_blocks(results: Results) -> tuple[Block, ...]:
    """The same in short, of the first outcome: for a terminal."""
    if not results.replaced or not results.items:
        return ()
    cube, analysis = results.cube(), analysis_of(results)
    found = replaced_of(analysis, results, cube)
    paired, unit = paired_of(analysis, results, cube), unit_of(cube.outcome)
    largest = "".join(f" The largest: {each}" for each in _differences(paired, unit)[:1])
    return (
        _table(found, cube, short=True, title=f"{cube.outcome}: the chain alone replaced"),
        Notes((_said(paired) + largest,), "sensitivity"),
    )


def sensitivity_figure(results: Results, outcome: str) -> Iterator[Figure]:
    """A dot a replacement, with its interval."""
    cube = results.cube(outcome)
    found = replaced_of(analysis_of(results), results, cube)
    if not any(each.effect.defined for each in found):
        return
    listed = "; ".join(f"{each.name} {number(each.effect.value)} {interval(each.effect)}" for each in found)
    yield Figure(
        name="sensitivity",
        draw=partial(plot_sensitivity, found, outcome=outcome),
        alt=f"Mean effect on {outcome} of replacing the chain alone, in {unit_of(outcome)}: {listed}.",
        caption=f"What is lost with each replacement of the chain, with its interval; dashed: {found[0].name}.",
        size=sensitivity_size(len(found)),
        section="sensitivity",
    )


def _table(found: tuple[Sensitivity, ...], cube: Cube, *, short: bool = False, title: str = "") -> Table:
    words, contrast, unit = {each.name: each.words for each in REPLACEMENTS}, cube.contrast, unit_of(cube.outcome)
    rows: list[Row] = []
    for place, each in enumerate(found):
        what = words.get(each.name, "") if place else f"{contrast.zero[1]}: the run's own contrast, TIE"
        off = [_off(each, value) for value in (each.distance, each.norm_ratio)]
        counts = (str(each.effect.n), str(each.left_out)) if not short else (str(each.effect.n),)
        said = () if short else (what,)
        rows.append((each.name, *said, number(each.effect.value), interval(each.effect), *off, *counts))
    heads = (
        *columns("in the chain's place"),
        *(() if short else columns("what it is", look=Look.SAYS)),
        *numbers(f"mean effect ({unit})", "interval", "distance", "norm", "items", *(() if short else ("left out",))),
    )
    return Table(heads, tuple(rows), title=title)


def _off(each: Sensitivity, value: float) -> str:
    """A number that only activations have; of one that was not measured it is undefined."""
    facts = next((facts for facts in REPLACEMENTS if facts.name == each.name), None)
    return "" if facts is None or facts.of_text or not each.effect.defined else number(value)


def _remarks(found: tuple[Sensitivity, ...]) -> tuple[Block, ...]:
    """Why some replacements were left out, and why there are no intervals."""
    left_out = [
        f"{each.name}, left out of {plural(each.left_out, 'item')}: {'; '.join(each.reasons)}"
        for each in found
        if each.reasons
    ]
    remarks = (*left_out, *gaps([each.effect for each in found], "effects"))
    return (Notes(remarks),) if remarks else ()


def _said(paired: PairedEffects) -> str:
    """How many differences were looked at, and how many were found."""
    if not paired.differences:
        return "No two replacements could be compared."
    count, found = len(paired.differences), paired.found
    many = "none has" if not found else "1 has" if len(found) == 1 else f"{len(found)} have"
    return (
        f"{plural(count, 'paired difference')} of two replacements looked at: {many} an interval without 0. The "
        f"intervals hold all {count} together at {percent(paired.level)} (sign flips of "
        f"{plural(paired.groups, 'group')}, the largest |t|)."
    )


def _differences(paired: PairedEffects, unit: str) -> tuple[str, ...]:
    """A sentence on each difference that was found, the largest first."""
    told = tuple(
        f"{each.more} takes {number(each.mean)} {unit} more than {each.less} "
        f"[{number(each.low)}, {number(each.high)}], n = {each.n}."
        for each in paired.found[:MOST]
    )
    rest = len(paired.found) - MOST
    return (*told, f"{rest} more: sensitivity_differences() of the opened run has all of them.") if rest > 0 else told
