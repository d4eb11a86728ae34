"""A map by itself draws the figure of its kind and axes."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.axes import Axes

from mediate.errors import InputError
from mediate.figures.one_map import SORTS
from mediate.figures.style import detached
from mediate.results.kinds import KINDS, parse_kind
from tests.figures.artists import faults
from tests.figures.maps_of import made_maps
from tests.report.run.test_map_figures import ALL


@pytest.mark.parametrize("kind", [facts.name for facts in KINDS])
def test_every_map_of_every_kind_draws_itself_on_the_axes_that_it_is_given(kind: str) -> None:
    asked = [(name, dims) for name, dims in ALL if parse_kind(name).of.name == kind]
    assert asked
    for name, dims in asked:
        shown = made_maps(name, dims, outcome="logit_diff")[0]
        with detached((7.2, 4.0)) as (figure, ax):
            assert shown.plot(ax=ax) is ax
            assert faults(figure) == []
        drawn = [*ax.lines, *ax.patches, *ax.collections, *ax.images]
        assert drawn, f"{name} over {dims}"


def test_without_axes_it_makes_its_own() -> None:
    axes = made_maps("read", ("step", "layer"), outcome="logit_diff")[0].plot()
    assert isinstance(axes, Axes)
    assert axes.images
    pyplot.close(axes.figure)


def test_every_sort_is_some_kinds_figure() -> None:
    found = {next(each.name for each in SORTS if each.fits(name, dims)) for name, dims in ALL}
    assert found == {each.name for each in SORTS}


def test_a_map_without_a_number_is_refused() -> None:
    shown = next(each for each in made_maps("step_graph.read", ("step", "result"), outcome="logit_diff"))
    with pytest.raises(InputError, match="no step of these graphs"):
        replace(shown, values=np.full_like(shown.values, np.nan)).plot()
