"""Matrices of two steps: the mean over items, hatched where there is none, numbers in the cells."""

import numpy as np
import pytest

from mediate.errors import InputError
from mediate.figures import detached, plot_interactions, plot_step_graph
from mediate.figures.graph import GRAPH_SIZE, MOST_NUMBERS
from mediate.results import EffectMap
from tests.figures.artists import faults


def square(item: str, values: np.ndarray, kind: str = "interaction") -> EffectMap:
    steps = tuple(range(len(values)))
    dims = ("step", "later") if kind == "interaction" else ("step", "result")
    return EffectMap(values, dims, dict.fromkeys(dims, steps), item, item, kind, "logit_diff", 1.0)


def upper(*values: float) -> np.ndarray:
    steps = next(steps for steps in range(1, 20) if steps * (steps - 1) // 2 == len(values))
    matrix = np.full((steps, steps), np.nan)
    matrix[np.triu_indices(steps, k=1)] = values
    return matrix


def test_interactions_are_means_over_the_items_that_have_both_steps() -> None:
    maps = [square("a", upper(1.0, -0.001, 3.0)), square("b", upper(2.0))]
    with detached(GRAPH_SIZE) as (figure, ax):
        plot_interactions(maps, ax=ax)
        assert faults(figure) == []
    (image,) = ax.images
    np.testing.assert_allclose(image.get_array().filled(np.nan), upper(1.5, -0.001, 3.0))
    assert sorted(text.get_text() for text in ax.texts) == ["0.00", "1.50", "3.00", "n = 1", "n = 1"]
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("later step", "step")
    assert figure.axes[1].get_ylabel() == "mean interaction (nats);\nup to 2 items a cell"
    assert ax.patch.get_hatch()


def test_many_steps_have_no_numbers() -> None:
    count = MOST_NUMBERS + 1
    with detached(GRAPH_SIZE) as (_, ax):
        plot_interactions([square("a", upper(*np.ones(count * (count - 1) // 2)))], ax=ax)
    assert not ax.texts


def test_one_is_not_taken_for_the_other() -> None:
    graph = square("a", upper(1.0), "step_graph.read")
    with pytest.raises(InputError, match="score with 'interaction:step,later'"):
        plot_interactions([graph])
    with pytest.raises(InputError, match=r"step_graph\.read or step_graph\.state"):
        plot_step_graph([square("a", upper(1.0))])
    with pytest.raises(InputError, match="no chain of these maps has two steps"):
        plot_interactions([square("a", np.full((1, 1), np.nan))])
