"""Six figures against stored images: what no assertion on artists would notice."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from mediate.figures import channels_size, detached, plot_channels, plot_step_layer
from mediate.figures.attributed_item import attribution_size, plot_attribution
from mediate.figures.changes import RunChange, changes_size, plot_changes
from mediate.figures.grid import grid_size, plot_grid
from mediate.figures.multiples import RunMap, multiples_size, plot_multiples
from mediate.figures.steps import STEPS_SIZE
from mediate.figures.style import in_panels
from tests.figures.maps_of import made_maps
from tests.figures.records import estimate, fake_results

pytest_mpl = {"tolerance": 10, "style": "default", "savefig_kwargs": {"dpi": 80}}


@pytest.mark.mpl_image_compare(filename="channels.png", **pytest_mpl)
def test_channels_look_as_before() -> Figure:
    cube = fake_results().cubes[0]
    with detached(channels_size(cube)) as (figure, ax):
        plot_channels(cube, ax=ax)
    return figure


@pytest.mark.mpl_image_compare(filename="steps.png", **pytest_mpl)
def test_the_heat_map_looks_as_before() -> Figure:
    with detached(STEPS_SIZE) as (figure, ax):
        plot_step_layer(fake_results().maps, ax=ax)
    return figure


@pytest.mark.mpl_image_compare(filename="attribution.png", **pytest_mpl)
def test_the_attribution_of_an_item_looks_as_before() -> Figure:
    shown, heads = (made_maps("read", dims, items=1)[0] for dims in (("step", "layer"), ("step", "layer", "head")))
    said = ("4 + 9 = 3.", "3 - 3 = 0.", "0 x 2 = 0.", "0 + 7 = 7.")
    with detached(attribution_size(shown)) as (figure, ax):
        in_panels(lambda figure: plot_attribution(shown, [heads], said=said, figure=figure))(ax=ax)
    return figure


@pytest.mark.mpl_image_compare(filename="heads.png", **pytest_mpl)
def test_the_heads_look_as_before() -> Figure:
    maps = made_maps("state.z", ("layer", "head"))
    with detached(grid_size(maps)) as (figure, ax):
        plot_grid(maps, ax=ax)
    return figure


@pytest.mark.mpl_image_compare(filename="multiples.png", **pytest_mpl)
def test_maps_side_by_side_look_as_before() -> Figure:
    values = np.random.default_rng(0).uniform(0, 0.4, (4, 6))
    none = np.zeros(values.shape, dtype=bool)
    runs = [RunMap("base", values, none), RunMap("tuned", 0.2 * values, values > 0.3)]
    with detached(multiples_size(2)) as (figure, ax):
        in_panels(
            lambda figure: plot_multiples(runs, quantity="share of TE", steps=range(4), layers=range(6), figure=figure)
        )(ax=ax)
    return figure


@pytest.mark.mpl_image_compare(filename="changes.png", **pytest_mpl)
def test_changes_look_as_before() -> Figure:
    groups = np.random.default_rng(0).normal(0, 0.05, 30)
    found = [
        RunChange("decorative", groups - 0.9, estimate(-0.9), "changed"),
        RunChange("needed", groups, estimate(0.0, 0.01), "unchanged"),
    ]
    with detached(changes_size(2)) as (figure, ax):
        plot_changes(found, quantity="mediated share of TE", reference="base", margin=0.1, ax=ax)
    return figure
