"""The summary of a comparison that a terminal shows."""

from io import StringIO

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mediate.compare import Compared
from mediate.compare.quantities import SHARES
from mediate.compare.split import PARTS
from mediate.figures import visible
from mediate.report.comparison.views import maps_view, outcome_views
from mediate.report.comparison.words import comparison_headline, comparison_notes, mixed_note
from mediate.report.run.terminal import TYPED, WIDTH

SPLIT = PARTS[:3]
SHOWN = (*(f"{name} share" for name in SHARES), "TE")


def comparison_terminal(compared: Compared, *, width: int = WIDTH) -> str:
    """Headline, shares, differences and their verdicts, and what was dropped; plain text without escape codes."""
    out = StringIO()
    console = Console(file=out, width=width, color_system=None, force_terminal=False, force_jupyter=False, markup=False)
    if compared.mixed:
        console.print(_text(f"WARNING: {mixed_note(compared)}"))
    console.print(_text(comparison_headline(compared)))
    for outcome in outcome_views(compared):
        table = _table(outcome["name"], ["", *SHARES, "TE (nats)"])
        for row in outcome["levels"]:
            table.add_row(*map(_text, (row["run"], *row["short"], row["te"])))
        console.print(table)
        table = _table(f"less {compared.runs[0].label}", ["", "", "difference", "interval", "p adjusted", "verdict"])
        for row in outcome["differences"]:
            if row["quantity"] in SHOWN:
                cells = (row[name] for name in ("run", "quantity", "difference", "interval", "p_adjusted", "verdict"))
                table.add_row(*map(_text, cells))
        console.print(table)
        for square in outcome["squares"]:
            table = _table(f"points of share, from {square['first']} to {square['second']}", ["", *SPLIT])
            for row in square["tables"][0]["rows"][: len(SHARES)]:
                table.add_row(*map(_text, (row["name"], *row["cells"][: len(SPLIT)])))
            console.print(table)
        for gap in outcome["gaps"]:
            console.print(_text(f"  {gap}"))
    for row in compared.ladder:
        console.print(
            _text(f"ladder: {row.quantity} {row.slope:+.3f} of TE a tenfold size, {row.models} runs ({row.outcome})")
        )
    for row in maps_view(compared)["map_rows"]:
        console.print(
            _text(f"map: {row['kind']}, {row['run']}, {row['scope']}: {row['found']} of {row['cells']} tested differ")
        )
    for note in comparison_notes(compared):
        console.print(_text(f"note: {note}"))
    return "\n".join(line.rstrip() for line in out.getvalue().translate(TYPED).split("\n"))


def _table(title: str, headings: list[str]) -> Table:
    table = Table(title=_text(title), title_justify="left", title_style="", box=SIMPLE_HEAD)
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="left" if not place or not heading or heading == "verdict" else "right")
    return table


def _text(text: str) -> Text:
    return Text(visible(text))
