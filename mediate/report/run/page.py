"""The HTML page of a run: one file without scripts or links to anywhere, light enough to send and to print."""

from collections.abc import Sequence
from pathlib import Path

from mediate.clock import stage
from mediate.files import write_text
from mediate.report.analysis import analysis_of, repeats, section
from mediate.report.crossing import crossing_pictures, render_crossing
from mediate.report.html import render, style_hash, style_sheet
from mediate.report.run.evidence import agreement_view, controls_view, copying_view
from mediate.report.run.pictures import Picture, pictures, write_pictures
from mediate.report.run.tables import identity_error
from mediate.report.run.tokens import SHADES
from mediate.report.run.views import chains_view, items_view, method_view, outcome_view, rejects_view
from mediate.report.words import DASH, headline, notes, percent
from mediate.results import CHANNELS, Results, read_results
from mediate.results.crossing_folder import is_crossed, read_crossed
from mediate.results.cube import IDENTITY_TOLERANCE
from mediate.results.folder import read_manifest

PAGE = "report.html"


@stage("writing pages")
def write_report(folder: str | Path) -> Path:
    """Writes `report.html` and `figures/*.png` into a run directory from what is stored there, and returns the page.

    A directory of `mediate cross` gets a page of its own kind; see `mediate.report.crossing`.

    Raises:
        InputError: The folder is no finished run directory, or a file in it is missing or damaged.
    """
    folder = Path(folder)
    if is_crossed(read_manifest(folder)):
        crossed = read_crossed(folder)
        crossed_drawn = crossing_pictures(crossed)
        return _write(folder, crossed_drawn, render_crossing(crossed, crossed_drawn))
    results = read_results(folder)
    drawn = pictures(results)
    return _write(folder, drawn, render_page(results, drawn))


def _write(folder: Path, drawn: Sequence[Picture], page: str) -> Path:
    write_pictures(folder, drawn)
    write_text(folder / PAGE, page)
    return folder / PAGE


def render_page(results: Results, drawn: Sequence[Picture] | None = None) -> str:
    """The page as text; the same results give the same text.

    Args:
        results: What a run found.
        drawn: Its figures, where they are drawn already.
    """
    drawn = pictures(results) if drawn is None else drawn
    analysis, style = analysis_of(results), style_sheet()
    cubes = results.cubes if results.items else ()
    gaps = {cube.outcome: repeats(results, cube.outcome) for cube in cubes}
    outcomes = [outcome_view(cube, analysis, drawn) for cube in cubes if gaps[cube.outcome] is None]
    return render(
        "page.html.j2",
        style=style,
        style_hash=style_hash(style),
        channels=CHANNELS,
        dash=DASH,
        shades=SHADES,
        headline=headline(results),
        notes=notes(results),
        outcomes=outcomes,
        repeated=[(name, f"{gap:.0e}") for name, gap in gaps.items() if gap is not None],
        main_pictures=outcomes[0]["pictures"] if outcomes else [],
        tolerance=f"{IDENTITY_TOLERANCE:g}".replace("e-0", "e-"),
        identity_errors=[(cube.outcome, f"{identity_error(cube):.1g} nats") for cube in cubes],
        min_te=f"{analysis.min_te:g}",
        level=percent(analysis.level),
        **agreement_view(results),
        **copying_view(results),
        **controls_view(results),
        **items_view(results, analysis),
        **chains_view(results),
        **rejects_view(results.rejects, len(results.items), section(results, "counts").get("given")),
        **method_view(results),
    )
