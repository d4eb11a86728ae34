"""A page of blocks as plain text: the summary that a terminal shows."""

from collections.abc import Iterable
from io import StringIO

import rich.table
import rich.text
from rich.box import SIMPLE_HEAD
from rich.console import Console

from mediate.figures import visible
from mediate.report.blocks import Block, Look, Notes, Page, Section, Table, TableCell, Text, Words, plain_text
from mediate.report.words import GAP, MINUS

WIDTH = 100
TYPED = str.maketrans({MINUS: "-", GAP: " ", "≤": "<="})  # what can be copied into a calculator


def to_text(page: Page, width: int = WIDTH) -> str:
    """Headline, tables and remarks without escape codes; what a terminal cannot show, such as figures, is left out."""
    out = StringIO()
    # Without `force_jupyter` rich writes into the notebook's cell instead of the file.
    console = Console(file=out, width=width, color_system=None, force_terminal=False, force_jupyter=False, markup=False)
    if page.warning:
        console.print(_text(f"WARNING: {page.warning}"))
    console.print(_text(page.headline))
    _print(console, page.sections)
    return "\n".join(line.rstrip() for line in out.getvalue().translate(TYPED).split("\n"))


def _print(console: Console, blocks: Iterable[Block]) -> None:
    for each in blocks:
        if isinstance(each, Section):
            _print(console, each.blocks)
        elif isinstance(each, Text):
            console.print(_text(each.words))
        elif isinstance(each, Notes):
            for item in each.items:
                console.print(_text(f"{each.label}: {plain_text(item)}" if each.label else f"  {plain_text(item)}"))
        elif isinstance(each, Table):
            console.print(_table(each))


def _table(table: Table) -> rich.table.Table:
    shown = rich.table.Table(title=_text(table.title), title_justify="left", title_style="", box=SIMPLE_HEAD)
    for column in table.columns:
        shown.add_column(_text(column.heading), justify="right" if column.look is Look.NUMBER else "left")
    for row in table.rows:
        shown.add_row(*(_text(cell.words if isinstance(cell, TableCell) else cell) for cell in row))
    return shown


def _text(words: Words) -> rich.text.Text:
    return rich.text.Text(visible(plain_text(words)))
