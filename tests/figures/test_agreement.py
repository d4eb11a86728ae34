"""An estimate against exact patching: a cell a point where a run has both maps, else an item a point."""

from dataclasses import replace

import numpy as np
import pytest

from mediate.errors import InputError
from mediate.figures.agreement import AGREEMENT_OF_MAPS_SIZE, agreement_data, plot_agreement_of_maps
from mediate.figures.style import detached
from mediate.results.agreement import Agreement
from tests.figures.artists import faults
from tests.figures.maps_of import made_maps

KIND = "attribution.resid_pre"


def test_cells_that_both_maps_have_are_points_beside_the_diagonal() -> None:
    exact = made_maps("state.resid_pre", ("step", "layer"), items=4)
    estimated = [replace(each, kind=KIND, values=each.values * 0.5) for each in exact[:3]]
    with detached(AGREEMENT_OF_MAPS_SIZE) as (figure, ax):
        plot_agreement_of_maps(estimated, exact, ax=ax)
        assert faults(figure) == []
    diagonal, cells = ax.lines
    np.testing.assert_array_equal(diagonal.get_xdata(), diagonal.get_ydata())
    np.testing.assert_allclose(cells.get_ydata(), 0.5 * cells.get_xdata())
    assert len(cells.get_xdata()) == 3 * 20
    assert ax.get_xlim() == ax.get_ylim()
    assert "60 cells of 3 items" in ax.get_xlabel()
    assert "not held against exact patching" in ax.get_title(loc="left")


def test_without_exact_maps_an_item_is_a_point() -> None:
    verdict = Agreement(0.95, 1.0, 0.1, 1.0, 1.1, 20, 5, 0)
    other = replace(verdict, spearman=0.2, top_ratio=9.0)
    maps = made_maps(KIND, ("step", "layer"), items=3)
    known = [replace(maps[0], agreement=verdict), replace(maps[1], agreement=other), maps[2]]
    with detached(AGREEMENT_OF_MAPS_SIZE) as (figure, ax):
        plot_agreement_of_maps(known, ax=ax)
        assert faults(figure) == []
    (dots,) = [line for line in ax.lines if line.get_marker() == "o"]
    np.testing.assert_array_equal(dots.get_xydata(), [[0.95, 1.1], [0.2, 9.0]])
    assert "reliable 1, unreliable 1 (of 3 items)" in ax.get_title(loc="left").replace("\n", " ")
    assert agreement_data(known)["verdict"].tolist() == ["reliable", "unreliable"]
    with pytest.raises(InputError, match="no agreement to draw"):
        plot_agreement_of_maps(maps)
