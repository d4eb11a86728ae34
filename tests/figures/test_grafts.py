"""The graft curve: a line for each number of steps, from 0 to the mean TIE."""

import numpy as np
import pytest

from mediate.errors import InputError
from mediate.figures import detached, plot_grafts
from mediate.figures.grafts import GRAFTS_SIZE, MOST_LINES
from mediate.results import EffectMap
from tests.figures.artists import faults


def curve(item: str, *values: float, kind: str = "graft") -> EffectMap:
    coords = {"step": tuple(range(len(values)))}
    return EffectMap(np.array(values), ("step",), coords, item, item, kind, "logit_diff", 1.0)


def test_lines_begin_at_0_and_end_at_the_mean_of_all_steps() -> None:
    maps = [curve("a", 1.0, 2.0), curve("b", 0.0, 4.0), curve("c", 1.0, 1.0, 5.0), curve("d", 0.5, 3.0)]
    with detached(GRAFTS_SIZE) as (figure, ax):
        plot_grafts(maps, ax=ax)
        assert faults(figure) == []
    lines = {line.get_label(): line for line in ax.get_lines() if "n =" in line.get_label()}
    np.testing.assert_allclose(lines["2 (n = 3)"].get_ydata(), [0, 0.5, 3])
    np.testing.assert_allclose(lines["3 (n = 1)"].get_ydata(), [0, 1, 1, 5])
    assert "steps of the source's chain" in ax.get_xlabel()
    assert ax.get_ylabel().startswith("mean effect on logit_diff")


def test_the_lengths_that_most_items_have_are_drawn() -> None:
    maps = [curve(f"{steps}-{copy}", *[1.0] * steps) for steps in range(1, 11) for copy in range(1 + (steps > 2))]
    with detached(GRAFTS_SIZE) as (_, ax):
        plot_grafts(maps, ax=ax)
    drawn = [line.get_label() for line in ax.get_lines() if "n =" in line.get_label()]
    assert drawn == [f"{steps} (n = 2)" for steps in range(3, 11)]
    assert len(drawn) == MOST_LINES


def test_other_maps_are_refused() -> None:
    for maps in ([], [curve("a", 1.0, kind="read")]):
        with pytest.raises(InputError, match="score with 'graft:step'"):
            plot_grafts(maps)
