"""What is answered after edited chains, and how that agrees with the effects: a part of a run's page, and in short."""

from collections.abc import Iterator, Sequence
from functools import partial

from mediate.figures.behaviour import AGREEMENT_SIZE, CURVES_SIZE, plot_agreement, plot_curves
from mediate.figures.figure import Figure
from mediate.report.analysis import Analysis, analysis_of, section
from mediate.report.blocks import Block, Look, Notes, Row, Section, Table, Text, columns, numbers, prose, standing_in
from mediate.report.run.both_sides import agreed_of_run, agreed_said, both_sides, joined_of_run
from mediate.report.run.followed import followed_blocks
from mediate.report.run.grafted import graft_blocks
from mediate.report.run.published import published_blocks
from mediate.report.words import from_to, gaps, interval, number, percent, plural
from mediate.results import Results
from mediate.results.behaviour import WHOLE, ReadAs
from mediate.results.edit_tests import (
    WITH_AREA,
    Curve,
    EditTest,
    StandIn,
    by_steps,
    curve,
    disagreeing,
    edit_tests,
    edits_read,
    replacements,
)
from mediate.results.joined import AREA, SHARE
from mediate.stats import Estimate
from mediate.traces.edits import SHUFFLED
from mediate.traces.hints import right_hint, wrong_hint
from mediate.traces.mistakes import MISTAKEN, recomputed
from mediate.traces.rewordings import reworded_from, reworded_up_to
from mediate.traces.step_edits import ANOTHER, FILLED, TRUNCATED
from mediate.traces.text_grafts import GRAFTED

_EDITS = (TRUNCATED, MISTAKEN, recomputed(None), FILLED, ANOTHER, SHUFFLED, reworded_from(str), reworded_up_to(str))
_ALL = (*_EDITS, right_hint(), wrong_hint(), GRAFTED)
WORDS = {each.name: each.words for each in _ALL}
CONTINUED = {
    TRUNCATED.name: "what the model writes from that step on",
    MISTAKEN.name: "the chain up to that step, whose result is wrong by one digit, and what the model writes on",
}
OPENING = prose(
    "The chain is edited, the question stays, and the model answers. *At once*: the edited chain stands, and then the "
    "answer. *Continued*, where a row says so: the model writes on from the edit and then answers, so that recovery "
    "counts too. An answer stays where it is the one after the chain as it is, right or wrong; what does not parse "
    "counts as changed."
)
AREAS = (
    "Area: over the curve of answers that stay, by the trapezoid on i/n, i of n steps standing before the edit (Lanham "
    "et al. 2023). It is 1 - 1/(2n) where every step is needed, so it depends on the length; normalised: divided by "
    "that, so that it is 1 for a chain that is needed to its last step. It is of edits after whose place the chain is "
    "gone or wrong; under other words, a hint or a graft a whole chain still stands there, so there is none."
)
AREA_IN_SHORT = "stay: answers as after the whole chain; area: 1 where all of the chain is needed, 0 where nothing is."
PARAPHRASE = (
    "An answer that stays under other words has two readings, which these numbers cannot tell apart: the chain is read "
    "and its wording does not matter, or it is not read."
)


def curves_of_run(results: Results) -> tuple[Curve, ...]:
    """The curve of every edit that has one."""
    analysis = analysis_of(results)
    found = [
        curve(results.behaviour, edit, reading, level=analysis.level) for edit, reading in edits_read(results.behaviour)
    ]
    return tuple(each for each in found if each is not None)


def behaviour_section(results: Results, figures: tuple[Figure, ...]) -> tuple[Section, ...]:
    """Everything that was found of behaviour; no section where no chain was edited."""
    if not results.behaviour or not results.items:
        return ()
    analysis = analysis_of(results)
    told = _tests(results, analysis)
    three = _three(results, analysis)
    reworded = any(each.edit.startswith("reworded") for each in told)
    blocks: list[Block] = [
        Text(OPENING),
        _table(told) if told else Text("No edited chain was read."),
        Text(_basis(results, analysis, told), Look.BASIS),
        Text(AREAS, Look.SMALL),
        *((Text(PARAPHRASE, Look.SMALL),) if reworded else ()),
        *followed_blocks(told),
        *graft_blocks(results, analysis),
        *(each for each in standing_in(figures, "behaviour", results.cube().outcome) if each.name == "early-answering"),
        *_lengths(results),
        *((_three_table(three), Text(_three_said(three))) if three else ()),
        *both_sides(results, analysis, figures),
        *published_blocks(results, analysis),
    ]
    remarks = _remarks(results, told)
    stay = from_to(((_named(each), each.unchanged.value) for each in told), percent)
    all_of_it = (*blocks, *((Notes(remarks),) if remarks else ()))
    found = f"answers that stay: {stay}" if stay else ""
    return (Section("Behaviour: the chain edited", all_of_it, id="behaviour", found=found),)


