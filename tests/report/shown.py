"""Blocks taken apart, so that tests read a table by its headings."""

from mediate.report.blocks import Section, Table, TableCell, plain_text


def said(table: Table) -> list[dict[str, str]]:
    """The text of each row by heading; of headings that come twice, the first."""
    heads = [each.heading for each in table.columns]
    rows = [[plain_text(cell.words if isinstance(cell, TableCell) else cell) for cell in row] for row in table.rows]
    return [dict(reversed(list(zip(heads, row, strict=True)))) for row in rows]


def table_in(section: Section) -> Table | None:
    """The first table of a section."""
    return next((each for each in section.blocks if isinstance(each, Table)), None)
