"""What tests on behaviour say of a set, by hand: areas, rates, counts, and where replacements disagree."""

import numpy as np
import pytest

from mediate.results.behaviour import WHOLE, Behaved
from mediate.results.edit_tests import (
    by_steps,
    curve,
    curves_of,
    disagreeing,
    edit_test_table,
    edit_tests,
    replacements,
)


def rows_of(item: str, y: tuple[int, ...], edit: str = "truncated") -> list[Behaved]:
    """An item of which early answers are the same where y says so; the whole chain comes first."""
    steps = len(y)
    made = [
        Behaved(item, item, edit, place, steps, "at_once", 0.5, "7", "7" if same else "8", bool(same), bool(same))
        for place, same in enumerate(y)
    ]
    return [Behaved(item, item, WHOLE, steps, steps, "at_once", 0.0, "7", "7", True, True), *made]


def stand_in(item: str, same: tuple[int, int, int]) -> list[Behaved]:
    return [
        Behaved(item, item, edit, 0, 2, "at_once", 1.0, "x", "7", bool(stays), bool(stays))
        for edit, stays in zip(("truncated", "filled", "another"), same, strict=True)
    ]


def test_areas_of_a_set_by_hand() -> None:
    found = [*rows_of("a", (0, 0)), *rows_of("b", (0, 0)), *rows_of("c", (0, 1, 1))]
    (early,) = edit_tests(found)
    assert early.area.value == pytest.approx(0.5556, abs=5e-5)
    assert early.normalised.value == pytest.approx((1 + 1 + 0.2) / 3)
    assert early.unchanged.value == pytest.approx((0 + 0 + 2 / 3) / 3)
    assert (early.read, early.unparsed, early.without_area, early.refused) == (7, 0, 0, {})
    table = by_steps(found).set_index("steps")
    assert table["items"].tolist() == [2, 1]
    assert table["area"].tolist() == pytest.approx([0.75, 1 / 6])
    assert edit_test_table([early]).loc[0, "area"] == early.area.value


def test_what_could_not_be_made_leaves_no_area_and_is_counted() -> None:
    found = [*rows_of("a", (0, 0)), *rows_of("b", (0, 1))]
    found[-1] = Behaved("b", "b", "truncated", 1, 2, "at_once", code="no_result", reason="it states none")
    (early,) = edit_tests(found)
    assert set(curves_of(found, "truncated", "at_once")) == {"a"}
    assert early.area.n == 1
    assert early.unchanged.n == 2
    assert (early.read, early.without_area, early.refused) == (3, 1, {"no_result": 1})


def test_what_does_not_parse_counts_as_changed_and_is_counted() -> None:
    found = rows_of("a", (0, 0))
    found[1] = Behaved("a", "a", "truncated", 0, 2, "at_once", 1.0, "of the")
    (early,) = edit_tests(found)
    assert early.unparsed == 1
    assert early.unchanged.value == 0


def test_an_edit_before_and_after_the_chain_has_no_area() -> None:
    """Of two steps, a hint has two places as well."""
    found = rows_of("a", (0, 0), "hint.wrong")
    found[-1] = Behaved("a", "a", "hint.wrong", 2, 2, "at_once", 0.0, "8", "8", towards="8")
    (hinted,) = edit_tests(found)
    assert not hinted.area.defined
    assert hinted.followed.value == 1
    assert hinted.followed.n == 1
    (early,) = edit_tests(rows_of("a", (0, 0)))
    assert not early.followed.defined


def test_chains_of_one_step_have_no_area() -> None:
    (early,) = edit_tests(rows_of("a", (0,)))
    assert not early.area.defined
    assert early.without_area == 1


@pytest.mark.parametrize("edit", ["reworded", "reworded.up_to", "grafted", "hint.right"])
def test_where_nothing_is_cut_an_area_would_say_nothing(edit: str) -> None:
    (told,) = edit_tests(rows_of("a", (0, 1), edit))
    assert not told.area.defined
    assert told.area.reason == told.normalised.reason == "nothing is cut"
    assert told.unchanged.value == 0.5


def test_a_paraphrase_up_to_a_step_has_no_steps_before_it_and_so_no_curve() -> None:
    assert curve(rows_of("a", (0, 1), "reworded.up_to"), "reworded.up_to", "at_once") is None
    assert curve(rows_of("a", (0, 1), "reworded"), "reworded", "at_once") is not None


@pytest.mark.parametrize("edit", ["truncated", "filled", "mistaken", "mistaken.recomputed"])
def test_early_answers_filler_and_mistakes_have_an_area(edit: str) -> None:
    (told,) = edit_tests(rows_of("a", (0, 1), edit))
    assert told.area.value == 0.25


def test_an_area_that_is_not_there_says_why() -> None:
    (another,) = edit_tests([row for row in stand_in("a", (1, 1, 1)) if row.edit == "another"])
    assert another.area.reason == "the whole chain"
    (early,) = edit_tests(rows_of("a", (0,)))
    assert early.area.reason == "no item has one"


def test_the_curve_goes_from_no_chain_to_all_of_it() -> None:
    found = [*rows_of("a", (0, 0)), *rows_of("b", (0, 1))]
    drawn = curve(found, "truncated", "at_once")
    assert drawn is not None
    assert (drawn.shares[0], drawn.shares[-1]) == (0, 1)
    assert [each.value for each in drawn.same][:: len(drawn.same) // 2] == pytest.approx([0, 0.5, 1])
    assert curve(found, "filled", "at_once") is None


def test_replacements_disagree_where_their_intervals_have_nothing_in_common() -> None:
    found = [row for number in range(30) for row in stand_in(str(number), (1, number % 3 == 0, 1))]
    told = replacements(found)
    assert [(each.name, each.same.value) for each in told] == [
        ("nothing", 1.0),
        ("filler", pytest.approx(1 / 3)),
        ("another item's chain", 1.0),
    ]
    assert [(more.name, less.name) for more, less in disagreeing(told)] == [
        ("nothing", "filler"),
        ("another item's chain", "filler"),
    ]
    assert not replacements(found[:1])


def test_replacements_are_over_the_items_that_have_all_three() -> None:
    found = [*stand_in("a", (1, 1, 1)), *stand_in("b", (0, 0, 0))[:2]]
    assert [each.same.n for each in replacements(found)] == [1, 1, 1]
    assert [each.name for each in replacements(found[3:])] == ["nothing", "filler"]
    assert np.isnan(replacements(found)[0].same.low)


def test_replacements_whose_intervals_meet_do_not_disagree() -> None:
    found = [row for number in range(12) for row in stand_in(str(number), (number < 6, number < 5, number < 7))]
    told = replacements(found)
    assert len({each.same.value for each in told}) == 3
    assert not disagreeing(told)
