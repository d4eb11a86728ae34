"""A page of blocks as plain text: the summary that a terminal shows."""

from collections.abc import Iterable
from io import StringIO
from typing import Literal

import rich.table
import rich.text
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.style import Style

from mediate.figures import visible
from mediate.report.blocks import (
    Block,
    Explorer,
    Look,
    Notes,
    Page,
    Section,
    Table,
    TableCell,
    Text,
    Tokens,
    Words,
    plain_text,
)
from mediate.report.html import shade_colour
from mediate.report.words import GAP, MINUS

WIDTH = 100
INK = "#111111"
STATES = {True: "(states the answer)", False: "(first occurrence of the answer)"}
TYPED = str.maketrans({MINUS: "-", GAP: " ", "≤": "<="})


def to_text(page: Page, width: int = WIDTH, *, colour: bool = False) -> str:
    """Headline, tables, remarks and chains; what a terminal cannot show, such as figures, is left out.

    Args:
        page: What to show.
        width: Characters in a line.
        colour: Whether the tokens of chains have their colours, as far as the terminal has them (`TERM`, `NO_COLOR`);
            there are no escape codes without.
    """
    out = StringIO()
    # Without `force_jupyter` rich writes into the notebook's cell instead of the file.
    console = Console(
        file=out,
        width=width,
        color_system="auto" if colour else None,
        force_terminal=colour,
        force_jupyter=False,
        markup=False,
        highlight=False,
    )
    if page.warning:
        console.print(_text(f"WARNING: {page.warning}"))
    console.print(_text(page.headline))
    _print(console, page.sections)
    return typed("\n".join(line.rstrip() for line in out.getvalue().split("\n")))


def typed(text: str) -> str:
    """Text in characters that a keyboard has, so that numbers of it can be copied into a calculator."""
    return text.translate(TYPED)


def _print(console: Console, blocks: Iterable[Block]) -> None:
    for each in blocks:
        if isinstance(each, Section):
            _print(console, each.blocks)
        elif isinstance(each, Explorer):
            _print(console, each.without)
        elif isinstance(each, Text):
            console.print(_text(each.words))
        elif isinstance(each, Notes):
            for item in each.items:
                console.print(_text(f"{each.label}: {plain_text(item)}" if each.label else f"  {plain_text(item)}"))
        elif isinstance(each, Table):
            console.print(_table(each))
        elif isinstance(each, Tokens):
            console.print(_tokens(each))


def _table(table: Table) -> rich.table.Table:
    shown = rich.table.Table(title=_text(table.title), title_justify="left", title_style="", box=SIMPLE_HEAD)
    for column in table.columns:
        # A name without a space is broken rather than cut.
        justify: Literal["right", "left"] = "right" if column.look is Look.NUMBER else "left"
        shown.add_column(_text(column.heading), justify=justify, overflow="fold")
    for row in table.rows:
        shown.add_row(*(_text(cell.words if isinstance(cell, TableCell) else cell) for cell in row))
    return shown


def _tokens(each: Tokens) -> rich.table.Table:
    """A line a step: its number, its effect, what it says, and whether it states the answer."""
    shown = rich.table.Table.grid(padding=(0, 1, 0, 0))
    for justify in ("right", "right", "left", "left"):
        shown.add_column(justify=justify, overflow="fold")
    for stretch in each.stretches:
        said = rich.text.Text()
        for place, token in enumerate(stretch.tokens):
            shade = stretch.shades[place] if stretch.shades else stretch.shade
            style = Style(color=INK, bgcolor=shade_colour(shade), underline=place == stretch.states) if shade else ""
            said.append(visible(token).replace("↵↵", "↵"), style)
        states = "" if stretch.states is None else STATES[stretch.result]
        shown.add_row(*(_text(part) for part in (str(stretch.step), stretch.effect)), said, _text(states))
    return shown


def _text(words: Words) -> rich.text.Text:
    return rich.text.Text(visible(plain_text(words)))
