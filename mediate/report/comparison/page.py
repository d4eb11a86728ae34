"""The HTML page of a comparison, and its view in a notebook."""

from collections.abc import Sequence
from typing import Any

from mediate.compare import Compared
from mediate.compare.quantities import SHARES
from mediate.report.comparison.pictures import comparison_pictures
from mediate.report.comparison.views import dropped_view, maps_view, outcome_views, runs_view, settings_view
from mediate.report.comparison.words import comparison_headline, comparison_notes, mixed_note
from mediate.report.html import render, style_hash, style_sheet
from mediate.report.run.pictures import Picture
from mediate.report.words import DASH, number, plain
from mediate.results import CHANNELS


def render_comparison(compared: Compared, drawn: Sequence[Picture] | None = None) -> str:
    """The page as text; the same comparison gives the same text.

    Args:
        compared: What was found.
        drawn: Its figures, where they are drawn already.
    """
    style = style_sheet()
    versions = compared.runs[0].results.manifest.get("versions") or {}
    return render(
        "comparison.html.j2",
        style=style,
        style_hash=style_hash(style),
        channels=CHANNELS,
        dash=DASH,
        shares=SHARES,
        others=", ".join(run.label for run in compared.runs[1:]),
        pictures=comparison_pictures(compared) if drawn is None else drawn,
        runs=runs_view(compared),
        no_split=compared.no_split,
        no_ladder=compared.no_ladder,
        alpha=number(compared.how.alpha),
        settings=settings_view(compared),
        footer=f"Made by mediate from runs of mediate {plain(versions.get('mediate'))}.",
        **_common(compared),
        **maps_view(compared),
    )


def notebook_view(compared: Compared) -> str:
    """The tables in a notebook's cell."""
    return render("comparison_view.html.j2", shares=SHARES, **_common(compared))


def _common(compared: Compared) -> dict[str, Any]:
    return {
        "mixed": mixed_note(compared),
        "headline": comparison_headline(compared),
        "notes": comparison_notes(compared),
        "reference": compared.runs[0].label,
        "outcomes": outcome_views(compared),
        **dropped_view(compared),
    }
