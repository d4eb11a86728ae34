"""The table of coverage: its shape, and one column of the page made anew."""

import pytest

from tools.coverage import DATA_SETS, EFFECTS, END, GROUPS, PAGE, START, STATISTICS, Covered, covered, page, table


def rows(text: str) -> dict[tuple[str, str], list[str]]:
    """The cells of the table by statistic and effects."""
    cut = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    return {(what, which): cells for what, which, *cells in cut[2:]}


def written() -> str:
    text = PAGE.read_text(encoding="utf-8")
    return text[text.index(START) : text.index(END)]


def test_the_page_has_a_row_a_statistic_and_distribution() -> None:
    found = rows(written())
    assert list(found) == [(what, which) for what in STATISTICS for which in EFFECTS]
    assert {len(cells) for cells in found.values()} == {len(GROUPS)}


def test_studentising_covers_more_than_percentiles_and_of_normal_effects_as_often_as_it_says() -> None:
    for (_, which), cells in rows(written()).items():
        ours, percentiles = zip(*(map(float, cell.rstrip(")").split(" (")) for cell in cells), strict=True)
        assert all(own >= old for own, old in zip(ours, percentiles, strict=True))
        # Student's t as the least critical value, and errors that are large with groups of unequal size, err on the
        # side of wide.
        assert which != "normal" or all(93 <= own <= 98 for own in ours)


def test_a_table_says_how_many_data_sets_hold_the_truth() -> None:
    columns = [{(what, which): Covered(3, 2, 1) for what in STATISTICS for which in EFFECTS}] * len(GROUPS)
    text = table(columns, 4)
    assert {cell for cells in rows(text).values() for cell in cells} == {"75.0 (50.0)"}
    assert "misses: 48 of 192." in text
    made = page(f"a\n{START}\nstale\n{END}\nz", text)
    assert made == f"a\n{START}\n\n{text}\n\n{END}\nz"


def test_the_same_seeds_give_the_same_counts() -> None:
    first = covered(5, 6)
    assert first == covered(5, 6)
    assert all(each.percentile <= 6 and each.studentised <= 6 for each in first.values())


@pytest.mark.slow
def test_the_page_is_not_stale() -> None:
    again = covered(GROUPS[0], DATA_SETS)
    for key, cells in rows(written()).items():
        shown = [float(part) for part in cells[0].rstrip(")").split(" (")]
        counts = [again[key].studentised, again[key].percentile]
        assert shown == pytest.approx([100 * count / DATA_SETS for count in counts], abs=0.11)
