"""Words beside a figure do not touch, keep their order, and move no farther than they need."""

import numpy as np
import pytest

from mediate.figures.moved_apart import moved_apart


@pytest.mark.parametrize(
    ("heights", "wanted"),
    [
        ([], []),
        ([0.5], [0.5]),
        ([0.1, 0.5], [0.1, 0.5]),
        ([0.1, 0.12, 0.5], [0.1, 0.2, 0.5]),
        ([0.95, 0.97, 1.0], [0.8, 0.9, 1.0]),
        ([0.1, 0.98, 0.99], [0.1, 0.9, 1.0]),
    ],
)
def test_words_are_moved_up_and_down_from_the_ceiling(heights: list[float], wanted: list[float]) -> None:
    np.testing.assert_allclose(moved_apart(heights, 0.1), wanted, atol=1e-12)


def test_many_words_stay_apart() -> None:
    found = moved_apart(np.sort(np.random.default_rng(0).random(20)), 0.05, ceiling=1.2)
    assert (np.diff(found) >= 0.05 - 1e-12).all()
    assert found.max() <= 1.2
