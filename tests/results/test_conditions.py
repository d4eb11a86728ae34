"""Conditions: which items stand under each, what differs between two, and sets that have none."""

from dataclasses import replace

import numpy as np
import pytest

from mediate.results import Cube, Measured, Results
from mediate.results.conditions import by_condition, condition_table, conditions_of, under
from mediate.results.told import item_table, items_from_table
from mediate.stats.paired import paired_difference, paired_ratio_difference
from tests.figures.records import fake_results


def conditioned(results: Results, names: tuple[str, ...]) -> Results:
    """The items taken in turn under each condition, with as many problems as there are turns."""
    items = tuple(
        replace(item, condition=names[place % len(names)], group=f"problem-{place // len(names)}")
        for place, item in enumerate(results.items)
    )
    groups = tuple(item.group for item in items)
    return replace(results, items=items, cubes=tuple(replace(cube, groups=groups) for cube in results.cubes))


@pytest.fixture(scope="module")
def results() -> Results:
    return conditioned(fake_results(24, undefined=False), ("without", "with"))


def test_the_conditions_are_in_the_order_in_which_they_come(results: Results) -> None:
    assert conditions_of(results.items) == ("without", "with")
    assert conditions_of(fake_results().items) == ()
    mixed = (replace(results.items[0], condition=""), *results.items[1:])
    assert conditions_of(mixed) == ("", "with", "without")
    with_it = under(results.cube(), results.items, "with")
    assert with_it.items == results.cube().items[1::2]
    np.testing.assert_array_equal(with_it.y, results.cube().y[1::2])


def test_a_difference_within_groups_is_the_paired_one(results: Results) -> None:
    """Every group stands under both conditions, so each difference is that of two runs on the same items."""
    cube = results.cube()
    first, second = by_condition(cube, results.items, two_answers=True)
    y, groups = cube.y.reshape(12, 2, 2, 2, 2), cube.groups[::2]
    te = (y[:, :, 1, 1, 1] - y[:, :, 0, 0, 0]).T
    tie = (y[:, :, 1, 1, 1] - y[:, :, 1, 0, 0]).T
    assert not first.differences
    assert first.estimates["te"].value == pytest.approx(te[0].mean())
    assert second.estimates["mediated"].value == pytest.approx(tie[1].sum() / te[1].sum())
    assert second.estimates["prefers"].value == (y[:, 1, 1, 1, 1] > 0).mean()
    for name, wanted in {
        "te": paired_difference(*te, groups),
        "mediated": paired_ratio_difference(tie, te, groups),
    }.items():
        found = second.differences[name]
        assert (found.value, found.low, found.high) == pytest.approx((wanted.value, wanted.low, wanted.high))


def test_groups_under_one_condition_alone_differ_by_more(results: Results) -> None:
    """What the worlds of a problem have in common no longer cancels where no problem stands under both."""
    rng = np.random.default_rng(0)
    cube, shift = results.cube(), np.repeat(rng.normal(0, 5, 12), 2)
    y = cube.y.copy()
    y[:, 1, 1, 1] += shift
    shared = replace(cube, y=y)
    apart = replace(shared, groups=cube.items)
    widths, values = [], []
    for each in (shared, apart):
        items = tuple(replace(item, group=group) for item, group in zip(results.items, each.groups, strict=True))
        difference = by_condition(each, items, two_answers=True)[1].differences["te"]
        widths.append(difference.high - difference.low)
        values.append(difference.value)
    assert values[0] == pytest.approx(values[1])
    assert widths[1] > 1.5 * widths[0]


def test_right_answers_are_of_items_whose_model_was_asked(results: Results) -> None:
    items = list(results.items)
    items[0] = replace(items[0], base=replace(items[0].base, said="no"))
    items[2] = replace(items[2], base=replace(items[2].base, said=None))
    items[1::2] = [replace(each, base=replace(each.base, said=None)) for each in items[1::2]]
    first, second = by_condition(results.cube(), items, two_answers=False)
    assert first.estimates["right"].n == 11
    assert first.estimates["right"].value == pytest.approx(10 / 11)
    assert "right" not in second.estimates
    assert "right" not in second.differences
    assert "prefers" not in first.estimates


