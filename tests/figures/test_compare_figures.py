"""Figures of comparisons: what they show is what was given, and a reader can read it with two runs and with ten."""

import numpy as np
import pytest
from matplotlib.collections import PolyCollection

from mediate.errors import InputError
from mediate.figures import (
    DepthLine,
    LadderLine,
    detached,
    group_ratios,
    plot_difference,
    plot_difference_by_depth,
    plot_ladder,
    plot_paired,
)
from mediate.figures.difference import DIFFERENCE_SIZE
from mediate.figures.ladder import LADDER_SIZE, MARKERS, short_size
from mediate.figures.paired import FALLING, MOST_FLAT_NAMES, PAIRED_SIZE, RISING, run_colours
from mediate.figures.style import CHANNEL_COLOURS, INK
from mediate.stats import Estimate, bootstrap_ratio, sign_flip_max_t
from tests.figures.artists import faults

SIZES = (3_400_000, 14_000_000, 51_000_000, 135_000_000, 360_000_000)


def estimate(value: float, reach: float = 0.1) -> Estimate:
    reason = "made up" if np.isnan(value + reach) else ""
    return Estimate(value, value - reach, value + reach, 0.95, 40, 20, "made up", 0, reason)


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


@pytest.mark.parametrize("count", [1, 2, 4, 10])
def test_a_ladder_shows_every_estimate_at_its_size(count: int) -> None:
    lines = [
        LadderLine(f"arm {place}", SIZES, tuple(estimate(0.1 * place + 0.05 * k) for k in range(5)))
        for place in range(count)
    ]
    with detached(LADDER_SIZE) as (figure, ax):
        plot_ladder(lines, quantity="mediated share", percent=True, ax=ax)
        assert faults(figure) == []
    assert ax.get_xscale() == "log"
    drawn = {line.get_label(): line for line in ax.lines}
    for line in lines:
        np.testing.assert_allclose(drawn[line.name].get_ydata(), [each.value for each in line.estimates])
        np.testing.assert_allclose(drawn[line.name].get_xdata(), SIZES, rtol=0.4)
    assert (
        len(
            {
                (line.get_color() if isinstance(line.get_color(), str) else tuple(line.get_color()), line.get_marker())
                for line in drawn.values()
            }
        )
        >= count
    )
    bars = [each.get_segments()[0] for each in ax.collections]
    assert len(bars) == 5 * count
    assert len({bar[0, 0] for bar in bars}) == 5 * count  # no interval lies over another
    assert [text.get_text() for text in ax.get_xticklabels()] == ["3.4M", "14M", "51M", "135M", "360M"]
    assert ax.get_xlabel() == "parameters (log scale); 95 % intervals"


def test_sizes_that_are_close_share_a_name_and_keep_their_ticks() -> None:
    sizes = (135_000_000, 137_000_000, 360_000_000)
    line = LadderLine("one", sizes[::-1], (estimate(0.3), estimate(0.2), estimate(0.1)))
    with detached(LADDER_SIZE) as (figure, ax):
        plot_ladder([line], quantity="x", ax=ax)
        assert faults(figure) == []
    assert [text.get_text() for text in ax.get_xticklabels()] == ["135M", "", "360M"]
    np.testing.assert_allclose(ax.lines[0].get_xdata(), sizes)
    np.testing.assert_allclose(ax.lines[0].get_ydata(), [0.1, 0.2, 0.3])


def test_undefined_models_are_counted_and_those_without_an_interval_hollow() -> None:
    line = LadderLine("arm", SIZES[:3], (estimate(-0.3), estimate(np.nan), estimate(0.1, np.nan)))
    with detached(LADDER_SIZE) as (figure, ax):
        plot_ladder([line], quantity="x", ax=ax)
        assert faults(figure) == []
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["arm (1 undefined)"]
    assert [each.get_markerfacecolor() for each in ax.lines if len(each.get_xdata()) == 1] == ["white"]
    assert any(list(each.get_ydata()) == [0, 0] for each in ax.lines)
    with pytest.raises(InputError, match="no ladder to draw"):
        plot_ladder([LadderLine("arm", SIZES[:1], (estimate(np.nan),))], quantity="x")


@pytest.mark.parametrize(
    ("parameters", "text"),
    [(999, "999"), (25_000, "25k"), (134_515_008, "135M"), (999_600_000, "1B"), (1_540_000_000, "1.54B")],
)
def test_sizes_are_short(parameters: int, text: str) -> None:
    assert short_size(parameters) == text


@pytest.mark.parametrize(("sizes", "count"), [((1, 2), 1), ((), 0), ((0,), 1)])
def test_a_ladder_line_checks_itself(sizes: tuple[int, ...], count: int) -> None:
    with pytest.raises(ValueError, match="line 'a'"):
        LadderLine("a", sizes, (estimate(0.1),) * count)


def difference(steps: int = 5, layers: int = 30) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    truth = np.outer(np.linspace(0, 0.2, steps), np.sin(np.linspace(0, 6, layers)))
    found = sign_flip_max_t(truth.ravel() + 0.1 * rng.normal(size=(30, truth.size)), [f"{item}" for item in range(30)])
    return found.mean.reshape(truth.shape), found.found.reshape(truth.shape)


