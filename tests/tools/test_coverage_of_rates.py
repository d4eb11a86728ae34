"""The table of coverage of rates: its shape, what it says of our intervals, and a cell made anew."""

import pytest

from tools.coverage_of_rates import DATA_SETS, GROUPS, KINDS, PAGE, PART, RATES, Covered, covered, table


def rows(text: str) -> dict[tuple[str, str], list[str]]:
    """The cells of the table by kind of data and rate."""
    cut = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    return {(kind, rate): cells for kind, rate, *cells in cut[2:]}


def written() -> dict[tuple[str, str], list[str]]:
    text = PAGE.read_text(encoding="utf-8")
    return rows(text[text.index(PART.start) : text.index(PART.end)])


def numbers(cell: str) -> list[float]:
    """Ours, its width, and both bootstraps."""
    return [float(part) for part in cell.translate(str.maketrans(",(;", "   ", ")")).split()]


def test_the_page_has_a_row_a_kind_of_data_and_rate() -> None:
    found = written()
    assert list(found) == [(kind, f"{rate:g}") for kind in KINDS for rate in RATES]
    assert {len(cells) for cells in found.values()} == {len(GROUPS)}


def test_rates_of_single_items_are_held_as_often_as_is_said_and_near_certain_ones_are_missed_by_a_bootstrap() -> None:
    found = written()
    for (kind, _), cells in found.items():
        assert all(numbers(cell)[0] >= (94 if kind == "groups of one item" else 90) for cell in cells)
    ours, _, percentile, studentised = numbers(found["groups of one item", "0.98"][0])
    assert ours > 95
    assert max(percentile, studentised) < 20


def test_a_table_says_how_many_data_sets_hold_the_truth() -> None:
    columns = [{(kind, rate): Covered(3, 2, 1, 0.8) for kind in KINDS for rate in RATES}] * len(GROUPS)
    text = table(columns, 4)
    assert {cell for cells in rows(text).values() for cell in cells} == {"75.0, 20 (50.0; 25.0)"}


def test_the_same_seeds_give_the_same_counts() -> None:
    first = covered(5, 6)
    assert first == covered(5, 6)
    assert all(each.ours == 6 for (_, rate), each in first.items() if rate == 1)


@pytest.mark.slow
def test_the_page_is_not_stale() -> None:
    again = covered(GROUPS[0], DATA_SETS)
    for (kind, rate), cells in written().items():
        each = again[kind, float(rate)]
        assert numbers(cells[0])[0] == pytest.approx(100 * each.ours / DATA_SETS, abs=0.11)
