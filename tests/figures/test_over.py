"""Means over some axes of a map: what is largest over the others, neighbours together, either end of the chain."""

import numpy as np
import pytest

from mediate.errors import InputError
from mediate.figures.over import (
    aligned,
    along_data,
    binned,
    check_maps,
    common_scale,
    largest,
    mean_data,
    means_over,
    own_scale,
    uneven,
)
from mediate.figures.scale import ColourScale
from mediate.figures.style import MARGIN
from mediate.results import mean_map
from tests.figures.maps_of import made_maps
from tests.figures.records import ragged


def test_of_other_axes_a_cell_is_what_is_largest_in_size() -> None:
    maps = made_maps("state.z", ("step", "layer", "head"))
    mean, _, _ = mean_map(maps)
    found = means_over(maps, ("layer", "head"))
    assert found.values[2, 1] == pytest.approx(mean[-1, 2, 1])
    assert found.values[0, 0] == pytest.approx(mean[:, 0, 0][abs(mean[:, 0, 0]).argmax()])
    assert (found.largest_over, found.notes) == (("step",), ["largest over steps"])
    turned = means_over(maps, ("head", "layer"))
    np.testing.assert_array_equal(turned.values, found.values.T)


def test_neighbours_are_taken_together_where_there_are_too_many() -> None:
    maps = made_maps("read", ("position", "layer"))
    found = means_over(maps, ("position", "layer"), most=5)
    assert found.values.shape == (4, 5)
    assert found.coords["position"] == (0, 3, 6, 9)
    assert found.notes == ["largest of 3 neighbouring positions"]
    mean, _, _ = mean_map(maps)
    assert found.values[-1, 2] == pytest.approx(mean[-1, 2])


def test_the_largest_keeps_its_sign_and_skips_what_is_undefined() -> None:
    values = np.array([[1.0, np.nan, -3.0], [np.nan, np.nan, np.nan]])
    np.testing.assert_array_equal(largest(values, 1), [-3.0, np.nan])
    np.testing.assert_array_equal(binned(np.array([1.0, -2.0, 0.5, np.nan, 4.0]), 0, 2), [-2.0, 0.5, 4.0])


def test_steps_are_counted_to_the_last_one() -> None:
    short, long = aligned(ragged([2, 3]), "end")
    assert (short.coords["step"], long.coords["step"]) == ((-2, -1), (-3, -2, -1))
    graph = aligned(made_maps("step_graph.read", ("step", "result"), items=1), "end")[0]
    assert graph.coords["step"] == graph.coords["result"] == (-4, -3, -2, -1)
    assert uneven(ragged([2, 3]))
    assert not uneven(ragged([3, 3]))
    assert not uneven(made_maps("state.z", ("layer", "head")))


def test_the_scale_of_maps_side_by_side_is_the_largest_of_all_and_at_least_the_margin() -> None:
    small, other = made_maps("state.z", ("layer", "head")), made_maps("read", ("step", "layer"))
    assert common_scale([small, other], ("layer", "head")).limit == pytest.approx(np.nanmax(abs(mean_map(small)[0])))
    assert common_scale([small], ("layer", "head"), 9.0) == ColourScale(9.0)
    assert common_scale([], ("layer",)) == ColourScale(1.0)
    assert own_scale(small, 1e-3 * mean_map(small)[0]) == ColourScale(MARGIN * 10.0)  # of a TE of 10


def test_the_table_is_tidy() -> None:
    frame = mean_data(ragged([2, 3]), align="end")
    assert list(frame.columns) == ["kind", "outcome", "step", "layer", "effect", "low", "high", "n"]
    assert frame.groupby("step")["n"].first().to_dict() == {-3: 1, -2: 2, -1: 2}
    along = along_data(made_maps("knockout", ("step",)))
    assert list(along.columns) == ["kind", "outcome", "step", "effect", "low", "high", "n", "groups"]
    assert (along["low"] <= along["effect"]).all()
    assert along["n"].tolist() == [12] * 4


def test_what_cannot_be_drawn_is_refused_in_a_line() -> None:
    with pytest.raises(InputError, match="score with a map such as 'read:position,layer'"):
        check_maps([], ("position",), "read:position,layer")
    with pytest.raises(InputError, match="item 'item0': a map over step, layer"):
        check_maps(ragged([2]), ("position",), "read:position,layer")
    (empty,) = made_maps("step_graph.read", ("step", "result"), items=1)
    with pytest.raises(InputError, match=r"no cell of these .* maps has a number"):
        check_maps(
            [
                aligned([empty], "start")[0].__class__(
                    empty.values * np.nan, empty.dims, empty.coords, "a", "a", empty.kind, empty.outcome
                )
            ],
            (),
            "x",
        )
