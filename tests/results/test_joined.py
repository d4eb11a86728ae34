"""Both sides of each item in a row: areas of its answers, shares of its activations."""

import numpy as np
import pytest

from mediate.results.cube import Cube
from mediate.results.joined import agreed, joined_table, worst
from tests.results.test_edit_tests import rows_of


def cube_of(shares: dict[str, float]) -> Cube:
    """Items of TE 10 whose chains mediate a share of it, all by their text."""
    y = np.zeros((len(shares), 2, 2, 2))
    for place, share in enumerate(shares.values()):
        y[place, 1] += 10 * (1 - share)
        y[place, :, 1] += 10 * share
    return Cube(y, tuple(shares), tuple(shares), "logit_diff")


def test_a_row_has_the_area_and_the_share() -> None:
    found = [*rows_of("a", (0, 0)), *rows_of("b", (1, 1)), *rows_of("c", (0,))]
    table = joined_table(cube_of({"a": 1.0, "b": 0.1, "c": 0.5}), found).set_index("item")
    assert table["normalised"].tolist() == pytest.approx([1, 0, np.nan], nan_ok=True)
    assert table["mediated"].tolist() == pytest.approx([1, 0.1, 0.5])
    assert table["text"].tolist() == pytest.approx([1, 0.1, 0.5])
    assert table["te"].tolist() == pytest.approx([10, 10, 10])
    assert table["same.truncated.at_once"].tolist() == [0, 1, 0]
    assert table["steps"].tolist() == [2, 2, 1]


def test_items_that_answered_nothing_have_no_row() -> None:
    found = rows_of("a", (0, 0))
    assert joined_table(cube_of({"a": 1.0, "b": 0.1}), found)["item"].tolist() == ["a"]


def test_agreement_and_the_items_where_it_is_worst() -> None:
    shares = {"a": 1.0, "b": 0.1, "c": 0.5, "d": 0.2}
    found = [*rows_of("a", (0, 0)), *rows_of("b", (1, 1)), *rows_of("c", (0, 1)), *rows_of("d", (0,))]
    table = joined_table(cube_of(shares), found)
    assert agreed(table).correlation.value == pytest.approx(1)
    assert agreed(table).undefined == 1
    assert worst(table)["item"].tolist() == ["c", "b", "a"]
    assert worst(table, 1)["item"].tolist() == ["c"]
