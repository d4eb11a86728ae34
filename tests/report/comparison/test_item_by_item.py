from dataclasses import replace

import pytest

from mediate.report.comparison.comparison import compare
from mediate.report.comparison.item_by_item import MOST_RUNS, beside_section
from mediate.report.comparison.words import signed
from mediate.report.words import number, percent
from mediate.results import item_shares, total_effect
from tests.compare import made
from tests.compare.asked import FEW
from tests.report.shown import said, table_in


def test_each_item_has_a_row_with_its_numbers_in_every_run() -> None:
    first, second = made.run(), made.run(made.B, (0.2, 0.7, 0.1), seed=1)
    # The items of the second run come in another order.
    cubes = tuple(
        replace(cube, y=cube.y[::-1], items=cube.items[::-1], groups=cube.groups[::-1]) for cube in second.cubes
    )
    second = replace(second, items=second.items[::-1], cubes=cubes)
    compared = compare(first, second, labels=["before", "after"], **FEW).compared
    (section,) = beside_section(compared)
    table = table_in(section)
    assert table is not None
    assert [each.group for each in table.columns] == ["", "", "before", "before", "after", "after", ""]
    assert [row[0] for row in table.rows] == list(compared.pairing.items)
    for cube, place in ((first.cube(), 2), (second.cube(), 4)):
        te, share = total_effect(cube.y), item_shares(cube, compared.how.min_te)[:, 3]
        wanted = {item: (number(te[row]), percent(share[row])) for row, item in enumerate(cube.items)}
        assert [row[place : place + 2] for row in table.rows] == [wanted[str(row[0])] for row in table.rows]
    one, other = (
        dict(zip(each.items, item_shares(each, compared.how.min_te)[:, 3], strict=True))
        for each in (first.cube(), second.cube())
    )
    changes = [row["change (points)"] for row in said(table)]
    assert changes == [signed(float(other[item] - one[item])) for item in compared.pairing.items]


@pytest.mark.parametrize("count", [3, MOST_RUNS + 1])
def test_of_many_runs_the_first_stand_there_without_a_change(count: int) -> None:
    runs = [made.run(f"m{place}", given=True, parameters=10 ** (6 + place), seed=place) for place in range(count)]
    (section,) = beside_section(compare(runs, **FEW).compared)
    table = table_in(section)
    assert table is not None
    assert len(table.columns) == 2 + 2 * min(count, MOST_RUNS)
    assert ("of 7 runs" in section.blocks[1].words) == (count > MOST_RUNS)  # type: ignore[union-attr]