@pytest.mark.parametrize("shape", [(1, 1), (5, 30), (40, 90)])
def test_the_difference_is_symmetric_about_0_and_its_findings_are_marked(shape: tuple[int, int]) -> None:
    values, found = difference(*shape)
    with detached(DIFFERENCE_SIZE) as (figure, ax):
        plot_difference(values, found, quantity="difference (share of TE)", percent=True, ax=ax)
        assert faults(figure) == []
    (image,) = ax.images
    np.testing.assert_allclose(image.get_array(), values)
    assert image.get_cmap().name == "RdBu_r"
    assert image.get_clim() == (pytest.approx(-abs(values).max()), pytest.approx(abs(values).max()))
    marked = {(int(y), int(x)) for line in ax.lines for x, y in zip(*line.get_data(), strict=True)}
    assert marked == {(int(row), int(column)) for row, column in np.argwhere(found)}
    assert f"{found.sum()} of {found.size} cells differ" in ax.get_xlabel()


def test_marks_stand_out_from_their_cells() -> None:
    values, found = np.array([[1.0, 0.1, -0.9, -0.2]]), np.array([[True, True, True, False]])
    with detached(DIFFERENCE_SIZE) as (_, ax):
        plot_difference(values, found, quantity="x", ax=ax)
    colours = {int(x): line.get_color() for line in ax.lines for x in line.get_xdata()}
    assert colours == {0: "white", 1: INK, 2: "white"}


def test_undefined_cells_are_left_to_the_hatching_and_names_are_the_given() -> None:
    values = np.array([[0.1, np.nan], [0.2, 0.3]])
    with detached(DIFFERENCE_SIZE) as (figure, ax):
        plot_difference(values, values > 1, quantity="x", steps=[2, 3], layers=["0.25", "0.75"], ax=ax)
        assert faults(figure) == []
    np.testing.assert_array_equal(np.ma.getmaskarray(ax.images[0].get_array()), np.isnan(values))
    assert ax.patch.get_hatch()
    assert [text.get_text() for text in ax.get_yticklabels()] == ["2", "3"]
    assert [text.get_text() for text in ax.get_xticklabels()] == ["0.25", "0.75"]
    assert "0 of 3 cells differ" in ax.get_xlabel()


def test_differences_that_cannot_be_drawn_are_refused() -> None:
    with pytest.raises(InputError, match="no cell of the difference is defined"):
        plot_difference(np.full((1, 2), np.nan), np.zeros((1, 2), dtype=bool), quantity="x")
    with pytest.raises(InputError, match="with 1 steps and 3 layers"):
        plot_difference(np.zeros((1, 2)), np.zeros((1, 2), dtype=bool), quantity="x", layers=[0, 1, 2])
    with pytest.raises(InputError, match="no run has a defined x"):
        plot_difference_by_depth([], quantity="x")


def depth_line(number: int, *, layers: int = 20, band: bool = True) -> DepthLine:
    rng = np.random.default_rng(number)
    found = sign_flip_max_t(0.2 + 0.3 * rng.normal(size=(30, layers)), [f"{item // 2}" for item in range(30)])
    reach = found.reach if band else np.full(layers, np.nan)
    depth = (np.arange(layers) + 0.5) / layers
    return DepthLine(f"arm {number}", depth, found.mean, found.mean - reach, found.mean + reach, found.found)


@pytest.mark.parametrize("count", [1, 2, 3, 9])
def test_lines_by_depth_have_their_bands_and_marks(count: int) -> None:
    lines = [depth_line(number, layers=20 + number) for number in range(count)]
    with detached(DIFFERENCE_SIZE) as (figure, ax):
        plot_difference_by_depth(lines, quantity="difference (nats)", ax=ax)
        assert faults(figure) == []
    curves = [line for line in ax.lines if line.get_label().startswith("arm")]
    bands = [each for each in ax.collections if isinstance(each, PolyCollection)]
    dots = [line for line in ax.lines if line.get_marker() == "o"]
    for line, curve, dot in zip(lines, curves, dots, strict=True):
        np.testing.assert_allclose(curve.get_xydata(), np.column_stack([line.depth, line.difference]))
        np.testing.assert_allclose(dot.get_xdata(), line.depth[line.found])
    assert len(bands) == (count if count <= 3 else 0)
    assert ("bands hold all depths together at 95 %" in ax.get_xlabel()) == bool(bands)
    for line, band in zip(lines, bands, strict=False):
        ends = band.get_paths()[0].vertices[:, 1]
        assert (ends.min(), ends.max()) == (pytest.approx(line.low.min()), pytest.approx(line.high.max()))


def test_without_a_band_none_is_named() -> None:
    with detached(DIFFERENCE_SIZE) as (_, ax):
        plot_difference_by_depth([depth_line(0, band=False)], quantity="x", ax=ax)
    assert "band" not in ax.get_xlabel()


def test_runs_have_no_channels_colour_and_no_two_the_same() -> None:
    for count in (1, 2, 4, 5, 10):
        colours = run_colours(count)
        assert len(set(colours)) == len(colours) == count
        assert not set(colours) & set(CHANNEL_COLOURS.values())
    assert len(set(MARKERS)) >= 10
