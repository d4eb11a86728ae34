"""The shares of all items in order: none is lost, those far off are named, what is outside is counted."""

from dataclasses import replace

import numpy as np
import pytest

from mediate.errors import InputError
from mediate.figures.share_spread import MOST_DOTS, SPREAD_SIZE, plot_share_spread, share_spread_data
from mediate.figures.style import detached
from mediate.results import item_shares
from tests.figures.artists import faults
from tests.figures.records import fake_results


@pytest.mark.parametrize("count", [3, 12, 300])
def test_dots_are_the_shares_in_order(count: int) -> None:
    cube = fake_results(count).cubes[0]
    with detached(SPREAD_SIZE) as (figure, ax):
        plot_share_spread(cube, ax=ax)
        assert faults(figure) == []
    shares = item_shares(cube)[:, 3]
    (dots,) = [line for line in ax.lines if line.get_marker() == "o"]
    np.testing.assert_allclose(dots.get_xdata(), np.sort(shares[~np.isnan(shares)]))
    defined = int((~np.isnan(shares)).sum())
    assert f"n = {defined} of {count} items" in ax.get_xlabel()
    assert (f"{count - defined} have |TE| ≤ 0.1" in ax.get_xlabel()) == (defined < count)


def test_an_outlier_is_named_and_counted_where_it_lies_outside() -> None:
    cube = fake_results(60, undefined=False).cubes[0]
    y = cube.y.copy()
    y[7, 1, 0, 0] = y[7, 0, 0, 0] - 100.0
    cube = replace(cube, y=y)
    frame = share_spread_data(cube).set_index("item")
    assert frame.loc[cube.items[7], "outlier"]
    with detached(SPREAD_SIZE) as (_, ax):
        plot_share_spread(cube, ax=ax)
    assert "1 lie outside" in ax.get_xlabel()
    assert "outlier" in ax.get_title(loc="left")


def test_very_many_items_are_one_line() -> None:
    cube = fake_results(MOST_DOTS + 50).cubes[0]
    with detached(SPREAD_SIZE) as (_, ax):
        plot_share_spread(cube, ax=ax)
    assert not [line for line in ax.lines if line.get_marker() == "o"]


def test_no_share_at_all_is_an_error() -> None:
    with pytest.raises(InputError, match="no item has a mediated share"):
        plot_share_spread(fake_results(3).cubes[0], min_te=1e6)
