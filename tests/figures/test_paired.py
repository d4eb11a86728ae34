"""Two or more runs on the same groups: the lines are the groups, and they can be read with two runs and with ten."""

import numpy as np
import pytest

from mediate.errors import InputError
from mediate.figures import (
    detached,
    group_ratios,
    plot_paired,
)
from mediate.figures.ladder import MARKERS
from mediate.figures.paired import MOST_FLAT_NAMES, PAIRED_SIZE
from mediate.figures.style import CHANNEL_COLOURS, FALLING, INK, RISING, run_colours
from mediate.stats import Estimate, bootstrap_ratio
from tests.figures.artists import faults
from tests.figures.records import estimate


def shares(runs: int, groups: int) -> tuple[np.ndarray, np.ndarray, list[str]]:
    rng, index = np.random.default_rng(runs), np.repeat(np.arange(groups), 3)
    te = rng.gamma(4, 1, groups)[index] * rng.gamma(8, 1 / 8, (runs, len(index)))
    share = 0.6 + 0.15 * rng.normal(size=groups)[index] + 0.2 * np.arange(runs)[:, None] / runs
    return te * (share + 0.1 * rng.normal(size=te.shape)), te, [f"g{each}" for each in index]


def paired(runs: int, groups: int) -> tuple[list[str], np.ndarray, list[Estimate]]:
    top, bottom, names = shares(runs, groups)
    found = [bootstrap_ratio(top[run], bottom[run], names, draws=200) for run in range(runs)]
    return [f"smollm2-135m-arm-{run}" for run in range(runs)], group_ratios(top, bottom, names), found


def test_group_ratios_are_ratios_of_sums() -> None:
    top, bottom = np.array([[1.0, 2.0, 5.0], [1.0, 1.0, 1.0]]), np.array([[1.0, 3.0, 0.1], [1.0, 1.0, 4.0]])
    found = group_ratios(top, bottom, ["b", "b", "a"], min_mean_denominator=0.1)
    np.testing.assert_allclose(found, [[0.75, 1.0], [np.nan, 0.25]])
    assert group_ratios(np.zeros((2, 0)), np.zeros((2, 0)), []).shape == (0, 2)


@pytest.mark.parametrize(("runs", "groups"), [(2, 20), (2, 400), (4, 6), (10, 40)])
def test_paired_lines_are_the_groups_and_can_be_read(runs: int, groups: int) -> None:
    names, lines, estimates = paired(runs, groups)
    with detached(PAIRED_SIZE) as (figure, ax):
        plot_paired(names, lines, estimates, quantity="mediated share of TE", percent=True, ax=ax)
        found = faults(figure)
    # Names of many runs are tilted: the boxes around them overlap, and they do not.
    assert [each for each in found if runs <= MOST_FLAT_NAMES or not each.startswith("overlap")] == []
    thin = [line for line in ax.lines if line.get_linewidth() < 1]
    np.testing.assert_allclose(sorted(line.get_ydata()[0] for line in thin), sorted(lines[:, 0]))
    for line in thin:
        assert any(np.allclose(line.get_ydata(), row) for row in lines)
    (joined,) = [line for line in ax.lines if line.get_linewidth() == 1.8]
    np.testing.assert_allclose(joined.get_ydata(), [each.value for each in estimates])
    ends = [each.get_segments()[0][:, 1] for each in ax.collections]
    np.testing.assert_allclose(ends, [(each.low, each.high) for each in estimates])
    assert thin[0].get_alpha() == pytest.approx(np.clip(12 / groups, 0.12, 0.6))


def test_of_two_runs_rising_and_falling_lines_are_told_apart_and_counted() -> None:
    lines = np.array([[0.1, 0.3], [0.2, 0.5], [0.4, 0.1], [0.2, np.nan]])
    with detached(PAIRED_SIZE) as (_, ax):
        plot_paired(["a", "b"], lines, [estimate(0.2), estimate(0.3)], quantity="x", line="item", ax=ax)
    colours = {line.get_color(): line.get_ydata()[1] > line.get_ydata()[0] for line in ax.lines[:3]}
    assert colours == {RISING: True, FALLING: False}
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert texts == ["rises in 2 of 3 items", "does not rise in 1 of 3 items", "all, 95 % interval"]


def test_points_beyond_the_axis_are_counted() -> None:
    names, lines, estimates = paired(2, 100)
    with detached(PAIRED_SIZE) as (_, ax):
        plot_paired(names, lines, estimates, quantity="x", ax=ax)
    assert ax.get_xlabel() == ""
    assert ax.get_ylim()[1] > lines.max()
    lines[3, 1] = 90.0
    with detached(PAIRED_SIZE) as (figure, ax):
        plot_paired(names, lines, estimates, quantity="x", ax=ax)
        assert faults(figure) == []
    low, high = ax.get_ylim()
    outside = int(((lines < low) | (lines > high)).sum())
    assert high < 3
    assert outside >= 1
    assert ax.get_xlabel() == f"{outside} of 200 points lie outside"


def test_an_undefined_run_is_a_gap_and_one_without_an_interval_is_hollow() -> None:
    estimates = [estimate(0.2), estimate(np.nan), estimate(0.4, np.nan)]
    with detached(PAIRED_SIZE) as (figure, ax):
        plot_paired(["a", "b", "$c$"], np.full((3, 3), 0.3), estimates, quantity="x", ax=ax)
        assert faults(figure) == []
    (joined,) = [line for line in ax.lines if line.get_linewidth() == 1.8]
    assert np.isnan(joined.get_ydata()).tolist() == [False, True, False]
    dots = [line for line in ax.lines if line.get_marker() == "o"]
    assert [dot.get_markerfacecolor() for dot in dots] == [INK, "white"]
    assert [text.get_text() for text in ax.get_xticklabels()] == ["a", "b\n(undefined)", "$c$"]
    assert len(ax.collections) == 1


def test_what_is_no_pairing_is_refused() -> None:
    good = [estimate(0.1), estimate(0.2)]
    for runs, lines, estimates in (
        (["a"], np.zeros((2, 1)), good[:1]),
        (["a", "b"], np.zeros((2, 2)), good[:1]),
        (["a", "b"], np.zeros((2, 3)), good),
    ):
        with pytest.raises(InputError, match="give two runs or more"):
            plot_paired(runs, lines, estimates, quantity="x")
    with pytest.raises(InputError, match="no run has a defined value of x"):
        plot_paired(["a", "b"], np.full((1, 2), np.nan), [estimate(np.nan)] * 2, quantity="x")


def test_runs_have_no_channels_colour_and_no_two_the_same() -> None:
    for count in (1, 2, 4, 5, 10):
        colours = run_colours(count)
        assert len(set(colours)) == len(colours) == count
        assert not set(colours) & set(CHANNEL_COLOURS.values())
    assert len(set(MARKERS)) >= 10
