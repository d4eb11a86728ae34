"""NLDD by hand: of a step, of an item at its horizon, of a set."""

import numpy as np
import pytest

from mediate.results.nldd import Decay, decay, decay_table, decayed, decays_from_table

UNMADE = Decay("b", "b", 0, 2, code="no_result", reason="it states none")


def item(name: str, clean: float, corrupted: tuple[float, ...], truncated: tuple[float, ...]) -> list[Decay]:
    both = enumerate(zip(corrupted, truncated, strict=True))
    return [Decay(name, name, step, len(corrupted), clean, wrong, right) for step, (wrong, right) in both]


def test_a_decay_by_hand() -> None:
    assert decay(2.0, 1.0) == 50
    assert decay(2.0, -2.0) == 200
    assert decay(2.0, 3.0) == -50
    # A wrong answer's lead is below 0, and shrinks towards more of it: the size is what it is held against.
    assert decay(-2.0, -3.0) == 50
    assert np.isnan(decay(0.1, 3.0))


def test_the_horizon_is_where_it_is_largest_and_the_first_of_those_that_tie() -> None:
    found = decayed([*item("a", 2.0, (1.0, -1.0, 0.0), (1.5, 0.5, 2.0)), *item("b", 1.0, (0.0, 0.0), (0.5, 1.0))])
    assert found.peak.value == pytest.approx((150 + 100) / 2)
    assert found.cut.value == pytest.approx((75 + 50) / 2)
    assert found.horizon.value == pytest.approx((2 / 3 + 1 / 2) / 2)
    assert (found.peak.n, found.undefined, found.refused) == (2, 0, {})


def test_what_has_no_lead_or_no_mistake_is_counted() -> None:
    found = decayed([*item("a", 0.05, (1.0,), (0.0,)), UNMADE, *item("c", 1.0, (0.0,), (1.0,))])
    assert (found.peak.value, found.peak.n, found.undefined, found.refused) == (100, 1, 1, {"no_result": 1})
    assert not decayed([UNMADE]).peak.defined


def test_the_table_reads_back() -> None:
    rows = (*item("a", 2.0, (1.0, -1.0), (1.5, 2.0)), UNMADE)
    table = decay_table(rows)
    assert table["nldd"].tolist() == pytest.approx([50, 150, np.nan], nan_ok=True)
    assert table["cut"].tolist() == pytest.approx([25, 0, np.nan], nan_ok=True)
    read = decays_from_table(table)
    assert read[:2] == rows[:2]
    assert (read[2].code, np.isnan(read[2].clean)) == ("no_result", True)


def test_a_row_needs_a_lead_or_a_reason() -> None:
    with pytest.raises(ValueError, match="item 'a'"):
        Decay("a", "a", 0, 1, 1.0)