def behaviour_blocks(results: Results) -> tuple[Block, ...]:
    """The same in short: for a terminal and a notebook."""
    if not results.behaviour or not results.items:
        return ()
    analysis = analysis_of(results)
    told, three = _tests(results, analysis), _three(results, analysis)
    notes = [*((_three_said(three),) if three else ()), agreed_said(agreed_of_run(results))]
    return (
        *((_short_table(told),) if told else ()),
        Notes((AREA_IN_SHORT, *notes, *_remarks(results, told)), "behaviour"),
    )


def behaviour_figures(results: Results, outcome: str) -> Iterator[Figure]:
    """The curves of all edits, and both sides of each item; once, with the first outcome."""
    if not results.behaviour or outcome != results.cubes[0].outcome:
        return
    curves, joined = curves_of_run(results), joined_of_run(results)
    if curves:
        starts = "; ".join(f"{each.edit} {each.reading} {percent(each.same[0].value)}" for each in curves)
        yield Figure(
            name="early-answering",
            draw=partial(plot_curves, curves),
            alt=f"Answers that stay, by how much of the chain stands before an edit; with none of it: {starts}.",
            caption="Answers that stay, by how much of the chain stands before the edit; bands: pointwise intervals.",
            size=CURVES_SIZE,
            section="behaviour",
        )
    there = joined.dropna(subset=[AREA, SHARE])
    if len(there):
        yield Figure(
            name="agreement",
            draw=partial(plot_agreement, joined),
            alt=f"Area against share of {plural(len(there), 'item')}. {agreed_said(agreed_of_run(results))}",
            caption="Each item's normalised area and mediated share; on the dashed line both say the same.",
            size=AGREEMENT_SIZE,
            section="behaviour",
        )


def _tests(results: Results, analysis: Analysis) -> tuple[EditTest, ...]:
    return edit_tests(results.behaviour, level=analysis.level)


def _three(results: Results, analysis: Analysis) -> tuple[StandIn, ...]:
    return replacements(results.behaviour, level=analysis.level)


def _table(told: Sequence[EditTest]) -> Table:
    rows: list[Row] = []
    for each in told:
        area = _area(each.area)
        counts = (str(each.unparsed), str(sum(each.refused.values())), str(each.unchanged.n))
        right = percent(each.right.value)
        normalised = _area(each.normalised) if each.area.defined else ("", "")  # the reason is said once
        rows.append((_named(each), _words(each), *_stay(each), right, *area, *normalised, *counts))
    heads = (
        *columns("edit"),
        *columns("what stands there", look=Look.SAYS),
        *numbers("stay", "interval", "right", "area", "interval", "normalised", "interval"),
        *numbers("unparsed", "not made", "items"),
    )
    return Table(heads, tuple(rows), dense=True)


def _short_table(told: Sequence[EditTest]) -> Table:
    rows = tuple((each.edit, _read(each), *_stay(each), *_area(each.normalised), str(each.unparsed)) for each in told)
    heads = (*columns("edit", "read"), *numbers("stay", "interval", "area", "interval", "unparsed"))
    return Table(heads, rows, title="the chain edited")


def _named(each: EditTest) -> str:
    """An edit by its name, and where its chains were continued, that."""
    return each.edit if each.reading == ReadAs.AT_ONCE else f"{each.edit}, {_read(each)}"


def _words(each: EditTest) -> str:
    """What stands in the chain's place; where it was continued, up to the edit."""
    if each.reading == ReadAs.CONTINUED:
        return CONTINUED.get(each.edit, "what the model writes from the edit on")
    return WORDS.get(each.edit, "so many tokens of filler")