def test_the_default_is_what_is_right_under_the_first_condition(results: Results) -> None:
    items = list(results.items)
    for place, (item, before) in enumerate(zip(items[1::2], items[::2], strict=True)):
        # Of twelve problems the answer is another in all but the last; the default is given in three.
        answer = before.base.answer if place == 11 else f"1{item.base.answer}"
        said = before.base.answer if place < 3 else answer
        items[2 * place + 1] = replace(item, base=replace(item.base, answer=answer, said=said))
    first, second = by_condition(results.cube(), items, two_answers=True)
    assert "default" not in first.estimates
    assert second.estimates["default"].n == 11
    assert second.estimates["default"].value == pytest.approx(3 / 11)
    assert second.estimates["right"].value == pytest.approx(9 / 12)
    assert "default" not in second.differences


def test_a_share_of_next_to_nothing_is_undefined(results: Results) -> None:
    cube = results.cube()
    y = cube.y.copy()
    y[1::2] = y[1::2, :1, :1, :1]
    second = by_condition(replace(cube, y=y), results.items, two_answers=True)[1]
    assert second.estimates["te"].value == 0
    assert not second.estimates["mediated"].defined
    assert not second.differences["mediated"].defined
    assert second.differences["te"].defined


def test_what_a_difference_lacks_is_said_of_the_condition_and_its_total_effect(results: Results) -> None:
    """Of as many items under both, the mean over either's is half of that which the reason gives."""
    cube = results.cube()
    y = cube.y.copy()
    y[1::2] = 0.0
    y[1::2, 1, 1, 1] = 0.04
    found = by_condition(replace(cube, y=y), results.items, two_answers=True)
    told = found[1].differences["mediated"]
    assert told.reason == "the mean total effect under with is 0.04 nats, within 0.1 of 0"
    assert np.isnan([told.value, told.low, told.high]).all()
    table = condition_table(found, cube.outcome).set_index(["condition", "quantity"])
    assert table.difference_reason["with", "mediated"] == told.reason
    assert table.difference_reason["with", "te"] == table.difference_reason["without", "mediated"] == ""


def test_a_total_effect_that_changes_sign_is_said_of_its_condition(results: Results) -> None:
    cube = results.cube()
    y = cube.y.copy()
    y[::2] = 0.0
    y[::2, 1, 1, 1] = np.where(np.arange(12) % 2, 2.0, -1.4)
    told = by_condition(replace(cube, y=y), results.items, two_answers=True)[1].differences["mediated"]
    assert told.defined
    assert told.reason.startswith("the total effect under without vanishes or changes sign in ")


def test_items_of_no_condition_are_told_so(results: Results) -> None:
    cube = results.cube()
    items = [replace(each, condition="" if each.condition == "without" else "with") for each in results.items]
    y = cube.y.copy()
    y[::2] = 0.0
    told = by_condition(replace(cube, y=y), items, two_answers=True)[1].differences["text"]
    assert told.reason == "the mean total effect under no condition is 0 nats, within 0.1 of 0"


def test_a_share_that_is_undefined_by_itself_has_no_difference(results: Results) -> None:
    """Of many items under the one condition and few under the other, too."""
    cube = results.cube()
    items = [replace(each, condition="few" if place == 23 else "many") for place, each in enumerate(results.items)]
    y = cube.y.copy()
    y[:23] = 0.0
    y[:23, 1, 1, 1] = 0.09
    many, few = by_condition(replace(cube, y=y), items, two_answers=True)
    assert not many.estimates["mediated"].defined
    assert few.estimates["mediated"].defined
    assert few.differences["mediated"].reason == "the mean total effect under many is 0.09 nats, within 0.1 of 0"


def test_the_table_has_a_row_a_condition_and_quantity(results: Results) -> None:
    table = condition_table(by_condition(results.cube(), results.items, two_answers=True), "logit_diff")
    assert list(table.condition.unique()) == ["without", "with"]
    assert list(table.quantity[:7]) == ["right", "te", "mediated", "prefers", "text", "latent", "direct"]
    # Those of the first condition, and the default rate, which the first has not.
    assert table.difference.isna().sum() == 8


def test_stored_items_have_conditions_where_there_are_any(results: Results) -> None:
    table = item_table(results.items)
    assert list(table.condition[:4]) == ["without", "without", "with", "with"]
    assert items_from_table(table) == results.items
    plain = fake_results().items
    assert "condition" not in item_table(plain).columns
    assert items_from_table(item_table(plain)) == plain
    some: tuple[Measured, ...] = (replace(results.items[0], condition=""), *results.items[1:])
    assert items_from_table(item_table(some)) == some


def test_a_cube_of_one_answer_has_no_sides() -> None:
    made = conditioned(fake_results(8), ("a", "b"))
    cube: Cube = made.cube()
    assert "prefers" not in by_condition(cube, made.items, two_answers=False)[0].estimates
