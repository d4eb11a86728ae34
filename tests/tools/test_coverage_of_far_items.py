"""The tables of coverage with far items: their shape, what they say of the bound on t, and a cell made anew."""

import numpy as np
import pytest

from tests.stats.populations import LEVEL, POPULATIONS, Covered, covered
from tools.coverage_of_far_items import DATA_SETS, GROUPS, PAGE, PART, held, tables, wide


def rows(text: str) -> list[tuple[str, list[str]]]:
    """The cells of both tables, a row after another, with the population of each."""
    cut = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    return [(name, cells) for name, *cells in cut if name in POPULATIONS]


def written() -> list[tuple[str, list[str]]]:
    text = PAGE.read_text(encoding="utf-8")
    return rows(text[text.index(PART.start) : text.index(PART.end)])


def numbers(cell: str) -> list[float]:
    return [float(part) for part in cell.translate(str.maketrans(",(;", "   ", ")")).split()]


def test_the_page_has_two_rows_a_population() -> None:
    assert [name for name, _ in written()] == [*POPULATIONS, *POPULATIONS]
    assert {len(cells) for _, cells in written()} == {len(GROUPS)}


def test_the_bound_costs_less_than_a_point_anywhere_on_the_page() -> None:
    for name, cells in written()[: len(POPULATIONS)]:
        for ours, unbounded, student in map(numbers, cells):
            assert ours >= unbounded - 1
            assert ours >= student or name.startswith("0 or 1")


def test_one_far_item_of_26_has_an_interval_a_few_times_students_and_not_many() -> None:
    wide_of = dict(written()[len(POPULATIONS) :])
    median, most, unbounded, _ = numbers(wide_of["1 of 26 280 SD away"][GROUPS.index(26)])
    assert 2 < median <= most < 3
    assert unbounded > 20
    assert all(numbers(cells[-1])[1] < 3 for cells in wide_of.values() if cells[-1] != "none")


def test_a_table_says_how_many_data_sets_hold_the_truth_and_how_wide_intervals_are() -> None:
    one = Covered(0.75, 0.8, 0.5, 0.25, np.array([1.0, 2.0, 2.04]), np.array([1.0, 20.0, 30.0]))
    none = Covered(0.0, 0.0, 0.25, 1.0, np.zeros(0), np.zeros(0))
    assert held(one) == "75.0 (80.0; 50.0)"
    assert wide(one) == "2.0, 2.0 (20, 29)"
    assert wide(none) == "none"
    text = tables([dict.fromkeys(POPULATIONS, one)] * len(GROUPS), 4)
    assert f"misses but for Student's: {len(POPULATIONS) * len(GROUPS)} of" in " ".join(text.split())
    assert [name for name, _ in rows(text)] == [*POPULATIONS, *POPULATIONS]


def test_the_same_seeds_give_the_same_counts() -> None:
    first, again = (covered("lognormal, sigma 1", 5, 20) for _ in range(2))
    assert first[:4] == again[:4]
    assert (first.times == again.times).all()
    assert 0 < LEVEL < 1


@pytest.mark.slow
@pytest.mark.parametrize("name", POPULATIONS)
def test_the_page_is_not_stale(name: str) -> None:
    found = covered(name, GROUPS[0], DATA_SETS)
    (_, first), (_, second) = (row for row in written() if row[0] == name)
    assert numbers(first[0]) == pytest.approx(numbers(held(found)), abs=0.11)
    assert second[0] == wide(found)