def _read(each: EditTest) -> str:
    return each.reading.replace("_", " ")


def _stay(each: EditTest) -> tuple[str, str]:
    return percent(each.unchanged.value), interval(each.unchanged, scale=100.0, digits=0)


def _area(area: Estimate) -> tuple[str, str]:
    """An area with its interval; of an edit that has none, why."""
    return (number(area.value), interval(area)) if area.defined else (f"none: {area.reason}", "")


def _basis(results: Results, analysis: Analysis, told: Sequence[EditTest]) -> str:
    items = {each.item: each.group for each in results.behaviour if each.edit == WHOLE and each.made}
    method = next((each.unchanged.method for each in told if each.unchanged.defined), "")
    return (
        f"n = {plural(len(items), 'item')} in {plural(len(set(items.values())), 'group')}; of a pair the base is "
        f"edited; stay and right: the share of an item's places, averaged over items; intervals: "
        f"{percent(analysis.level)} {method}. Every answer is in results/behaviour.parquet."
    )


def _lengths(results: Results) -> tuple[Block, ...]:
    """The areas of early answering by length, as Lanham et al. have them."""
    table = by_steps(results.behaviour)
    rows = [
        (str(int(row["steps"])), number(row["area"]), number(row["normalised"]), str(int(row["items"])))
        for row in table.to_dict("records")
    ]
    if len(rows) < 2:
        return ()
    return (Table(numbers("steps", "area of early answering", "normalised", "items"), tuple(rows), named=False),)


def _three_table(three: Sequence[StandIn]) -> Table:
    rows = [
        (each.name, percent(each.same.value), interval(each.same, scale=100.0, digits=0), percent(each.right.value))
        for each in three
    ]
    heads = (*columns("in the whole chain's place"), *numbers("stay", "interval", "right"))
    return Table(heads, tuple(rows))


def _three_said(three: Sequence[StandIn]) -> str:
    listed = ", ".join(f"{each.name} {percent(each.same.value)}" for each in three)
    said = f"Answers that stay with the whole chain replaced: {listed} (n = {three[0].same.n})."
    apart = disagreeing(three)
    if not apart:
        return f"{said} Their intervals do not tell them apart."
    named = "; ".join(f"{more.name} and {less.name}" for more, less in apart)
    return (
        f"{said} These differ by more than their intervals: {named}. Then an answer that changes says as much of what "
        "stands there as of the chain."
    )


def _remarks(results: Results, told: Sequence[EditTest]) -> tuple[str, ...]:
    """What could not be made or read, with how often; and why there are no intervals."""
    first: dict[tuple[str, str], str] = {}
    for each in results.behaviour:
        if not each.made and each.reading == ReadAs.AT_ONCE:
            first.setdefault((each.edit, each.code), f"{each.reason} (such as item {each.item!r})")
    counts = [
        sum((each.edit, each.code) == key and each.reading == ReadAs.AT_ONCE for each in results.behaviour)
        for key in first
    ]
    left_out = [
        f"{count} x {edit}: {reason}." for count, ((edit, _), reason) in zip(counts, first.items(), strict=True)
    ]
    silent = (
        f"{each.edit}, {_read(each)}: {each.unparsed} of {each.read} led to no answer, and count as changed."
        for each in told
        if 2 * each.unparsed > each.read
    )
    short = max((each.without_area for each in told if each.edit in WITH_AREA), default=0)
    areas = (f"{plural(short, 'item')} without an area: a chain of one step, or a step that could not be edited.",)
    return (
        *left_out,
        *_not_continued(results, told),
        *silent,
        *(areas if short else ()),
        *gaps([each.unchanged for each in told], "answers that stay"),
    )


def _not_continued(results: Results, told: Sequence[EditTest]) -> tuple[str, ...]:
    """That no edit was continued, where that was asked for."""
    asked = section(results, "spec").get("behaviour", {}).get("readings", ())
    if ReadAs.CONTINUED not in asked or not told or any(each.reading == ReadAs.CONTINUED for each in told):
        return ()
    able = ", ".join(each.name for each in _ALL if each.continues)
    return (f"Nothing was continued: none of these edits can be, and those that can are {able}.",)
