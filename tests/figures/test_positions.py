"""Effects of single tokens over items: counted from where each chain states its answer, or to its end."""

import numpy as np
import pytest

from mediate.errors import InputError
from mediate.figures.positions import POSITIONS_SIZE, plot_positions, positions_data
from mediate.figures.style import detached
from tests.figures.artists import faults
from tests.figures.maps_of import SIZES, made_maps

LAST = SIZES["position"] - 1


def test_tokens_are_counted_from_the_statement() -> None:
    maps = made_maps("read", ("position", "layer"))
    origins = {each.item: LAST for each in maps[:-2]}
    with detached(POSITIONS_SIZE) as (figure, ax):
        plot_positions(maps, origins, ax=ax)
        assert faults(figure) == []
    shown = ax.images[0].get_array()
    assert np.unravel_index(shown.argmax(), shown.shape) == (2, LAST)
    assert ax.get_ylabel() == "layer (n = 10 items)"
    assert "token 0, layer 2" in ax.get_title(loc="left")
    frame = positions_data(maps, origins)
    assert frame.loc[frame["effect"].idxmax(), "position"] == 0


def test_without_a_statement_they_are_counted_to_the_last() -> None:
    maps = made_maps("read", ("position",))
    with detached(POSITIONS_SIZE) as (figure, ax):
        plot_positions(maps, ax=ax)
        assert faults(figure) == []
    assert "−1 the last" in ax.get_xlabel()
    (line,) = [each for each in ax.lines if len(each.get_xdata()) == LAST + 1]
    assert line.get_xdata().max() == -1
    np.testing.assert_allclose(line.get_ydata(), positions_data(maps)["effect"])


def test_what_hardly_any_item_has_is_left_out() -> None:
    maps = made_maps("read", ("position", "layer"), items=20)
    long = maps[0].__class__(
        np.ones((8000, 5)),
        ("position", "layer"),
        {"position": tuple(range(8000)), "layer": tuple(range(5))},
        "long",
        "long",
        "read",
        "logit_diff",
        1.0,
    )
    frame = positions_data([*maps, long])
    assert frame["position"].min() >= -60
    with pytest.raises(InputError, match="this figure draws maps such as"):
        plot_positions(made_maps("read", ("step", "layer")))
