import numpy as np
import pytest

from mediate.figures import detached, plot_shares
from mediate.figures.shares import ROWS, SHARES_SIZE
from mediate.results import Cube, set_shares
from mediate.results.cube import select
from tests.figures.artists import faults
from tests.figures.records import fake_results


def group_of(cube: Cube, name: str) -> Cube:
    return select(cube, [item for item, group in zip(cube.items, cube.groups, strict=True) if group == name])


def test_points_and_intervals_are_the_sets_shares() -> None:
    cube = fake_results().cubes[0]
    with detached(SHARES_SIZE) as (figure, ax):
        plot_shares(cube, seed=5, level=0.9, ax=ax)
        assert faults(figure) == []
    shares = set_shares(cube, seed=5, level=0.9)
    points = {line.get_ydata()[0]: line.get_xdata()[0] for line in ax.lines if line.get_marker() == "o"}
    spans = {each.get_segments()[0][0, 1]: each.get_segments()[0][:, 0] for each in ax.collections}
    assert points == {row: pytest.approx(shares[name].value) for name, row in ROWS.items()}
    for name, row in ROWS.items():
        np.testing.assert_allclose(spans[row], [shares[name].low, shares[name].high])
    dashed = [line.get_xdata()[0] for line in ax.lines if line.get_linestyle() == "--"]
    assert dashed == [0, 1]


def test_an_undefined_share_is_the_word_and_no_point() -> None:
    cube = select(fake_results().cubes[0], ["stones-004"])
    with detached(SHARES_SIZE) as (figure, ax):
        plot_shares(cube, ax=ax)
        assert faults(figure) == []
    assert not [line for line in ax.lines if line.get_marker() == "o"]
    assert [text.get_text() for text in ax.texts] == ["undefined: the mean total effect, 0.02, is within 0.1 of 0"] * 4
    assert ax.get_xlim()[0] < 0 < 1 < ax.get_xlim()[1]


def test_without_an_interval_the_point_is_hollow() -> None:
    cube = group_of(fake_results().cubes[0], "apples")
    with detached(SHARES_SIZE) as (figure, ax):
        plot_shares(cube, ax=ax)
        assert faults(figure) == []
    points = [line for line in ax.lines if line.get_marker() == "o"]
    assert [line.get_markerfacecolor() for line in points] == ["white"] * 4
    assert not ax.collections
    assert all(text.get_text().endswith("no interval") for text in ax.texts)
    assert "interval" not in ax.get_xlabel()


def test_shares_outside_0_and_1_are_on_the_axis() -> None:
    cube = fake_results(undefined=False).cubes[0]
    y = cube.y.copy()
    y[:, 1] -= 4.0  # the question itself now works against the base answer
    with detached(SHARES_SIZE) as (_, ax):
        plot_shares(Cube(y, cube.items, cube.groups, cube.outcome), ax=ax)
    low, high = ax.get_xlim()
    ends = [end for each in ax.collections for end in each.get_segments()[0][:, 0]]
    assert low < min(ends) < 0 < 1 < max(ends) < high


def test_a_share_of_almost_minus_nothing_is_0() -> None:
    y = np.zeros((2, 2, 2, 2))
    y[:, :, 1, :] = 1.0
    y[:, 1] -= 1e-4
    with detached(SHARES_SIZE) as (_, ax):
        plot_shares(Cube(y, ("a", "b"), ("a", "b"), "logit_diff"), ax=ax)
    assert ax.texts[0].get_text() == "0 % [0, 0]"
