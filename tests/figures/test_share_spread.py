"""The shares of all items in order: none is lost, those far off are named, what is outside is counted."""

from dataclasses import replace

import numpy as np
import pytest

from mediate.errors import InputError
from mediate.figures.share_spread import (
    APART,
    MOST_DOTS,
    MOST_NAMES,
    SPREAD_SIZE,
    plot_share_spread,
    share_spread_data,
)
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


@pytest.mark.parametrize("count", [2, MOST_NAMES, MOST_NAMES + 3])
def test_every_outlier_up_to_some_is_named_at_its_dot(count: int) -> None:
    cube = fake_results(60, undefined=False).cubes[0]
    y = cube.y.copy()
    y[:, 1, 1] = 10.0  # text, mediated by 90 % but for those
    y[:, 0, 0] = 0.0
    y[:, 1, 0] = np.linspace(0.99, 1.01, len(y))[:, None]
    y[:count, 1, 0] = np.linspace(1.5, 1.52, count)[:, None]
    cube = replace(cube, y=y)
    there = share_spread_data(cube)
    far = there[there["outlier"]]
    assert len(far) == count
    with detached(SPREAD_SIZE) as (figure, ax):
        plot_share_spread(cube, ax=ax)
        assert faults(figure) == []
    named = {each.get_text(): each for each in ax.texts}
    assert len(named) == min(count, MOST_NAMES)
    for name, each in named.items():
        (row,) = far.index[far["item"] == name]
        assert each.xy == (far.loc[row, "share"], (row + 0.5) / len(there))
    heights = sorted(each.xyann[1] for each in named.values())
    assert (np.diff(heights) >= APART - 1e-9).all()
    title = ax.get_title(loc="left").replace("\n", " ")
    assert title.endswith(f"{count} outliers" + (f", {MOST_NAMES} of them named" if count > MOST_NAMES else ""))


def test_very_many_items_are_one_line() -> None:
    cube = fake_results(MOST_DOTS + 50).cubes[0]
    with detached(SPREAD_SIZE) as (_, ax):
        plot_share_spread(cube, ax=ax)
    assert not [line for line in ax.lines if line.get_marker() == "o"]


def test_no_share_at_all_is_an_error() -> None:
    with pytest.raises(InputError, match="no item has a mediated share"):
        plot_share_spread(fake_results(3).cubes[0], min_te=1e6)
