"""Maps by layer: lines are the means over items, and bands their intervals."""

from dataclasses import replace

import numpy as np
import pytest
from matplotlib.collections import PolyCollection

from mediate.errors import InputError
from mediate.figures import detached, layer_means, plot_layers, plot_step_layer
from mediate.figures.layers import LAYERS_SIZE, MOST_LINES
from mediate.results import EffectMap
from tests.figures.artists import faults
from tests.figures.records import fake_results, ragged


def test_layer_means_are_over_the_items_that_have_the_step() -> None:
    maps = ragged([2, 3, 3])
    means = layer_means(maps)
    assert [(each.step, each.n, each.groups) for each in means] == [(0, 3, 2), (1, 3, 2), (2, 2, 2)]
    np.testing.assert_allclose(means[2].mean, (maps[1].values[2] + maps[2].values[2]) / 2)
    means = layer_means(ragged([2, 3, 3, 3, 3, 3], groups=6))
    assert [each.groups for each in means] == [6, 6, 5]
    assert all(((each.low <= each.mean) & (each.mean <= each.high)).all() for each in means)


def test_lines_are_the_means_and_bands_their_intervals() -> None:
    maps = fake_results().maps
    means = layer_means(maps, seed=2, level=0.8)
    with detached(LAYERS_SIZE) as (figure, ax):
        plot_layers(maps, seed=2, level=0.8, ax=ax)
        assert faults(figure) == []
    lines = [line for line in ax.lines if len(line.get_xdata()) == 30]
    bands = [each for each in ax.collections if isinstance(each, PolyCollection)]
    assert len(lines) == len(bands) == len(means) == 5
    for line, band, each in zip(lines, bands, means, strict=True):
        np.testing.assert_allclose(line.get_ydata(), each.mean)
        corners = band.get_paths()[0].vertices
        assert (corners[:, 1].min(), corners[:, 1].max()) == (
            pytest.approx(each.low.min()),
            pytest.approx(each.high.max()),
        )
    texts = [text.get_text() for text in ax.get_legend().get_texts()]
    assert texts == ["0 (n = 11)", "1 (n = 11)", "2 (n = 11)", "3 (n = 7)", "4 (n = 4)"]
    assert ax.get_xlabel() == "layer; bands: pointwise 80 % intervals over groups"
    assert ax.get_ylabel() == "mean read effect on logit_diff \n(nats; positive: towards the base answer)"


def test_one_group_has_lines_without_bands_and_says_so() -> None:
    with detached(LAYERS_SIZE) as (_, ax):
        plot_layers(ragged([2, 2], groups=1), ax=ax)
    assert not ax.collections
    assert ax.get_xlabel() == "layer; one group: no interval"
    with detached(LAYERS_SIZE) as (_, ax):
        plot_layers(ragged([2, 2, 2], groups=3), ax=ax)
    assert not ax.collections
    assert ax.get_xlabel() == "layer; no interval"


def test_many_steps_have_a_colour_bar_in_place_of_a_legend() -> None:
    maps = ragged([MOST_LINES + 1, MOST_LINES + 5])
    with detached(LAYERS_SIZE) as (figure, ax):
        plot_layers(maps, ax=ax)
        assert faults(figure) == []
    assert ax.get_legend() is None
    assert not [each for each in ax.collections if isinstance(each, PolyCollection)]
    bar = figure.axes[1]
    labels = [text.get_text() for text in bar.get_yticklabels()]
    assert (labels[0], labels[-1]) == ("0 (n = 2)", "12 (n = 1)")


@pytest.mark.parametrize("plot", [plot_layers, plot_step_layer])
def test_what_cannot_be_drawn_is_refused(plot: object) -> None:
    assert callable(plot)
    with pytest.raises(InputError, match="no map to draw"):
        plot([])
    (each,) = ragged([2])
    other = EffectMap(
        each.values.T, ("layer", "step"), each.coords | {"layer": (0, 1, 2, 3)}, "x", "g", "read", "o", 1.0
    )
    with pytest.raises(InputError, match="item 'x': a map over"):
        plot([other])


def test_layers_of_two_models_have_no_common_line() -> None:
    with pytest.raises(InputError, match="different layers"):
        layer_means([*ragged([2], layers=3), *ragged([2], layers=4)])


def test_a_long_unit_is_broken_so_that_the_figure_holds_it() -> None:
    with detached(LAYERS_SIZE) as (figure, ax):
        plot_layers([replace(each, outcome="logit") for each in fake_results().maps], ax=ax)
        assert faults(figure) == []
    assert ax.get_ylabel().endswith("(nats; positive: what was seen speaks for\nthe answer)")
