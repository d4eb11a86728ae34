"""Shares with whole and with cut chains: rings and full dots are the two, and channels have their colours."""

from dataclasses import replace

import numpy as np
import pytest

from mediate.errors import InputError
from mediate.figures.before_answer import BEFORE_ANSWER_SIZE, NAMES, before_answer_data, plot_before_answer
from mediate.figures.style import CHANNEL_COLOURS, INK, detached
from mediate.results import set_shares
from mediate.results.cube import select
from tests.figures.artists import faults
from tests.figures.records import fake_results


def test_rings_are_the_whole_chains_and_full_dots_the_cut_ones() -> None:
    whole = fake_results().cubes[0]
    cut = replace(whole, y=0.5 * whole.y + 0.01 * whole.y**2)
    with detached(BEFORE_ANSWER_SIZE) as (figure, ax):
        plot_before_answer(whole, cut, ax=ax)
        assert faults(figure) == []
    dots = [line for line in ax.lines if line.get_marker() == "o"]
    for fill, cube in (("white", whole), (None, cut)):
        drawn = [line for line in dots if (line.get_markerfacecolor() == "white") == (fill == "white")]
        np.testing.assert_allclose([line.get_xdata()[0] for line in drawn], [set_shares(cube)[n].value for n in NAMES])
        assert [line.get_color() for line in drawn] == [CHANNEL_COLOURS.get(name, INK) for name in NAMES]
    assert ax.get_title(loc="left").startswith("Before the answer is stated, the chain mediates ")
    assert len(before_answer_data(whole, cut)) == 8


def test_what_is_undefined_is_the_word_and_nothing_cut_an_error() -> None:
    whole = fake_results().cubes[0]
    with detached(BEFORE_ANSWER_SIZE) as (_, ax):
        plot_before_answer(whole, replace(whole, y=whole.y * 0), ax=ax)
    assert sum("undefined" in each.get_text() for each in ax.texts) == 4
    assert ax.get_title(loc="left") == "Before the answer is stated, n = 12"
    with pytest.raises(InputError, match="no chain could be cut"):
        plot_before_answer(whole, select(whole, []))
    with pytest.raises(InputError, match="not the same"):
        plot_before_answer(whole, select(whole, whole.items[:3]))


@pytest.mark.parametrize(
    ("count", "words"),
    [(1, "n = 1 item in 1 group, one group: no interval"), (12, "n = 12 items in 5 groups, 95 % intervals")],
)
def test_the_axis_says_intervals_only_where_there_are_any(count: int, words: str) -> None:
    whole = fake_results().cubes[0]
    whole = select(whole, whole.items[:count])
    with detached(BEFORE_ANSWER_SIZE) as (_, ax):
        plot_before_answer(whole, whole, ax=ax)
    assert f"; {words}\n" in ax.get_xlabel()
