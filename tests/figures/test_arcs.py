"""A step graph as arcs over its text: an arc a cell that is large enough, and the others are counted."""

import numpy as np
import pytest
from matplotlib.patches import FancyArrowPatch

from mediate.errors import InputError
from mediate.figures.arcs import arcs_data, arcs_size, plot_arcs
from mediate.figures.style import detached
from tests.figures.artists import faults
from tests.figures.test_graph import square, upper


def test_an_arc_a_large_cell() -> None:
    graph = square("apples", upper(4.0, 0.01, -2.0), "step_graph.read")
    with detached(arcs_size(graph)) as (figure, ax):
        plot_arcs(graph, ["4 + 9 = 3.", "$x$", "3 - 1 = 2."], ax=ax)
        assert faults(figure) == []
    arcs = [each for each in ax.patches if isinstance(each, FancyArrowPatch)]
    assert sorted(each.get_label() for each in arcs) == ["4.00", "−2.00"]
    assert [each.get_text() for each in ax.texts] == ["0  4 + 9 = 3.", "1  $x$", "2  3 - 1 = 2."]
    assert "1 smaller ones left out" in ax.get_xlabel()
    assert ax.get_title(loc="left").replace("\n", " ") == (
        "apples: the largest effect is of step 0 on step 1, 4.00 nats (one item)"
    )
    np.testing.assert_allclose(arcs_data(graph)["effect"], [4.0, 0.01, -2.0])


def test_a_graph_without_an_edge_is_refused() -> None:
    with pytest.raises(InputError, match="no step of these graphs"):
        plot_arcs(square("a", np.full((2, 2), np.nan), "step_graph.read"))
