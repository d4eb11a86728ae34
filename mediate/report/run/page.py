"""What is said of a run: its page, and the shorter ones that a terminal and a notebook show."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from mediate.clock import stage
from mediate.errors import InputError
from mediate.figures.figure import Figure
from mediate.report.analysis import (
    analysis_of,
    repeats,
    section,
)
from mediate.report.blocks import (
    Block,
    Look,
    Notes,
    Page,
    Phrase,
    Section,
    Text,
    holding,
    prose,
    standing_in,
)
from mediate.report.crossing import crossing_page
from mediate.report.html import ENDINGS, to_html, to_notebook, write_page
from mediate.report.parts import left_out
from mediate.report.run.added_up import added_up_blocks
from mediate.report.run.behaviour import behaviour_blocks, behaviour_section
from mediate.report.run.conditions import conditions_blocks, conditions_section
from mediate.report.run.distances import off_said
from mediate.report.run.evidence import (
    agreement_section,
    control_summaries,
    control_words,
    controls_section,
    copying_section,
)
from mediate.report.run.figures import run_figures
from mediate.report.run.glossary import words_section
from mediate.report.run.held_against import wording
from mediate.report.run.in_short import largest
from mediate.report.run.items import chains_section, items_section
from mediate.report.run.method import identities_section, method_section
from mediate.report.run.other_items import others_note, others_section
from mediate.report.run.remarks import notes
from mediate.report.run.responses import response_notes, responses_section, ungiven_note
from mediate.report.run.sensitivity import sensitivity_blocks, sensitivity_section
from mediate.report.run.steps_resampled import resampled_blocks, resampled_section
from mediate.report.run.summary import SHARES, Summary, summary_of
from mediate.report.run.tables import reject_table
from mediate.report.terminal import WIDTH, to_text
from mediate.report.token_page import joined_page
from mediate.report.words import apart_words, headline, plain, plural
from mediate.results import Results
from mediate.results.crossing_folder import is_crossed, read_crossed
from mediate.results.folder import read_manifest
from mediate.results.kinds import is_estimate
from mediate.results.outcomes import unit_of
from mediate.results.partial import partial_words, read_so_far
from mediate.results.speculative import SPECULATIVE_RUNS
from mediate.results.token_join import JOINED_RUNS, read_joined
from mediate.results.trace_folder import TRACE_RUNS

PAGE = "report.html"
NOTEBOOK_CHAINS = 2


@stage("writing pages")
def write_report(folder: str | Path, endings: Sequence[str] = ENDINGS, results: Results | None = None) -> Path:
    """Writes `report.html` and `figures/` into a run directory from what is stored there, and returns the page.

    A directory of `mediate cross` gets a page of its own kind, see `mediate.report.crossing`, and so does one of
    `mediate traces join`, see `mediate.report.token_page`.

    A run that is not finished has a page of what is done, which says so.

    Args:
        folder: The run directory.
        endings: The files that there are of each figure, of `png`, `svg` and `pdf`.
        results: What is stored there, where it is at hand; else it is read.

    Raises:
        InputError: The folder is no run directory or one of traces, which have no page, or a file in it is
            missing or damaged.
    """
    folder = Path(folder)
    if results is not None:
        return write_page(folder / PAGE, run_page(results), endings)
    manifest = read_manifest(folder)
    for kind in (TRACE_RUNS, SPECULATIVE_RUNS):
        if kind.is_of(manifest):
            raise InputError(f"{folder}: a run of {kind.runs} has no page; mediate.open(DIR) has its tables")
    if JOINED_RUNS.is_of(manifest):
        return write_page(folder / PAGE, joined_page(read_joined(folder)), endings)
    page = crossing_page(read_crossed(folder)) if is_crossed(manifest) else run_page(read_so_far(folder))
    return write_page(folder / PAGE, page, endings)


def render_page(results: Results, figures: Sequence[Figure] | None = None) -> str:
    """The page of a run as HTML; the same results give the same text."""
    return to_html(run_page(results, figures))


def terminal(results: Results, *, width: int = WIDTH) -> str:
    """Headline, shares and mean effects of every outcome, and what was left out; plain text without escape codes."""
    return to_text(_summary(results), width)


def notebook(results: Results) -> str:
    """Headline, shares and the first chains for a notebook's cell."""
    analysis, cubes = analysis_of(results), results.cubes if results.items else ()
    blocks: list[Block] = []
    for each in (summary_of(cube, analysis) for cube in cubes):
        blocks += [each.short_table(), each.basis()]
    counts = (
        f"{plural(len(results.items), 'item')} measured, {plural(len(results.rejects), 'entry', 'entries')} left out."
    )
    remarks = Notes((*notes(results), *others_note(results, analysis)))
    told = Section(
        "",
        (
            *((remarks,) if remarks.items else ()),
            *blocks,
            *behaviour_blocks(results),
            *resampled_blocks(results),
            Text(counts),
        ),
    )
    chains = (chains_section(results, NOTEBOOK_CHAINS),) if results.items else ()
    return to_notebook(Page("", "", headline(results), (told, *chains)))


