"""The contents of every page say what was found, of each part that has a number."""

import re
from collections.abc import Iterable

import pytest

from mediate.report.blocks import Block, Look, Section, Table, TableCell, plain_text
from mediate.report.run.page import run_page
from tests.figures.records import fake_results
from tests.report.whole.test_injection import PAGES
from tests.results.test_conditions import conditioned

# How a page was made, and what of it is told one line above: these are looked up, and nothing was found in them.
LOOKED_UP = {"method", "words", "identities", "chains", "not-made", "more", "responses"}


def has_number(blocks: Iterable[Block]) -> bool:
    """Whether a table in here has a number in a column of numbers."""
    for each in blocks:
        if isinstance(each, Section) and has_number(each.blocks):
            return True
        if isinstance(each, Table):
            cells = [(cell, column) for row in each.rows for cell, column in each.placed(row)]
            if any(column.look is Look.NUMBER and re.search(r"\d", _text(cell)) for cell, column in cells):
                return True
    return False


def _text(cell: object) -> str:
    return plain_text(cell.words if isinstance(cell, TableCell) else cell)  # type: ignore[arg-type]


EVERY = {name: page for name, page in PAGES.items() if name != "every block"}
EVERY["conditions"] = lambda: run_page(conditioned(fake_results(24, undefined=False), ("easy", "hard")))


@pytest.mark.parametrize("name", EVERY)
def test_each_part_with_a_number_says_what_was_found(name: str) -> None:
    without = [
        each.heading
        for each in EVERY[name]().sections
        if each.heading and each.id not in LOOKED_UP and has_number(each.blocks) and not each.found
    ]
    assert without == []


@pytest.mark.parametrize("name", EVERY)
def test_what_was_found_is_short_and_of_one_line(name: str) -> None:
    for each in EVERY[name]().sections:
        assert len(each.found) <= 140, each.found
        assert "\n" not in each.found
        assert "nan" not in each.found
        assert not each.found.endswith(".")
