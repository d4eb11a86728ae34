"""Figures of lines and bars that show one unit have one axis, but for those that would be flat or flatten others."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes

from mediate.figures.figure import Figure
from mediate.figures.one_axis import SHARED, extent_of, on_one_axis
from mediate.figures.style import detached


def line(name: str, extent: tuple[float, float] | None) -> Figure:
    def draw(*, ax: Axes) -> None:
        ax.plot(extent or (0, 1))

    return Figure(name, draw, "", "A line.", extent=extent)


def limits(figure: Figure) -> tuple[float, float]:
    with detached(figure.size) as (_, ax):
        figure.draw(ax=ax)
    low, high = ax.get_ylim()
    return low, high


def drawn(*extents: tuple[float, float] | None, least: float = 0.0) -> Iterator[tuple[tuple[float, float], str]]:
    for each in on_one_axis([line(f"f{place}", extent) for place, extent in enumerate(extents)], least):
        yield limits(each), each.caption


def test_the_axis_holds_all_that_is_drawn_and_the_margin() -> None:
    (first, said), (second, _) = drawn((0.0, 2.0), (-1.0, 1.0))
    assert first == second == pytest.approx((-1.15, 2.15))
    assert said == "A line." + SHARED
    (wide, _), (same, _) = drawn((0.0, 0.2), (0.0, 0.1), least=1.0)
    assert wide == same == pytest.approx((-1.1, 1.1))


def test_what_shows_no_effects_and_what_stands_alone_stay_as_they_are() -> None:
    alone = line("a", (0.0, 2.0))
    other = line("b", None)
    assert on_one_axis([alone, other], 0.0) == [alone, other]
    assert on_one_axis([], 0.0) == []


@pytest.mark.parametrize(("far", "how"), [((0.0, 0.1), "small"), ((0.0, 30.0), "large")])
def test_what_would_be_flat_or_flatten_others_has_an_axis_of_its_own(far: tuple[float, float], how: str) -> None:
    (first, _), (second, _), (third, said) = drawn((0.0, 2.0), (0.0, 1.5), far)
    assert first == second == pytest.approx((-0.1, 2.1))
    assert third[1] == pytest.approx(1.05 * far[1])
    assert f"more than ten times as {how} as" in said


def test_an_extent_is_of_means_and_intervals_and_without_gaps() -> None:
    found = pd.DataFrame({"effect": [1.0, -2.0, np.nan], "low": [0.5, np.nan, np.nan], "high": [3.0, np.nan, np.nan]})
    assert extent_of(found) == (-2.0, 3.0)
    assert extent_of(found.iloc[2:]) == (0.0, 0.0)
