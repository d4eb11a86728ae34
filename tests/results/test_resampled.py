"""Resampled steps by hand: distances, what they are by chance, the table back and forth, and tests of a set."""

from itertools import product

import numpy as np
import pytest

from mediate.results.resampled import (
    Resampled,
    distance,
    distance_by_chance,
    resampled_from_table,
    resampled_table,
)
from mediate.results.resampling_tests import resampling_tests


def row(item: str, step: int, importance: float = 0.5, **more: object) -> Resampled:
    return Resampled(item, f"g{item}", step, 2, "7", 10, 1.0, 0.5, importance, **more)  # type: ignore[arg-type]


def test_distances_by_hand() -> None:
    assert distance("aab", "abb") == pytest.approx(1 / 3)
    assert distance("aa", "bb") == 1
    assert distance("ab", "ba") == 0
    # Half of |3/4 - 0| + |1/4 - 1/2| + |0 - 1/2|.
    assert distance("aaab", "bc") == pytest.approx(0.75)
    assert np.isnan(distance("", "a"))
    assert np.isnan(distance("a", ""))


def test_the_distance_by_chance_is_that_of_all_deals() -> None:
    pooled = "aabb"
    deals = [choice for choice in product((0, 1), repeat=4) if sum(choice) == 2]
    exact = np.mean(
        [distance(*("".join(pooled[i] for i in range(4) if choice[i] == side) for side in (0, 1))) for choice in deals]
    )
    assert exact == pytest.approx(1 / 3)
    assert distance_by_chance("aa", "bb") == pytest.approx(exact, abs=0.1)
    assert distance_by_chance("aa", "bb") == distance_by_chance("aa", "bb")
    assert distance_by_chance("aaa", "aa") == 0
    assert np.isnan(distance_by_chance("", "a"))


def test_twenty_answers_each_differ_by_about_an_eighth_by_chance() -> None:
    assert distance_by_chance("ab" * 10, "ab" * 10) == pytest.approx(0.13, abs=0.02)


def test_the_table_and_back() -> None:
    rows = (
        row("a", 0, differing=0.4, resilience=1.5),
        Resampled("b", "g", 0, 1, code="impossible", reason="it cannot"),
    )
    table = resampled_table(rows)
    back = resampled_from_table(table)
    assert resampled_table(back).equals(table)
    assert [each.made for each in back] == [True, False]
    assert (back[0].differing, back[0].resilience, back[0].value) == (0.4, 1.5, "7")
    assert table["right_differing"].isna().all()


@pytest.mark.parametrize(
    "wrong", [{"step": 2}, {"step": -1}, {"samples": 0}, {"code": "x"}, {"code": "x", "reason": "y"}]
)
def test_a_row_that_contradicts_itself_is_refused(wrong: dict[str, object]) -> None:
    from dataclasses import replace

    with pytest.raises(ValueError, match="item 'a'"):
        replace(row("a", 0), **wrong)  # type: ignore[arg-type]


def test_steps_of_a_set_are_averaged_within_items_first() -> None:
    found = [
        row("a", 0, 1.0, distance=0.5, distance_by_chance=0.1, counterfactual=0.8),
        row("a", 1, 0.0, distance=0.2, distance_by_chance=0.1),
        row("b", 0, 0.2, distance=0.3, distance_by_chance=0.3),
        Resampled("c", "gc", 0, 2, code="impossible", reason="it cannot"),
    ]
    every, first, second = resampling_tests(found)
    assert [each.step for each in (every, first, second)] == [None, 0, 1]
    assert every.importance.value == pytest.approx((0.5 + 0.2) / 2)
    assert every.importance.n == 2
    assert first.importance.value == pytest.approx(0.6)
    assert every.beyond_chance.value == pytest.approx((0.25 + 0.0) / 2)
    assert first.counterfactual.value == pytest.approx(0.8)
    assert (every.undefined, first.undefined, second.undefined) == (2, 1, 1)
    assert resampling_tests([found[3]]) == ()
