"""The summary that a terminal shows."""

from io import StringIO

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mediate.figures import visible
from mediate.report.analysis import analysis_of, repeats
from mediate.report.run.evidence import control_summaries, control_words
from mediate.report.run.tables import reject_table
from mediate.report.words import GAP, MINUS, gaps, headline, interval, notes, number, percent
from mediate.results import CHANNELS, Results

WIDTH = 100
TYPED = str.maketrans({MINUS: "-", GAP: " ", "≤": "<="})  # what can be copied into a calculator


def terminal(results: Results, *, width: int = WIDTH) -> str:
    """Headline, shares and mean effects of every outcome, and what was left out; plain text without escape codes."""
    out = StringIO()
    # Without `force_jupyter` rich writes into the notebook's cell instead of the file.
    console = Console(file=out, width=width, color_system=None, force_terminal=False, force_jupyter=False, markup=False)
    console.print(_text(headline(results)), soft_wrap=False)
    analysis = analysis_of(results)
    for cube in results.cubes if results.items else ():
        if (apart := repeats(results, cube.outcome)) is not None:
            console.print(_text(f"{cube.outcome}: every number as above, to {apart:.0e} nats (answers of one token)\n"))
            continue
        effects, shares = analysis.effects(cube), analysis.shares(cube)
        table = Table(title=_text(cube.outcome), title_justify="left", title_style="", box=SIMPLE_HEAD)
        for heading in ("", "share of TE", "interval", "mean effect (nats)", "interval"):
            table.add_column(heading, justify="right" if heading else "left")
        for name in (*CHANNELS, "mediated"):
            share, effect = shares[name], effects["tie" if name == "mediated" else name]
            ends = interval(share, scale=100.0, digits=1) + (" %" if share.low == share.low else "")
            table.add_row(name, percent(share.value, 1), ends, number(effect.value), interval(effect))
        table.add_row("total (TE)", "", "", number(effects["te"].value), interval(effects["te"]))
        console.print(table)
        for gap in (*gaps(shares.values(), "shares"), *gaps(effects.values(), "effects")):
            console.print(_text(f"  {gap}"))
    for note in notes(results):
        console.print(_text(f"note: {note}"))
    for each in control_summaries(results, analysis):
        console.print(_text(f"control: {control_words(each)}"))
    for row in reject_table(results.rejects).itertuples():
        console.print(_text(f"left out: {row.count} x {row.code} ({row.part}), such as: {row.example}"))
    return "\n".join(line.rstrip() for line in out.getvalue().translate(TYPED).split("\n"))


def _text(text: str) -> Text:
    return Text(visible(text))
