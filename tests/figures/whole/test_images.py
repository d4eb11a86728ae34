"""Two figures against stored images: what no assertion on artists would notice."""

import pytest
from matplotlib.figure import Figure

from mediate.figures import channels_size, detached, plot_channels, plot_step_layer
from mediate.figures.steps import STEPS_SIZE
from tests.figures.records import fake_results

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
