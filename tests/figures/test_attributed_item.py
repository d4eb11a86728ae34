"""One item in one figure: its cells, what rows and columns hold, measured or summed, and a layer's heads."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from matplotlib.figure import Figure

from mediate.errors import InputError
from mediate.figures.attributed_item import MOST_ROWS, attribution_data, attribution_size, item_map, plot_attribution
from mediate.figures.style import detached, in_panels
from mediate.results import EffectMap
from tests.figures.artists import faults
from tests.figures.maps_of import SIZES, made_maps

SAID = tuple(f" w{place}" for place in range(SIZES["position"]))


def one(kind: str, *dims: str) -> EffectMap:
    return made_maps(kind, dims, items=1)[0]


def test_marginals_are_measured_where_they_were_and_else_sums() -> None:
    shown, rows = one("read", "position", "layer"), one("read", "position")
    figure = Figure(attribution_size(shown), layout="constrained")
    ax = plot_attribution(shown, [rows], said=SAID, figure=figure)
    assert faults(figure) == []
    _, above, right = figure.axes[:3]
    np.testing.assert_array_equal(ax.images[0].get_array(), shown.values)
    np.testing.assert_allclose([bar.get_width() for bar in right.patches], rows.values)
    np.testing.assert_allclose([bar.get_height() for bar in above.patches], shown.values.sum(axis=0))
    assert (right.get_xlabel(), above.get_ylabel()) == ("all layers at once", "sum of\ncells")
    assert ax.get_yticklabels()[3].get_text() == "“ w3”  3"
    assert "largest at token 11, layer 2" in figure.get_suptitle().replace("\n", " ")
    low, high = ax.images[0].get_clim()
    assert -low == high == pytest.approx(abs(shown.values).max())


def test_the_heads_of_the_largest_layer_or_of_the_chosen_one_stand_beside() -> None:
    shown, heads = one("read", "step", "layer"), one("read", "step", "layer", "head")
    for layer, wanted in ((None, 2), (4, 4)):
        figure = Figure(attribution_size(shown), layout="constrained")
        plot_attribution(shown, [heads], layer=layer, figure=figure)
        assert faults(figure) == []
        beside = [each for each in figure.axes if each.get_xlabel() == f"head\nof layer {wanted}"]
        np.testing.assert_array_equal(beside[0].images[0].get_array(), heads.values[:, wanted])
    with pytest.raises(InputError, match="no layer 9 in this map"):
        plot_attribution(shown, layer=9)


def test_heads_that_share_keys_are_called_so() -> None:
    shown, heads = one("read", "step", "layer"), one("read", "step", "layer", "kv_head")
    figure = Figure(attribution_size(shown), layout="constrained")
    plot_attribution(shown, [heads], figure=figure)
    (beside,) = [each for each in figure.axes if each.get_xlabel() == "KV head\nof layer 2"]
    figure.draw_without_rendering()
    assert beside.xaxis.label.get_window_extent().x1 <= figure.bbox.x1


@pytest.mark.parametrize("top", [1, 15, 23, 24, 29])
def test_the_layer_that_is_marked_stands_in_the_place_of_its_neighbours(top: int) -> None:
    values = np.zeros((2, 30))
    values[1, top] = 4.0
    made = replace(one("read", "step", "layer"), values=values, coords={"step": (0, 1), "layer": tuple(range(30))})
    figure = Figure(attribution_size(made), layout="constrained")
    ax = plot_attribution(made, figure=figure)
    figure.draw_without_rendering()
    boxes = [tick.get_window_extent() for tick in ax.get_xticklabels()]
    assert str(top) in [tick.get_text() for tick in ax.get_xticklabels()]
    assert all(left.x1 + 2 < right.x0 for left, right in pairwise(boxes))


def test_an_item_without_a_name_of_its_own_is_told_by_its_question() -> None:
    shown = replace(one("read", "step", "layer"), item="2")
    figure = Figure(attribution_size(shown), layout="constrained")
    plot_attribution(shown, asked="A bakery bakes 12 trays.", figure=figure)
    assert figure.get_suptitle().startswith("“A bakery bakes 12 trays.”: ")


def test_the_table_has_the_cells_and_both_sides() -> None:
    shown = one("read", "step", "layer")
    frame = attribution_data(shown, said=["a", "b", "c", "d"])
    cells = frame.dropna()
    np.testing.assert_allclose(cells["effect"], shown.values.ravel())
    whole = frame[frame["layer"].isna()]
    np.testing.assert_allclose(whole["effect"], shown.values.sum(axis=1))
    assert not whole["measured"].any()
    assert whole["text"].tolist() == ["a", "b", "c", "d"]


def test_a_long_chain_is_drawn_several_tokens_at_a_time_and_says_so() -> None:
    shown = replace(
        one("read", "position", "layer"),
        values=np.random.default_rng(0).normal(size=(8000, 60)),
        coords={"position": tuple(range(8000)), "layer": tuple(range(60))},
    )
    with detached(attribution_size(shown)) as (figure, ax):
        in_panels(lambda figure: plot_attribution(shown, figure=figure))(ax=ax)
        assert faults(figure) == []
    drawn = figure.axes[0]
    assert drawn.images[0].get_array().shape[0] <= MOST_ROWS
    assert "the largest of 134 at a time" in drawn.get_ylabel()


def test_another_map_is_refused() -> None:
    with pytest.raises(InputError, match="score with 'read:step,layer'"):
        item_map(one("state.z", "layer", "head"))
    graph = one("step_graph.read", "step", "result")
    empty = EffectMap(
        graph.values[:, :2] * np.nan,
        ("step", "layer"),
        {"step": (0, 1, 2, 3), "layer": (0, 1)},
        "a",
        "a",
        graph.kind,
        "x",
    )
    with pytest.raises(InputError, match="no cell of its"):
        item_map(empty)


@pytest.mark.parametrize("layout", [None, "constrained"])
def test_panels_take_the_place_of_axes_in_a_grid(layout: str | None) -> None:
    figure = Figure((11, 4), layout=layout)
    left, right = figure.subplots(1, 2)
    ax = plot_attribution(one("read", "position", "layer"), said=SAID, figure=right)
    assert right not in figure.axes
    assert left in figure.axes
    (place,) = figure.subfigs
    assert ax in place.axes
    assert len(place.axes) == 4
    assert faults(figure) == []
    assert left.get_window_extent().x1 < min(each.get_window_extent().x0 for each in place.axes)


def test_axes_in_no_grid_are_refused_and_left() -> None:
    figure = Figure()
    alone = figure.add_axes((0.1, 0.1, 0.8, 0.8))
    with pytest.raises(InputError, match="axes in a grid, and these are in none; give figure="):
        plot_attribution(one("read", "position", "layer"), figure=alone)
    assert figure.axes == [alone]
