"""The arithmetic of what a large run would take: by hand, and that what does not fit is said."""

import pytest

from tools.scale import CARDS, SETS, SHAPES, Measured, tables

FOUND = Measured(0.5, {"cube": 4.0, "reads": 8.0, "states": 30.0}, 1000.0, 250.0, 10.0, 2000.0)


@pytest.fixture(scope="module")
def rows() -> dict[str, list[list[str]]]:
    """The cells of each model's rows, by its name: hours, then bytes."""
    found: dict[str, list[list[str]]] = {name: [] for name in SHAPES}
    for line in tables(FOUND).splitlines():
        cells = [each.strip() for each in line.strip("|").split("|")]
        if cells[0] in found:
            found[cells[0]].append(cells[1:])
    return found


def test_hours_are_operations_over_the_rate_that_is_reached(rows: dict[str, list[list[str]]]) -> None:
    # 2 x 8e9 weights x 400 tokens x 8 passes x 100,000 items / (67e12 x 0.4) / 3600 = 53.07 hours.
    assert rows["8B"][0][1] == "53 h"
    # 989 in place of 67, and ten times as many.
    assert rows["8B"][0][4] == "36 h"


def test_what_does_not_fit_a_card_is_said(rows: dict[str, list[list[str]]]) -> None:
    hours = rows["70B"][0][1:]
    fits = [each != "does not fit" for each in hours]
    assert len(hours) == len(CARDS) * len(SETS)
    assert fits == [False, False, False, False, True, True]


def test_bytes_are_those_of_an_item_and_of_its_cells(rows: dict[str, list[list[str]]]) -> None:
    # (250 + 6 x 80 x 10) x 1,000,000.
    assert rows["70B"][1] == ["480", "505 MB", "5.05 GB"]
