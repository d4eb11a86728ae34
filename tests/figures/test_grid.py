"""Maps over any two axes: heads by layer; of three axes what is largest over the third."""

import numpy as np
import pytest

from mediate.errors import InputError
from mediate.figures.grid import grid_axes, grid_data, grid_size, plot_grid
from mediate.figures.scale import ColourScale
from mediate.figures.style import detached
from mediate.results import mean_map
from tests.figures.artists import faults
from tests.figures.maps_of import made_maps


@pytest.mark.parametrize("dims", [("layer", "head"), ("step", "layer", "head"), ("step", "head"), ("layer", "kv_head")])
def test_cells_are_the_means(dims: tuple[str, ...]) -> None:
    maps = made_maps("state.z", dims)
    with detached(grid_size(maps)) as (figure, ax):
        plot_grid(maps, scale=ColourScale(8.0), ax=ax)
        assert faults(figure) == []
    mean, _, _ = mean_map(maps)
    shown = ax.images[0].get_array().filled(np.nan)
    assert ax.images[0].get_clim() == (-8.0, 8.0)
    if len(dims) == 2:
        np.testing.assert_allclose(shown, mean)
    else:
        assert shown.max() == pytest.approx(mean.max())
        assert "largest over steps" in ax.get_xlabel()
    assert "is largest at" in ax.get_title(loc="left")
    assert len(grid_data(maps)) == mean.size


def test_heads_are_columns_beside_layers() -> None:
    assert grid_axes(("step", "layer", "head")) == ("layer", "head")
    assert grid_axes(("position", "layer")) == ("position", "layer")
    assert grid_axes(("step", "head")) == ("step", "head")


def test_sixty_layers_can_be_read() -> None:
    maps = [
        each.__class__(
            np.random.default_rng(1).normal(size=(60, 40)),
            ("layer", "head"),
            {"layer": tuple(range(60)), "head": tuple(range(40))},
            each.item,
            each.group,
            each.kind,
            each.outcome,
            3.0,
        )
        for each in made_maps("state.z", ("layer", "head"), items=2)
    ]
    with detached(grid_size(maps)) as (figure, ax):
        plot_grid(maps, ax=ax)
        assert faults(figure) == []
    assert not ax.texts


def test_one_axis_is_no_grid() -> None:
    with pytest.raises(InputError, match="draw it as a line"):
        plot_grid(made_maps("knockout", ("step",)))
