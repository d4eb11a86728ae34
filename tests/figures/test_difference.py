"""Differences of maps: what they show is what was given, cell by cell and by depth."""

import numpy as np
import pytest
from matplotlib.collections import PolyCollection

from mediate.errors import InputError
from mediate.figures import (
    DepthLine,
    detached,
    plot_difference,
    plot_difference_by_depth,
)
from mediate.figures.difference import DIFFERENCE_SIZE, depth_data, difference_data
from mediate.figures.key import CROSSED
from mediate.stats import sign_flip_max_t
from tests.figures.artists import faults


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
    crossed = {(int(y), int(x)) for line in ax.lines for x, y in zip(*line.get_data(), strict=True)}
    assert crossed == {(int(row), int(column)) for row, column in np.argwhere(~found)}
    assert ax.get_title(loc="left") == f"{found.sum()} of {found.size} cells differ"
    key = ax.get_legend()
    said = [] if key is None else [text.get_text() for text in key.get_texts()]
    assert ("not found to differ" in said) == (not found.all())
    frame = difference_data(values, found)
    np.testing.assert_allclose(frame["difference"].to_numpy().reshape(shape), values)
    np.testing.assert_array_equal(frame["differs"].to_numpy().reshape(shape), found)


def test_marks_stand_out_from_their_cells() -> None:
    values, found = np.array([[1.0, 0.1, -0.9, -0.2]]), np.array([[False, False, False, True]])
    with detached(DIFFERENCE_SIZE) as (_, ax):
        plot_difference(values, found, quantity="x", ax=ax)
    colours = {int(x): line.get_color() for line in ax.lines for x in line.get_xdata()}
    assert colours == {0: "white", 1: CROSSED, 2: "white"}


def test_undefined_cells_are_left_to_the_hatching_and_names_are_the_given() -> None:
    values = np.array([[0.1, np.nan], [0.2, 0.3]])
    with detached(DIFFERENCE_SIZE) as (figure, ax):
        plot_difference(values, values > 1, quantity="x", names=([2, 3], ["0.25", "0.75"]), ax=ax)
        assert faults(figure) == []
    np.testing.assert_array_equal(np.ma.getmaskarray(ax.images[0].get_array()), np.isnan(values))
    assert ax.patch.get_hatch()
    assert [text.get_text() for text in ax.get_yticklabels()] == ["2", "3"]
    assert [text.get_text() for text in ax.get_xticklabels()] == ["0.25", "0.75"]
    assert ax.get_xlabel() == "relative depth"
    assert ax.get_title(loc="left") == "0 of 3 cells differ"
    assert {(x, y) for line in ax.lines for x, y in line.get_xydata().tolist()} == {(0, 0), (0, 1), (1, 1)}
    with detached(DIFFERENCE_SIZE) as (_, ax):
        plot_difference(values, values > 1, quantity="x", names=([-2, -1], [0, 1]), ax=ax)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("layer", "step, −1 the last")
    assert [text.get_text() for text in ax.get_yticklabels()] == ["−2", "−1"]


def test_differences_that_cannot_be_drawn_are_refused() -> None:
    with pytest.raises(InputError, match="no cell of the difference is defined"):
        plot_difference(np.full((1, 2), np.nan), np.zeros((1, 2), dtype=bool), quantity="x")
    with pytest.raises(InputError, match="with 1 steps and 3 layers"):
        plot_difference(np.zeros((1, 2)), np.zeros((1, 2), dtype=bool), quantity="x", names=([], [0, 1, 2]))
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
    frame = depth_data(lines)
    np.testing.assert_allclose(frame["difference"], np.concatenate([line.difference for line in lines]))
    assert list(frame["run"].unique()) == [line.name for line in lines]
    assert ("bands hold all depths together at 95 %" in ax.get_xlabel()) == bool(bands)
    for line, band in zip(lines, bands, strict=False):
        ends = band.get_paths()[0].vertices[:, 1]
        assert (ends.min(), ends.max()) == (pytest.approx(line.low.min()), pytest.approx(line.high.max()))


def test_without_a_band_none_is_named() -> None:
    with detached(DIFFERENCE_SIZE) as (_, ax):
        plot_difference_by_depth([depth_line(0, band=False)], quantity="x", ax=ax)
    assert "band" not in ax.get_xlabel()
