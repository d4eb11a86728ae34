"""Items held against others: the spread between them, and the table of the cube against each."""

import numpy as np
import pytest

from mediate.results.spread import AgainstOthers, median_spread, others_from_table, others_table, spread, spread_table


def against(name: str, *te: float, mediated: float = 0.5, outcome: str = "logit") -> AgainstOthers:
    """An item whose total effects are given, the same part of each lost without the chain."""
    y = np.zeros((len(te), 2, 2, 2))
    for other, effect in enumerate(te):
        y[other, 1, 1, 1] = effect
        y[other, 1, 0, 0] = effect * (1 - mediated * (1 + other))
    return AgainstOthers(name, "group", outcome, tuple(f"other {number}" for number in range(len(te))), y)


def test_the_spread_is_a_standard_deviation_between_others() -> None:
    own = spread(against("one", 1.0, 3.0, mediated=0.25))
    assert own.te == pytest.approx(np.sqrt(2))
    assert own.shares[-1] == pytest.approx(np.sqrt(0.25**2 / 2))  # of 25 % and 50 %
    assert own.defined == 2


def test_shares_are_of_others_with_a_share() -> None:
    own = spread(against("one", 1.0, 0.05, 3.0))
    assert own.te == pytest.approx(np.std([1.0, 0.05, 3.0], ddof=1))
    assert own.shares[-1] == pytest.approx(np.std([0.5, 1.5], ddof=1))
    assert own.defined == 2
    assert spread(against("one", 1.0, 0.05, 3.0), min_te=0.01).defined == 3


def test_one_other_has_no_spread() -> None:
    own = spread(against("one", 1.0))
    assert np.isnan([own.te, *own.shares]).all()
    assert own.defined == 1
    assert np.isnan(median_spread([against("one", 1.0)])).all()


def test_the_median_is_over_items_that_have_a_spread() -> None:
    te, mediated = median_spread([against("a", 1.0, 3.0), against("b", 1.0), against("c", 2.0, 2.0)])
    assert te == pytest.approx(np.median([np.sqrt(2), 0]))
    assert mediated == pytest.approx(np.std([0.5, 1.0], ddof=1))


def test_a_table_reads_back() -> None:
    found = (against("a", 1.0, 3.0), against("a", 0.1, 0.2, outcome="logprob"), against("b", 2.0))
    table = others_table(found)
    assert list(table["other"]) == ["other 0", "other 1", "other 0", "other 1", "other 0"]
    for one, again in zip(found, others_from_table(table), strict=True):
        assert (one.item, one.group, one.outcome, one.others) == (again.item, again.group, again.outcome, again.others)
        np.testing.assert_array_equal(one.y, again.y)


def test_the_table_of_spreads_has_a_row_an_item_and_outcome() -> None:
    table = spread_table([against("a", 1.0, 3.0), against("b", 2.0)])
    assert list(table["n_others"]) == [2, 1]
    assert list(table["te"]) == [2.0, 2.0]
    assert list(table["te_sd"].round(6)) == pytest.approx([1.414214, np.nan], nan_ok=True)
    assert table["others"].iloc[0] == ["other 0", "other 1"]
    assert list(spread_table([]).columns) == list(table.columns)


def test_what_is_no_number_is_refused() -> None:
    with pytest.raises(ValueError, match="NaN or infinite"):
        against("a", float("nan"))
    with pytest.raises(ValueError, match="against 0 others"):
        against("a")
