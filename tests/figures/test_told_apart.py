"""Which cells of a mean are told from 0: every cell's interval is that of its own items."""

from dataclasses import replace

import numpy as np
import pytest

from mediate.figures.told_apart import MOST_CELLS, cell_intervals, crossed_of
from mediate.results import mean_map
from mediate.stats import bootstrap_mean
from tests.figures.maps_of import made_maps


def test_a_cells_interval_is_that_of_the_items_that_have_it() -> None:
    maps = made_maps("read", ("step", "layer"), uneven=True)
    mean, coords, _ = mean_map(maps)
    low, high = cell_intervals(maps, seed=3, level=0.9)
    assert low.shape == mean.shape
    for step, layer in ((0, 0), (3, 2)):
        having = [each for each in maps if step in each.coords["step"]]
        alone = bootstrap_mean(
            np.array([each.values[step, layer] for each in having]), [each.group for each in having], seed=3, level=0.9
        )
        assert (low[step, layer], high[step, layer]) == (pytest.approx(alone.low), pytest.approx(alone.high))
    assert len([each for each in maps if 3 in each.coords["step"]]) < len(maps)
    assert coords["step"] == (0, 1, 2, 3)


def test_cells_are_crossed_that_are_not_told_from_0() -> None:
    maps = made_maps("read", ("step", "layer"))
    low, high = cell_intervals(maps)
    crossed = crossed_of(maps, ("layer", "step"))
    np.testing.assert_array_equal(crossed, ~((low > 0) | (high < 0)).T)
    assert not crossed[2, -1]  # where these maps have their effect
    assert crossed.any()


def test_a_cell_of_one_group_is_not_told_from_0_and_maps_of_one_have_no_crosses() -> None:
    maps = made_maps("read", ("step", "layer"))
    assert crossed_of([replace(each, group="one") for each in maps], ("step", "layer")) is None
    short = [replace(each, values=each.values[:3], coords={**each.coords, "step": (0, 1, 2)}) for each in maps[1:]]
    crossed = crossed_of([maps[0], *short], ("step", "layer"))
    assert crossed[3].all()  # only one item has that step
    assert not crossed_of(maps, ("step", "layer"))[3].all()
    assert crossed_of(made_maps("state.z", ("step", "layer", "head")), ("layer", "head")) is None


def test_too_many_cells_are_not_resampled() -> None:
    wide = [
        replace(each, values=np.ones((1, MOST_CELLS + 1)), coords={"step": (0,), "layer": tuple(range(MOST_CELLS + 1))})
        for each in made_maps("read", ("step", "layer"))
    ]
    assert np.isnan(cell_intervals(wide)[0]).all()
    assert crossed_of(wide, ("step", "layer")) is None
