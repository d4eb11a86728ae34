"""Maps over steps and layers, and their mean over chains of different lengths."""

from typing import Any

import numpy as np
import pytest

from mediate.results import EffectMap, mean_map


def made(values: Any, step: tuple[int, ...], layer: tuple[int, ...] = (0, 1), **changes: Any) -> EffectMap:
    fields = {"item": "a", "group": "g", "kind": "read", "outcome": "logit_diff", "te": 1.0} | changes
    return EffectMap(np.array(values, dtype=float), ("step", "layer"), {"step": step, "layer": layer}, **fields)


def test_ragged_chains_are_averaged_cell_by_cell() -> None:
    short = made([[1, 2]], (0,))
    long = made([[3, 4], [5, 6], [7, 8]], (0, 1, 2))
    mean, coords, count = mean_map([short, long])
    assert coords == {"step": (0, 1, 2), "layer": (0, 1)}
    np.testing.assert_array_equal(mean, [[2, 3], [5, 6], [7, 8]])
    np.testing.assert_array_equal(count, [[2, 2], [1, 1], [1, 1]])


def test_a_cell_that_no_item_has_is_nan_and_counted_as_none() -> None:
    mean, coords, count = mean_map([made([[1]], (2,), (0,)), made([[3]], (0,), (5,))])
    assert coords == {"step": (0, 2), "layer": (0, 5)}
    np.testing.assert_array_equal(mean, [[np.nan, 3], [1, np.nan]])
    np.testing.assert_array_equal(count, [[0, 1], [1, 0]])


def test_labels_decide_and_not_places() -> None:
    rng = np.random.default_rng(0)
    maps = []
    for number in range(20):
        steps = tuple(sorted(rng.choice(9, size=rng.integers(1, 6), replace=False).tolist()))
        maps.append(made(rng.normal(size=(len(steps), 2)), steps, item=f"i{number}"))
    mean, coords, count = mean_map(maps)
    for row, step in enumerate(coords["step"]):
        having = [each.values[each.coords["step"].index(step)] for each in maps if step in each.coords["step"]]
        np.testing.assert_allclose(mean[row], np.mean(having, axis=0))
        assert (count[row] == len(having)).all()


def test_labels_need_not_be_sorted() -> None:
    mean, _, _ = mean_map([made([[1, 2], [3, 4]], (1, 0), (1, 0))])
    np.testing.assert_array_equal(mean, [[4, 3], [2, 1]])


def test_the_maps_themselves_are_left_alone() -> None:
    one = made([[1, 2]], (0,))
    mean_map([one, one])
    np.testing.assert_array_equal(one.values, [[1, 2]])


@pytest.mark.parametrize("changes", [{"kind": "state"}, {"outcome": "logprob_diff"}])
def test_unlike_maps_have_no_mean(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="no common mean"):
        mean_map([made([[1, 2]], (0,)), made([[1, 2]], (0,), **changes)])


def test_no_maps_have_no_mean() -> None:
    with pytest.raises(ValueError, match="at least one"):
        mean_map([])


@pytest.mark.parametrize(
    ("values", "step", "message"),
    [
        ([[1, 2], [3, 4]], (0,), r"item 'a': values \(2, 2\)"),
        ([[1, np.nan]], (0,), "item 'a': a read effect is NaN or infinite"),
        ([[1, np.inf]], (0,), "item 'a': a read effect is NaN or infinite"),
    ],
)
def test_a_map_checks_itself(values: Any, step: tuple[int, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        made(values, step)
