"""Maps of runs side by side: all panels have one scale, and it is never deeper than the margin allows."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from mediate.errors import InputError
from mediate.figures.multiples import RunMap, multiples_data, multiples_size, plot_multiples
from mediate.figures.style import MARGIN
from tests.figures.artists import faults

NONE = np.zeros((2, 3), dtype=bool)


def drawn(scale: float) -> tuple[Figure, list[RunMap]]:
    rng = np.random.default_rng(0)
    first = RunMap("base", scale * rng.uniform(0.2, 1, (2, 3)), NONE)
    found = NONE.copy()
    found[1, 2] = True
    runs = [first, RunMap("decorative", first.values * 0.1, found), RunMap("needed", first.values * 0.99, NONE)]
    figure = Figure(multiples_size(3), layout="constrained")
    plot_multiples(runs, quantity="share of TE", steps=[0, 1], layers=["0.17", "0.50", "0.83"], figure=figure)
    return figure, runs


def test_all_panels_have_one_scale() -> None:
    figure, runs = drawn(0.9)
    assert faults(figure) == []
    images = [image for axes in figure.axes for image in axes.images]
    assert len(images) == 5
    assert len({image.get_clim() for image in images}) == 1
    assert images[0].get_clim()[1] == pytest.approx(max(abs(runs[0].values).max(), 0.9 * abs(runs[0].values).max()))
    np.testing.assert_allclose(images[3].get_array(), runs[1].values - runs[0].values)
    crossed = [{(x, y) for line in axes.lines for x, y in line.get_xydata().tolist()} for axes in figure.axes]
    cells = {(column, row) for row in range(2) for column in range(3)}
    assert crossed[:3] == [set(), set(), set()]  # the runs' own maps
    assert crossed[4] == cells - {(2, 1)}
    assert crossed[5] == cells
    (key,) = [axes.get_legend() for axes in figure.axes if axes.get_legend()]
    assert key.get_texts()[-1].get_text() == "not found to differ"
    assert "1 of 6" in figure.get_suptitle()
    assert figure.axes[0].get_xlabel() == "relative depth"
    frame = multiples_data(runs, [0, 1], [0, 1, 2])
    assert frame["differs"].sum() == 1
    assert len(frame) == 18


def test_small_effects_are_pale() -> None:
    figure, _ = drawn(0.001)
    assert {image.get_clim() for axes in figure.axes for image in axes.images} == {(-MARGIN, MARGIN)}


def test_one_run_is_not_several() -> None:
    with pytest.raises(InputError, match="two runs or more"):
        plot_multiples([RunMap("a", np.ones((1, 1)), NONE[:1, :1])], quantity="x", steps=[0], layers=[0])
