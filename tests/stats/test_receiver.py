"""The area under the receiver curve: worked out by hand, by counting pairs, and by scipy's U."""

import numpy as np
import pytest
from scipy import stats

from mediate.stats.receiver import receiver_area, receiver_areas


def area(positive: list[int], score: list[float]) -> float:
    return receiver_area(np.array(positive, dtype=bool), np.array(score, dtype=float))


def test_by_hand() -> None:
    assert area([1, 0, 0], [3, 2, 1]) == 1
    assert area([1, 0, 0], [1, 2, 3]) == 0
    # Of the pairs (5, 4), (5, 2), (3, 4), (3, 2) three are in order.
    assert area([1, 0, 1, 0], [5, 4, 3, 2]) == 0.75
    # A tie is half a pair: (2, 2) and (2, 1).
    assert area([1, 0, 0], [2, 2, 1]) == 0.75
    assert area([1, 1, 0], [7, 7, 7]) == 0.5


@pytest.mark.parametrize("positive", [[0, 0, 0], [1, 1, 1]])
def test_of_one_class_it_is_undefined(positive: list[int]) -> None:
    assert np.isnan(area(positive, [1, 2, 3]))


@pytest.mark.parametrize("seed", range(20))
def test_it_is_the_share_of_pairs_and_scipys_u(seed: int) -> None:
    rng = np.random.default_rng(seed)
    score = rng.integers(0, 6, size=30).astype(float)  # many ties
    positive = rng.random(30) < 0.3
    positive[:2] = True, False
    one, other = score[positive], score[~positive]
    pairs = (one[:, None] > other).mean() + (one[:, None] == other).mean() / 2
    found = receiver_area(positive, score)
    assert found == pytest.approx(pairs, abs=1e-12)
    several = receiver_areas(positive, np.stack([score, -score, np.ones(30)]))
    assert several.tolist() == [found, pytest.approx(1 - found), 0.5]
    assert found == pytest.approx(stats.mannwhitneyu(one, other).statistic / (len(one) * len(other)), abs=1e-12)
