"""Effects by step: a line a kind, a mean a step over the items that have it."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from mediate.errors import InputError
from mediate.figures.by_step import plot_by_step
from mediate.results.maps import EffectMap


def of_steps(item: str, values: list[float], kind: str = "read") -> EffectMap:
    return EffectMap(np.array(values), ("step",), {"step": tuple(range(len(values)))}, item, item, kind, "logit_diff")


def test_a_mean_a_step_over_the_items_that_have_it() -> None:
    reads = [of_steps("a", [1.0, 3.0]), of_steps("b", [2.0, 5.0, 7.0])]
    axes = plot_by_step([reads, [of_steps("a", [0.5, 0.0], "knockout")]], ax=Figure().subplots())
    _, read, knockout = axes.lines
    assert read.get_ydata().tolist() == [1.5, 4.0, 7.0]
    assert knockout.get_ydata().tolist() == [0.5, 0.0]
    assert [each.get_text() for each in axes.get_legend().get_texts()] == ["read (n = 2)", "knockout (n = 1)"]
    assert "no interval" in axes.get_xlabel()


def test_bands_are_drawn_where_there_are_intervals() -> None:
    maps = [of_steps(name, [float(place), 1.0 + place % 3]) for place, name in enumerate("abcdefgh")]
    axes = plot_by_step([maps], ax=Figure().subplots())
    assert len(axes.collections) == 1
    assert "95 %" in axes.get_xlabel()


def test_other_maps_are_refused() -> None:
    wide = EffectMap(np.zeros((1, 1)), ("step", "layer"), {"step": (0,), "layer": (0,)}, "a", "a", "read", "logit_diff")
    for kinds in ([], [[wide]]):
        with pytest.raises(InputError, match="score with 'read:step'"):
            plot_by_step(kinds)
