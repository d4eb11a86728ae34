"""Grafts by text beside those by keys and values, by hand."""

import numpy as np
import pytest

from mediate.results.behaviour import Behaved
from mediate.results.edit_tests import curves_of, edit_tests
from mediate.results.graft_curves import graft_curve_of, graft_table
from mediate.results.maps import EffectMap


def grafted(item: str, step: int, answer: str, reading: str = "at_once") -> Behaved:
    return Behaved(item, item, "grafted", step, 2, reading, 0.5, answer, answer, towards="4")


def curve(item: str, values: tuple[float, float], te: float) -> EffectMap:
    return EffectMap(np.array(values), ("step",), {"step": (0, 1)}, item, item, "graft", "logit_diff", te)


FOUND = (
    grafted("a", 0, "5"), grafted("a", 1, "4"), grafted("a", 0, "4", "continued"), grafted("a", 1, "4", "continued"),
    grafted("b", 0, "4"), grafted("b", 1, "4"),
    Behaved("c", "c", "grafted", 0, 2, "at_once", code="no_twin", reason="it has none"),
    Behaved("a", "a", "truncated", 0, 2, "at_once", 1.0, "4", "4"),
)  # fmt: skip
MAPS = (curve("a", (1.0, 4.0), 4.0), curve("b", (5.0, 12.0), 12.0))


def test_a_row_an_item_and_step_with_the_exact_effect_beside_it() -> None:
    table = graft_table(FOUND, MAPS, "logit_diff").set_index(["item", "step"])
    assert [*table.index] == [("a", 0), ("a", 1), ("b", 0), ("b", 1)]
    assert table["at_once"].tolist() == [0, 1, 1, 1]
    assert table["continued"].isna().tolist() == [False, False, True, True]
    assert table["effect"].tolist() == [1, 4, 5, 12]
    assert graft_table(FOUND, MAPS, "logprob_diff")["effect"].isna().all()
    assert graft_table(FOUND[-1:]).empty


def test_the_curves_are_shares_of_items_and_a_ratio_of_sums() -> None:
    first, last = graft_curve_of(graft_table(FOUND, MAPS, "logit_diff"))
    assert (first.step, last.step) == (0, 1)
    assert (first.at_once.value, first.continued.value, last.at_once.value) == (0.5, 1, 1)
    assert first.exact.value == pytest.approx(6 / 16)
    assert last.exact.value == 1
    assert (first.at_once.n, first.continued.n) == (2, 1)
    without, _ = graft_curve_of(graft_table(FOUND))
    assert not without.exact.defined
    assert graft_curve_of(graft_table(())) == ()


def test_grafts_have_no_area() -> None:
    """Their places are how much is grafted, not how much of the own chain stands before."""
    assert curves_of(FOUND, "grafted", "at_once") == {}
    told = next(each for each in edit_tests(FOUND) if (each.edit, each.reading) == ("grafted", "at_once"))
    assert not told.area.defined
    assert told.followed.value == pytest.approx(0.75)