def _summary(results: Results) -> Page:
    """The page that a terminal shows."""
    analysis, blocks = analysis_of(results), list[Block]()
    for cube in results.cubes if results.items else ():
        if (apart := repeats(results, cube.outcome)) is not None:
            blocks.append(
                Text(
                    f"{cube.outcome}: every number as above, {apart_words(apart, unit_of(cube.outcome))} "
                    "(answers of one token)"
                )
            )
            continue
        each = summary_of(cube, analysis)
        blocks += [each.short_table(), Notes(each.gaps())]
    blocks += [*conditions_blocks(results), *behaviour_blocks(results), *resampled_blocks(results)]
    blocks += [*sensitivity_blocks(results)]
    rows = reject_table(results.rejects).itertuples()
    blocks += [
        Notes((*notes(results), *others_note(results, analysis), *response_notes(results)), "note"),
        Notes(tuple(map(control_words, control_summaries(results, analysis))), "control"),
        Notes(tuple(f"{row.count} x {row.code} ({row.part}), such as: {row.example}" for row in rows), "left out"),
    ]
    return Page("", "", headline(results), (Section("", tuple(blocks)),))


def run_page(results: Results, figures: Sequence[Figure] | None = None) -> Page:
    """All that is said of a run.

    Args:
        results: What it found.
        figures: Those of the page, if not all that there are.
    """
    figures = tuple(run_figures(results) if figures is None else figures)
    analysis, cubes = analysis_of(results), results.cubes if results.items else ()
    gap = {cube.outcome: repeats(results, cube.outcome) for cube in cubes}
    told = [summary_of(cube, analysis) for cube in cubes if gap[cube.outcome] is None]
    partial = partial_words(results.manifest)
    model, versions = section(results, "model"), section(results, "versions")
    return holding(
        Page(
            title=f"{'Partial: m' if partial else 'M'}ediation by the chain of thought: {plain(model.get('name'))}",
            heading="How much of the answer does the chain of thought carry?",
            headline=headline(results),
            sections=(
                Section("", _opening(results, bool(told))),
                *_first(results, told, figures),
                *conditions_section(results, figures),
                agreement_section(results, figures),
                copying_section(results, figures),
                *behaviour_section(results, figures),
                *resampled_section(results),
                *sensitivity_section(results, figures),
                controls_section(results, figures),
                items_section(results, analysis),
                *others_section(results, analysis),
                chains_section(results, viewer=True),
                *_others(told, gap, figures),
                *responses_section(results),
                left_out(results.rejects, len(results.items), section(results, "counts").get("given")),
                identities_section(cubes),
                method_section(results),
                words_section(results, analysis),
            ),
            footer=(
                f"Made by mediate {plain(versions.get('mediate'))} from a run of "
                f"{plain(results.manifest.get('created'))}{f', {partial}' if partial else ''}."
            ),
        ),
        figures,
    )


def _opening(results: Results, measured: bool) -> tuple[Block, ...]:
    said: tuple[Block, ...] = ()
    if measured:
        opening = wording(results.cube().contrast).opening
        said = (Text((*opening, Phrase("below", href="#words"), Phrase("."))),)
    remarks = (*notes(results), *others_note(results, analysis_of(results)), *ungiven_note(results))
    return (*said, *((Notes(remarks),) if remarks else ()))


def _first(results: Results, told: Sequence[Summary], figures: Sequence[Figure]) -> tuple[Section, ...]:
    """What is said of the first outcome, and where in chain and network its effects are."""
    name = told[0].cube.outcome if told else ""
    shares, channels, maps = (standing_in(figures, each, name) for each in ("shares", "channels", "maps"))
    first: tuple[Block, ...] = (Text("No item was measured, so there are no shares."),)
    if told:
        first = (*told[0].share_blocks(), *shares, Text(SHARES, Look.SMALL), *told[0].effect_blocks())
    asked = section(results, "spec").get("maps")
    no_maps = "This run was asked for no maps." if asked == [] else "No map over step and layer was measured."
    return (
        Section("Shares", first, id="shares", found=told[0].found if told else ""),
        Section(
            "Channels of each item",
            channels or (Text("No item was measured."),),
            id="channels",
            found=told[0].found_te if told else "",
        ),
        Section(
            "Where in the chain and in the network",
            (
                *(maps or (Text(no_maps),)),
                *(added_up_blocks(results, name) if told else ()),
                *(Text(each, Look.SMALL) for each in _map_notes(results)),
            ),
            id="maps",
            found=largest(results, name),
        ),
    )


def _others(told: Sequence[Summary], gap: Mapping[str, float | None], figures: Sequence[Figure]) -> list[Section]:
    """The other outcomes."""
    found = [
        Section(
            f"The same for {each.cube.outcome}",
            (
                *each.share_blocks(),
                *(figure for figure in figures if figure.outcome == each.cube.outcome),
                *each.effect_blocks(),
            ),
            found=each.found,
        )
        for each in told[1:]
    ]
    for name, apart in gap.items():
        if apart is not None:
            said = prose(
                "Every number of `{name}` is that of `{first}`, {gap}: the answers are of one token here. It "
                "is stored like the other.",
                name=name,
                first=told[0].cube.outcome,
                gap=apart_words(apart),
            )
            found.append(Section(f"The same for {name}", (Text(said),), found=apart_words(apart)))
    return found


def _map_notes(results: Results) -> list[str]:
    """What is not drawn, for no cell of it has a number; and what was left out."""
    empty: dict[tuple[str, tuple[str, ...]], bool] = {}
    for each in results.maps:
        key = each.kind, each.dims
        empty[key] = empty.get(key, True) and bool(np.isnan(each.values).all())
    found = [
        f"Also {'estimated' if is_estimate(kind) else 'measured'}: {kind} over {', '.join(dims)}, of which no cell has "
        "a number, so that there is nothing to draw."
        for (kind, dims), nothing in empty.items()
        if nothing
    ]
    missing = sum(reject.is_map for reject in results.rejects)
    found += off_said(results)
    return found + ([f"{plural(missing, 'map')} of measured items left out; reasons below."] if missing else [])
