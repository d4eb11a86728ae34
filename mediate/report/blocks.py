"""What a page, a notebook and a terminal show, as plain records; `html` and `terminal` each render any of them.

Text from outside is only ever a `str` in these records, and no renderer takes a `str` for markup. What is stressed,
code or a link is a `Phrase` of its own, and `prose` makes phrases of this package's own sentences.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate, groupby

from mediate.errors import InputError
from mediate.figures.figure import Figure

# The words of a block, and coloured text, are said by its own name here, so that a page imports from one place.
from mediate.report.coloured import BINS as BINS
from mediate.report.coloured import SHADES as SHADES
from mediate.report.coloured import Scale as Scale
from mediate.report.coloured import Stretch as Stretch
from mediate.report.coloured import Tokens as Tokens
from mediate.report.phrases import BREAK as BREAK
from mediate.report.phrases import Phrase as Phrase
from mediate.report.phrases import Tag as Tag
from mediate.report.phrases import Words as Words
from mediate.report.phrases import code as code
from mediate.report.phrases import plain_text as plain_text
from mediate.report.phrases import prose as prose


class Look(StrEnum):
    """How a paragraph, a column or a cell looks; the names are classes of the style sheet."""

    PLAIN = ""
    STRONG = "headline"
    SMALL = "small"
    BASIS = "basis"
    NUMBER = "num"
    SHORT = "short"
    LONG = "text"
    SAYS = "says"
    FAINT = "undefined"
    UNSCRIPTED = "basis unscripted"  # said where no script runs


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph."""

    words: Words
    look: Look = Look.PLAIN


@dataclass(frozen=True, slots=True)
class Notes:
    """A list of remarks; a terminal puts `label` before each."""

    items: tuple[Words, ...]
    label: str = ""
    look: Look = Look.SMALL


@dataclass(frozen=True, slots=True)
class Terms:
    """Words and what they mean."""

    items: tuple[tuple[str, Words], ...]


@dataclass(frozen=True, slots=True)
class Verbatim:
    """Text set in lines, as it is."""

    text: str


@dataclass(frozen=True, slots=True)
class Column:
    """A column's heading and look; neighbours of one `group` have it as a heading over them, `channel` its colour."""

    heading: str
    look: Look = Look.PLAIN
    group: str = ""
    channel: str = ""


@dataclass(frozen=True, slots=True)
class TableCell:
    """A cell that is more than its text: of a look of its own, over several columns, or of a channel's colour."""

    words: Words
    look: Look = Look.PLAIN
    span: int = 1
    channel: str = ""


Row = tuple[Words | TableCell, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table.

    Args:
        columns: Its columns; where none has a heading there is no row of headings.
        rows: Its cells, row by row.
        title: What it is a table of, where no heading stands above it; in the corner where that is free.
        named: Whether the first cell of a row names it.
        dense: Whether it is set small.
        shown: How many rows stand there where no script runs; the page's script has all.
        opens: What a row of it opens, by the text of its first cell: `item`, or nothing.

    Raises:
        InputError: A row does not fill the columns.
    """

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    title: str = ""
    named: bool = True
    dense: bool = False
    shown: int | None = None
    opens: str = ""

    def __post_init__(self) -> None:
        for row in self.rows:
            width = sum(map(_span, row))
            if width != len(self.columns):
                raise InputError(f"a row of {width} cells in a table of {len(self.columns)} columns: {row}")

    @property
    def first(self) -> tuple[Row, ...]:
        """The rows that stand there without a script."""
        return self.rows[: self.shown]

    @property
    def headed(self) -> bool:
        """Whether any column has a heading."""
        return any(each.heading or each.group for each in self.columns)

    def placed(self, row: Row) -> list[tuple[Words | TableCell, Column]]:
        """The cells of a row, each with the first column that it is in."""
        places = accumulate((_span(cell) for cell in row[:-1]), initial=0)
        return [(cell, self.columns[place]) for cell, place in zip(row, places, strict=True)]

    def groups(self) -> list[tuple[str, int]]:
        """Headings over neighbouring columns, with how many each covers; empty where there are none."""
        found = [(name, len(list(having))) for name, having in groupby(self.columns, key=lambda each: each.group)]
        return found if any(name for name, _ in found) else []


def _span(cell: Words | TableCell) -> int:
    return cell.span if isinstance(cell, TableCell) else 1


@dataclass(frozen=True, slots=True)
class Data:
    """What a script of the page reads, as JSON; nothing of it is shown without a script, in a notebook or a terminal.

    Args:
        id: What the script calls it.
        value: Text, numbers, truths and None, in tuples, lists and mappings whose keys are text. Text is made visible
            as everywhere, but for its line breaks.
    """

    id: str
    value: object


@dataclass(frozen=True, slots=True)
class Explorer:
    """Items to choose from, each with its chain by any of its maps: shown by a script from `data`.

    Args:
        data: The items; see `mediate.report.run.explorer`.
        without: What stands there without the script, in print, in a notebook and in a terminal.
    """

    data: Data
    without: "tuple[Block, ...]"


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a page; a section among its blocks is a part of it.

    Args:
        heading: What stands above it; none where it is empty.
        blocks: What it holds.
        id: What links and figures call it.
        aside: Said after the heading, in a fainter hand.
        found: What was found in it, in a few words: the contents list says it beside the heading.
        folded: What the line says that stands for it until it is opened; where it is empty the section is not folded.
    """

    heading: str
    blocks: "tuple[Block, ...]"
    id: str = ""
    aside: str = ""
    found: str = ""
    folded: str = ""


Block = Text | Notes | Terms | Verbatim | Table | Figure | Tokens | Scale | Data | Explorer | Section


@dataclass(frozen=True, slots=True)
class Page:
    """All that there is to show of something.

    Args:
        title: Of the window.
        heading: The question that it answers.
        headline: The answer, in a sentence or two.
        sections: The rest.
        warning: What must be read before the headline.
        footer: Where it comes from.
    """

    title: str
    heading: str
    headline: str
    sections: tuple[Section, ...]
    warning: str = ""
    footer: str = ""

    def figures(self) -> tuple[Figure, ...]:
        """Its figures, in their order."""
        return tuple(_figures(self.sections))


def _figures(blocks: Iterable[Block]) -> Iterator[Figure]:
    for each in blocks:
        if isinstance(each, Section):
            yield from _figures(each.blocks)
        elif isinstance(each, Figure):
            yield each


def holding(page: Page, figures: Iterable[Figure]) -> Page:
    """The page, where it shows every one of its figures.

    Raises:
        InputError: A figure's section takes none.
    """
    shown = {each.name for each in page.figures()}
    for each in figures:
        if each.name not in shown:
            raise InputError(f"figure {each.name!r}: no section {each.section!r} of this page takes a figure")
    return page


def standing_in(figures: Iterable[Figure], section: str, outcome: str | None = None) -> tuple[Figure, ...]:
    """The figures of a section, and where named of an outcome."""
    return tuple(each for each in figures if each.section == section and outcome in (None, each.outcome))


def columns(*headings: str, look: Look = Look.PLAIN, group: str = "") -> tuple[Column, ...]:
    """Columns of one look."""
    return tuple(Column(each, look, group) for each in headings)


def numbers(*headings: str, group: str = "") -> tuple[Column, ...]:
    """Columns of numbers."""
    return columns(*headings, look=Look.NUMBER, group=group)


def facts(pairs: Sequence[tuple[str, str]]) -> Table:
    """A table of names and values, without headings."""
    return Table(columns("", ""), tuple(pairs))
